/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the mount calls that outer containers allow whose seccomp profile refuses the mount API. Must not: be part of the
 * setuid flavour: the path lookups of mount(2) run with the caller's own rights only.
 */
#include "starter/mnt_legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/log.h"
#include "ipc/plan.h"
#include "starter/mnt.h"
#include "starter/rung.h"

#define PROC_FD_MAX 32

static unsigned long mnt_legacy_attrs(uint32_t attrs)
{
	return (attrs & PLAN_ATTR_RDONLY ? (unsigned long)MS_RDONLY : 0) |
	       (attrs & PLAN_ATTR_NOSUID ? (unsigned long)MS_NOSUID : 0) |
	       (attrs & PLAN_ATTR_NODEV ? (unsigned long)MS_NODEV : 0) |
	       (attrs & PLAN_ATTR_NOEXEC ? (unsigned long)MS_NOEXEC : 0);
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

/* No detached trees here: the descriptor itself stands for the tree until it is attached. */
static int mnt_legacy_clone(int src_fd, int *out_fd, struct err *err)
{
	*out_fd = fcntl(src_fd, F_DUPFD_CLOEXEC, 3);
	return *out_fd < 0 ? err_sys(err, errno, "cannot duplicate a descriptor") : 0;
}

static int mnt_legacy_restrict(int fd, uint32_t attrs)
{
	unsigned long flags = mnt_legacy_inherited(fd);
	char path[PROC_FD_MAX];

	mnt_proc_path(fd, path);
	if ((flags | mnt_legacy_attrs(attrs)) == flags)
		return 0;
	return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags | mnt_legacy_attrs(attrs), NULL) < 0 ? -errno : 0;
}

/* mountinfo writes a space, tab, newline and backslash as a backslash and three octal digits. */
static void mnt_legacy_unescape(char *text)
{
	char *out = text;

	for (; *text; out++)
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
			*out = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*out = *text++;
		}
	*out = '\0';
}

/* A remount reaches one mount, a recursive bind has many. What can no longer be opened cannot be reached by the payload either. */
static int mnt_legacy_restrict_below(const char *top, uint32_t attrs)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	size_t length = strlen(top);
	char line[PATH_MAX];
	int result = file ? 0 : -errno;

	while (result == 0 && fgets(line, sizeof(line), file)) {
		char point[PATH_MAX];
		cleanup_fd int fd = -1;

		if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1)
			continue;
		mnt_legacy_unescape(point);
		if (strncmp(point, top, length) == 0 && point[length] == '/')
			fd = open(point, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		result = fd < 0 ? 0 : mnt_legacy_restrict(fd, attrs);
	}
	if (file)
		(void)fclose(file);
	return result;
}

static int mnt_legacy_restrict_tree(int top_fd, uint32_t attrs)
{
	char link[PROC_FD_MAX], path[PATH_MAX];
	int result = mnt_legacy_restrict(top_fd, attrs);
	ssize_t length;

	if (result < 0 || !attrs)
		return result;
	mnt_proc_path(top_fd, link);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return -errno;
	path[length] = '\0';
	result = mnt_legacy_restrict_below(path, attrs);
	if (result < 0 && !(attrs & PLAN_ATTR_RDONLY)) {
		log_debug("cannot restrict the mounts below %s: %s", path, strerror(-result));
		result = 0; /* nosuid and nodev: the caller's own rights are the boundary in this flavour */
	}
	return result;
}

static int mnt_legacy_attach_tree(int tree_fd, uint32_t attrs, int target_fd, int *out_fd, struct err *err)
{
	char source[PROC_FD_MAX], target[PROC_FD_MAX];
	cleanup_fd int top_fd = -1;
	int result;

	mnt_proc_path(tree_fd, source);
	mnt_proc_path(target_fd, target);
	if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(err, errno, "cannot bind a mount tree");
	top_fd = mnt_legacy_reopen(target_fd);
	if (top_fd < 0)
		return err_sys(err, -top_fd, "cannot reopen a bind");
	result = mnt_legacy_restrict_tree(top_fd, attrs);
	if (result < 0) {
		mnt_proc_path(top_fd, target);
		(void)umount2(target, MNT_DETACH);
		return err_sys(err, -result, "cannot restrict a bind");
	}
	if (out_fd)
		*out_fd = fd_take(&top_fd);
	return 0;
}

static int mnt_legacy_attach_fs(const char *fstype, const struct mnt_option *options, uint32_t attrs, int target_fd,
				int *out_fd, struct err *err)
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
		n = snprintf(data + used, sizeof(data) - used, "%s%s%s%s", used ? "," : "", options->key,
			     options->value ? "=" : "", options->value ? options->value : "");
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

static int mnt_legacy_set_readonly(int mount_fd, struct err *err)
{
	char path[PROC_FD_MAX];

	mnt_proc_path(mount_fd, path);
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | mnt_legacy_inherited(mount_fd), NULL) < 0)
		return err_sys(err, errno, "cannot make the container's root read-only");
	return 0;
}

/* EPERM as well as ENOSYS: seccomp profiles of container engines answer either. */
static int mnt_legacy_try_api(void *context, struct err *err)
{
	const struct mnt_legacy **out = context;
	cleanup_fd int fs_fd = fsopen("tmpfs", FSOPEN_CLOEXEC);

	*out = NULL;
	return fs_fd < 0 ? err_sys(err, errno, "cannot use the mount interface of this kernel") : 0;
}

static int mnt_legacy_use(void *context, struct err *err)
{
	static const struct mnt_legacy legacy = {mnt_legacy_clone, mnt_legacy_attach_tree, mnt_legacy_attach_fs,
						 mnt_legacy_set_readonly};
	const struct mnt_legacy **out = context;

	(void)err;
	*out = &legacy;
	return 0;
}

int mnt_legacy_probe(uint32_t rungs, const struct mnt_legacy **out, struct err *err)
{
	static const struct rung ladder[] = {{PLAN_RUNG_API_NEW, "new", mnt_legacy_try_api},
					     {PLAN_RUNG_API_LEGACY, "legacy", mnt_legacy_use}};

	return rung_climb("mount-api", ladder, 2, rungs, out, err);
}

int mnt_legacy_set_root(void *context, struct err *err)
{
	(void)context;
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		return err_sys(err, errno, "cannot move to the container's root");
	return 0;
}
