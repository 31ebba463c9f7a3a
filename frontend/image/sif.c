/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/image/sif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/image/bytes.h"
#include "ipc/cleanup.h"

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)sif_layout_get(at, 4);
}

static int damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_IMAGE, EINVAL, "cannot read SIF image: %s", what);
}

/* Does @offset and the @size bytes from there lie below @end? */
static bool range_fits(uint64_t offset, uint64_t size, uint64_t end)
{
	return offset <= end && size <= end - offset;
}

bool sif_is_image(const uint8_t *bytes, size_t size)
{
	return size >= SIF_HEADER_BYTES && memcmp(bytes + H_MAGIC, SIF_MAGIC, sizeof(SIF_MAGIC)) == 0;
}

static int check_header(const struct sif_header *header, uint64_t file_size, struct err *err)
{
	/* Signed in the file; a negative one has the top bit here. */
	const uint64_t top = header->slots_free | header->slots_total | header->table_offset | header->table_size |
			     header->data_offset | header->data_size;

	if (top >> 63)
		return damaged(err, "negative number in the header");
	if (header->slots_free > header->slots_total)
		return damaged(err, "more free descriptors than there are descriptors");
	if (header->slots_total > SIF_SLOTS_MAX)
		return damaged(err, "too many descriptors");
	if (header->table_size != header->slots_total * SIF_DESCRIPTOR_BYTES)
		return damaged(err, "size of the descriptor table does not fit their number");
	if (header->table_offset < SIF_HEADER_BYTES)
		return damaged(err, "descriptor table overlaps the header");
	if (!range_fits(header->table_offset, header->table_size, file_size))
		return damaged(err, "descriptor table reaches past the end of the file");
	if (header->data_offset < SIF_HEADER_BYTES ||
	    !range_fits(header->data_offset, header->data_size, file_size))
		return damaged(err, "data section lies outside the file");
	return 0;
}

int sif_parse_header(const uint8_t *bytes, size_t size, uint64_t file_size, struct sif_header *out, struct err *err)
{
	struct sif_header header = {.slots_total = 0};
	int rc;

	if (size < SIF_HEADER_BYTES || file_size < SIF_HEADER_BYTES)
		return damaged(err, "file is shorter than the header");
	if (!sif_is_image(bytes, size))
		return damaged(err, "no SIF magic");
	if (memcmp(bytes + H_VERSION, "01", 3) != 0)
		return damaged(err, "version of the format is not 01");
	memcpy(header.launch, bytes + H_LAUNCH, 32);
	strcpy(header.arch, sif_layout_arch_name(bytes + H_ARCH));
	memcpy(header.uuid, bytes + H_UUID, sizeof(header.uuid));
	header.ctime = (int64_t)sif_layout_get(bytes + H_CTIME, 8);
	header.mtime = (int64_t)sif_layout_get(bytes + H_MTIME, 8);
	header.slots_free = sif_layout_get(bytes + H_FREE, 8);
	header.slots_total = sif_layout_get(bytes + H_TOTAL, 8);
	header.table_offset = sif_layout_get(bytes + H_TABLE, 8);
	header.table_size = sif_layout_get(bytes + H_TABLE_SIZE, 8);
	header.data_offset = sif_layout_get(bytes + H_DATA, 8);
	header.data_size = sif_layout_get(bytes + H_DATA_SIZE, 8);
	rc = check_header(&header, file_size, err);
	if (rc == 0)
		*out = header;
	return rc;
}

static void decode_entry(const uint8_t *at, struct sif_entry *out)
{
	uint32_t link = get_u32(at + D_LINK);

	out->type = get_u32(at + D_TYPE);
	out->id = get_u32(at + D_ID);
	out->group = get_u32(at + D_GROUP) & ~SIF_GROUP_MARK;
	out->link_is_group = (link & SIF_GROUP_MARK) == SIF_GROUP_MARK;
	out->link = out->link_is_group ? link & ~SIF_GROUP_MARK : link;
	out->offset = sif_layout_get(at + D_OFFSET, 8);
	out->size = sif_layout_get(at + D_SIZE, 8);
	out->padded_size = sif_layout_get(at + D_PADDED, 8);
	out->ctime = (int64_t)sif_layout_get(at + D_CTIME, 8);
	out->mtime = (int64_t)sif_layout_get(at + D_MTIME, 8);
	memcpy(out->name, at + D_NAME, SIF_NAME_BYTES);
	out->name[SIF_NAME_BYTES] = '\0';
	memcpy(out->extra, at + D_EXTRA, SIF_EXTRA_BYTES);
}

static bool ranges_meet(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a_size > 0 && b_size > 0 && a < b + b_size && b < a + a_size;
}

static int check_entry(const struct sif_entry *entry, const struct sif_header *header, uint64_t file_size,
		       struct err *err)
{
	if (entry->id == 0)
		return damaged(err, "object without a number");
	if ((entry->offset | entry->size | entry->padded_size) >> 63)
		return damaged(err, "negative offset or size of an object");
	if (!range_fits(entry->offset, entry->size, file_size))
		return damaged(err, "object reaches past the end of the file");
	if (entry->padded_size < entry->size)
		return damaged(err, "object is larger than its padded size");
	if (ranges_meet(entry->offset, entry->size, 0, SIF_HEADER_BYTES))
		return damaged(err, "object overlaps the header");
	if (ranges_meet(entry->offset, entry->size, header->table_offset, header->table_size))
		return damaged(err, "object overlaps the descriptor table");
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct sif_entry *const *left = a, *const *right = b;

	return ((*left)->id > (*right)->id) - ((*left)->id < (*right)->id);
}

static int compare_offsets(const void *a, const void *b)
{
	const struct sif_entry *const *left = a, *const *right = b;

	return ((*left)->offset > (*right)->offset) - ((*left)->offset < (*right)->offset);
}

/* What concerns pairs of objects; by sorting, because the number of objects is the image's choice. */
static int check_pairs(const struct sif_entry *entries, size_t count, struct err *err)
{
	cleanup_ptr const struct sif_entry **sorted = calloc(count + 1, sizeof(const struct sif_entry *));
	uint64_t end = 0;
	size_t primaries = 0;

	if (!sorted)
		return err_sys(err, ENOMEM, "cannot read SIF image");
	for (size_t i = 0; i < count; i++) {
		sorted[i] = &entries[i];
		if (entries[i].type == SIF_DATA_PARTITION && sif_get_part(&entries[i]) == SIF_PART_PRIMARY)
			primaries++;
	}
	if (primaries > 1)
		return damaged(err, "more than one primary partition");
	qsort(sorted, count, sizeof(const struct sif_entry *), compare_ids);
	for (size_t i = 1; i < count; i++) {
		if (sorted[i]->id == sorted[i - 1]->id)
			return damaged(err, "two objects with the same number");
	}
	qsort(sorted, count, sizeof(const struct sif_entry *), compare_offsets);
	for (size_t i = 0; i < count; i++) {
		if (sorted[i]->size == 0)
			continue;
		if (sorted[i]->offset < end)
			return damaged(err, "objects overlap");
		end = sorted[i]->offset + sorted[i]->size;
	}
	return 0;
}

int sif_parse_table(const uint8_t *bytes, size_t size, const struct sif_header *header, uint64_t file_size,
		    struct sif *out, struct err *err)
{
	cleanup_ptr struct sif_entry *entries = NULL;
	size_t slots = (size_t)header->slots_total, used = 0, count = 0;
	int rc;

	if (size != header->table_size || size != slots * SIF_DESCRIPTOR_BYTES)
		return damaged(err, "descriptor table is cut short");
	for (size_t i = 0; i < slots; i++)
		used += bytes[i * SIF_DESCRIPTOR_BYTES + D_USED] != 0;
	entries = calloc(used + 1, sizeof(*entries));
	if (!entries)
		return err_sys(err, ENOMEM, "cannot read SIF image");
	for (size_t i = 0; i < slots; i++) {
		const uint8_t *at = bytes + i * SIF_DESCRIPTOR_BYTES;

		if (at[D_USED] == 0)
			continue;
		decode_entry(at, &entries[count]);
		rc = check_entry(&entries[count], header, file_size, err);
		if (rc < 0)
			return rc;
		count++;
	}
	rc = check_pairs(entries, count, err);
	if (rc < 0)
		return rc;
	out->header = *header;
	out->count = count;
	out->entries = ptr_take(entries);
	return 0;
}

static int read_exactly(int fd, void *to, size_t size, uint64_t offset, struct err *err)
{
	ssize_t got = bytes_read_at(fd, to, size, offset);

	if (got < 0)
		return err_sys(err, (int)-got, "cannot read SIF image");
	return (size_t)got == size ? 0 : damaged(err, "file is cut short");
}

int sif_load(int fd, uint64_t file_size, struct sif *out, struct err *err)
{
	uint8_t bytes[SIF_HEADER_BYTES];
	cleanup_ptr uint8_t *table = NULL;
	struct sif_header header;
	int rc;

	if (file_size < sizeof(bytes))
		return damaged(err, "file is shorter than the header");
	rc = read_exactly(fd, bytes, sizeof(bytes), 0, err);
	if (rc == 0)
		rc = sif_parse_header(bytes, sizeof(bytes), file_size, &header, err);
	if (rc < 0)
		return rc;
	table = malloc((size_t)header.table_size + 1);
	if (!table)
		return err_sys(err, ENOMEM, "cannot read SIF image");
	rc = read_exactly(fd, table, (size_t)header.table_size, header.table_offset, err);
	if (rc < 0)
		return rc;
	return sif_parse_table(table, (size_t)header.table_size, &header, file_size, out, err);
}

void sif_fini(struct sif *sif)
{
	free(sif->entries);
	sif->entries = NULL;
	sif->count = 0;
}

int sif_find(const struct sif *sif, enum sif_data_type type, const char *name, const struct sif_entry **out,
	     struct err *err)
{
	const struct sif_entry *found = NULL;

	for (size_t i = 0; i < sif->count; i++) {
		const struct sif_entry *entry = &sif->entries[i];

		if (entry->type != (uint32_t)type || (name && strcmp(entry->name, name) != 0))
			continue;
		if (found)
			return damaged(err, "several objects where one is expected");
		found = entry;
	}
	*out = found;
	return 0;
}

const struct sif_entry *sif_find_id(const struct sif *sif, uint32_t id)
{
	for (size_t i = 0; i < sif->count; i++) {
		if (sif->entries[i].id == id)
			return &sif->entries[i];
	}
	return NULL;
}

int sif_read_object(int fd, const struct sif_entry *entry, size_t max, char **out, size_t *size, struct err *err)
{
	cleanup_ptr char *bytes = NULL;
	int rc;

	if (entry->size > max)
		return damaged(err, "metadata object is too large");
	bytes = malloc((size_t)entry->size + 1);
	if (!bytes)
		return err_sys(err, ENOMEM, "cannot read SIF image");
	rc = read_exactly(fd, bytes, (size_t)entry->size, entry->offset, err);
	if (rc < 0)
		return rc;
	bytes[entry->size] = '\0';
	*size = (size_t)entry->size;
	*out = ptr_take(bytes);
	return 0;
}

uint32_t sif_get_fs(const struct sif_entry *entry)
{
	return get_u32(entry->extra + X_FS);
}

uint32_t sif_get_part(const struct sif_entry *entry)
{
	return get_u32(entry->extra + X_PART);
}

const char *sif_get_arch(const struct sif_entry *entry)
{
	return sif_layout_arch_name(entry->extra + X_ARCH);
}
