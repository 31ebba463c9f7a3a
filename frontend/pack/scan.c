/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ipc/cleanup.h"
#include "ipc/log.h"

#define XATTR_LIST_MAX 65536
#define XATTR_VALUE_MAX 65536

/* A file with several names, until all of them are met. */
struct seen {
	dev_t dev;
	ino_t ino;
	struct tree_inode *inode;
};

struct scan {
	struct tree_source source; /* first: the source handed to inodes */
	int root_fd;               /* borrowed */
	int open_fd;
	bool squash_ids;
	struct tree *tree;
	void *seen; /* tsearch(3) of struct seen */
};

static int compare_seen(const void *left, const void *right)
{
	const struct seen *a = left, *b = right;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int open_below(int root_fd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

static int source_open(struct tree_source *source, const struct tree_inode *inode, struct err *err)
{
	struct scan *scan = (struct scan *)(void *)source;
	struct stat st;

	scan->open_fd = open_below(scan->root_fd, inode->locator);
	if (scan->open_fd < 0) {
		if (errno != EACCES && errno != EPERM)
			return err_sys(err, errno, "cannot open %s", inode->locator);
		log_warning("cannot read %s: it is empty in the image", inode->locator);
		return 0;
	}
	if (fstat(scan->open_fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(scan->open_fd);
		scan->open_fd = -1;
		return err_set(err, ERR_SYSTEM, ESTALE, "cannot read %s: it changed while being packed", inode->locator);
	}
	(void)posix_fadvise(scan->open_fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

static ssize_t source_read(struct tree_source *source, uint64_t offset, void *buffer, size_t size, struct err *err)
{
	struct scan *scan = (struct scan *)(void *)source;
	ssize_t got;

	if (scan->open_fd < 0)
		return 0;
	do {
		got = pread(scan->open_fd, buffer, size, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? err_sys(err, errno, "cannot read a file of the root file system") : got;
}

static void source_close(struct tree_source *source)
{
	struct scan *scan = (struct scan *)(void *)source;

	if (scan->open_fd >= 0)
		(void)close(scan->open_fd);
	scan->open_fd = -1;
}

/* Squashfs knows these three name spaces; ACLs and the like live in another and are left out, as by mksquashfs. */
static bool is_storable(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strncmp(name, "trusted.", 8) == 0 ||
	       strncmp(name, "security.", 9) == 0;
}

/* @path is /proc/self/fd/N/name: the calls on a link itself exist with paths only. */
static int read_xattrs(const char *path, struct tree_inode *inode, struct err *err)
{
	ssize_t list_size = llistxattr(path, NULL, 0);
	cleanup_ptr char *list = NULL;
	cleanup_ptr char *value = NULL;

	if (list_size <= 0)
		return 0; /* none, or a file system that has none */
	list = malloc(XATTR_LIST_MAX);
	value = malloc(XATTR_VALUE_MAX);
	if (!list || !value)
		return err_sys(err, ENOMEM, "cannot read attributes");
	list_size = llistxattr(path, list, XATTR_LIST_MAX);
	for (const char *name = list; list_size > 0 && name < list + list_size; name += strlen(name) + 1) {
		ssize_t size;
		int rc;

		if (!is_storable(name))
			continue;
		size = lgetxattr(path, name, value, XATTR_VALUE_MAX);
		if (size < 0)
			continue; /* not for us to read: the same as not listed */
		rc = tree_set_xattr(inode, name, value, (size_t)size, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_target(int dir_fd, const char *name, struct tree_inode *inode, struct err *err)
{
	char target[4097];
	ssize_t len = readlinkat(dir_fd, name, target, sizeof(target) - 1);

	if (len < 0)
		return err_sys(err, errno, "cannot read the link %s", name);
	target[len] = '\0';
	inode->target = strdup(target);
	return inode->target ? 0 : err_sys(err, ENOMEM, "cannot keep the link %s", name);
}

static void fill_inode(const struct scan *scan, const struct stat *st, struct tree_inode *inode)
{
	inode->mode = st->st_mode;
	inode->uid = scan->squash_ids ? 0 : st->st_uid;
	inode->gid = scan->squash_ids ? 0 : st->st_gid;
	inode->mtime = st->st_mtime < 0 ? 0 : st->st_mtime > UINT32_MAX ? UINT32_MAX : (uint32_t)st->st_mtime;
}

static int fill_leaf(struct scan *scan, int dir_fd, const char *name, const char *path, const struct stat *st,
		     struct tree_inode *inode, struct err *err)
{
	if (S_ISREG(st->st_mode)) {
		inode->size = (uint64_t)st->st_size;
		inode->source = &scan->source;
		inode->locator = strdup(path);
		return inode->locator ? 0 : err_sys(err, ENOMEM, "cannot keep %s", path);
	}
	if (S_ISLNK(st->st_mode))
		return read_target(dir_fd, name, inode, err);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		inode->rdev = tree_encode_device(major(st->st_rdev), minor(st->st_rdev));
	return 0;
}

/* Returns the inode met before under another name, or NULL; a new one is remembered as @inode. */
static struct tree_inode *find_link(struct scan *scan, const struct stat *st, struct tree_inode *inode)
{
	struct seen key = {.dev = st->st_dev, .ino = st->st_ino};
	struct seen **found = tfind(&key, &scan->seen, compare_seen);

	if (found)
		return (*found)->inode;
	if (inode) {
		struct seen *entry = malloc(sizeof(*entry));

		/* Without memory the file is merely stored once per name. */
		if (!entry)
			return NULL;
		*entry = key;
		entry->inode = inode;
		if (!tsearch(entry, &scan->seen, compare_seen))
			free(entry);
	}
	return NULL;
}

static int scan_entries(struct scan *scan, int dir_fd, struct tree_node *node, const char *path, struct err *err);

static int scan_subdir(struct scan *scan, int dir_fd, struct tree_node *node, const char *path, struct err *err)
{
	int fd = openat(dir_fd, node->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		log_warning("cannot read %s: it is empty in the image", path);
		return 0;
	}
	if (fd < 0)
		return err_sys(err, errno, "cannot open the directory %s", path);
	return scan_entries(scan, fd, node, path, err); /* consumes fd */
}

static int scan_entry(struct scan *scan, int dir_fd, const char *name, struct tree_node *parent, const char *path,
		      struct err *err)
{
	cleanup_ptr char *proc_path = NULL;
	struct tree_inode *inode;
	struct tree_node *node;
	struct stat st;
	int rc;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "cannot stat %s", path);
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1) {
		inode = find_link(scan, &st, NULL);
		if (inode)
			return tree_add(parent, name, inode, NULL, err);
	}
	inode = tree_new_inode(scan->tree, st.st_mode);
	if (!inode || asprintf(&proc_path, "/proc/self/fd/%d/%s", dir_fd, name) < 0) {
		proc_path = NULL;
		return err_sys(err, ENOMEM, "cannot keep %s", path);
	}
	fill_inode(scan, &st, inode);
	rc = fill_leaf(scan, dir_fd, name, path, &st, inode, err);
	if (rc == 0)
		rc = read_xattrs(proc_path, inode, err);
	if (rc == 0)
		rc = tree_add(parent, name, inode, &node, err);
	if (rc < 0)
		return rc;
	if (S_ISDIR(st.st_mode))
		return scan_subdir(scan, dir_fd, node, path, err);
	if (st.st_nlink > 1)
		(void)find_link(scan, &st, inode);
	return 0;
}

static int scan_entries(struct scan *scan, int dir_fd, struct tree_node *node, const char *path, struct err *err)
{
	cleanup_dir DIR *dir = fdopendir(dir_fd);
	struct dirent *entry;

	if (!dir) {
		int errnum = errno;

		(void)close(dir_fd);
		return err_sys(err, errnum, "cannot list %s", path);
	}
	while ((errno = 0, entry = readdir(dir))) {
		cleanup_ptr char *below = NULL;
		int rc;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", entry->d_name) < 0) {
			below = NULL;
			return err_sys(err, ENOMEM, "cannot list %s", path);
		}
		rc = scan_entry(scan, dirfd(dir), entry->d_name, node, below, err);
		if (rc < 0)
			return rc;
	}
	return errno ? err_sys(err, errno, "cannot list %s", path) : 0;
}

int scan_directory(int root_fd, bool squash_ids, struct tree *tree, struct scan **out, struct err *err)
{
	struct scan *scan = calloc(1, sizeof(*scan));
	char self[64];
	struct stat st;
	int fd, rc;

	if (!scan)
		return err_sys(err, ENOMEM, "cannot scan a directory");
	*out = scan;
	scan->source = (struct tree_source){.open = source_open, .read = source_read, .close = source_close};
	scan->root_fd = root_fd;
	scan->open_fd = -1;
	scan->squash_ids = squash_ids;
	scan->tree = tree;
	fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = err_sys(err, errno, "cannot open the root file system");
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	fill_inode(scan, &st, tree->root->inode);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d/.", fd);
	rc = read_xattrs(self, tree->root->inode, err);
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}
	return scan_entries(scan, fd, tree->root, "", err);
}

void scan_free(struct scan *scan)
{
	if (!scan)
		return;
	tdestroy(scan->seen, free);
	free(scan);
}
