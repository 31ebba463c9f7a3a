/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/sif_write.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "frontend/image/bytes.h"

struct sif_writer {
	int fd; /* borrowed */
	struct sif_options options;
	char launch[32];
	char arch[3];
	uint32_t used;
	uint64_t data_offset, data_size;
	uint8_t *table; /* owned */
};

static int write_all(int fd, const void *bytes, size_t size, uint64_t offset, struct err *err)
{
	int rc = bytes_write_at(fd, bytes, size, offset);

	return rc < 0 ? err_sys(err, -rc, "cannot write to the image") : 0;
}

int sif_writer_make_uuid(uint8_t uuid[16], struct err *err)
{
	if (getrandom(uuid, 16, 0) != 16)
		return err_sys(err, errno, "cannot get random bytes");
	/* RFC 9562: version 4 is random. */
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
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
	sif_layout_put(object->extra + X_FS, fs, 4);
	sif_layout_put(object->extra + X_PART, part, 4);
	if (sif_layout_arch_code(arch, object->extra + X_ARCH) == 0)
		return 0;
	return err_set(err, ERR_IMAGE, EINVAL, "cannot record the architecture '%s': it has no code in SIF", arch);
}

uint64_t sif_writer_begin(const struct sif_writer *writer, enum sif_data_type type)
{
	return sif_layout_align(writer->data_offset + writer->data_size, type == SIF_DATA_PARTITION ? SIF_PARTITION_ALIGN : 0);
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
	struct sif_place place = {.id = writer->used + 1,
				  .plain = writer->data_offset + writer->data_size,
				  .offset = sif_writer_begin(writer, object->type),
				  .size = size,
				  .time = writer->options.time};
	int rc;

	if (writer->used >= writer->options.slots)
		return err_set(err, ERR_IMAGE, ENOSPC, "cannot add an object: all %u descriptors are used",
			       writer->options.slots);
	rc = set_primary(writer, object, err);
	if (rc == 0)
		rc = sif_layout_put_descriptor(writer->table + (size_t)writer->used * SIF_DESCRIPTOR_BYTES, object, &place, err);
	if (rc < 0)
		return rc;
	writer->used++;
	writer->data_size = place.offset + size - writer->data_offset;
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
	sif_layout_put(header + H_CTIME, (uint64_t)options->time, 8);
	sif_layout_put(header + H_MTIME, (uint64_t)options->time, 8);
	sif_layout_put(header + H_FREE, options->slots - writer->used, 8);
	sif_layout_put(header + H_TOTAL, options->slots, 8);
	sif_layout_put(header + H_TABLE, SIF_TABLE_OFFSET, 8);
	sif_layout_put(header + H_TABLE_SIZE, table_size, 8);
	sif_layout_put(header + H_DATA, writer->data_offset, 8);
	sif_layout_put(header + H_DATA_SIZE, writer->data_size, 8);
	if (ftruncate(writer->fd, (off_t)(writer->data_offset + writer->data_size)) < 0)
		return err_sys(err, errno, "cannot set the length of the image");
	rc = write_all(writer->fd, writer->table, table_size, SIF_TABLE_OFFSET, err);
	return rc < 0 ? rc : write_all(writer->fd, header, sizeof(header), 0, err);
}
