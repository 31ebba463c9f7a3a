/* SPDX-License-Identifier: BSD-3-Clause */
#include <endian.h>
#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "starter/fuse/squash_image.h"

#include "starter/fuse/decompress.h"

/* 8 KiB each, per worker: the inodes and directories of a whole start-up stay unpacked. */
#define METADATA_BLOCKS 48
#define BLOCK_BYTES_MIN 4096

static struct {
	int fd;
	uint64_t offset, size;
} extent = {-1, 0, 0};

/* The library calls this for every read of the image file: ours is linked in place of its own, and is where the
 * partition ends. It adds the partition's offset itself, so @position counts from the start of the file. */
ssize_t sqfs_pread(sqfs_fd_t fd, void *buffer, size_t size, sqfs_off_t position);

void squash_extent_set(int image_fd, uint64_t offset, uint64_t size)
{
	extent.fd = image_fd;
	extent.offset = offset;
	extent.size = size;
}

int squash_pread(void *buffer, size_t size, uint64_t position)
{
	size_t done = 0;

	if (position > extent.size || size > extent.size - position)
		return -EIO;
	while (done < size) {
		ssize_t got = pread(extent.fd, (char *)buffer + done, size - done,
				    (off_t)(extent.offset + position + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		done += (size_t)got;
	}
	return 0;
}

ssize_t sqfs_pread(sqfs_fd_t fd, void *buffer, size_t size, sqfs_off_t position)
{
	(void)fd;
	if (position < 0 || (uint64_t)position < extent.offset ||
	    squash_pread(buffer, size, (uint64_t)position - extent.offset) < 0)
		return -1;
	return (ssize_t)size;
}

/* What the library multiplies, shifts and divides by without looking. */
static bool superblock_is_sane(const struct squashfs_super_block *super)
{
	return super->block_log >= 12 && super->block_log <= SQUASHFS_FILE_MAX_LOG &&
	       super->block_size == UINT32_C(1) << super->block_log && super->no_ids > 0 &&
	       (uint64_t)super->bytes_used <= extent.size && super->inode_table_start >= sizeof(*super) &&
	       super->directory_table_start >= sizeof(*super) && (uint64_t)super->inode_table_start < extent.size &&
	       (uint64_t)super->directory_table_start <= extent.size;
}

/* Blocks of metadata lie behind the superblock: position 0 is the mark of an empty place in the library's cache, and finds it. */
static bool table_is_sane(const sqfs_table *table, uint64_t count)
{
	uint64_t blocks = (count * table->each + SQUASHFS_METADATA_SIZE - 1) / SQUASHFS_METADATA_SIZE;

	for (uint64_t i = 0; table->blocks && i < blocks; i++)
		if (table->blocks[i] < sizeof(struct squashfs_super_block))
			return false;
	return table->blocks || count == 0;
}

/* A table said to lie nowhere is none to the library, which looks entries up in it all the same. */
static bool tables_are_sane(const sqfs *fs)
{
	bool has_export = fs->sb.lookup_table_start != UINT64_MAX;
	bool has_xattrs = fs->xattr_table.blocks && fs->xattr_info.xattr_ids > 0;

	return table_is_sane(&fs->id_table, fs->sb.no_ids) && table_is_sane(&fs->frag_table, fs->sb.fragments) &&
	       table_is_sane(&fs->export_table, has_export ? fs->sb.inodes : 0) &&
	       table_is_sane(&fs->xattr_table, has_xattrs ? fs->xattr_info.xattr_ids : 0) &&
	       (!has_xattrs || fs->xattr_info.xattr_table_start >= sizeof(struct squashfs_super_block));
}

static const char *open_message(sqfs_err result, const sqfs *fs)
{
	switch (result) {
	case SQFS_BADFORMAT:
		return "it is no squashfs file system";
	case SQFS_BADVERSION:
		return "its squashfs version is not 4.0";
	case SQFS_BADCOMP:
		return fs->sb.compression == LZMA_COMPRESSION ? "its compression (lzma) is not supported"
							      : "its compression is not supported";
	case SQFS_OK:
		return NULL;
	case SQFS_ERR:
	case SQFS_UNSUP:
		break;
	}
	return "it is damaged or cut short";
}

const char *squash_view_open(struct squash_view *view)
{
	sqfs *fs = &view->fs;
	const char *message = open_message(sqfs_init(fs, extent.fd, extent.offset), fs);

	if (message)
		return message;
	if (!superblock_is_sane(&fs->sb) || !tables_are_sane(fs)) {
		sqfs_destroy(fs);
		return "its superblock is damaged";
	}
	view->has_xattrs = fs->xattr_info.xattr_ids > 0 && fs->xattr_table.blocks != NULL;
	view->decompressor = decompressor_new(fs->sb.compression, fs->decompressor);
	sqfs_cache_destroy(&fs->md_cache);
	if (!view->decompressor || sqfs_block_cache_init(&fs->md_cache, METADATA_BLOCKS) != SQFS_OK) {
		decompressor_free(view->decompressor);
		return "there is no memory left";
	}
	fs->decompressor = decompressor_library_hook;
	return NULL;
}

void squash_view_close(struct squash_view *view)
{
	sqfs_destroy(&view->fs);
	decompressor_free(view->decompressor);
}

bool squash_inode_is_dir(const sqfs_inode *inode)
{
	return S_ISDIR(inode->base.mode);
}

bool squash_inode_is_file(const sqfs_inode *inode)
{
	return S_ISREG(inode->base.mode);
}

/* A block of metadata may be shorter than the offset into it that another part of the image names; the library copies from behind its
 * end. From a place that is inside it goes on block by block, and stays inside. */
static bool cursor_is_sane(struct squash_view *view, sqfs_md_cursor cursor, size_t size)
{
	sqfs_block *block = NULL; /* the cache's own */

	if (cursor.block < (sqfs_off_t)sizeof(struct squashfs_super_block) ||
	    sqfs_md_cache(&view->fs, &cursor.block, &block) != SQFS_OK)
		return false;
	return cursor.offset <= block->size && size <= block->size - cursor.offset;
}

bool squash_table_has(struct squash_view *view, const sqfs_table *table, size_t index)
{
	size_t position = index * table->each;
	sqfs_md_cursor cursor = {(sqfs_off_t)table->blocks[position / SQUASHFS_METADATA_SIZE],
				 position % SQUASHFS_METADATA_SIZE};

	return cursor_is_sane(view, cursor, table->each);
}

static sqfs_md_cursor cursor_make(sqfs_inode_id id, sqfs_off_t base)
{
	sqfs_md_cursor cursor;

	sqfs_md_cursor_inode(&cursor, id, base);
	return cursor;
}

int squash_inode_get(struct squash_view *view, sqfs_inode_id id, sqfs_inode *inode)
{
	decompressor_use(view->decompressor);
	if (!cursor_is_sane(view, cursor_make(id, (sqfs_off_t)view->fs.sb.inode_table_start), 0) ||
	    sqfs_inode_get(&view->fs, inode, id) != SQFS_OK)
		return -EIO;
	if (inode->base.uid >= view->fs.sb.no_ids || inode->base.guid >= view->fs.sb.no_ids)
		return -EIO;
	return 0;
}

int squash_inode_owner(struct squash_view *view, const sqfs_inode *inode, uint32_t *uid, uint32_t *gid)
{
	if (!squash_table_has(view, &view->fs.id_table, inode->base.uid) ||
	    !squash_table_has(view, &view->fs.id_table, inode->base.guid) ||
	    sqfs_id_get(&view->fs, inode->base.uid, uid) != SQFS_OK ||
	    sqfs_id_get(&view->fs, inode->base.guid, gid) != SQFS_OK)
		return -EIO;
	return 0;
}

int squash_inode_target(struct squash_view *view, sqfs_inode *inode, char *buffer, size_t *size)
{
	size_t room = PATH_MAX;

	if (!S_ISLNK(inode->base.mode))
		return -EINVAL;
	if (inode->xtra.symlink_size >= PATH_MAX || sqfs_readlink(&view->fs, inode, buffer, &room) != SQFS_OK)
		return -EIO;
	*size = strnlen(buffer, PATH_MAX);
	return 0;
}

int squash_dir_parent(struct squash_view *view, const sqfs_inode *dir, sqfs_inode_id self, sqfs_inode_id *id)
{
	if (self == sqfs_inode_root(&view->fs)) {
		*id = self;
		return 0;
	}
	if (!sqfs_export_ok(&view->fs) || dir->xtra.dir.parent_inode == 0 ||
	    dir->xtra.dir.parent_inode > view->fs.sb.inodes ||
	    !squash_table_has(view, &view->fs.export_table, dir->xtra.dir.parent_inode - 1))
		return -ESTALE;
	return sqfs_export_inode(&view->fs, dir->xtra.dir.parent_inode, id) == SQFS_OK ? 0 : -EIO;
}

int squash_dir_open(struct squash_view *view, sqfs_inode *dir, uint64_t offset, sqfs_dir *out)
{
	decompressor_use(view->decompressor);
	if (!squash_inode_is_dir(dir))
		return -ENOTDIR;
	if (dir->xtra.dir.dir_size > 3 && /* the size of an empty one, which lies nowhere */
	    !cursor_is_sane(view,
			    cursor_make((uint64_t)dir->xtra.dir.start_block << 16 | dir->xtra.dir.offset,
					(sqfs_off_t)view->fs.sb.directory_table_start),
			    0))
		return -EIO;
	return sqfs_dir_open(&view->fs, dir, out, (off_t)offset) == SQFS_OK ? 0 : -EIO;
}

int squash_dir_step(struct squash_view *view, sqfs_dir *dir, sqfs_dir_entry *entry)
{
	sqfs_err result = SQFS_OK;

	sqfs_dentry_init(entry, view->name);
	if (!sqfs_dir_next(&view->fs, dir, entry, &result))
		return result == SQFS_OK ? 0 : -EIO;
	if (entry->name_size == 0 || entry->name_size > SQUASH_NAME_MAX || memchr(view->name, '/', entry->name_size) ||
	    memchr(view->name, '\0', entry->name_size))
		return -EIO;
	return 1;
}

/* Start at the last indexed header whose first name is not above @name. The library does the same with a buffer of
 * 257 bytes for a name whose length the image chooses. */
static int dir_skip_to(struct squash_view *view, const sqfs_inode *inode, const char *name, size_t length, sqfs_dir *dir)
{
	sqfs_md_cursor cursor = inode->next;
	size_t base = dir->cur.offset;

	for (uint32_t i = 0; i < inode->xtra.dir.idx_count; i++) {
		struct squashfs_dir_index index;
		size_t size, common;
		int order;

		if (sqfs_md_read(&view->fs, &cursor, &index, sizeof(index)) != SQFS_OK)
			return -EIO;
		size = (size_t)le32toh(index.size) + 1;
		if (size > SQUASHFS_NAME_LEN || sqfs_md_read(&view->fs, &cursor, view->name, size) != SQFS_OK)
			return -EIO;
		common = size < length ? size : length;
		order = memcmp(view->name, name, common);
		if (order > 0 || (order == 0 && size > length))
			break;
		dir->cur.block = (sqfs_off_t)(le32toh(index.start_block) + (uint64_t)view->fs.sb.directory_table_start);
		dir->cur.offset = (base + le32toh(index.index)) % SQUASHFS_METADATA_SIZE;
		dir->offset = le32toh(index.index);
		if (!cursor_is_sane(view, dir->cur, 0))
			return -EIO;
	}
	return 0;
}

int squash_dir_find(struct squash_view *view, sqfs_inode *inode, sqfs_inode_id self, const char *name, size_t length,
		    sqfs_inode_id *id)
{
	sqfs_dir dir;
	sqfs_dir_entry entry;
	int result = squash_dir_open(view, inode, 0, &dir);

	if (result < 0)
		return result;
	if (length == 1 && name[0] == '.') {
		*id = self;
		return 0;
	}
	if (length == 2 && memcmp(name, "..", 2) == 0)
		return squash_dir_parent(view, inode, self, id);
	result = dir_skip_to(view, inode, name, length, &dir);
	while (result == 0 && (result = squash_dir_step(view, &dir, &entry)) > 0) {
		size_t common = entry.name_size < length ? entry.name_size : length;
		int order = memcmp(view->name, name, common);

		if (order == 0 && entry.name_size == length) {
			*id = sqfs_dentry_inode(&entry);
			return 0;
		}
		/* Entries are sorted, as the kernel's driver relies on too. */
		if (order > 0 || (order == 0 && entry.name_size > length))
			break;
		result = 0;
	}
	return result < 0 ? result : -ENOENT;
}

/* The library has the last two the wrong way round in listings. */
static const char *const xattr_prefixes[] = {
	[SQUASHFS_XATTR_USER] = "user.",
	[SQUASHFS_XATTR_TRUSTED] = "trusted.",
	[SQUASHFS_XATTR_SECURITY] = "security.",
};

static int xattr_open(struct squash_view *view, sqfs_inode *inode, sqfs_xattr *x)
{
	decompressor_use(view->decompressor);
	x->remain = 0;
	if (!view->has_xattrs || inode->xattr == SQUASHFS_INVALID_XATTR)
		return 0;
	if (inode->xattr >= view->fs.xattr_info.xattr_ids ||
	    !squash_table_has(view, &view->fs.xattr_table, inode->xattr) ||
	    sqfs_xattr_open(&view->fs, inode, x) != SQFS_OK || !cursor_is_sane(view, x->c_next, 0))
		return -EIO;
	return 0;
}

/* The next name, whole, in view->name. Returns its length or a negative errno. */
static int xattr_step(struct squash_view *view, sqfs_xattr *x)
{
	const char *prefix;
	size_t length;
	unsigned type;

	if (sqfs_xattr_read(x) != SQFS_OK)
		return -EIO;
	type = x->type & SQUASHFS_XATTR_PREFIX_MASK;
	if (type >= sizeof(xattr_prefixes) / sizeof(xattr_prefixes[0]) || x->entry.size == 0 ||
	    x->entry.size > XATTR_NAME_MAX)
		return -EIO;
	prefix = xattr_prefixes[type];
	length = strlen(prefix);
	memcpy(view->name, prefix, length);
	if (sqfs_xattr_name(x, view->name + length, false) != SQFS_OK)
		return -EIO;
	view->name[length + x->entry.size] = '\0';
	return (int)strlen(view->name);
}

int squash_xattr_list(struct squash_view *view, sqfs_inode *inode, char *buffer, size_t room)
{
	sqfs_xattr x;
	size_t used = 0;
	int length = xattr_open(view, inode, &x);

	if (length < 0)
		return length;
	while (x.remain > 0) {
		length = xattr_step(view, &x);
		if (length < 0)
			return length;
		if (used + (size_t)length + 1 > XATTR_LIST_MAX)
			return -E2BIG;
		if (room > 0 && used + (size_t)length + 1 > room)
			return -ERANGE;
		if (room > 0)
			memcpy(buffer + used, view->name, (size_t)length + 1);
		used += (size_t)length + 1;
	}
	return (int)used;
}

/* A value that several attributes share lies elsewhere: after its length comes its place. */
static bool xattr_place_is_sane(struct squash_view *view, const sqfs_xattr *x)
{
	sqfs_md_cursor cursor = x->c_vsize;
	struct squashfs_xattr_val length;
	uint64_t place;

	return !x->ool || (sqfs_md_read(&view->fs, &cursor, &length, sizeof(length)) == SQFS_OK &&
			   sqfs_md_read(&view->fs, &cursor, &place, sizeof(place)) == SQFS_OK &&
			   cursor_is_sane(view,
					  cursor_make(le64toh(place), (sqfs_off_t)view->fs.xattr_info.xattr_table_start), 0));
}

static int xattr_value(struct squash_view *view, sqfs_xattr *x, void *buffer, size_t room)
{
	size_t size;

	if (!xattr_place_is_sane(view, x) || sqfs_xattr_value_size(x, &size) != SQFS_OK)
		return -EIO;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (room > 0 && size > room)
		return -ERANGE;
	if (room > 0 && sqfs_xattr_value(x, buffer) != SQFS_OK)
		return -EIO;
	return (int)size;
}

int squash_xattr_find(struct squash_view *view, sqfs_inode *inode, const char *name, void *buffer, size_t room)
{
	sqfs_xattr x;
	int length = xattr_open(view, inode, &x);

	if (length < 0)
		return length;
	while (x.remain > 0) {
		length = xattr_step(view, &x);
		if (length < 0)
			return length;
		if (strcmp(view->name, name) == 0)
			return xattr_value(view, &x, buffer, room);
	}
	return -ENODATA;
}
