/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/sif_write.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/image/sif_layout.h"

struct sif_writer {
	int fd; /* borrowed */
	struct sif_options options;
	char launch[32];
	char arch[3];
	uint32_t used;
	uint64_t data_offset, data_size;
	uint8_t *table; /* owned */
};

static void put_le(uint8_t *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static int write_all(int fd, const void *bytes, size_t size, uint64_t offset, struct err *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t put = pwrite(fd, (const char *)bytes + done, size - done, (off_t)(offset + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return err_sys(err, put < 0 ? errno : EIO, "cannot write to the image");
		done += (size_t)put;
	}
	return 0;
}

int sif_writer_create(int fd, const struct sif_options *options, struct sif_writer **out, struct err *err)
{
	struct sif_writer *writer;

	if (options->slots == 0 || options->slots > SIF_SLOTS_MAX)
		return err_set(err, ERR_BUG, EINVAL, "cannot make an image with %u descriptors", options->slots);
	if (options->launch && strlen(options->launch) >= sizeof(writer->launch))
		return err_set(err, ERR_BUG, EINVAL, "cannot make an image: launch line is too long");
	writer = calloc(1, sizeof(*writer));
	if (writer)
		writer->table = calloc(options->slots, SIF_DESCRIPTOR_BYTES);
	if (!writer || !writer->table) {
		free(writer);
		return err_sys(err, ENOMEM, "cannot make an image");
	}
	writer->fd = fd;
	writer->options = *options;
	if (options->launch)
		memcpy(writer->launch, options->launch, strlen(options->launch));
	memcpy(writer->arch, "00", sizeof(writer->arch));
	writer->data_offset = SIF_TABLE_OFFSET + (uint64_t)options->slots * SIF_DESCRIPTOR_BYTES;
	*out = writer;
	return 0;
}

void sif_writer_free(struct sif_writer *writer)
{
	if (!writer)
		return;
	free(writer->table);
	free(writer);
}

int sif_object_set_partition(struct sif_object *object, enum sif_fs fs, enum sif_part part, const char *arch,
			     struct err *err)
{
	object->type = SIF_DATA_PARTITION;
	memset(object->extra, 0, sizeof(object->extra));
	put_le(object->extra + X_FS, fs, 4);
	put_le(object->extra + X_PART, part, 4);
	if (sif_layout_arch_code(arch, object->extra + X_ARCH) == 0)
		return 0;
	return err_set(err, ERR_IMAGE, EINVAL, "cannot record the architecture '%s': it has no code in SIF", arch);
}

uint64_t sif_writer_begin(const struct sif_writer *writer, enum sif_data_type type)
{
	uint64_t at = writer->data_offset + writer->data_size;

	if (type == SIF_DATA_PARTITION)
		at = (at + SIF_PARTITION_ALIGN - 1) / SIF_PARTITION_ALIGN * SIF_PARTITION_ALIGN;
	return at;
}

/* A second primary partition would leave it open which one is run. */
static int set_primary(struct sif_writer *writer, const struct sif_object *object, struct err *err)
{
	if (object->type != SIF_DATA_PARTITION || object->extra[X_PART] != SIF_PART_PRIMARY)
		return 0;
	if (strcmp(writer->arch, "00") != 0)
		return err_set(err, ERR_BUG, EEXIST, "cannot add a partition: the image has a primary one");
	memcpy(writer->arch, object->extra + X_ARCH, 2);
	return 0;
}

int sif_writer_end(struct sif_writer *writer, const struct sif_object *object, uint64_t size, struct err *err)
{
	uint64_t plain = writer->data_offset + writer->data_size;
	uint64_t at = sif_writer_begin(writer, object->type);
	uint64_t time = (uint64_t)writer->options.time;
	size_t name_len = object->name ? strlen(object->name) : 0;
	uint8_t *slot;
	int rc;

	if (writer->used >= writer->options.slots)
		return err_set(err, ERR_IMAGE, ENOSPC, "cannot add an object: all %u descriptors are used",
			       writer->options.slots);
	if (name_len > SIF_NAME_BYTES)
		return err_set(err, ERR_IMAGE, ENAMETOOLONG, "cannot add an object: name is too long");
	rc = set_primary(writer, object, err);
	if (rc < 0)
		return rc;
	slot = writer->table + (size_t)writer->used * SIF_DESCRIPTOR_BYTES;
	writer->used++;
	put_le(slot + D_TYPE, object->type, 4);
	slot[D_USED] = 1;
	put_le(slot + D_ID, writer->used, 4);
	put_le(slot + D_GROUP, object->group | SIF_GROUP_MARK, 4);
	put_le(slot + D_LINK, object->link, 4);
	put_le(slot + D_OFFSET, at, 8);
	put_le(slot + D_SIZE, size, 8);
	put_le(slot + D_PADDED, size + (at - plain), 8);
	put_le(slot + D_CTIME, time, 8);
	put_le(slot + D_MTIME, time, 8);
	if (name_len > 0)
		memcpy(slot + D_NAME, object->name, name_len);
	memcpy(slot + D_EXTRA, object->extra, SIF_EXTRA_BYTES);
	writer->data_size += size + (at - plain);
	return 0;
}

int sif_writer_add(struct sif_writer *writer, const struct sif_object *object, const void *bytes, size_t size,
		   struct err *err)
{
	int rc = write_all(writer->fd, bytes, size, sif_writer_begin(writer, object->type), err);

	return rc < 0 ? rc : sif_writer_end(writer, object, size, err);
}

void sif_writer_set_uuid(struct sif_writer *writer, const uint8_t uuid[16])
{
	memcpy(writer->options.uuid, uuid, sizeof(writer->options.uuid));
}

int sif_writer_finish(struct sif_writer *writer, struct err *err)
{
	const struct sif_options *options = &writer->options;
	uint8_t header[SIF_HEADER_BYTES] = {0};
	size_t table_size = (size_t)options->slots * SIF_DESCRIPTOR_BYTES;
	int rc;

	memcpy(header + H_LAUNCH, writer->launch, sizeof(writer->launch));
	memcpy(header + H_MAGIC, SIF_MAGIC, sizeof(SIF_MAGIC));
	memcpy(header + H_VERSION, "01", 3);
	memcpy(header + H_ARCH, writer->arch, 3);
	memcpy(header + H_UUID, options->uuid, 16);
	put_le(header + H_CTIME, (uint64_t)options->time, 8);
	put_le(header + H_MTIME, (uint64_t)options->time, 8);
	put_le(header + H_FREE, options->slots - writer->used, 8);
	put_le(header + H_TOTAL, options->slots, 8);
	put_le(header + H_TABLE, SIF_TABLE_OFFSET, 8);
	put_le(header + H_TABLE_SIZE, table_size, 8);
	put_le(header + H_DATA, writer->data_offset, 8);
	put_le(header + H_DATA_SIZE, writer->data_size, 8);
	if (ftruncate(writer->fd, (off_t)(writer->data_offset + writer->data_size)) < 0)
		return err_sys(err, errno, "cannot set the length of the image");
	rc = write_all(writer->fd, writer->table, table_size, SIF_TABLE_OFFSET, err);
	return rc < 0 ? rc : write_all(writer->fd, header, sizeof(header), 0, err);
}
