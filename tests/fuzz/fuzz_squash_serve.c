/* SPDX-License-Identifier: BSD-3-Clause */
/* Images as the file server reads them: tables, directories, attributes and contents, through libsquashfuse. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "starter/fuse/file_read.h"
#include "starter/fuse/squash_image.h"

#define STEPS_MAX 64
#define DEPTH_MAX 4
#define SCRATCH_BYTES (1u << 20)
#define READ_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char scratch[SCRATCH_BYTES * 2], bytes[READ_BYTES];

static void walk(struct squash_view *view, sqfs_inode_id id, int depth)
{
	uint32_t uid, gid;
	size_t length = sizeof(bytes);
	sqfs_inode_id parent;
	sqfs_inode inode;
	sqfs_dir dir;

	if (squash_inode_get(view, id, &inode) < 0)
		return;
	(void)squash_inode_owner(view, &inode, &uid, &gid);
	(void)squash_inode_target(view, &inode, bytes, &length);
	(void)squash_xattr_list(view, &inode, bytes, sizeof(bytes));
	(void)squash_xattr_find(view, &inode, "user.a", bytes, sizeof(bytes));
	if (squash_inode_is_file(&inode)) {
		if (file_read(view, &inode, 0, bytes, sizeof(bytes), scratch) > (long)sizeof(bytes))
			abort();
		(void)file_read(view, &inode, 70000, bytes, 100, scratch);
	}
	if (!squash_inode_is_dir(&inode) || depth == DEPTH_MAX)
		return;
	(void)squash_dir_parent(view, &inode, id, &parent);
	(void)squash_dir_find(view, &inode, id, "file", 4, &parent);
	if (squash_dir_open(view, &inode, 0, &dir) < 0)
		return;
	for (int i = 0; i < STEPS_MAX; i++) {
		sqfs_dir_entry entry;

		if (squash_dir_step(view, &dir, &entry) != 1)
			return;
		if (strlen(view->name) > SQUASH_NAME_MAX)
			abort();
		walk(view, sqfs_dentry_inode(&entry), depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct squash_view view;
	static bool has_cache;
	int fd = memfd_create("image", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, data, size) == (ssize_t)size) {
		squash_extent_set(fd, 0, size);
		memset(&view, 0, sizeof(view));
		if (!squash_view_open(&view)) {
			/* One cache for one image: blocks of another size than the first image's are not read. */
			if (!has_cache)
				has_cache = file_cache_init(131072) == 0;
			if (has_cache && view.fs.sb.block_size == 131072)
				walk(&view, sqfs_inode_root(&view.fs), 0);
			squash_view_close(&view);
		}
	}
	(void)close(fd);
	return 0;
}
