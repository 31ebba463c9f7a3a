/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/sif/sif_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/image/bytes.h"
#include "frontend/image/image.h"
#include "frontend/pack/build_sif.h"
#include "frontend/registry/digest.h"
#include "frontend/sif/sif_edit_copy.h"
#include "ipc/cleanup.h"

/* A kill between two pages of one write(2) is possible, within one page it is not. */
#define PAGE_BYTES 4096

static int cannot_write(const struct sif_edit *edit, int rc, struct err *err)
{
	return err_sys(err, -rc, "cannot write to %s", edit->path);
}

/* ---- open ---- */

static int load_raw(struct sif_edit *edit, struct err *err)
{
	const struct sif_header *header = &edit->sif.header;
	size_t size = (size_t)header->table_size;

	edit->table = malloc(size + 1);
	if (!edit->table)
		return err_sys(err, ENOMEM, "cannot open %s", edit->path);
	if (bytes_read_at(edit->fd, edit->header, sizeof(edit->header), 0) != (ssize_t)sizeof(edit->header) ||
	    bytes_read_at(edit->fd, edit->table, size, header->table_offset) != (ssize_t)size)
		return err_sys(err, EIO, "cannot read %s", edit->path);
	return 0;
}

/* An image that is deterministic stays so. */
static int choose_time(struct sif_edit *edit, struct err *err)
{
	static const uint8_t none[16];
	const struct sif_header *header = &edit->sif.header;
	struct build_clock clock;
	int rc = build_clock_read(&clock, err);

	if (rc < 0)
		return rc;
	edit->now = clock.now;
	if (memcmp(header->uuid, none, sizeof(none)) == 0 && header->ctime == SIF_TIME_NONE && header->mtime == SIF_TIME_NONE)
		edit->now = SIF_TIME_NONE;
	return 0;
}

static int open_locked(struct sif_edit *edit, struct err *err)
{
	struct stat st;
	int rc;

	edit->fd = open(edit->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (edit->fd < 0)
		return err_sys(err, errno, "cannot open %s for writing", edit->path);
	rc = image_lock(edit->fd, edit->path, true, err);
	if (rc < 0)
		return rc;
	if (fstat(edit->fd, &st) < 0)
		return err_sys(err, errno, "cannot open %s", edit->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IMAGE, EINVAL, "cannot change %s: it is not a regular file", edit->path);
	edit->file_size = (uint64_t)st.st_size;
	rc = sif_load(edit->fd, edit->file_size, &edit->sif, err);
	if (rc < 0)
		return err_wrap(err, "%s", edit->path);
	rc = load_raw(edit, err);
	return rc < 0 ? rc : choose_time(edit, err);
}

int sif_edit_open(const char *path, struct sif_edit *out, struct err *err)
{
	struct sif_edit edit = {.path = path, .fd = -1};
	int rc = open_locked(&edit, err);

	if (rc < 0) {
		sif_edit_close(&edit);
		return rc;
	}
	*out = edit;
	return 0;
}

void sif_edit_close(struct sif_edit *edit)
{
	if (edit->fd >= 0)
		(void)close(edit->fd);
	free(edit->table);
	sif_fini(&edit->sif);
	*edit = (struct sif_edit)SIF_EDIT_INIT;
}

/* ---- what is there ---- */

int sif_edit_find(const struct sif_edit *edit, uint32_t id, const struct sif_entry **out, struct err *err)
{
	const struct sif_entry *entry = sif_find_id(&edit->sif, id);

	if (!entry)
		return err_set(err, ERR_IMAGE, ENOENT, "%s has no object %u", edit->path, id);
	*out = entry;
	return 0;
}

bool sif_edit_is_signed(const struct sif_edit *edit, uint32_t group, uint32_t id)
{
	for (size_t i = 0; i < edit->sif.count; i++) {
		const struct sif_entry *entry = &edit->sif.entries[i];

		if (entry->type != SIF_DATA_SIGNATURE || entry->link == 0)
			continue;
		if (entry->link == (entry->link_is_group ? group : id))
			return true;
	}
	return false;
}

/* The slot of the object @id, which is there. */
static uint8_t *find_slot(const struct sif_edit *edit, uint32_t id)
{
	uint8_t *slot = edit->table;

	while (slot[D_USED] == 0 || sif_layout_get(slot + D_ID, 4) != id)
		slot += SIF_DESCRIPTOR_BYTES;
	return slot;
}

static const struct sif_entry *find_primary(const struct sif_edit *edit)
{
	for (size_t i = 0; i < edit->sif.count; i++) {
		const struct sif_entry *entry = &edit->sif.entries[i];

		if (entry->type == SIF_DATA_PARTITION && sif_get_part(entry) == SIF_PART_PRIMARY)
			return entry;
	}
	return NULL;
}

/* Behind the last object; what an object that was deleted had there is free. */
static uint64_t find_end(const struct sif_edit *edit)
{
	uint64_t end = edit->sif.header.data_offset;

	for (size_t i = 0; i < edit->sif.count; i++) {
		const struct sif_entry *entry = &edit->sif.entries[i];

		if (entry->offset + entry->size > end)
			end = entry->offset + entry->size;
	}
	return end;
}

/* ---- writing, in the order that a kill may cut anywhere ---- */

static int write_slot_bytes(const struct sif_edit *edit, const uint8_t *from, size_t size, struct err *err)
{
	int rc = bytes_write_at(edit->fd, from, size, edit->sif.header.table_offset + (uint64_t)(from - edit->table));

	return rc < 0 ? cannot_write(edit, rc, err) : 0;
}

/* A descriptor may lie across two pages: it counts from the byte on that is written last. */
static int write_new_slot(const struct sif_edit *edit, uint8_t *slot, struct err *err)
{
	int rc;

	slot[D_USED] = 0;
	rc = write_slot_bytes(edit, slot, SIF_DESCRIPTOR_BYTES, err);
	slot[D_USED] = 1;
	if (rc == 0 && fdatasync(edit->fd) < 0)
		rc = cannot_write(edit, -errno, err);
	return rc < 0 ? rc : write_slot_bytes(edit, slot + D_USED, 1, err);
}

static int write_header(struct sif_edit *edit, struct err *err)
{
	size_t slots = (size_t)edit->sif.header.slots_total, free_slots = 0;
	int rc;

	for (size_t i = 0; i < slots; i++)
		free_slots += edit->table[i * SIF_DESCRIPTOR_BYTES + D_USED] == 0;
	sif_layout_put(edit->header + H_FREE, free_slots, 8);
	sif_layout_put(edit->header + H_MTIME, (uint64_t)edit->now, 8);
	rc = bytes_write_at(edit->fd, edit->header, sizeof(edit->header), 0);
	if (rc == 0 && fsync(edit->fd) < 0)
		rc = -errno;
	return rc < 0 ? cannot_write(edit, rc, err) : 0;
}

/* ---- add ---- */

/* The first free slot, whose place in the table is the number of the object. */
static int choose_slot(const struct sif_edit *edit, uint8_t **out, uint32_t *id, struct err *err)
{
	size_t slots = (size_t)edit->sif.header.slots_total;

	for (size_t i = 0; i < slots; i++) {
		uint8_t *slot = edit->table + i * SIF_DESCRIPTOR_BYTES;

		if (slot[D_USED] != 0)
			continue;
		*id = (uint32_t)i + 1;
		*out = slot;
		if (!sif_find_id(&edit->sif, *id))
			return 0;
	}
	return err_set(err, ERR_IMAGE, ENOSPC, "cannot add to %s: none of its %zu descriptors is free", edit->path, slots);
}

static bool is_primary(const struct sif_object *object)
{
	return object->type == SIF_DATA_PARTITION && sif_layout_get(object->extra + X_PART, 4) == SIF_PART_PRIMARY;
}

static int record(struct sif_edit *edit, const struct sif_object *object, const struct sif_place *place, uint8_t *slot,
		  struct err *err)
{
	int rc;

	memset(slot, 0, SIF_DESCRIPTOR_BYTES);
	rc = sif_layout_put_descriptor(slot, object, place, err);
	return rc < 0 ? rc : write_new_slot(edit, slot, err);
}

/* The file as it was, but for bytes that no object had. */
static void take_back(struct sif_edit *edit, uint8_t *slot)
{
	memset(slot, 0, SIF_DESCRIPTOR_BYTES);
	(void)write_slot_bytes(edit, slot + D_USED, 1, NULL);
	(void)!ftruncate(edit->fd, (off_t)edit->file_size);
}

/* Offsets are signed in the file; and what an image calls its data may begin before the table. */
static int choose_place(const struct sif_edit *edit, uint64_t alignment, struct sif_place *out, struct err *err)
{
	const struct sif_header *header = &edit->sif.header;

	out->plain = find_end(edit);
	out->offset = sif_layout_align(out->plain, alignment);
	out->time = edit->now;
	if (out->plain < header->table_offset + header->table_size)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot add to %s: its data does not stand behind its descriptors", edit->path);
	if (out->offset < out->plain || out->offset > INT64_MAX)
		return err_set(err, ERR_IMAGE, EFBIG, "cannot add to %s: an alignment of %llu leads past every file", edit->path,
			       (unsigned long long)alignment);
	return 0;
}

static int check_object(const struct sif_edit *edit, const struct sif_object *object, struct err *err)
{
	if (is_primary(object) && find_primary(edit))
		return err_set(err, ERR_IMAGE, EEXIST, "cannot add to %s: it has a primary partition", edit->path);
	if (object->name && strlen(object->name) > SIF_NAME_BYTES)
		return err_set(err, ERR_IMAGE, ENAMETOOLONG, "cannot add to %s: the name is longer than %d bytes", edit->path,
			       SIF_NAME_BYTES);
	return 0;
}

/* Read the image again: what follows must see what was written. */
static int reload(struct sif_edit *edit, struct err *err)
{
	struct stat st;

	sif_fini(&edit->sif);
	if (fstat(edit->fd, &st) < 0)
		return err_sys(err, errno, "cannot read %s", edit->path);
	edit->file_size = (uint64_t)st.st_size;
	return sif_load(edit->fd, edit->file_size, &edit->sif, err);
}

int sif_edit_add(struct sif_edit *edit, const struct sif_object *object, const struct sif_source *source, uint32_t *id,
		 struct err *err)
{
	bool has_digest = object->type == SIF_DATA_OCI_INDEX || object->type == SIF_DATA_OCI_BLOB;
	struct sif_object filled = *object;
	char digest[DIGEST_TEXT_MAX];
	struct sif_place place = {.id = 0};
	uint8_t *slot = NULL;
	int rc = check_object(edit, object, err);

	if (rc == 0)
		rc = choose_slot(edit, &slot, &place.id, err);
	if (rc == 0)
		rc = choose_place(edit, source->alignment, &place, err);
	if (rc < 0)
		return rc;
	rc = sif_edit_copy(edit, source, place.offset, &place.size, has_digest ? digest : NULL, err);
	if (rc == 0 && has_digest)
		memcpy(filled.extra, digest, strlen(digest));
	if (rc == 0)
		rc = record(edit, &filled, &place, slot, err);
	if (rc < 0) {
		take_back(edit, slot);
		return rc;
	}
	if (is_primary(object))
		memcpy(edit->header + H_ARCH, object->extra + X_ARCH, 3);
	sif_layout_put(edit->header + H_DATA_SIZE, place.offset + place.size - edit->sif.header.data_offset, 8);
	rc = write_header(edit, err);
	if (rc < 0)
		return rc;
	*id = place.id;
	return reload(edit, err);
}

/* ---- delete ---- */

int sif_edit_delete(struct sif_edit *edit, uint32_t id, struct err *err)
{
	const struct sif_entry *entry;
	uint8_t *slot;
	int rc = sif_edit_find(edit, id, &entry, err);

	if (rc < 0)
		return rc;
	slot = find_slot(edit, id);
	slot[D_USED] = 0;
	rc = write_slot_bytes(edit, slot + D_USED, 1, err);
	if (rc < 0)
		return rc;
	if (entry == find_primary(edit))
		memcpy(edit->header + H_ARCH, "00", 3);
	memset(slot, 0, SIF_DESCRIPTOR_BYTES);
	rc = write_slot_bytes(edit, slot, SIF_DESCRIPTOR_BYTES, err);
	if (rc == 0)
		rc = write_header(edit, err);
	return rc < 0 ? rc : reload(edit, err);
}

/* ---- set primary ---- */

static void change_part(const struct sif_edit *edit, uint8_t *slot, enum sif_part part)
{
	sif_layout_put(slot + D_EXTRA + X_PART, part, 4);
	sif_layout_put(slot + D_MTIME, (uint64_t)edit->now, 8);
}

/* Both descriptors in one write where one page has them; else there is a moment without primary partition, which is an image that
 * can be listed and repaired, where two primaries would be none. */
static int write_parts(const struct sif_edit *edit, const uint8_t *old, const uint8_t *new, struct err *err)
{
	const uint8_t *first = old && old < new ? old : new, *last = old && old > new ? old : new;
	uint64_t start = edit->sif.header.table_offset + (uint64_t)(first - edit->table);
	size_t size = (size_t)(last - first) + SIF_DESCRIPTOR_BYTES;
	int rc = 0;

	if (start / PAGE_BYTES == (start + size - 1) / PAGE_BYTES)
		return write_slot_bytes(edit, first, size, err);
	if (old)
		rc = write_slot_bytes(edit, old, SIF_DESCRIPTOR_BYTES, err);
	return rc < 0 ? rc : write_slot_bytes(edit, new, SIF_DESCRIPTOR_BYTES, err);
}

int sif_edit_set_primary(struct sif_edit *edit, uint32_t id, struct err *err)
{
	const struct sif_entry *old = find_primary(edit), *entry;
	uint8_t *old_slot = old ? find_slot(edit, old->id) : NULL, *slot;
	int rc = sif_edit_find(edit, id, &entry, err);

	if (rc < 0)
		return rc;
	if (entry->type != SIF_DATA_PARTITION)
		return err_set(err, ERR_IMAGE, EINVAL, "object %u of %s is not a partition", id, edit->path);
	if (entry == old)
		return 0;
	if (sif_get_part(entry) != SIF_PART_SYSTEM)
		return err_set(err, ERR_IMAGE, EINVAL, "object %u of %s is not a system partition", id, edit->path);
	slot = find_slot(edit, id);
	if (old_slot)
		change_part(edit, old_slot, SIF_PART_SYSTEM);
	change_part(edit, slot, SIF_PART_PRIMARY);
	rc = write_parts(edit, old_slot, slot, err);
	if (rc < 0)
		return rc;
	memcpy(edit->header + H_ARCH, slot + D_EXTRA + X_ARCH, 3);
	rc = write_header(edit, err);
	return rc < 0 ? rc : reload(edit, err);
}
