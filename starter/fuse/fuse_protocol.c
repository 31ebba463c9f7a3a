/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "starter/fuse/fuse_protocol.h"

#include "starter/fuse/file_read.h"

/* Nothing in an image changes: the kernel may keep what it has seen. It caps the seconds itself. */
#define VALID_SECONDS INT32_MAX
#define BACKGROUND_MAX 64
#define DIRENT_TYPE_SHIFT 12

/* Node 1 is the root for the kernel; any other inode is its place in the table, plus what keeps it off 0 and 1. */
#define NODE_BIAS 2
#define NODE_END ((UINT64_C(1) << 48) + NODE_BIAS)

/* Directory positions: 0 and 1 precede "." and "..", the rest follows the position in the image's listing. */
#define POSITION_BIAS 2

static uint64_t node_of(const struct fuse_worker *worker, sqfs_inode_id id)
{
	return id == worker->view.fs.sb.root_inode ? FUSE_ROOT_ID : id + NODE_BIAS;
}

static int node_inode(struct fuse_worker *worker, uint64_t node, sqfs_inode_id *id, sqfs_inode *inode)
{
	if (node == FUSE_ROOT_ID)
		*id = worker->view.fs.sb.root_inode;
	else if (node >= NODE_BIAS && node < NODE_END)
		*id = node - NODE_BIAS;
	else
		return -ESTALE;
	return squash_inode_get(&worker->view, *id, inode);
}

/* A reply to a request that was interrupted meanwhile is refused with ENOENT. */
static int reply_send(struct fuse_worker *worker, int error, const void *data, size_t size)
{
	const struct fuse_in_header *in = (const struct fuse_in_header *)worker->request;
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + size), .error = error, .unique = in->unique};
	struct iovec parts[] = {{&out, sizeof(out)}, {(void *)(uintptr_t)data, size}};

	while (writev(worker->connection->fd, parts, size > 0 ? 2 : 1) < 0) {
		if (errno == ENOENT)
			return 0;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	return 0;
}

static int reply_error(struct fuse_worker *worker, int error)
{
	return reply_send(worker, error, NULL, 0);
}

static int attr_fill(struct fuse_worker *worker, const sqfs_inode *inode, struct fuse_attr *attr)
{
	const struct fuse_connection *connection = worker->connection;
	uint32_t uid, gid;
	int result = squash_inode_owner(&worker->view, inode, &uid, &gid);

	if (result < 0)
		return result;
	memset(attr, 0, sizeof(*attr));
	attr->ino = inode->base.inode_number;
	attr->mode = inode->base.mode;
	attr->nlink = (uint32_t)inode->nlink;
	attr->uid = connection->squash_uid ? connection->uid : uid;
	attr->gid = connection->squash_gid ? connection->gid : gid;
	attr->atime = attr->mtime = attr->ctime = inode->base.mtime;
	attr->blksize = worker->view.fs.sb.block_size;
	if (S_ISREG(attr->mode))
		attr->size = inode->xtra.reg.file_size;
	else if (S_ISDIR(attr->mode))
		attr->size = inode->xtra.dir.dir_size;
	else if (S_ISLNK(attr->mode))
		attr->size = inode->xtra.symlink_size;
	else if (S_ISBLK(attr->mode) || S_ISCHR(attr->mode))
		attr->rdev = ((uint32_t)inode->xtra.dev.minor & 0xff) | (uint32_t)inode->xtra.dev.major << 8 |
			     ((uint32_t)inode->xtra.dev.minor & ~UINT32_C(0xff)) << 12;
	attr->blocks = (attr->size + 511) / 512;
	return 0;
}

static int entry_fill(struct fuse_worker *worker, sqfs_inode_id id, struct fuse_entry_out *entry)
{
	sqfs_inode inode;
	int result = squash_inode_get(&worker->view, id, &inode);

	memset(entry, 0, sizeof(*entry));
	if (result == 0)
		result = attr_fill(worker, &inode, &entry->attr);
	entry->nodeid = node_of(worker, id);
	entry->entry_valid = entry->attr_valid = VALID_SECONDS;
	return result;
}

static int answer_init(struct fuse_worker *worker, const void *body, size_t size)
{
	const struct fuse_init_in *in = body;
	struct fuse_init_out out = {0};
	uint32_t wanted = FUSE_ASYNC_READ | FUSE_EXPORT_SUPPORT | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |
			  FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_NO_OPEN_SUPPORT |
			  FUSE_NO_OPENDIR_SUPPORT;
	int result;

	if (size < 16 || in->major != FUSE_KERNEL_VERSION)
		return -EPROTO;
	out.major = FUSE_KERNEL_VERSION;
	out.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor : FUSE_KERNEL_MINOR_VERSION;
	out.max_readahead = in->max_readahead;
	out.flags = in->flags & wanted;
	out.max_background = BACKGROUND_MAX;
	out.congestion_threshold = BACKGROUND_MAX * 3 / 4;
	out.max_write = 4096;
	out.time_gran = 1000000000;
	out.max_pages = FUSE_REPLY_BYTES / 4096;
	result = reply_send(worker, 0, &out, sizeof(out));
	worker->connection->answered = result == 0;
	return result;
}

static int answer_lookup(struct fuse_worker *worker, uint64_t node, const char *name)
{
	struct fuse_entry_out entry = {0};
	sqfs_inode dir;
	sqfs_inode_id self, id;
	size_t length = strlen(name);
	int result = length > SQUASH_NAME_MAX ? -ENAMETOOLONG : node_inode(worker, node, &self, &dir);

	if (result == 0)
		result = squash_dir_find(&worker->view, &dir, self, name, length, &id);
	if (result == 0)
		result = entry_fill(worker, id, &entry);
	/* Node 0 is "not there", with a time of validity: an error would be asked for again. */
	entry.entry_valid = VALID_SECONDS;
	return result == 0 || result == -ENOENT ? reply_send(worker, 0, &entry, sizeof(entry))
						: reply_error(worker, result);
}

static int answer_getattr(struct fuse_worker *worker, uint64_t node)
{
	struct fuse_attr_out out = {.attr_valid = VALID_SECONDS};
	sqfs_inode inode;
	sqfs_inode_id id;
	int result = node_inode(worker, node, &id, &inode);

	if (result == 0)
		result = attr_fill(worker, &inode, &out.attr);
	return result < 0 ? reply_error(worker, result) : reply_send(worker, 0, &out, sizeof(out));
}

static int answer_readlink(struct fuse_worker *worker, uint64_t node)
{
	char target[PATH_MAX];
	size_t size = 0;
	sqfs_inode inode;
	sqfs_inode_id id;
	int result = node_inode(worker, node, &id, &inode);

	if (result == 0)
		result = squash_inode_target(&worker->view, &inode, target, &size);
	return result < 0 ? reply_error(worker, result) : reply_send(worker, 0, target, size);
}

static int answer_read(struct fuse_worker *worker, uint64_t node, const struct fuse_read_in *in)
{
	sqfs_inode inode;
	sqfs_inode_id id;
	long result = node_inode(worker, node, &id, &inode);

	if (result == 0)
		result = file_read(&worker->view, &inode, in->offset, worker->reply,
				   in->size < FUSE_REPLY_BYTES ? in->size : FUSE_REPLY_BYTES, worker->scratch);
	return result < 0 ? reply_error(worker, (int)result) : reply_send(worker, 0, worker->reply, (size_t)result);
}

struct listing {
	struct fuse_worker *worker;
	size_t used, room;
	bool plus;
};

/* What an entry is, before it is written. */
struct listed {
	sqfs_inode_id id;
	uint64_t number, next;
	uint32_t type;
	const char *name;
	size_t length;
};

/* Returns 1, 0 when the reply is full, or a negative errno. */
static int listing_add(struct listing *listing, const struct listed *listed)
{
	size_t head = listing->plus ? sizeof(struct fuse_entry_out) : 0;
	size_t size = FUSE_DIRENT_ALIGN(head + FUSE_NAME_OFFSET + listed->length);
	char *at = listing->worker->reply + listing->used;
	struct fuse_dirent *entry = (struct fuse_dirent *)(void *)(at + head);
	bool dots = listed->name[0] == '.' && (listed->length == 1 || (listed->length == 2 && listed->name[1] == '.'));

	if (size > listing->room - listing->used)
		return 0;
	memset(at, 0, size);
	/* The kernel wants no node with "." and "..". */
	if (listing->plus && !dots) {
		int result = entry_fill(listing->worker, listed->id, (struct fuse_entry_out *)(void *)at);

		if (result < 0)
			return result;
	}
	entry->ino = listed->number;
	entry->off = listed->next;
	entry->namelen = (uint32_t)listed->length;
	entry->type = listed->type;
	memcpy(entry->name, listed->name, listed->length);
	listing->used += size;
	return 1;
}

static int listing_dots(struct listing *listing, const sqfs_inode *dir, sqfs_inode_id self, uint64_t *position)
{
	uint32_t parent = self == listing->worker->view.fs.sb.root_inode ? dir->base.inode_number
									   : dir->xtra.dir.parent_inode;
	int result = 1;

	while (result > 0 && *position < POSITION_BIAS) {
		struct listed listed = {self, *position == 0 ? dir->base.inode_number : parent, *position + 1,
					S_IFDIR >> DIRENT_TYPE_SHIFT, "..", *position == 0 ? 1 : 2};

		result = listing_add(listing, &listed);
		if (result > 0)
			(*position)++;
	}
	return result;
}

static int listing_entries(struct listing *listing, sqfs_inode *inode, uint64_t position)
{
	struct squash_view *view = &listing->worker->view;
	sqfs_dir dir;
	sqfs_dir_entry entry;
	int result = squash_dir_open(view, inode, position - POSITION_BIAS, &dir);

	if (result < 0)
		return result;
	while ((result = squash_dir_step(view, &dir, &entry)) > 0) {
		struct listed listed = {sqfs_dentry_inode(&entry), sqfs_dentry_inode_num(&entry),
					(uint64_t)sqfs_dentry_next_offset(&entry) + POSITION_BIAS,
					(uint32_t)sqfs_dentry_mode(&entry) >> DIRENT_TYPE_SHIFT, view->name,
					entry.name_size};

		result = listing_add(listing, &listed);
		if (result <= 0)
			break;
	}
	return result;
}

static int answer_readdir(struct fuse_worker *worker, uint64_t node, const struct fuse_read_in *in, bool plus)
{
	struct listing listing = {worker, 0, in->size < FUSE_REPLY_BYTES ? in->size : FUSE_REPLY_BYTES, plus};
	uint64_t position = in->offset;
	sqfs_inode inode;
	sqfs_inode_id id;
	int result = node_inode(worker, node, &id, &inode);

	if (result == 0 && !squash_inode_is_dir(&inode))
		result = -ENOTDIR;
	if (result == 0)
		result = listing_dots(&listing, &inode, id, &position);
	if (result > 0)
		result = listing_entries(&listing, &inode, position);
	/* An error after some entries comes again with the next request. */
	if (result < 0 && listing.used == 0)
		return reply_error(worker, result);
	return reply_send(worker, 0, worker->reply, listing.used);
}

static int answer_xattr(struct fuse_worker *worker, uint64_t node, const struct fuse_getxattr_in *in, const char *name)
{
	size_t room = in->size < FUSE_REPLY_BYTES ? in->size : FUSE_REPLY_BYTES;
	struct fuse_getxattr_out out = {0};
	sqfs_inode inode;
	sqfs_inode_id id;
	int result;

	/* With this answer the kernel asks no more, as it does otherwise at every exec. */
	if (!worker->view.has_xattrs)
		return reply_error(worker, -ENOSYS);
	result = node_inode(worker, node, &id, &inode);
	if (result == 0)
		result = name ? squash_xattr_find(&worker->view, &inode, name, worker->reply, room)
			      : squash_xattr_list(&worker->view, &inode, worker->reply, room);
	if (result < 0)
		return reply_error(worker, result);
	out.size = (uint32_t)result;
	return room == 0 ? reply_send(worker, 0, &out, sizeof(out))
			 : reply_send(worker, 0, worker->reply, (size_t)result);
}

static int answer_statfs(struct fuse_worker *worker)
{
	const struct squashfs_super_block *super = &worker->view.fs.sb;
	struct fuse_statfs_out out = {.st = {.blocks = (super->bytes_used + super->block_size - 1) >> super->block_log,
					     .files = super->inodes,
					     .bsize = super->block_size,
					     .frsize = super->block_size,
					     .namelen = SQUASH_NAME_MAX}};

	return reply_send(worker, 0, &out, sizeof(out));
}

/* A name in a request, if it ends inside it. */
static const char *body_name(const char *body, size_t size, size_t skip)
{
	return size > skip && memchr(body + skip, '\0', size - skip) ? body + skip : NULL;
}

int fuse_answer(struct fuse_worker *worker, size_t size)
{
	const struct fuse_in_header *in = (const struct fuse_in_header *)worker->request;
	const char *body = worker->request + sizeof(*in), *name;

	if (size < sizeof(*in) || in->len != size)
		return -EPROTO;
	size -= sizeof(*in);
	switch (in->opcode) {
	case FUSE_INIT:
		return answer_init(worker, body, size);
	case FUSE_LOOKUP:
		name = body_name(body, size, 0);
		return name ? answer_lookup(worker, in->nodeid, name) : reply_error(worker, -EINVAL);
	case FUSE_GETATTR:
		return answer_getattr(worker, in->nodeid);
	case FUSE_READLINK:
		return answer_readlink(worker, in->nodeid);
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS: {
		const struct fuse_read_in *read_in = (const void *)body;

		if (size < sizeof(*read_in))
			return reply_error(worker, -EINVAL);
		return in->opcode == FUSE_READ ? answer_read(worker, in->nodeid, read_in)
					       : answer_readdir(worker, in->nodeid, read_in,
								in->opcode == FUSE_READDIRPLUS);
	}
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		name = in->opcode == FUSE_GETXATTR ? body_name(body, size, sizeof(struct fuse_getxattr_in)) : NULL;
		if (size < sizeof(struct fuse_getxattr_in) || (in->opcode == FUSE_GETXATTR && !name))
			return reply_error(worker, -EINVAL);
		return answer_xattr(worker, in->nodeid, (const void *)body, name);
	case FUSE_STATFS:
		return answer_statfs(worker);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return 0; /* nodes need no memory, and no answer takes long; none of these has a reply */
	case FUSE_DESTROY:
		(void)reply_error(worker, 0);
		return -ENODEV;
	default:
		/* OPEN and OPENDIR among them: the kernel then opens by itself and keeps what it has read. */
		return reply_error(worker, -ENOSYS);
	}
}
