/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the processes behind FUSE images. Must not: give a server any privilege or descriptor beyond its image and
 * its connection. Plain flavour only; runs between the user
 * namespace and the mount namespace.
 */
#include "starter/fuse_server.h"

#include <errno.h>
#include <fcntl.h>

#include "ipc/cleanup_fd.h"
#include "ipc/fuse_spawn.h"
#include "starter/privs.h"
#include "starter/stage.h"

static int fuse_server_start(struct stage *stage, uint32_t index, struct err *err)
{
	const struct plan_fs *fs = &stage->plan->fs[index];
	const int *fds = stage->record->fds;
	cleanup_fd int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct fuse_spawn what;
	int result;

	if (fuse_fd < 0) /* the node that an outer container of ours handed down */
		fuse_fd = open("/.singularity.d/outer/fuse", O_RDWR | O_CLOEXEC);
	if (fuse_fd < 0)
		return err_sys(err, errno, "cannot open /dev/fuse");
	what = (struct fuse_spawn){fs, fds[fs->server_fd], fds[fs->fd], fuse_fd,
				   stage->plan->idmap.method == PLAN_IDMAP_SELF, privs_drop_all};
	result = fuse_spawn_server(&what, &stage->go_fd[index], err);
	if (result == 0)
		stage->fuse_fd[index] = fd_take(&fuse_fd);
	return result;
}

int fuse_server_start_all(struct stage *stage, struct err *err)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < stage->plan->fs_count; i++)
		if (stage->plan->fs[i].method == PLAN_METHOD_FUSE && stage->plan->fs[i].type == PLAN_FS_SQUASHFS)
			result = fuse_server_start(stage, i, err);
	return result;
}
