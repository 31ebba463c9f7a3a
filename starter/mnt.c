/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: every mount system call of both flavours. Must not: choose what is mounted where, open a path. Runs from the
 * moment the mount namespace is ours until the root is switched; mnt_clone() also before, in the setuid flavour.
 */
#include "starter/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/plan.h"
#include "starter/flavour.h"
#include "starter/sys.h"

static unsigned long propagation; /* of every tree that was cloned before this mount namespace was separated */

static uint64_t mnt_attrs(uint32_t attrs)
{
	return (attrs & PLAN_ATTR_RDONLY ? (uint64_t)MOUNT_ATTR_RDONLY : 0) |
	       (attrs & PLAN_ATTR_NOSUID ? (uint64_t)MOUNT_ATTR_NOSUID : 0) |
	       (attrs & PLAN_ATTR_NODEV ? (uint64_t)MOUNT_ATTR_NODEV : 0) |
	       (attrs & PLAN_ATTR_NOEXEC ? (uint64_t)MOUNT_ATTR_NOEXEC : 0);
}

/* privileged: mount(2) CAP_SYS_ADMIN */
int mnt_set_propagation(bool private_, struct err *err)
{
	int result;

	propagation = private_ ? MS_PRIVATE : MS_SLAVE;
	privs_raise(PRIVS_MOUNT);
	result = mount(NULL, "/", NULL, MS_REC | propagation, NULL) < 0 ? -errno : 0;
	privs_lower();
	return result < 0 ? err_sys(err, -result, "cannot separate this mount namespace") : 0;
}

/* privileged: open_tree(2) CAP_SYS_ADMIN */
int mnt_clone(int src_fd, int *out_fd, struct err *err)
{
	int fd, saved;

	if (flavour_mnt_legacy)
		return flavour_mnt_legacy->clone(src_fd, out_fd, err);
	privs_raise(PRIVS_MOUNT);
	fd = open_tree(src_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	saved = errno;
	privs_lower();
	if (fd < 0)
		return err_sys(err, saved, "cannot clone a mount tree");
	*out_fd = fd;
	return 0;
}

static int mnt_move(int tree_fd, int target_fd)
{
	return move_mount(tree_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0 ? -errno
													     : 0;
}

/* privileged: mount_setattr(2) move_mount(2) CAP_SYS_ADMIN */
int mnt_attach_tree(int tree_fd, uint32_t attrs, int target_fd, int *out_fd, struct err *err)
{
	/* A clone is a peer of its host mount: what is mounted on it later would appear on the host. */
	struct mount_attr attr = {.attr_set = mnt_attrs(attrs), .propagation = flavour_is_setuid ? propagation : 0};
	int result = 0;

	if (flavour_mnt_legacy)
		return flavour_mnt_legacy->attach_tree(tree_fd, attrs, target_fd, out_fd, err);
	privs_raise(PRIVS_MOUNT);
	/* attr_set alone never meets a locked flag, and reaches the mounts below too. */
	if ((attrs || attr.propagation) &&
	    mount_setattr(tree_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		result = -errno;
	if (result == 0)
		result = mnt_move(tree_fd, target_fd);
	privs_lower();
	if (result < 0)
		return err_sys(err, -result, "cannot attach a mount tree");
	if (!out_fd)
		return 0;
	*out_fd = fcntl(tree_fd, F_DUPFD_CLOEXEC, 3);
	return *out_fd < 0 ? err_sys(err, errno, "cannot duplicate a descriptor") : 0;
}

int mnt_attach_bind(int src_fd, uint32_t attrs, int target_fd, int *out_fd, struct err *err)
{
	cleanup_fd int tree_fd = -1;
	int result = mnt_clone(src_fd, &tree_fd, err);

	return result < 0 ? result : mnt_attach_tree(tree_fd, attrs, target_fd, out_fd, err);
}

static int mnt_configure(int fs_fd, const struct mnt_option *options)
{
	for (; options && options->key; options++) {
		unsigned int command = options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (fsconfig(fs_fd, command, options->key, options->value, 0) < 0)
			return -errno;
	}
	return fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

/* privileged: fsopen(2) fsmount(2) move_mount(2) CAP_SYS_ADMIN; fsconfig(2) in the window of the caller's choice */
int mnt_attach_fs(const char *fstype, const struct mnt_option *options, uint32_t attrs, enum privs_window window,
		  int target_fd, int *out_fd, struct err *err)
{
	cleanup_fd int fs_fd = -1, mount_fd = -1;
	int result;

	if (flavour_mnt_legacy)
		return flavour_mnt_legacy->attach_fs(fstype, options, attrs, target_fd, out_fd, err);
	privs_raise(PRIVS_MOUNT);
	fs_fd = fsopen(fstype, FSOPEN_CLOEXEC);
	result = fs_fd < 0 ? -errno : 0;
	privs_lower();
	if (result == 0) {
		privs_raise(window);
		result = mnt_configure(fs_fd, options);
		privs_lower();
	}
	if (result == 0) {
		privs_raise(PRIVS_MOUNT);
		mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned int)mnt_attrs(attrs));
		result = mount_fd < 0 ? -errno : mnt_move(mount_fd, target_fd);
		privs_lower();
	}
	if (result < 0)
		return flavour_fail_fs(fs_fd, -result, fstype, err);
	if (out_fd)
		*out_fd = fd_take(&mount_fd);
	return 0;
}

/* privileged: mount_setattr(2) CAP_SYS_ADMIN */
int mnt_set_readonly(int mount_fd, struct err *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	int result;

	if (flavour_mnt_legacy)
		return flavour_mnt_legacy->set_readonly(mount_fd, err);
	privs_raise(PRIVS_MOUNT);
	result = mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ? -errno : 0;
	privs_lower();
	return result < 0 ? err_sys(err, -result, "cannot make the container's root read-only") : 0;
}

/* privileged: pivot_root(2) umount2(2) CAP_SYS_ADMIN */
int mnt_pivot(struct err *err)
{
	int result;

	privs_raise(PRIVS_MOUNT);
	/* The old root lies on top of the new one after the first call. */
	result = sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ? -errno : 0;
	privs_lower();
	return result < 0 ? err_sys(err, -result, "cannot switch to the container's root") : 0;
}
