/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: finding and making mount points below the staging root. Must not: leave that root, write to a file system
 * that is not ours. Runs while the tree is built, before the root is switched.
 */
#include "starter/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/limits.h"
#include "starter/privs.h"
#include "starter/sys.h"

int resolve_open(int root_fd, const char *path, int flags, int *out_fd)
{
	int fd;

	do {
		fd = sys_openat2(root_fd, path, (uint64_t)flags | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	} while (fd < 0 && errno == EAGAIN); /* a rename raced with the walk */
	if (fd < 0)
		return -errno;
	*out_fd = fd;
	return 0;
}

static bool resolve_is_own(const struct resolve_scope *scope, int dir_fd)
{
	struct stat st;

	if (fstat(dir_fd, &st) < 0)
		return false;
	for (int i = 0; i < scope->own_count; i++)
		if (st.st_dev == scope->own[i])
			return true;
	return false;
}

static int resolve_create_now(int parent_fd, const char *name, mode_t mode, const char *link)
{
	int fd, result;

	if (S_ISLNK(mode))
		return symlinkat(link, parent_fd, name) < 0 ? -errno : 0;
	if (S_ISDIR(mode))
		return mkdirat(parent_fd, name, 0700) < 0 || fchmodat(parent_fd, name, mode & 07777, 0) < 0 ? -errno : 0;
	fd = openat(parent_fd, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0600);
	if (fd < 0)
		return -errno;
	result = fchmod(fd, mode & 07777) < 0 ? -errno : 0;
	(void)close(fd);
	return result;
}

/* privileged: mkdirat(2) openat(2) symlinkat(2) fchmodat(2) fsuid 0: in directories of ours that are not the caller's own; the window has
 * no capability, so each owner can write to his own only */
int resolve_create(int parent_fd, const char *name, mode_t mode, const char *link)
{
	struct stat st;
	int result;

	if (fstat(parent_fd, &st) < 0)
		return -errno;
	if (st.st_uid == getuid())
		return resolve_create_now(parent_fd, name, mode, link);
	privs_raise(PRIVS_ROOT_FS);
	result = resolve_create_now(parent_fd, name, mode, link);
	privs_lower();
	return result;
}

/* Split "/a/b/c" into parent "/a/b" and name "c". */
static int resolve_split(const char *path, char *parent, size_t size, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t length;

	if (!slash || slash[1] == '\0')
		return -EINVAL;
	length = (size_t)(slash - path);
	if (length >= size)
		return -ENAMETOOLONG;
	memcpy(parent, path, length);
	parent[length] = '\0';
	*name = slash + 1;
	return 0;
}

static int resolve_open_parent(const struct resolve_scope *scope, const char *parent, int *out_fd,
			       struct err *err)
{
	cleanup_fd int fd = -1;
	int result = parent[0] ? resolve_make(scope, parent, false, &fd, err)
			       : resolve_open(scope->root_fd, "/", O_PATH, &fd);

	if (result < 0)
		return result;
	if (!resolve_is_own(scope, fd))
		return err_set(err, ERR_SYSTEM, EROFS, "cannot make a mount point in %s: it is not in the image",
			       parent[0] ? parent : "/");
	*out_fd = fd_take(&fd);
	return 0;
}

/* Recursion is bounded: a checked plan has at most PLAN_PATH_COMPONENTS components. */
int resolve_make(const struct resolve_scope *scope, const char *path, bool is_file, int *out_fd,
		 struct err *err)
{
	cleanup_fd int parent_fd = -1;
	char parent[PLAN_PATH_MAX];
	const char *name;
	int result = resolve_open(scope->root_fd, path, O_PATH, out_fd);

	if (result != -ENOENT) {
		if (result < 0)
			return err_sys(err, -result, "cannot open mount point %s", path);
		return 0;
	}
	result = resolve_split(path, parent, sizeof(parent), &name);
	if (result < 0)
		return err_sys(err, -result, "cannot use mount point %s", path);
	result = resolve_open_parent(scope, parent, &parent_fd, err);
	if (result < 0)
		return result;
	result = resolve_create(parent_fd, name, is_file ? S_IFREG | 0644 : S_IFDIR | 0755, NULL);
	if (result < 0)
		return err_sys(err, -result, "cannot make mount point %s", path);
	result = resolve_open(scope->root_fd, path, O_PATH, out_fd);
	return result < 0 ? err_sys(err, -result, "cannot open mount point %s", path) : 0;
}

int resolve_make_symlink(const struct resolve_scope *scope, const char *path, const char *text,
			 struct err *err)
{
	cleanup_fd int parent_fd = -1;
	char parent[PLAN_PATH_MAX];
	const char *name;
	int result = resolve_split(path, parent, sizeof(parent), &name);

	if (result == 0)
		result = resolve_open_parent(scope, parent, &parent_fd, err);
	if (result < 0)
		return err_wrap(err, "link %s", path);
	result = resolve_create(parent_fd, name, S_IFLNK, text);
	return result < 0 ? err_sys(err, -result, "cannot make link %s", path) : 0;
}
