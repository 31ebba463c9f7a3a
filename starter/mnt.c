/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: every mount system call. Must not: choose what is mounted where, open a path. Runs from the moment the mount
 * namespace is ours until the root is switched; mnt_clone() also before, in the setuid flavour.
 */
#include "starter/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ipc/cleanup.h"
#include "ipc/log.h"
#include "ipc/plan.h"
#include "starter/flavour.h"
#include "starter/sys.h"

#define PROC_FD_MAX 32

static bool use_legacy;
static unsigned long propagation; /* of every tree that was cloned before this mount namespace was separated */

bool mnt_uses_api(void)
{
	return !use_legacy;
}

static uint64_t mnt_api_attrs(uint32_t attrs)
{
	return (attrs & PLAN_ATTR_RDONLY ? (uint64_t)MOUNT_ATTR_RDONLY : 0) |
	       (attrs & PLAN_ATTR_NOSUID ? (uint64_t)MOUNT_ATTR_NOSUID : 0) |
	       (attrs & PLAN_ATTR_NODEV ? (uint64_t)MOUNT_ATTR_NODEV : 0) |
	       (attrs & PLAN_ATTR_NOEXEC ? (uint64_t)MOUNT_ATTR_NOEXEC : 0);
}

static unsigned long mnt_legacy_attrs(uint32_t attrs)
{
	return (attrs & PLAN_ATTR_RDONLY ? (unsigned long)MS_RDONLY : 0) |
	       (attrs & PLAN_ATTR_NOSUID ? (unsigned long)MS_NOSUID : 0) |
	       (attrs & PLAN_ATTR_NODEV ? (unsigned long)MS_NODEV : 0) |
	       (attrs & PLAN_ATTR_NOEXEC ? (unsigned long)MS_NOEXEC : 0);
}

/* privileged: fsopen(2) CAP_SYS_ADMIN */
int mnt_init(struct err *err)
{
	cleanup_fd int fs_fd = -1;
	int saved;

	privs_raise(PRIVS_MOUNT);
	fs_fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
	saved = errno;
	privs_lower();
	use_legacy = fs_fd < 0;
	if (!use_legacy)
		return 0;
	/* EPERM as well as ENOSYS: seccomp profiles of container engines answer either. */
	log_debug("new mount interface refused (%s), using mount(2)", strerror(saved));
	if (flavour_is_setuid || (saved != ENOSYS && saved != EPERM))
		return err_sys(err, saved, "cannot use the mount interface of this kernel");
	return 0;
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

	privs_raise(PRIVS_MOUNT);
	fd = open_tree(src_fd, "",
		       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	saved = errno;
	privs_lower();
	if (fd < 0)
		return err_sys(err, saved, "cannot clone a mount tree");
	*out_fd = fd;
	return 0;
}

/* privileged: mount_setattr(2) move_mount(2) CAP_SYS_ADMIN */
int mnt_attach_clone(int tree_fd, uint32_t attrs, int target_fd, struct err *err)
{
	/* A clone is a peer of its host mount: what is mounted on it later would appear on the host. */
	struct mount_attr attr = {.attr_set = mnt_api_attrs(attrs), .propagation = flavour_is_setuid ? propagation : 0};
	int result = 0;

	privs_raise(PRIVS_MOUNT);
	/* attr_set alone never meets a locked flag, and reaches the mounts below too. */
	if ((attrs || attr.propagation) && mount_setattr(tree_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		result = -errno;
	else if (move_mount(tree_fd, "", target_fd, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		result = -errno;
	privs_lower();
	return result < 0 ? err_sys(err, -result, "cannot attach a mount tree") : 0;
}

static void mnt_proc_path(int fd, char path[PROC_FD_MAX])
{
	(void)snprintf(path, PROC_FD_MAX, "/proc/self/fd/%d", fd);
}

/* mount(2) leaves @target_fd on the covered directory: look the path up again to reach the mount on top. */
static int mnt_legacy_reopen(int target_fd)
{
	char link[PROC_FD_MAX], path[PATH_MAX];
	ssize_t length;

	mnt_proc_path(target_fd, link);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return -errno;
	path[length] = '\0';
	target_fd = open(path, O_PATH | O_CLOEXEC);
	return target_fd < 0 ? -errno : target_fd;
}

/* A remount must repeat the locked flags of its source, or the kernel answers EPERM. */
static unsigned long mnt_legacy_inherited(int fd)
{
	struct statvfs st;

	if (fstatvfs(fd, &st) < 0)
		return 0;
	return (st.f_flag & ST_RDONLY ? (unsigned long)MS_RDONLY : 0) |
	       (st.f_flag & ST_NOSUID ? (unsigned long)MS_NOSUID : 0) |
	       (st.f_flag & ST_NODEV ? (unsigned long)MS_NODEV : 0) |
	       (st.f_flag & ST_NOEXEC ? (unsigned long)MS_NOEXEC : 0);
}

static int mnt_legacy_bind(int src_fd, uint32_t attrs, int target_fd, int *out_fd, struct err *err)
{
	char source[PROC_FD_MAX], target[PROC_FD_MAX];
	cleanup_fd int top_fd = -1;
	unsigned long flags;

	mnt_proc_path(src_fd, source);
	mnt_proc_path(target_fd, target);
	if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(err, errno, "cannot bind a mount tree");
	top_fd = mnt_legacy_reopen(target_fd);
	if (top_fd < 0)
		return err_sys(err, -top_fd, "cannot reopen a bind");
	mnt_proc_path(top_fd, target);
	flags = mnt_legacy_inherited(top_fd);
	if ((flags | mnt_legacy_attrs(attrs)) != flags &&
	    mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | flags | mnt_legacy_attrs(attrs), NULL) < 0) {
		int saved = errno;

		(void)umount2(target, MNT_DETACH);
		return err_sys(err, saved, "cannot restrict a bind");
	}
	if (out_fd)
		*out_fd = fd_take(&top_fd);
	return 0;
}

int mnt_attach_bind(int src_fd, uint32_t attrs, int target_fd, int *out_fd, struct err *err)
{
	cleanup_fd int tree_fd = -1;
	int result;

	if (use_legacy)
		return mnt_legacy_bind(src_fd, attrs, target_fd, out_fd, err);
	result = mnt_clone(src_fd, &tree_fd, err);
	if (result == 0)
		result = mnt_attach_clone(tree_fd, attrs, target_fd, err);
	if (result == 0 && out_fd)
		*out_fd = fd_take(&tree_fd);
	return result;
}

static int mnt_legacy_fs(const char *fstype, const struct mnt_option *options, uint32_t attrs,
			 int target_fd, int *out_fd, struct err *err)
{
	char target[PROC_FD_MAX], data[4096] = "";
	const char *source = fstype;
	size_t used = 0;
	int fd;

	for (; options && options->key; options++) {
		int n;

		if (strcmp(options->key, "source") == 0) {
			source = options->value;
			continue;
		}
		n = snprintf(data + used, sizeof(data) - used, "%s%s%s%s", used ? "," : "",
			     options->key, options->value ? "=" : "",
			     options->value ? options->value : "");
		if (n < 0 || (size_t)n >= sizeof(data) - used)
			return err_set(err, ERR_SYSTEM, E2BIG, "too many mount options for %s", fstype);
		used += (size_t)n;
	}
	mnt_proc_path(target_fd, target);
	if (mount(source, target, fstype, mnt_legacy_attrs(attrs), data) < 0)
		return err_sys(err, errno, "cannot mount %s", fstype);
	fd = mnt_legacy_reopen(target_fd);
	if (fd < 0)
		return err_sys(err, -fd, "cannot reopen %s", fstype);
	if (out_fd)
		*out_fd = fd;
	else
		(void)close(fd);
	return 0;
}

/* The kernel explains a refusal in the file system context's log. */
static int mnt_api_error(int fs_fd, int errnum, const char *fstype, struct err *err)
{
	char text[256] = "";
	ssize_t length = fs_fd >= 0 && !flavour_is_setuid ? read(fs_fd, text, sizeof(text) - 1) : 0;

	if (length > 2) {
		text[length] = '\0';
		return err_sys(err, errnum, "cannot mount %s (%s)", fstype, text + 2);
	}
	return err_sys(err, errnum, "cannot mount %s", fstype);
}

static int mnt_api_configure(int fs_fd, const struct mnt_option *options)
{
	for (; options && options->key; options++) {
		unsigned int command = options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (fsconfig(fs_fd, command, options->key, options->value, 0) < 0)
			return -errno;
	}
	return fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

/* privileged: fsopen(2) fsconfig(2) fsmount(2) move_mount(2) CAP_SYS_ADMIN; fsconfig in the window of the caller's choice */
int mnt_attach_fs(const char *fstype, const struct mnt_option *options, uint32_t attrs,
		  enum privs_window window, int target_fd, int *out_fd, struct err *err)
{
	cleanup_fd int fs_fd = -1, mount_fd = -1;
	int result = 0;

	if (use_legacy)
		return mnt_legacy_fs(fstype, options, attrs, target_fd, out_fd, err);
	privs_raise(window);
	fs_fd = fsopen(fstype, FSOPEN_CLOEXEC);
	result = fs_fd < 0 ? -errno : mnt_api_configure(fs_fd, options);
	if (result == 0) {
		mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned int)mnt_api_attrs(attrs));
		if (mount_fd < 0 || move_mount(mount_fd, "", target_fd, "",
					       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
			result = -errno;
	}
	privs_lower();
	if (result < 0)
		return mnt_api_error(fs_fd, -result, fstype, err);
	if (out_fd)
		*out_fd = fd_take(&mount_fd);
	return 0;
}

/* privileged: mount_setattr(2) CAP_SYS_ADMIN */
int mnt_set_readonly(int mount_fd, struct err *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	char path[PROC_FD_MAX];
	int result;

	mnt_proc_path(mount_fd, path);
	privs_raise(PRIVS_MOUNT);
	if (use_legacy)
		result = mount(NULL, path, NULL,
			       MS_REMOUNT | MS_BIND | MS_RDONLY | mnt_legacy_inherited(mount_fd), NULL);
	else
		result = mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	result = result < 0 ? -errno : 0;
	privs_lower();
	return result < 0 ? err_sys(err, -result, "cannot make the container's root read-only") : 0;
}

/* privileged: pivot_root(2) umount2(2) CAP_SYS_ADMIN; mount(2) MS_MOVE and chroot(2) where pivot_root is filtered */
int mnt_set_root(int root_fd, struct err *err)
{
	int result = 0;

	if (fchdir(root_fd) < 0)
		return err_sys(err, errno, "cannot enter the container's root");
	privs_raise(PRIVS_MOUNT);
	if (sys_pivot_root(".", ".") == 0)
		/* The old root lies on top of the new one now. */
		result = umount2(".", MNT_DETACH) < 0 ? -errno : 0;
	else if (flavour_is_setuid || (errno != EPERM && errno != ENOSYS && errno != EINVAL))
		result = -errno;
	else if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		result = -errno;
	privs_lower();
	if (result == 0 && chdir("/") < 0)
		result = -errno;
	return result < 0 ? err_sys(err, -result, "cannot switch to the container's root") : 0;
}
