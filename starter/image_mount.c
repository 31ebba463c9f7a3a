/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: images and partitions → mounted trees. Must not: combine them (layer.c), look into them. Runs after
 * session_setup().
 */
#include "starter/image_mount.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/log.h"
#include "starter/loop.h"
#include "starter/mnt.h"
#include "starter/session.h"
#include "starter/stage.h"

/* The policy decided that this image may reach a kernel driver. */
static int image_mount_kernel(const struct stage *stage, const struct plan_fs *fs, uint32_t attrs,
			      int target_fd, int *out_fd, struct err *err)
{
	cleanup_fd int loop_fd = -1;
	char node[LOOP_PATH_MAX];
	struct mnt_option options[] = {{"source", node}, {fs->writable ? NULL : "ro", NULL}, {NULL, NULL}};
	int result = loop_attach(fs, stage->record->fds[fs->fd], stage->plan->loop_max, &loop_fd, node, err);

	if (result < 0)
		return result;
	return mnt_attach_fs(fs->type == PLAN_FS_EXT3 ? "ext3" : "squashfs", options, attrs, PRIVS_LOOP, target_fd, out_fd, err);
}

static int image_mount_fuse(const struct stage *stage, uint32_t index, uint32_t attrs, int target_fd,
			    int *out_fd, struct err *err)
{
	char fd[16], uid[16], gid[16];
	/* "ro" for the file system, not this mount alone: else each read makes the kernel ask for the time of access anew. */
	const struct mnt_option options[] = {
		{"source", "squashfs-server"}, {"ro", NULL},	       {"fd", fd},
		{"rootmode", "40000"},	       {"user_id", uid},
		{"group_id", gid},	       {"default_permissions", NULL},
		{"allow_other", NULL},	       {NULL, NULL},
	};
	int result;

	(void)snprintf(fd, sizeof(fd), "%d", stage->fuse_fd[index]);
	(void)snprintf(uid, sizeof(uid), "%u", getuid());
	(void)snprintf(gid, sizeof(gid), "%u", getgid());
	result = mnt_attach_fs("fuse", options, attrs, PRIVS_MOUNT, target_fd, out_fd, err);
	if (result < 0)
		return result;
	/* Before the mount the server's first read would have failed: it waits for this byte. */
	if (send(stage->go_fd[index], "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		return err_sys(err, errno, "cannot start the image's file server");
	(void)close(stage->go_fd[index]);
	(void)close(stage->fuse_fd[index]);
	return 0;
}

static int image_mount_one(struct stage *stage, uint32_t index, struct err *err)
{
	const struct plan_fs *fs = &stage->plan->fs[index];
	const char *path = plan_get_text(stage->plan, fs->path);
	uint32_t attrs = PLAN_ATTR_NODEV | (stage->plan->allow_setuid_files ? 0 : PLAN_ATTR_NOSUID) |
			 (fs->writable ? 0 : PLAN_ATTR_RDONLY);
	cleanup_fd int target_fd = -1;
	char name[32];
	int result;

	(void)snprintf(name, sizeof(name), "images/%u", index);
	result = session_make_dir(stage->session_fd, name, 0755, err);
	if (result == 0)
		result = session_open(stage, name, &target_fd, err);
	if (result < 0)
		return result;
	switch (fs->method) {
	case PLAN_METHOD_BIND:
		result = mnt_attach_tree(stage->directory_fd[index], attrs, target_fd, &stage->fs_fd[index], err);
		break;
	case PLAN_METHOD_KERNEL:
		result = image_mount_kernel(stage, fs, attrs, target_fd, &stage->fs_fd[index], err);
		break;
	case PLAN_METHOD_FUSE:
		/* fuse2fs has mounted it by itself; squashfs-server waits for us. */
		result = fs->type == PLAN_FS_EXT3 ? mnt_attach_tree(stage->directory_fd[index], attrs, target_fd,
								     &stage->fs_fd[index], err)
						  : image_mount_fuse(stage, index, attrs, target_fd, &stage->fs_fd[index], err);
		break;
	}
	return result < 0 ? err_wrap(err, "image %s", path ? path : "") : 0;
}

int image_mount_all(struct stage *stage, struct err *err)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < stage->plan->fs_count; i++)
		result = image_mount_one(stage, i, err);
	return result;
}
