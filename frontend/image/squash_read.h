/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a squashfs that lies somewhere in an open file, through libsquashfs. Only the imager links this. */
#ifndef FRONTEND_IMAGE_SQUASH_READ_H
#define FRONTEND_IMAGE_SQUASH_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqfs/data_reader.h>
#include <sqfs/dir_reader.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/super.h>
#include <sqfs/xattr_reader.h>

#include "ipc/err.h"

#define SQUASH_NAME_MAX 255

struct squash {
	sqfs_super_t super;
	sqfs_file_t *file;
	sqfs_compressor_t *compressor;
	sqfs_id_table_t *ids;
	sqfs_dir_reader_t *dirs;
	sqfs_data_reader_t *data;
	sqfs_xattr_reader_t *xattrs; /* NULL: the image has none */
};

/* squash_open() - open the file system in the @size bytes at @offset of @fd (borrowed; must outlive *@out). *@out owned. */
int squash_open(int fd, uint64_t offset, uint64_t size, struct squash **out, struct err *err);
void squash_close(struct squash *squash);

/* squash_fail() - fill @err for the libsquashfs status @status of doing @what. Returns the negative errno. */
int squash_fail(struct err *err, int status, const char *what);

/* squash_lookup() - the inode at @path, links resolved inside the image. *@out (sqfs_free(3) by the caller) is NULL if there is
 * none. */
int squash_lookup(struct squash *squash, const char *path, sqfs_inode_generic_t **out, struct err *err);

/* squash_get_type() - S_IFMT bits of @inode, 0 for a type that does not exist. */
unsigned int squash_get_type(const sqfs_inode_generic_t *inode);

/* squash_get_target() - where the symbolic link @inode points (owned), NULL without memory or for a text over PATH_MAX. */
char *squash_get_target(const sqfs_inode_generic_t *inode);

struct squash_child {
	char name[SQUASH_NAME_MAX + 1];
	sqfs_inode_generic_t *inode; /* owned */
};

struct squash_children {
	size_t count, capacity;
	struct squash_child *items; /* owned */
};

/* squash_list() - entries of the directory @inode, at most @max. Names are checked: not empty, ".", "..", nor with a slash. */
int squash_list(struct squash *squash, const sqfs_inode_generic_t *inode, size_t max, struct squash_children *out,
		struct err *err);
void squash_children_fini(struct squash_children *children);

/* squash_read_file() - the regular file @inode, at most @max bytes, in *@out (owned). */
int squash_read_file(struct squash *squash, const sqfs_inode_generic_t *inode, size_t max, char **out, size_t *size,
		     struct err *err);

/* Arguments "--fd N --offset O --size S" of the imager's subcommands that read an extent. */
struct squash_arguments {
	int fd;
	uint64_t offset, size;
	bool squash_ids;
	int first; /* index of the first argument that is no option */
};

/* squash_parse_arguments() - --squash-ids is known only where @with_squash_ids. */
int squash_parse_arguments(int argc, char **argv, bool with_squash_ids, struct squash_arguments *out, struct err *err);

#endif
