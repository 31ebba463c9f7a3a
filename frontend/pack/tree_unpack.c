/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three walks. First directories (0700) and empty regular files are made, and hard links to them. Then contents come, in whatever
 * order. At last everything gets its owner, attributes, mode and time, children before their directory, and symbolic links and
 * special files are made, so that while files are opened by name there is no link that could lead anywhere.
 */
#include "frontend/pack/tree_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "frontend/pack/extract.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define SPARSE_BYTES ((size_t)4096) /* pieces of zeros of this length are left out of a file */

struct unpacking {
	struct tree_sink sink; /* first: what the feed sees */
	int root_fd;
	bool keep_owners;
	const struct tree_node **first; /* by inode number: where an inode was made */
	uint32_t count, capacity;
	int file_fd; /* the file whose contents come */
	uint64_t at;
	const struct tree_inode *current;
	bool warned_owner, warned_xattr, warned_device;
};

static int fail(const struct tree_node *node, int errnum, struct err *err)
{
	char path[PATH_MAX];

	return err_sys(err, errnum, "cannot unpack %s", tree_node_path(node, path, sizeof(path)));
}

/* Number the inode of @node, which has just been made. */
static int remember(struct unpacking *work, const struct tree_node *node, struct err *err)
{
	if (work->count + 1 >= work->capacity) {
		uint32_t capacity = work->capacity ? work->capacity * 2 : 1024;
		const struct tree_node **grown = reallocarray(work->first, capacity, sizeof(*grown));

		if (!grown)
			return fail(node, ENOMEM, err);
		work->first = grown;
		work->capacity = capacity;
	}
	node->inode->number = ++work->count;
	work->first[node->inode->number] = node;
	return 0;
}

/* The directory of @node, opened without following links. */
static int open_parent_of(const struct unpacking *work, const struct tree_node *node)
{
	char path[PATH_MAX];

	(void)tree_node_path(node->parent, path, sizeof(path));
	return extract_open_beneath(work->root_fd, path[1] ? path + 1 : ".", O_PATH | O_DIRECTORY);
}

static int make_link(const struct unpacking *work, int dir_fd, const struct tree_node *node, struct err *err)
{
	const struct tree_node *first = work->first[node->inode->number];
	cleanup_fd int parent_fd = open_parent_of(work, first);

	if (parent_fd < 0 || linkat(parent_fd, first->name, dir_fd, node->name, 0) < 0)
		return fail(node, errno, err);
	return 0;
}

/* ---- contents ---- */

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static int write_all(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t put = pwrite(fd, bytes, size, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		bytes += put;
		offset += (uint64_t)put;
		size -= (size_t)put;
	}
	return 0;
}

/* Write what is not zero. */
static int write_sparse(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
	size_t begin = 0;

	while (begin < size) {
		size_t end = begin;
		int rc;

		while (end < size && !is_zero(bytes + end, size - end < SPARSE_BYTES ? size - end : SPARSE_BYTES))
			end += size - end < SPARSE_BYTES ? size - end : SPARSE_BYTES;
		rc = write_all(fd, bytes + begin, end - begin, offset + begin);
		if (rc < 0)
			return rc;
		begin = end + SPARSE_BYTES;
	}
	return 0;
}

static int sink_begin(struct tree_sink *sink, struct tree_inode *inode, struct err *err)
{
	struct unpacking *work = (struct unpacking *)(void *)sink;
	const struct tree_node *node = work->first[inode->number];
	char path[PATH_MAX];

	work->current = inode;
	work->at = 0;
	work->file_fd = extract_open_beneath(work->root_fd, tree_node_path(node, path, sizeof(path)) + 1, O_WRONLY);
	return work->file_fd < 0 ? fail(node, errno, err) : 0;
}

static int sink_append(struct tree_sink *sink, const void *bytes, size_t size, struct err *err)
{
	struct unpacking *work = (struct unpacking *)(void *)sink;
	int rc = bytes ? write_sparse(work->file_fd, bytes, size, work->at) : 0;

	work->at += size;
	return rc < 0 ? fail(work->first[work->current->number], -rc, err) : 0;
}

static int sink_end(struct tree_sink *sink, struct err *err)
{
	struct unpacking *work = (struct unpacking *)(void *)sink;
	int errnum = ftruncate(work->file_fd, (off_t)work->at) < 0 ? errno : 0;

	if (close(work->file_fd) < 0 && errnum == 0)
		errnum = errno;
	work->file_fd = -1;
	return errnum ? fail(work->first[work->current->number], errnum, err) : 0;
}

/* ---- first walk ---- */

static int make_file(struct unpacking *work, int dir_fd, const struct tree_node *node, struct err *err)
{
	const struct tree_inode *inode = node->inode;
	cleanup_fd int fd = -1;
	int rc;

	if (inode->number != 0)
		return make_link(work, dir_fd, node, err);
	fd = openat(dir_fd, node->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(node, errno, err);
	rc = remember(work, node, err);
	if (rc < 0 || inode->source || inode->size == 0)
		return rc;
	rc = write_all(fd, inode->bytes, (size_t)inode->size, 0);
	return rc < 0 ? fail(node, -rc, err) : 0;
}

static int make_below(struct unpacking *work, int dir_fd, const struct tree_node *dir, struct err *err)
{
	for (uint32_t i = 0; i < dir->count; i++) {
		const struct tree_node *node = dir->children[i];
		int rc = 0;

		if (S_ISREG(node->inode->mode)) {
			rc = make_file(work, dir_fd, node, err);
		} else if (S_ISDIR(node->inode->mode)) {
			cleanup_fd int fd = -1;

			if (mkdirat(dir_fd, node->name, 0700) < 0)
				return fail(node, errno, err);
			fd = extract_open_beneath(dir_fd, node->name, O_RDONLY | O_DIRECTORY);
			rc = fd < 0 ? fail(node, errno, err) : make_below(work, fd, node, err);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- last walk ---- */

/* In a user namespace, and on some network file systems, root may not give files away; the image is usable all the same. */
static int set_owner(struct unpacking *work, int dir_fd, const char *name, const struct tree_node *node, struct err *err)
{
	if (!work->keep_owners || fchownat(dir_fd, name, node->inode->uid, node->inode->gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != EPERM && errno != EINVAL)
		return fail(node, errno, err);
	if (!work->warned_owner)
		log_warning("Owners of files cannot be kept here (first: %s)", node->name);
	work->warned_owner = true;
	return 0;
}

static int set_time(int dir_fd, const char *name, const struct tree_node *node, struct err *err)
{
	struct timespec times[2] = {{.tv_sec = node->inode->mtime}, {.tv_sec = node->inode->mtime}};

	return utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail(node, errno, err) : 0;
}

static mode_t get_mode(const struct unpacking *work, const struct tree_inode *inode)
{
	mode_t mode = inode->mode & 07777;

	/* Set-id bits are for the owner the image names, not for the caller. */
	return work->keep_owners ? mode : mode & (mode_t) ~(S_ISUID | S_ISGID);
}

static int set_xattrs(struct unpacking *work, int fd, const struct tree_node *node, struct err *err)
{
	for (const struct tree_xattr *xattr = node->inode->xattrs; xattr; xattr = xattr->next) {
		if ((strncmp(xattr->name, "user.", 5) != 0 && !work->keep_owners) ||
		    fsetxattr(fd, xattr->name, xattr->value, xattr->size, 0) == 0)
			continue;
		if (errno != ENOTSUP && errno != EPERM && errno != EACCES)
			return fail(node, errno, err);
		if (!work->warned_xattr)
			log_warning("Extended attributes cannot all be kept here (first: %s of %s)", xattr->name, node->name);
		work->warned_xattr = true;
	}
	return 0;
}

static int finish_file(struct unpacking *work, int dir_fd, const struct tree_node *node, struct err *err)
{
	cleanup_fd int fd = extract_open_beneath(dir_fd, node->name, O_RDONLY);
	int rc = fd < 0 ? fail(node, errno, err) : set_owner(work, dir_fd, node->name, node, err);

	/* After the owner, whose change clears set-id bits and capabilities. */
	if (rc == 0)
		rc = set_xattrs(work, fd, node, err);
	if (rc == 0 && fchmod(fd, get_mode(work, node->inode)) < 0)
		rc = fail(node, errno, err);
	return rc < 0 ? rc : set_time(dir_fd, node->name, node, err);
}

/* True when there is a file now whose metadata is to be set. */
static int make_special(struct unpacking *work, int dir_fd, const struct tree_node *node, bool *made, struct err *err)
{
	const struct tree_inode *inode = node->inode;
	/* The number has the minor's low byte, twelve bits of the major, and the rest of the minor. */
	dev_t device = makedev((inode->rdev >> 8) & 0xfff, (inode->rdev & 0xff) | ((inode->rdev >> 12) & 0xfff00));

	*made = false;
	if (mknodat(dir_fd, node->name, (inode->mode & S_IFMT) | 0600, device) < 0) {
		if (errno != EPERM || S_ISFIFO(inode->mode))
			return fail(node, errno, err);
		if (!work->warned_device)
			log_warning("Device files cannot be made here (first: %s)", node->name);
		work->warned_device = true;
		return 0;
	}
	*made = true;
	return 0;
}

static int finish_other(struct unpacking *work, int dir_fd, const struct tree_node *node, struct err *err)
{
	const struct tree_inode *inode = node->inode;
	bool made = true;
	int rc = 0;

	if (inode->number != 0)
		return make_link(work, dir_fd, node, err);
	if (!S_ISLNK(inode->mode))
		rc = make_special(work, dir_fd, node, &made, err);
	else if (symlinkat(inode->target, dir_fd, node->name) < 0)
		rc = fail(node, errno, err);
	if (rc < 0 || !made)
		return rc;
	rc = remember(work, node, err);
	if (rc == 0)
		rc = set_owner(work, dir_fd, node->name, node, err);
	if (rc == 0 && !S_ISLNK(inode->mode) && fchmodat(dir_fd, node->name, get_mode(work, inode), 0) < 0)
		rc = fail(node, errno, err);
	return rc < 0 ? rc : set_time(dir_fd, node->name, node, err);
}

static int finish_below(struct unpacking *work, int dir_fd, const struct tree_node *dir, struct err *err);

static int finish_entry(struct unpacking *work, int dir_fd, const struct tree_node *node, struct err *err)
{
	if (S_ISDIR(node->inode->mode)) {
		cleanup_fd int fd = extract_open_beneath(dir_fd, node->name, O_RDONLY | O_DIRECTORY);

		return fd < 0 ? fail(node, errno, err) : finish_below(work, fd, node, err);
	}
	if (!S_ISREG(node->inode->mode))
		return finish_other(work, dir_fd, node, err);
	return work->first[node->inode->number] == node ? finish_file(work, dir_fd, node, err) : 0;
}

static int finish_below(struct unpacking *work, int dir_fd, const struct tree_node *dir, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < dir->count && rc == 0; i++)
		rc = finish_entry(work, dir_fd, dir->children[i], err);
	if (rc == 0)
		rc = set_owner(work, dir_fd, ".", dir, err);
	if (rc == 0)
		rc = set_xattrs(work, dir_fd, dir, err);
	/* The time first: without search permission "." cannot be looked up any more. */
	if (rc == 0)
		rc = set_time(dir_fd, ".", dir, err);
	if (rc == 0 && fchmod(dir_fd, get_mode(work, dir->inode)) < 0)
		rc = fail(dir, errno, err);
	return rc;
}

int tree_unpack(struct tree *tree, struct tree_feed *feed, bool keep_owners, int root_fd, struct err *err)
{
	struct unpacking work = {.sink = {.begin = sink_begin, .append = sink_append, .end = sink_end},
				 .root_fd = root_fd,
				 .keep_owners = keep_owners,
				 .file_fd = -1};
	int rc;

	for (struct tree_inode *inode = tree->inodes; inode; inode = inode->next)
		inode->number = 0;
	rc = make_below(&work, root_fd, tree->root, err);
	if (rc == 0 && feed)
		rc = feed->run(feed, &work.sink, err);
	if (rc == 0)
		rc = finish_below(&work, root_fd, tree->root, err);
	if (work.file_fd >= 0)
		(void)close(work.file_fd);
	free(work.first);
	return rc;
}
