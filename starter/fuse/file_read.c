/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "starter/fuse/file_read.h"

#include "starter/fuse/decompress.h"

#define CACHE_BYTES (UINT32_C(2) << 20)
#define SLOTS_MIN 3
#define SLOTS_MAX 16

enum slot_state { SLOT_EMPTY, SLOT_FILLING, SLOT_READY };

struct slot {
	enum slot_state state;
	unsigned users;
	uint64_t position, used_at;
	size_t size;
	char *data; /* owned, block_bytes, allocated at first use */
};

/* Where a block lies in the partition. */
struct packed {
	uint64_t position;
	uint32_t size;
	bool compressed;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct slot slots[SLOTS_MAX];
	unsigned count;
	uint64_t clock;
	size_t block_bytes;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

int file_cache_init(size_t block_bytes)
{
	size_t count = CACHE_BYTES / block_bytes;

	cache.block_bytes = block_bytes;
	cache.count = count < SLOTS_MIN ? SLOTS_MIN : count > SLOTS_MAX ? SLOTS_MAX : (unsigned)count;
	return 0;
}

/* Returns bytes unpacked to @out, at most @room, or a negative errno. */
static long block_load(struct squash_view *view, const struct packed *packed, char *out, size_t room, void *scratch)
{
	int result;

	if (packed->size > cache.block_bytes || (!packed->compressed && packed->size > room))
		return -EIO;
	result = squash_pread(packed->compressed ? scratch : out, packed->size, packed->position);
	if (result < 0)
		return result;
	return packed->compressed ? decompressor_run(view->decompressor, scratch, packed->size, out, room)
				  : (long)packed->size;
}

/* With the lock: the slot of @position, else the one to fill, else NULL while all are in use. */
static struct slot *slot_choose(uint64_t position)
{
	struct slot *oldest = NULL;

	for (unsigned i = 0; i < cache.count; i++) {
		struct slot *slot = &cache.slots[i];

		if (slot->state != SLOT_EMPTY && slot->position == position)
			return slot;
		if (slot->users == 0 && (!oldest || slot->used_at < oldest->used_at))
			oldest = slot;
	}
	if (oldest)
		oldest->state = SLOT_EMPTY;
	return oldest;
}

/* With the lock, which is dropped while unpacking. */
static int slot_fill(struct squash_view *view, struct slot *slot, const struct packed *packed, void *scratch)
{
	long made = -ENOMEM;

	slot->state = SLOT_FILLING;
	slot->position = packed->position;
	(void)pthread_mutex_unlock(&cache.lock);
	if (!slot->data)
		slot->data = malloc(cache.block_bytes);
	if (slot->data)
		made = block_load(view, packed, slot->data, cache.block_bytes, scratch);
	(void)pthread_mutex_lock(&cache.lock);
	slot->state = made < 0 ? SLOT_EMPTY : SLOT_READY;
	slot->size = made < 0 ? 0 : (size_t)made;
	(void)pthread_cond_broadcast(&cache.changed);
	return made < 0 ? (int)made : 0;
}

static int slot_hold(struct squash_view *view, const struct packed *packed, void *scratch, struct slot **out)
{
	struct slot *slot;
	int result = 0;

	(void)pthread_mutex_lock(&cache.lock);
	while (!(slot = slot_choose(packed->position)) || slot->state == SLOT_FILLING)
		(void)pthread_cond_wait(&cache.changed, &cache.lock);
	slot->users++;
	slot->used_at = ++cache.clock;
	if (slot->state == SLOT_EMPTY)
		result = slot_fill(view, slot, packed, scratch);
	if (result < 0)
		slot->users--;
	(void)pthread_mutex_unlock(&cache.lock);
	*out = slot;
	return result;
}

static void slot_release(struct slot *slot)
{
	(void)pthread_mutex_lock(&cache.lock);
	if (--slot->users == 0)
		(void)pthread_cond_signal(&cache.changed);
	(void)pthread_mutex_unlock(&cache.lock);
}

/* @size bytes from @skip in a block, by way of the cache. */
static int block_copy(struct squash_view *view, const struct packed *packed, size_t skip, char *out, size_t size,
		      void *scratch)
{
	struct slot *slot;
	int result = slot_hold(view, packed, scratch, &slot);

	if (result < 0)
		return result;
	if (skip > slot->size || size > slot->size - skip)
		result = -EIO;
	else
		memcpy(out, slot->data + skip, size);
	slot_release(slot);
	return result;
}

/* @size of the @whole bytes of a data block, from @skip. */
static int block_read(struct squash_view *view, const sqfs_blocklist *list, size_t skip, char *out, size_t size,
		      size_t whole, void *scratch)
{
	struct packed packed = {list->block, 0, false};

	sqfs_data_header(list->header, &packed.compressed, &packed.size);
	if (packed.size == 0) {
		memset(out, 0, size);
		return 0;
	}
	if (size == whole) {
		long made = block_load(view, &packed, out, size, scratch);

		return made == (long)size ? 0 : made < 0 ? (int)made : -EIO;
	}
	if (!packed.compressed)
		return skip + size > packed.size ? -EIO : squash_pread(out, size, packed.position + skip);
	return block_copy(view, &packed, skip, out, size, scratch);
}

static int fragment_read(struct squash_view *view, const sqfs_inode *inode, size_t skip, char *out, size_t size,
			 void *scratch)
{
	struct squashfs_fragment_entry entry;
	struct packed packed;

	if (inode->xtra.reg.frag_idx >= view->fs.sb.fragments ||
	    !squash_table_has(view, &view->fs.frag_table, inode->xtra.reg.frag_idx) ||
	    sqfs_frag_entry(&view->fs, &entry, inode->xtra.reg.frag_idx) != SQFS_OK)
		return -EIO;
	packed.position = entry.start_block;
	sqfs_data_header(entry.size, &packed.compressed, &packed.size);
	skip += inode->xtra.reg.frag_off;
	if (!packed.compressed)
		return skip + size > packed.size ? -EIO : squash_pread(out, size, packed.position + skip);
	return block_copy(view, &packed, skip, out, size, scratch);
}

/* The part of one block that lies in the range, advancing it. */
static int piece_read(struct squash_view *view, sqfs_inode *inode, sqfs_blocklist *list, uint64_t at, char *out,
		      size_t size, void *scratch)
{
	size_t skip = (size_t)(at % cache.block_bytes);
	uint64_t start = at - skip, left = inode->xtra.reg.file_size - start;

	if (list->remain == 0)
		return fragment_read(view, inode, skip, out, size, scratch);
	do {
		if (sqfs_blocklist_next(list) != SQFS_OK)
			return -EIO;
	} while (list->pos < start && list->remain > 0);
	if (list->pos < start)
		return fragment_read(view, inode, skip, out, size, scratch);
	return block_read(view, list, skip, out, size, left < cache.block_bytes ? (size_t)left : cache.block_bytes,
			  scratch);
}

long file_read(struct squash_view *view, sqfs_inode *inode, uint64_t offset, char *buffer, size_t size, void *scratch)
{
	uint64_t file_size = inode->xtra.reg.file_size;
	sqfs_blocklist list;
	size_t done = 0;

	if (!squash_inode_is_file(inode))
		return -EISDIR;
	if (offset >= file_size)
		return 0;
	if (size > file_size - offset)
		size = (size_t)(file_size - offset);
	decompressor_use(view->decompressor);
	if (sqfs_blockidx_blocklist(&view->fs, inode, &list, (sqfs_off_t)offset) != SQFS_OK)
		return -EIO;
	while (done < size) {
		size_t room = cache.block_bytes - (size_t)((offset + done) % cache.block_bytes);
		size_t part = size - done < room ? size - done : room;
		int result = piece_read(view, inode, &list, offset + done, buffer + done, part, scratch);

		if (result < 0)
			return result;
		done += part;
	}
	return (long)done;
}
