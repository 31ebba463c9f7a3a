/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every name is created relative to the descriptor of its directory and must be new, so that no link of the image is ever
 * followed. Links are made after the other entries of their directory; hard links are made to files of ours only, found
 * below the destination without passing a symbolic link. What the image claims is limited: depth, number of entries, bytes
 * written in relation to the size of the image.
 */
#include "frontend/pack/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <sqfs/error.h>
#include <sqfs/xattr.h>

#include "frontend/image/squash_read.h"
#include "frontend/imager.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define DEPTH_MAX 256
#define ENTRIES_MAX ((size_t)16 * 1024 * 1024)
#define BYTES_FREE (UINT64_C(16) << 30) /* written without asking for the ratio */
#define RATIO_MAX 2048                  /* bytes written for one byte of the image */
#define SPARSE_BYTES 4096               /* runs of zeros of this length are left out of a file */

struct link_target {
	char *path_rel; /* owned; where the inode was made first */
};

struct extraction {
	struct squash *squash;
	int root_fd;
	bool keep_owners;
	uint32_t inode_count; /* as the superblock says */
	struct link_target *targets; /* by inode number */
	size_t entries;
	uint64_t bytes, bytes_max;
	uint8_t *block; /* one block of the image */
	char path[PATH_MAX]; /* of the entry at work, below the destination */
	bool warned_owner, warned_xattr, warned_device;
	struct timespec started;
	bool told;
};

static int damaged(const struct extraction *x, struct err *err, const char *reason)
{
	return err_set(err, ERR_IMAGE, EINVAL, "cannot unpack /%s: %s", x->path, reason);
}

static int failed(const struct extraction *x, struct err *err, int errnum)
{
	return err_sys(err, errnum, "cannot unpack /%s", x->path);
}

int extract_open_beneath(int dir_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

static void tell_progress(struct extraction *x)
{
	struct timespec now;

	if (x->told || clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return;
	if (now.tv_sec - x->started.tv_sec > 1) {
		log_info("Extracting image, %u files ...", x->inode_count);
		x->told = true;
	}
}

static mode_t get_mode(const struct extraction *x, const sqfs_inode_generic_t *inode)
{
	mode_t mode = inode->base.mode & 07777;

	/* Set-id bits are for the owner the image names, not for the caller. */
	return x->keep_owners ? mode : mode & (mode_t) ~(S_ISUID | S_ISGID);
}

/* In a user namespace, and on some network file systems, root may not give files away; the image is usable all the same. */
static int set_owner(struct extraction *x, int dir_fd, const char *name, const sqfs_inode_generic_t *inode,
		     struct err *err)
{
	uint32_t uid, gid;
	int status;

	if (!x->keep_owners)
		return 0;
	status = sqfs_id_table_index_to_id(x->squash->ids, inode->base.uid_idx, &uid);
	if (status == 0)
		status = sqfs_id_table_index_to_id(x->squash->ids, inode->base.gid_idx, &gid);
	if (status)
		return damaged(x, err, "owner is not in the table");
	if (fchownat(dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != EPERM && errno != EINVAL)
		return failed(x, err, errno);
	if (!x->warned_owner)
		log_warning("Owners of files cannot be kept here (first: /%s)", x->path);
	x->warned_owner = true;
	return 0;
}

static int set_times(const struct extraction *x, int dir_fd, const char *name, const sqfs_inode_generic_t *inode,
		     struct err *err)
{
	struct timespec times[2] = {{.tv_sec = inode->base.mod_time}, {.tv_sec = inode->base.mod_time}};

	if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(x, err, errno);
	return 0;
}

static int set_xattr(struct extraction *x, int fd, const sqfs_xattr_entry_t *key, const sqfs_xattr_value_t *value,
		     struct err *err)
{
	const char *name = (const char *)key->key;

	if (strncmp(name, "user.", 5) != 0 && !x->keep_owners)
		return 0;
	if (fsetxattr(fd, name, value->value, value->size, 0) == 0)
		return 0;
	if (errno != ENOTSUP && errno != EPERM && errno != EACCES)
		return failed(x, err, errno);
	if (!x->warned_xattr)
		log_warning("Extended attributes cannot all be kept here (first: %s of /%s)", name, x->path);
	x->warned_xattr = true;
	return 0;
}

/* Attributes of the open file or directory @fd. */
static int set_xattrs(struct extraction *x, int fd, const sqfs_inode_generic_t *inode, struct err *err)
{
	sqfs_xattr_reader_t *reader = x->squash->xattrs;
	sqfs_xattr_id_t list;
	uint32_t index;
	int status, rc = 0;

	if (!reader || sqfs_inode_get_xattr_index(inode, &index) != 0 || index == UINT32_MAX)
		return 0;
	status = sqfs_xattr_reader_get_desc(reader, index, &list);
	if (status == 0)
		status = sqfs_xattr_reader_seek_kv(reader, &list);
	for (uint32_t i = 0; i < list.count && status == 0 && rc == 0; i++) {
		sqfs_xattr_entry_t *key = NULL;
		sqfs_xattr_value_t *value = NULL;

		status = sqfs_xattr_reader_read_key(reader, &key);
		if (status == 0)
			status = sqfs_xattr_reader_read_value(reader, key, &value);
		if (status == 0)
			rc = set_xattr(x, fd, key, value, err);
		sqfs_free(value);
		sqfs_free(key);
	}
	return status ? damaged(x, err, "extended attributes are damaged") : rc;
}

static int write_at(const struct extraction *x, int fd, const uint8_t *bytes, size_t size, uint64_t offset,
		    struct err *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t put = pwrite(fd, bytes + done, size - done, (off_t)(offset + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return failed(x, err, put < 0 ? errno : EIO);
		done += (size_t)put;
	}
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Write the parts of a block that are not zero. */
static int write_block(struct extraction *x, int fd, size_t size, uint64_t offset, struct err *err)
{
	size_t begin = 0;

	while (begin < size) {
		size_t end = begin;
		int rc;

		while (end < size && !is_zero(x->block + end, size - end < SPARSE_BYTES ? size - end : SPARSE_BYTES))
			end += size - end < SPARSE_BYTES ? size - end : SPARSE_BYTES;
		x->bytes += end - begin;
		if (x->bytes > x->bytes_max)
			return damaged(x, err, "the image unpacks to far more than its size allows");
		rc = write_at(x, fd, x->block + begin, end - begin, offset + begin, err);
		if (rc < 0)
			return rc;
		begin = end + SPARSE_BYTES;
	}
	return 0;
}

/* Blocks that the image leaves out are recorded with the size 0; most of a sparse file is passed without looking. */
static bool is_hole(const sqfs_inode_generic_t *inode, size_t index)
{
	return index < inode->payload_bytes_used / sizeof(uint32_t) && inode->extra[index] == 0;
}

static int write_contents(struct extraction *x, int fd, const sqfs_inode_generic_t *inode, struct err *err)
{
	const uint32_t block_size = x->squash->super.block_size;
	sqfs_u64 length = 0;
	int rc = 0;

	if (sqfs_inode_get_file_size(inode, &length) != 0 || length > INT64_MAX)
		return damaged(x, err, "size is out of range");
	for (sqfs_u64 offset = 0; offset < length && rc == 0; offset += block_size) {
		uint32_t want = length - offset < block_size ? (uint32_t)(length - offset) : block_size;
		sqfs_s32 got;

		if (is_hole(inode, (size_t)(offset / block_size)))
			continue;
		got = sqfs_data_reader_read(x->squash->data, inode, offset, x->block, want);
		if (got < 0 || (uint32_t)got != want)
			return damaged(x, err, "contents are damaged");
		rc = write_block(x, fd, want, offset, err);
	}
	if (rc == 0 && ftruncate(fd, (off_t)length) < 0)
		rc = failed(x, err, errno);
	return rc;
}

static int make_file(struct extraction *x, int dir_fd, const struct squash_child *child, struct err *err)
{
	cleanup_fd int fd = openat(dir_fd, child->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return failed(x, err, errno);
	rc = write_contents(x, fd, child->inode, err);
	if (rc == 0)
		rc = set_owner(x, dir_fd, child->name, child->inode, err);
	/* After the owner, whose change clears set-id bits and capabilities. */
	if (rc == 0)
		rc = set_xattrs(x, fd, child->inode, err);
	if (rc == 0 && fchmod(fd, get_mode(x, child->inode)) < 0)
		rc = failed(x, err, errno);
	return rc == 0 ? set_times(x, dir_fd, child->name, child->inode, err) : rc;
}

static int make_symlink(struct extraction *x, int dir_fd, const struct squash_child *child, struct err *err)
{
	cleanup_ptr char *target = squash_get_target(child->inode);
	int rc;

	if (!target || target[0] == '\0')
		return damaged(x, err, "target of the link is empty or too long");
	if (symlinkat(target, dir_fd, child->name) < 0)
		return failed(x, err, errno);
	rc = set_owner(x, dir_fd, child->name, child->inode, err);
	return rc == 0 ? set_times(x, dir_fd, child->name, child->inode, err) : rc;
}

static uint32_t get_device(const sqfs_inode_generic_t *inode)
{
	if (inode->base.type == SQFS_INODE_BDEV || inode->base.type == SQFS_INODE_CDEV)
		return inode->data.dev.devno;
	return inode->data.dev_ext.devno;
}

/* Devices, pipes and sockets. */
static int make_special(struct extraction *x, int dir_fd, const struct squash_child *child, struct err *err)
{
	mode_t type = squash_get_type(child->inode);
	bool device = S_ISCHR(type) || S_ISBLK(type);
	uint32_t number = device ? get_device(child->inode) : 0;
	int rc;

	if (device && !x->keep_owners)
		return 0;
	/* The number has the minor's low byte, twelve bits of the major, and the rest of the minor. */
	if (mknodat(dir_fd, child->name, type | 0600,
		    makedev((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00))) < 0) {
		if (!device || errno != EPERM)
			return failed(x, err, errno);
		if (!x->warned_device)
			log_warning("Device files cannot be made here (first: /%s)", x->path);
		x->warned_device = true;
		return 0;
	}
	rc = set_owner(x, dir_fd, child->name, child->inode, err);
	if (rc == 0 && fchmodat(dir_fd, child->name, get_mode(x, child->inode), 0) < 0)
		rc = failed(x, err, errno);
	return rc == 0 ? set_times(x, dir_fd, child->name, child->inode, err) : rc;
}

static uint32_t get_links(const sqfs_inode_generic_t *inode)
{
	return inode->base.type == SQFS_INODE_EXT_FILE ? inode->data.file_ext.nlink : 1;
}

/* Name an unpacked file once more. Its directory is opened below the destination, without passing links. */
static int make_link(const struct extraction *x, int dir_fd, const char *name, const char *target_rel, struct err *err)
{
	cleanup_ptr char *parent = strdup(target_rel);
	cleanup_fd int parent_fd = -1;
	struct stat st;
	char *slash;
	const char *base = target_rel;

	if (!parent)
		return failed(x, err, ENOMEM);
	slash = strrchr(parent, '/');
	if (slash) {
		*slash = '\0';
		base = target_rel + (slash - parent) + 1;
	}
	parent_fd = extract_open_beneath(x->root_fd, slash ? parent : ".", O_PATH | O_DIRECTORY);
	if (parent_fd < 0)
		return failed(x, err, errno);
	if (fstatat(parent_fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(x, err, errno);
	if (!S_ISREG(st.st_mode))
		return damaged(x, err, "hard link to what is no regular file");
	if (linkat(parent_fd, base, dir_fd, name, 0) < 0)
		return failed(x, err, errno);
	return 0;
}

static int make_regular(struct extraction *x, int dir_fd, const struct squash_child *child, struct err *err)
{
	struct link_target *target = &x->targets[child->inode->base.inode_number];
	int rc;

	if (get_links(child->inode) < 2)
		return make_file(x, dir_fd, child, err);
	if (target->path_rel)
		return make_link(x, dir_fd, child->name, target->path_rel, err);
	rc = make_file(x, dir_fd, child, err);
	if (rc == 0) {
		target->path_rel = strdup(x->path);
		if (!target->path_rel)
			rc = failed(x, err, ENOMEM);
	}
	return rc;
}

static int unpack_directory(struct extraction *x, int dir_fd, const sqfs_inode_generic_t *inode, unsigned int depth,
			    struct err *err);

static int make_directory(struct extraction *x, int dir_fd, const struct squash_child *child, unsigned int depth,
			  struct err *err)
{
	cleanup_fd int fd = -1;

	if (mkdirat(dir_fd, child->name, 0700) < 0)
		return failed(x, err, errno);
	fd = extract_open_beneath(dir_fd, child->name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return failed(x, err, errno);
	return unpack_directory(x, fd, child->inode, depth + 1, err);
}

static int make_entry(struct extraction *x, int dir_fd, const struct squash_child *child, unsigned int depth,
		      struct err *err)
{
	uint32_t number = child->inode->base.inode_number;

	if (number == 0 || number > x->inode_count)
		return damaged(x, err, "inode number is out of range");
	switch (squash_get_type(child->inode)) {
	case S_IFDIR:
		return make_directory(x, dir_fd, child, depth, err);
	case S_IFREG:
		return make_regular(x, dir_fd, child, err);
	case S_IFLNK:
		return make_symlink(x, dir_fd, child, err);
	case S_IFBLK:
	case S_IFCHR:
	case S_IFIFO:
	case S_IFSOCK:
		return make_special(x, dir_fd, child, err);
	default:
		return damaged(x, err, "unknown type of file");
	}
}

/* Set x->path to the entry @name of the directory whose path has @length bytes. */
static int enter_name(struct extraction *x, size_t length, const char *name, struct err *err)
{
	size_t slash = length > 0 ? 1 : 0;

	if (length + slash + strlen(name) >= sizeof(x->path))
		return damaged(x, err, "path is too long");
	if (slash)
		x->path[length] = '/';
	strcpy(x->path + length + slash, name);
	return 0;
}

/* The entries that are links if @links, else the others. */
static int make_entries(struct extraction *x, int dir_fd, const struct squash_children *children, bool links,
			unsigned int depth, struct err *err)
{
	size_t length = strlen(x->path);
	int rc = 0;

	for (size_t i = 0; i < children->count && rc == 0; i++) {
		if ((squash_get_type(children->items[i].inode) == S_IFLNK) != links)
			continue;
		tell_progress(x);
		rc = enter_name(x, length, children->items[i].name, err);
		if (rc == 0)
			rc = make_entry(x, dir_fd, &children->items[i], depth, err);
		x->path[length] = '\0';
	}
	return rc;
}

static int finish_directory(struct extraction *x, int dir_fd, const sqfs_inode_generic_t *inode, struct err *err)
{
	int rc = set_owner(x, dir_fd, ".", inode, err);

	if (rc == 0)
		rc = set_xattrs(x, dir_fd, inode, err);
	/* The time first: without search permission "." cannot be looked up any more. */
	if (rc == 0)
		rc = set_times(x, dir_fd, ".", inode, err);
	if (rc == 0 && fchmod(dir_fd, get_mode(x, inode)) < 0)
		rc = failed(x, err, errno);
	return rc;
}

/* Fill the new directory @dir_fd (borrowed) with what @inode holds, then make it what @inode says. */
static int unpack_directory(struct extraction *x, int dir_fd, const sqfs_inode_generic_t *inode, unsigned int depth,
			    struct err *err)
{
	struct squash_children children;
	int rc;

	if (depth > DEPTH_MAX)
		return damaged(x, err, "directories are nested too deeply");
	rc = squash_list(x->squash, inode, ENTRIES_MAX - x->entries, &children, err);
	if (rc < 0)
		return err_wrap(err, "/%s", x->path);
	x->entries += children.count;
	rc = make_entries(x, dir_fd, &children, false, depth, err);
	if (rc == 0)
		rc = make_entries(x, dir_fd, &children, true, depth, err);
	squash_children_fini(&children);
	return rc == 0 ? finish_directory(x, dir_fd, inode, err) : rc;
}

static int prepare(struct extraction *x, const char *dest, uint64_t size, struct err *err)
{
	x->inode_count = x->squash->super.inode_count;
	if (x->inode_count > ENTRIES_MAX)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot unpack the image: it claims too many files");
	x->bytes_max = size > (UINT64_MAX - BYTES_FREE) / RATIO_MAX ? UINT64_MAX : BYTES_FREE + size * RATIO_MAX;
	x->root_fd = open(dest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (x->root_fd < 0)
		return err_sys(err, errno, "cannot unpack into %s", dest);
	x->targets = calloc((size_t)x->inode_count + 1, sizeof(*x->targets));
	x->block = malloc(x->squash->super.block_size);
	if (!x->targets || !x->block)
		return err_sys(err, ENOMEM, "cannot unpack the image");
	(void)clock_gettime(CLOCK_MONOTONIC, &x->started);
	return 0;
}

static void extraction_fini(struct extraction *x)
{
	for (size_t i = 0; x->targets && i <= x->inode_count; i++)
		free(x->targets[i].path_rel);
	free(x->targets);
	free(x->block);
	if (x->root_fd >= 0)
		(void)close(x->root_fd);
	squash_close(x->squash);
}

int extract_squashfs(int fd, uint64_t offset, uint64_t size, const char *dest, bool squash_ids, struct err *err)
{
	struct extraction x = {.root_fd = -1, .keep_owners = geteuid() == 0 && !squash_ids};
	sqfs_inode_generic_t *root = NULL;
	int rc = squash_open(fd, offset, size, &x.squash, err);

	if (rc == 0)
		rc = prepare(&x, dest, size, err);
	if (rc == 0)
		rc = squash_lookup(x.squash, "/", &root, err);
	if (rc == 0 && squash_get_type(root) != S_IFDIR)
		rc = err_set(err, ERR_IMAGE, EINVAL, "cannot unpack the image: its root is no directory");
	if (rc == 0)
		rc = unpack_directory(&x, x.root_fd, root, 0, err);
	sqfs_free(root);
	extraction_fini(&x);
	return rc;
}

int extract_main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct squash_arguments arguments;
	int rc = squash_parse_arguments(argc, argv, true, &arguments, &err);

	if (rc == 0 && argc - arguments.first != 1)
		rc = err_set(&err, ERR_USAGE, EINVAL, "one destination is needed");
	if (rc == 0)
		rc = extract_squashfs(arguments.fd, arguments.offset, arguments.size, argv[arguments.first],
				      arguments.squash_ids, &err);
	if (rc == 0)
		return 0;
	log_fatal("%s", err.message);
	return 255;
}
