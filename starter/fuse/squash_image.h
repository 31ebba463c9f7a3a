/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One squashfs partition inside an image file, read through libsquashfuse. The library is neither safe for threads that
 * share a file system nor careful with hostile tables, so every worker has a struct squash_view of its own, every index
 * is checked here before the library sees it, and all file reads go through one bounded function.
 * Its config.h overrides feature macros: include this header after the system's.
 */
#ifndef STARTER_FUSE_SQUASH_IMAGE_H
#define STARTER_FUSE_SQUASH_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <squashfuse/squashfuse.h>

/* The library stores a name of up to 2^16 bytes before anyone can look at its length. */
#define SQUASH_NAME_BUFFER 65600
#define SQUASH_NAME_MAX 255

struct decompressor;

struct squash_view {
	sqfs fs;
	struct decompressor *decompressor; /* owned */
	char name[SQUASH_NAME_BUFFER];     /* of the entry or attribute looked at last */
	bool has_xattrs;
};

/* squash_extent_set() - all reads stay in @size bytes from @offset of @image_fd (borrowed). Once, before any view. */
void squash_extent_set(int image_fd, uint64_t offset, uint64_t size);

/* squash_pread() - @size bytes at @position of the partition, whole or not at all. Returns 0, -EIO, or a negative errno. */
int squash_pread(void *buffer, size_t size, uint64_t position);

/* squash_view_open() - read superblock and tables. Returns NULL, or what is wrong with the image. */
const char *squash_view_open(struct squash_view *view);
void squash_view_close(struct squash_view *view);

/* squash_table_has() - the entry at @index of @table lies inside its block. To ask before the library looks it up. */
bool squash_table_has(struct squash_view *view, const sqfs_table *table, size_t index);

/* All of these return 0 or a negative errno. */
int squash_inode_get(struct squash_view *view, sqfs_inode_id id, sqfs_inode *inode);
int squash_inode_owner(struct squash_view *view, const sqfs_inode *inode, uint32_t *uid, uint32_t *gid);
int squash_inode_target(struct squash_view *view, sqfs_inode *inode, char *buffer, size_t *size);
bool squash_inode_is_dir(const sqfs_inode *inode);
bool squash_inode_is_file(const sqfs_inode *inode);

/* squash_dir_find() - -ENOENT if @name is not in @dir; "." and ".." are answered from the inode and the export table. */
int squash_dir_find(struct squash_view *view, sqfs_inode *dir, sqfs_inode_id self, const char *name, size_t length,
		    sqfs_inode_id *id);
int squash_dir_parent(struct squash_view *view, const sqfs_inode *dir, sqfs_inode_id self, sqfs_inode_id *id);
int squash_dir_open(struct squash_view *view, sqfs_inode *dir, uint64_t offset, sqfs_dir *out);
/* squash_dir_step() - the next entry, its name in view->name. Returns 1, 0 at the end, or a negative errno. */
int squash_dir_step(struct squash_view *view, sqfs_dir *dir, sqfs_dir_entry *entry);

/* squash_xattr_list() - names with their terminators; squash_xattr_find() - one value. Both return the size in bytes or a
 * negative errno; nothing is copied with @room 0, and -ERANGE says that it would not fit. */
int squash_xattr_list(struct squash_view *view, sqfs_inode *inode, char *buffer, size_t room);
int squash_xattr_find(struct squash_view *view, sqfs_inode *inode, const char *name, void *buffer, size_t room);

#endif
