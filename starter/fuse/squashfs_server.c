/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Serves one squashfs partition on a FUSE connection that the starter has mounted. Never privileged. The image never changes, so
 * the kernel may cache everything for ever; it ends when its mount does. libsquashfuse 0.1 is not safe with threads that share
 * one struct sqfs: each thread opens its own.
 */
#include <squashfuse/config.h>
#include <squashfuse/squashfuse.h>
#include <fuse3/fuse_lowlevel.h>

/* In the library, in no installed header. */
sqfs_err sqfs_stat(sqfs *fs, sqfs_inode *inode, struct stat *st);

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOREVER 1e9
#define ROOT_NODE FUSE_ROOT_ID
#define NODE_SHIFT 2 /* inode references start at 0; 0 is no node and 1 is the root */
#define READDIR_MAX (1024 * 1024)
#define FATAL_STATUS 255

static struct {
	int image_fd, fuse_fd;
	uint64_t offset, size;
	int squash;
	uid_t uid;
	gid_t gid;
	pthread_key_t key;
} server = {-1, -1, 0, 0, 0, 0, 0, 0};

/*
 * The library's only way to the image, defined here in place of its own: what a damaged image points to behind its partition
 * (other partitions of the SIF) is refused.
 */
ssize_t sqfs_pread(sqfs_fd_t fd, void *buf, size_t count, sqfs_off_t pos);
ssize_t sqfs_pread(sqfs_fd_t fd, void *buf, size_t count, sqfs_off_t pos)
{
	uint64_t start = (uint64_t)pos - server.offset;

	if (pos < 0 || (uint64_t)pos < server.offset || start > server.size || count > server.size - start) {
		errno = EIO;
		return -1;
	}
	return pread(fd, buf, count, pos);
}

static void server_close(void *fs)
{
	sqfs_destroy(fs);
	free(fs);
}

/* This thread's view of the image. */
static sqfs *server_fs(void)
{
	sqfs *fs = pthread_getspecific(server.key);

	if (fs)
		return fs;
	fs = calloc(1, sizeof(*fs));
	if (!fs || sqfs_init(fs, server.image_fd, (size_t)server.offset) != SQFS_OK) {
		free(fs);
		return NULL;
	}
	(void)pthread_setspecific(server.key, fs);
	return fs;
}

static sqfs_inode_id server_inode_id(sqfs *fs, fuse_ino_t node)
{
	return node == ROOT_NODE ? sqfs_inode_root(fs) : (sqfs_inode_id)node - NODE_SHIFT;
}

static fuse_ino_t server_node(sqfs *fs, sqfs_inode_id id)
{
	return id == sqfs_inode_root(fs) ? ROOT_NODE : (fuse_ino_t)(id + NODE_SHIFT);
}

/* Inode of @node, or NULL after an error was sent. */
static sqfs *server_get(fuse_req_t req, fuse_ino_t node, sqfs_inode *inode)
{
	sqfs *fs = server_fs();

	if (fs && sqfs_inode_get(fs, inode, server_inode_id(fs, node)) == SQFS_OK)
		return fs;
	(void)fuse_reply_err(req, fs ? EIO : ENOMEM);
	return NULL;
}

static int server_stat(sqfs *fs, sqfs_inode *inode, fuse_ino_t node, struct stat *st)
{
	if (sqfs_stat(fs, inode, st) != SQFS_OK)
		return -1;
	st->st_ino = node;
	if (server.squash) {
		st->st_uid = server.uid;
		st->st_gid = server.gid;
	}
	return 0;
}

static void op_init(void *data, struct fuse_conn_info *conn)
{
	(void)data;
	conn->want |= conn->capable & (FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_READDIRPLUS |
				       FUSE_CAP_ASYNC_READ | FUSE_CAP_EXPORT_SUPPORT);
	conn->want &= ~(unsigned int)FUSE_CAP_READDIRPLUS_AUTO;
	conn->max_readahead = 1024 * 1024;
	/* Errors until here are worth seeing; from now on the caller's pipe must be free to end. */
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null_fd >= 0)
		(void)dup2(null_fd, STDERR_FILENO);
}

static int server_entry(sqfs *fs, sqfs_inode_id id, struct fuse_entry_param *entry)
{
	sqfs_inode inode;

	memset(entry, 0, sizeof(*entry));
	entry->ino = server_node(fs, id);
	entry->attr_timeout = entry->entry_timeout = FOREVER;
	if (sqfs_inode_get(fs, &inode, id) != SQFS_OK)
		return -1;
	return server_stat(fs, &inode, entry->ino, &entry->attr);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {.entry_timeout = FOREVER};
	sqfs_dir_entry found_entry;
	sqfs_name namebuf;
	sqfs_inode inode;
	bool found = false;
	sqfs *fs = server_get(req, parent, &inode);

	if (!fs)
		return;
	sqfs_dentry_init(&found_entry, namebuf);
	if (!S_ISDIR(inode.base.mode)) {
		(void)fuse_reply_err(req, ENOTDIR);
	} else if (strlen(name) > SQUASHFS_NAME_LEN) {
		(void)fuse_reply_err(req, ENAMETOOLONG);
	} else if (sqfs_dir_lookup(fs, &inode, name, strlen(name), &found_entry, &found) != SQFS_OK) {
		(void)fuse_reply_err(req, EIO);
	} else if (!found) {
		(void)fuse_reply_entry(req, &entry); /* node 0: a negative entry, cached as well */
	} else if (server_entry(fs, sqfs_dentry_inode(&found_entry), &entry) < 0) {
		(void)fuse_reply_err(req, EIO);
	} else {
		(void)fuse_reply_entry(req, &entry);
	}
}

static void op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	sqfs_inode inode;
	struct stat st;
	sqfs *fs = server_get(req, node, &inode);

	(void)fi;
	if (!fs)
		return;
	if (server_stat(fs, &inode, node, &st) < 0)
		(void)fuse_reply_err(req, EIO);
	else
		(void)fuse_reply_attr(req, &st, FOREVER);
}

static void op_readlink(fuse_req_t req, fuse_ino_t node)
{
	char target[65536];
	size_t size = sizeof(target);
	sqfs_inode inode;
	sqfs *fs = server_get(req, node, &inode);

	if (!fs)
		return;
	if (!S_ISLNK(inode.base.mode))
		(void)fuse_reply_err(req, EINVAL);
	else if (sqfs_readlink(fs, &inode, target, &size) != SQFS_OK)
		(void)fuse_reply_err(req, EIO);
	else
		(void)fuse_reply_readlink(req, target);
}

static void op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	if (fi->flags & (O_WRONLY | O_RDWR)) {
		(void)fuse_reply_err(req, EROFS);
		return;
	}
	fi->keep_cache = 1;
	(void)fuse_reply_open(req, fi);
}

static void op_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	(void)fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	sqfs_off_t length = (sqfs_off_t)size;
	sqfs_inode inode;
	sqfs *fs = server_get(req, node, &inode);
	char *bytes;

	(void)fi;
	if (!fs)
		return;
	bytes = malloc(size);
	if (!bytes)
		(void)fuse_reply_err(req, ENOMEM);
	else if (!S_ISREG(inode.base.mode) || sqfs_read_range(fs, &inode, offset, &length, bytes) != SQFS_OK)
		(void)fuse_reply_err(req, EIO);
	else
		(void)fuse_reply_buf(req, bytes, (size_t)length);
	free(bytes);
}

struct listing {
	fuse_req_t req;
	char *bytes;
	size_t size, used;
	int plus;
};

/* 1 when the buffer is full. */
static int listing_add(struct listing *list, sqfs *fs, const char *name, sqfs_inode_id id, mode_t mode, off_t next)
{
	struct fuse_entry_param entry;
	size_t need;

	memset(&entry, 0, sizeof(entry));
	entry.attr.st_ino = server_node(fs, id);
	entry.attr.st_mode = mode;
	if (list->plus) {
		/* "." and ".." must not be looked up: node 0 says so. */
		if (name[0] != '.' || (name[1] && (name[1] != '.' || name[2]))) {
			if (server_entry(fs, id, &entry) < 0)
				return -1;
		}
		need = fuse_add_direntry_plus(list->req, list->bytes + list->used, list->size - list->used, name, &entry,
					      next);
	} else {
		need = fuse_add_direntry(list->req, list->bytes + list->used, list->size - list->used, name, &entry.attr,
					 next);
	}
	if (need > list->size - list->used)
		return 1;
	list->used += need;
	return 0;
}

/* Offsets 1 and 2 follow "." and ".."; an entry's own continuation is its squashfs offset plus 3. */
static int listing_fill(struct listing *list, sqfs *fs, sqfs_inode *inode, sqfs_inode_id own, off_t offset)
{
	sqfs_err error = SQFS_OK;
	sqfs_dir_entry entry;
	sqfs_name name;
	sqfs_dir dir;

	if (offset < 1 && listing_add(list, fs, ".", own, S_IFDIR, 1) != 0)
		return 0;
	if (offset < 2 && listing_add(list, fs, "..", own, S_IFDIR, 2) != 0)
		return 0;
	if (sqfs_dir_open(fs, inode, &dir, offset < 3 ? 0 : offset - 3) != SQFS_OK)
		return -1;
	sqfs_dentry_init(&entry, name);
	while (sqfs_dir_next(fs, &dir, &entry, &error)) {
		name[sqfs_dentry_name_size(&entry)] = '\0'; /* the library does not */
		int full = listing_add(list, fs, name, sqfs_dentry_inode(&entry), sqfs_dentry_mode(&entry),
				       sqfs_dentry_next_offset(&entry) + 3);

		if (full != 0)
			return full < 0 ? -1 : 0;
	}
	return error == SQFS_OK ? 0 : -1;
}

static void server_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, int plus)
{
	struct listing list = {req, NULL, size < READDIR_MAX ? size : READDIR_MAX, 0, plus};
	sqfs_inode inode;
	sqfs *fs = server_get(req, node, &inode);

	if (!fs)
		return;
	list.bytes = malloc(list.size);
	if (!list.bytes)
		(void)fuse_reply_err(req, ENOMEM);
	else if (!S_ISDIR(inode.base.mode))
		(void)fuse_reply_err(req, ENOTDIR);
	else if (listing_fill(&list, fs, &inode, server_inode_id(fs, node), offset) < 0)
		(void)fuse_reply_err(req, EIO);
	else
		(void)fuse_reply_buf(req, list.bytes, list.used);
	free(list.bytes);
}

static void op_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	server_readdir(req, node, size, offset, 0);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	server_readdir(req, node, size, offset, 1);
}

static void server_reply_bytes(fuse_req_t req, const char *bytes, size_t length, size_t room)
{
	if (room == 0)
		(void)fuse_reply_xattr(req, length);
	else if (length > room)
		(void)fuse_reply_err(req, ERANGE);
	else
		(void)fuse_reply_buf(req, bytes, length);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	char value[65536];
	size_t length = sizeof(value);
	sqfs_inode inode;
	sqfs *fs = server_get(req, node, &inode);
	sqfs_err error;

	if (!fs)
		return;
	error = sqfs_xattr_lookup(fs, &inode, name, value, &length);
	if (error != SQFS_OK)
		(void)fuse_reply_err(req, EIO);
	else if (length == 0)
		(void)fuse_reply_err(req, ENODATA);
	else
		server_reply_bytes(req, value, length, size);
}

/* The prefixes "trusted." and "security." are exchanged in the listings of this libsquashfuse. */
static void server_fix_prefix(char *name, size_t size)
{
	char rest[1024];

	if (strncmp(name, "trusted.", 8) == 0) {
		(void)snprintf(rest, sizeof(rest), "security.%s", name + 8);
		(void)snprintf(name, size, "%s", rest);
	} else if (strncmp(name, "security.", 9) == 0) {
		(void)snprintf(rest, sizeof(rest), "trusted.%s", name + 9);
		(void)snprintf(name, size, "%s", rest);
	}
}

static void op_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	char list[65536];
	size_t used = 0;
	sqfs_inode inode;
	sqfs_xattr x;
	sqfs *fs = server_get(req, node, &inode);

	if (!fs)
		return;
	if (sqfs_xattr_open(fs, &inode, &x) != SQFS_OK) {
		(void)fuse_reply_err(req, EIO);
		return;
	}
	while (x.remain) {
		if (sqfs_xattr_read(&x) != SQFS_OK || sqfs_xattr_name_size(&x) + 2 > sizeof(list) - used ||
		    sqfs_xattr_name(&x, list + used, true) != SQFS_OK) {
			(void)fuse_reply_err(req, EIO);
			return;
		}
		list[used + sqfs_xattr_name_size(&x)] = '\0';
		server_fix_prefix(list + used, sizeof(list) - used);
		used += strlen(list + used) + 1;
	}
	server_reply_bytes(req, list, used, size);
}

static void op_statfs(fuse_req_t req, fuse_ino_t node)
{
	struct statvfs st = {.f_bsize = 131072, .f_frsize = 131072, .f_namemax = SQUASHFS_NAME_LEN, .f_flag = ST_RDONLY};

	(void)node;
	st.f_blocks = server.size / st.f_frsize + 1;
	(void)fuse_reply_statfs(req, &st);
}

static void op_forget(fuse_req_t req, fuse_ino_t node, uint64_t count)
{
	(void)node;
	(void)count; /* nodes are places in the image: nothing to forget */
	fuse_reply_none(req);
}

static const struct fuse_lowlevel_ops operations = {
	.init = op_init,	   .lookup = op_lookup,	  .forget = op_forget,
	.getattr = op_getattr,	   .readlink = op_readlink, .open = op_open,
	.read = op_read,	   .opendir = op_opendir, .readdir = op_readdir,
	.readdirplus = op_readdirplus, .getxattr = op_getxattr, .listxattr = op_listxattr,
	.statfs = op_statfs,
};

static int server_parse(int argc, char **argv)
{
	static const struct option options[] = {{"image-fd", 1, NULL, 'i'}, {"fuse-fd", 1, NULL, 'f'},
						{"offset", 1, NULL, 'o'},   {"size", 1, NULL, 's'},
						{"uid", 1, NULL, 'u'},	    {"gid", 1, NULL, 'g'},
						{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			server.image_fd = atoi(optarg);
			break;
		case 'f':
			server.fuse_fd = atoi(optarg);
			break;
		case 'o':
			server.offset = strtoull(optarg, NULL, 10);
			break;
		case 's':
			server.size = strtoull(optarg, NULL, 10);
			break;
		case 'u':
			server.squash = 1;
			server.uid = (uid_t)strtoul(optarg, NULL, 10);
			break;
		case 'g':
			server.gid = (gid_t)strtoul(optarg, NULL, 10);
			break;
		default:
			return -1;
		}
	}
	return server.image_fd >= 0 && server.fuse_fd >= 0 && server.size > 0 && optind == argc ? 0 : -1;
}

static void server_settle(void)
{
	(void)setsid();
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (chdir("/") < 0)
		_exit(FATAL_STATUS);
}

int main(int argc, char **argv)
{
	struct fuse_loop_config loop = {.clone_fd = 0, .max_idle_threads = 2};
	char name[] = "squashfs-server", mountpoint[32];
	char *args_list[] = {name, NULL};
	struct fuse_args args = {1, args_list, 0};
	struct fuse_session *session;

	if (server_parse(argc, argv) < 0) {
		(void)fprintf(stderr, "FATAL:   squashfs-server: started with wrong arguments\n");
		return FATAL_STATUS;
	}
	server_settle();
	(void)pthread_key_create(&server.key, server_close);
	if (!server_fs()) {
		(void)fprintf(stderr, "FATAL:   cannot read the image's squashfs partition: it is damaged\n");
		return FATAL_STATUS;
	}
	session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	(void)snprintf(mountpoint, sizeof(mountpoint), "/dev/fd/%d", server.fuse_fd);
	if (!session || fuse_session_mount(session, mountpoint) != 0) {
		(void)fprintf(stderr, "FATAL:   cannot serve the image: no FUSE connection\n");
		return FATAL_STATUS;
	}
	(void)fuse_session_loop_mt(session, &loop);
	return 0;
}
