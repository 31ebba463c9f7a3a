/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: a root directory that is the root of its mount namespace. Must not: show more of the outer tree than the caller's
 * "/". Whoever may do this could leave the chroot for good; we only stop being in one.
 */
#include "starter/chrooted.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "ipc/cleanup.h"
#include "starter/sys.h"

/* setns(2) into the mount namespace that one is in sets root and working directory to its true root. */
static int chrooted_enter_top(void)
{
	cleanup_fd int ns_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

	return ns_fd < 0 || setns(ns_fd, CLONE_NEWNS) < 0 ? -errno : 0;
}

/* The tree of @root_fd, mounted upon itself, is a mount point; with it as root the rest goes out of sight. */
static int chrooted_pivot(int root_fd)
{
	cleanup_fd int tree_fd = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	tree_fd = open_tree(root_fd, "",
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (tree_fd < 0 ||
	    move_mount(tree_fd, "", root_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0 ||
	    fchdir(tree_fd) < 0 || sys_pivot_root(".", ".") < 0)
		return -errno;
	return umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
}

int chrooted_leave(void)
{
	cleanup_fd int root_fd = -1;
	int result;

	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	result = chrooted_enter_top();
	if (result < 0)
		return result;
	result = chrooted_pivot(root_fd);
	/* Back into the chroot, where everything else is refused as before. */
	if (result < 0 && (fchdir(root_fd) < 0 || chroot(".") < 0))
		_exit(255);
	return result;
}
