/* SPDX-License-Identifier: BSD-3-Clause */
/* Images as the imager reads them: every tree can be walked, whatever the tables say. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/image/squash_read.h"

#define ENTRIES_MAX 64
#define DEPTH_MAX 4
#define FILE_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct squash *squash, const sqfs_inode_generic_t *inode, int depth)
{
	struct squash_children children = {0, 0, NULL};
	struct err err = ERR_INIT;
	char *bytes = NULL;
	size_t length;

	switch (squash_get_type(inode)) {
	case S_IFREG:
		if (squash_read_file(squash, inode, FILE_BYTES_MAX, &bytes, &length, &err) == 0 && length > FILE_BYTES_MAX)
			abort();
		free(bytes);
		return;
	case S_IFLNK:
		free(squash_get_target(inode));
		return;
	case S_IFDIR:
		break;
	default:
		return;
	}
	if (depth < DEPTH_MAX && squash_list(squash, inode, ENTRIES_MAX, &children, &err) == 0)
		for (size_t i = 0; i < children.count; i++) {
			const char *name = children.items[i].name;

			if (!name[0] || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
				abort();
			walk(squash, children.items[i].inode, depth + 1);
		}
	squash_children_fini(&children);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct squash *squash = NULL;
	struct err err = ERR_INIT;
	sqfs_inode_generic_t *inode = NULL;

	if (fd >= 0 && write(fd, data, size) == (ssize_t)size && squash_open(fd, 0, size, &squash, &err) == 0) {
		if (squash_lookup(squash, "/", &inode, &err) == 0 && inode)
			walk(squash, inode, 0);
		sqfs_free(inode);
		inode = NULL;
		if (squash_lookup(squash, "/a/../link/file", &inode, &err) == 0)
			sqfs_free(inode);
		squash_close(squash);
	}
	(void)close(fd);
	return 0;
}
