/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Order in the image: superblock, contents of hot files, other contents, streamed contents, fragments among them, inode table, directory table, the small
 * tables. Metadata blocks are stored uncompressed: they are under a hundredth of an image, and each one that is not inflated
 * when a container starts saves as much time as reading it takes.
 */
#include "frontend/pack/squash_write.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqfs/block.h>
#include <sqfs/block_processor.h>
#include <sqfs/block_writer.h>
#include <sqfs/compressor.h>
#include <sqfs/dir_writer.h>
#include <sqfs/error.h>
#include <sqfs/frag_table.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/meta_writer.h>
#include <sqfs/super.h>
#include <sqfs/xattr_writer.h>

#include "frontend/pack/deflate.h"
#include "frontend/pack/squash_file.h"
#include "ipc/cleanup.h"

#define BLOCK_BYTES SQFS_DEFAULT_BLOCK_SIZE
#define READ_BYTES ((size_t)1024 * 1024)
#define PAD_BYTES 4096
#define NO_XATTR 0xFFFFFFFFu
#define CANNOT_PACK "cannot write the squashfs file system"
#define ZSTD_LEVEL_DEFAULT 3

struct packer {
	struct tree_sink sink; /* first: what the feed sees */
	struct tree *tree;
	const struct squash_options *options;
	uint64_t done; /* bytes of contents */
	uint32_t numbers;
	sqfs_super_t super;
	sqfs_file_t *file;
	sqfs_compressor_t *compressor, *uncompressor, *store;
	sqfs_block_writer_t *blocks;
	sqfs_frag_table_t *fragments;
	sqfs_block_processor_t *processor;
	sqfs_id_table_t *ids;
	sqfs_xattr_writer_t *xattrs;
	sqfs_meta_writer_t *inode_table, *dir_table;
	sqfs_dir_writer_t *dirs;
	uint8_t *buffer;
};

struct kind {
	const char *name;
	SQFS_COMPRESSOR id;
	int level_default, level_min, level_max;
};

/* In the order of enum squash_compression. lz4 has no levels: 1 asks for its slower mode. */
static const struct kind kinds[] = {
	{"gzip", SQFS_COMP_GZIP, DEFLATE_LEVEL_DEFAULT, 1, DEFLATE_LEVEL_MAX},
	{"zstd", SQFS_COMP_ZSTD, ZSTD_LEVEL_DEFAULT, SQFS_ZSTD_MIN_LEVEL, SQFS_ZSTD_MAX_LEVEL},
	{"lz4", SQFS_COMP_LZ4, 0, 0, 1},
	{"xz", SQFS_COMP_XZ, SQFS_XZ_DEFAULT_LEVEL, SQFS_XZ_MIN_LEVEL, SQFS_XZ_MAX_LEVEL},
	{"none", SQFS_COMP_GZIP, DEFLATE_LEVEL_STORE, 0, 0},
};

int squash_parse_compression(const char *text, struct squash_options *options, struct err *err)
{
	size_t len = strcspn(text, ":");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char *end;
		long level;

		if (strlen(kinds[i].name) != len || memcmp(text, kinds[i].name, len) != 0)
			continue;
		options->compression = (enum squash_compression)i;
		options->level = -1;
		if (text[len] == '\0')
			return 0;
		level = strtol(text + len + 1, &end, 10);
		if (end == text + len + 1 || *end || level < kinds[i].level_min || level > kinds[i].level_max)
			return err_set(err, ERR_USAGE, EINVAL, "cannot compress with '%s': the levels of %s are %d to %d",
				       text, kinds[i].name, kinds[i].level_min, kinds[i].level_max);
		options->level = (int)level;
		return 0;
	}
	return err_set(err, ERR_USAGE, EINVAL, "cannot compress with '%s': it is none of gzip, zstd, lz4, xz, none", text);
}

static sqfs_compressor_t *new_compressor(const struct squash_options *options, bool uncompress)
{
	const struct kind *kind = &kinds[options->compression];
	int level = options->level < 0 ? kind->level_default : options->level;
	sqfs_compressor_config_t config;
	sqfs_compressor_t *made = NULL;

	if (kind->id == SQFS_COMP_GZIP)
		return deflate_create((unsigned int)level, BLOCK_BYTES, uncompress);
	if (sqfs_compressor_config_init(&config, kind->id, BLOCK_BYTES, uncompress ? SQFS_COMP_FLAG_UNCOMPRESS : 0) != 0)
		return NULL;
	if (kind->id == SQFS_COMP_LZ4)
		config.flags = (uint16_t)(config.flags | (level > 0 ? SQFS_COMP_FLAG_LZ4_HC : 0));
	else
		config.level = (sqfs_u32)level;
	return sqfs_compressor_create(&config, &made) == 0 ? made : NULL;
}

static unsigned int count_workers(const struct squash_options *options)
{
	cpu_set_t set;

	if (options->workers > 0)
		return options->workers;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

static int open_processor(struct packer *packer)
{
	unsigned int workers = count_workers(packer->options);
	sqfs_block_processor_desc_t desc = {
		.size = sizeof(desc),
		.max_block_size = BLOCK_BYTES,
		.num_workers = workers,
		.max_backlog = 10 * workers,
		.cmp = packer->compressor,
		.wr = packer->blocks,
		.tbl = packer->fragments,
		/* A match of hashes alone would one day give a file the contents of another. */
		.file = packer->file,
		.uncmp = packer->uncompressor,
	};

	return sqfs_block_processor_create_ex(&desc, &packer->processor);
}

static int open_packer(struct packer *packer, int fd, uint64_t offset)
{
	int rc;

	packer->file = squash_file_new(fd, offset, 0, true);
	packer->compressor = new_compressor(packer->options, false);
	packer->uncompressor = new_compressor(packer->options, true);
	packer->store = deflate_create(DEFLATE_LEVEL_STORE, BLOCK_BYTES, false);
	packer->buffer = malloc(READ_BYTES);
	packer->ids = sqfs_id_table_create(0);
	packer->xattrs = sqfs_xattr_writer_create(0);
	packer->fragments = sqfs_frag_table_create(0);
	if (!packer->file || !packer->compressor || !packer->uncompressor || !packer->store || !packer->buffer ||
	    !packer->ids || !packer->xattrs || !packer->fragments)
		return SQFS_ERROR_ALLOC;
	rc = sqfs_super_init(&packer->super, BLOCK_BYTES, packer->options->time, kinds[packer->options->compression].id);
	if (rc == 0)
		rc = sqfs_super_write(&packer->super, packer->file);
	if (rc != 0)
		return rc;
	rc = packer->compressor->write_options(packer->compressor, packer->file);
	if (rc < 0)
		return rc;
	if (rc > 0)
		packer->super.flags |= SQFS_FLAG_COMPRESSOR_OPTIONS;
	packer->blocks = sqfs_block_writer_create(packer->file, PAD_BYTES, 0);
	packer->inode_table = sqfs_meta_writer_create(packer->file, packer->store, 0);
	packer->dir_table = sqfs_meta_writer_create(packer->file, packer->store, SQFS_META_WRITER_KEEP_IN_MEMORY);
	if (!packer->blocks || !packer->inode_table || !packer->dir_table)
		return SQFS_ERROR_ALLOC;
	packer->dirs = sqfs_dir_writer_create(packer->dir_table, SQFS_DIR_WRITER_CREATE_EXPORT_TABLE);
	return packer->dirs ? open_processor(packer) : SQFS_ERROR_ALLOC;
}

static void close_packer(struct packer *packer)
{
	/* First, because its threads and blocks in flight point to the others and to the inodes. */
	sqfs_destroy(packer->processor);
	sqfs_destroy(packer->dirs);
	sqfs_destroy(packer->dir_table);
	sqfs_destroy(packer->inode_table);
	sqfs_destroy(packer->blocks);
	sqfs_destroy(packer->fragments);
	sqfs_destroy(packer->xattrs);
	sqfs_destroy(packer->ids);
	sqfs_destroy(packer->store);
	sqfs_destroy(packer->uncompressor);
	sqfs_destroy(packer->compressor);
	sqfs_destroy(packer->file);
	free(packer->buffer);
	for (struct tree_inode *inode = packer->tree->inodes; inode; inode = inode->next) {
		sqfs_free(inode->packed_inode);
		inode->packed_inode = NULL;
		inode->packed = inode->written = false;
	}
}

/* ---- contents ---- */

static void report(struct packer *packer)
{
	if (packer->options->progress)
		packer->options->progress(packer->options->progress_context, packer->done, packer->tree->bytes);
}

static int begin_file(struct packer *packer, struct tree_inode *inode, struct err *err)
{
	uint32_t flags = inode->hot ? SQFS_BLK_DONT_COMPRESS | SQFS_BLK_DONT_FRAGMENT : 0;
	int rc = sqfs_block_processor_begin_file(packer->processor, &inode->packed_inode, NULL, flags);

	inode->packed = rc == 0;
	return rc != 0 ? squash_file_fail(err, rc, packer->file, CANNOT_PACK) : 0;
}

static int append_bytes(struct packer *packer, const void *bytes, size_t size, struct err *err)
{
	int rc = size > 0 ? sqfs_block_processor_append(packer->processor, bytes, size) : 0;

	return rc != 0 ? squash_file_fail(err, rc, packer->file, CANNOT_PACK) : 0;
}

static int end_file(struct packer *packer, struct err *err)
{
	int rc = sqfs_block_processor_end_file(packer->processor);

	return rc != 0 ? squash_file_fail(err, rc, packer->file, CANNOT_PACK) : 0;
}

/* A file that shrank since it was scanned ends where it ends now; one that grew is cut at the size that was scanned. */
static int append_source(struct packer *packer, const struct tree_inode *inode, struct err *err)
{
	struct tree_source *source = inode->source;
	uint64_t at = 0;
	int rc = source->open(source, inode, err);

	if (rc < 0)
		return rc;
	while (at < inode->size) {
		uint64_t left = inode->size - at;
		ssize_t got = source->read(source, at, packer->buffer, left < READ_BYTES ? (size_t)left : READ_BYTES, err);

		if (got <= 0) {
			rc = (int)got;
			break;
		}
		rc = append_bytes(packer, packer->buffer, (size_t)got, err);
		if (rc < 0)
			break;
		at += (uint64_t)got;
		packer->done += (uint64_t)got;
		report(packer);
	}
	source->close(source);
	return rc;
}

static int pack_file(struct packer *packer, struct tree_inode *inode, struct err *err)
{
	int rc = begin_file(packer, inode, err);

	if (rc == 0)
		rc = inode->source ? append_source(packer, inode, err) : append_bytes(packer, inode->bytes, (size_t)inode->size, err);
	return rc < 0 ? rc : end_file(packer, err);
}

static int pack_contents(struct packer *packer, struct tree_node *node, bool hot, struct err *err)
{
	struct tree_inode *inode = node->inode;

	tree_sort(node);
	if (S_ISREG(inode->mode) && !inode->packed && inode->hot == hot && !tree_inode_is_streamed(inode))
		return pack_file(packer, inode, err);
	for (size_t i = 0; i < node->count; i++) {
		int rc = pack_contents(packer, node->children[i], hot, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- streamed contents ---- */

static int sink_begin(struct tree_sink *sink, struct tree_inode *inode, struct err *err)
{
	return begin_file((struct packer *)(void *)sink, inode, err);
}

static int sink_append(struct tree_sink *sink, const void *bytes, size_t size, struct err *err)
{
	struct packer *packer = (struct packer *)(void *)sink;
	int rc = 0;

	packer->done += size;
	if (bytes)
		rc = append_bytes(packer, bytes, size, err);
	else
		memset(packer->buffer, 0, READ_BYTES);
	while (!bytes && size > 0 && rc == 0) {
		size_t piece = size < READ_BYTES ? size : READ_BYTES;

		rc = append_bytes(packer, packer->buffer, piece, err);
		size -= piece;
	}
	report(packer);
	return rc;
}

static int sink_end(struct tree_sink *sink, struct err *err)
{
	return end_file((struct packer *)(void *)sink, err);
}

static int pack_streamed(struct packer *packer, struct err *err)
{
	struct tree_feed *feed = packer->options->feed;
	int rc;

	packer->sink = (struct tree_sink){.begin = sink_begin, .append = sink_append, .end = sink_end};
	rc = feed ? feed->run(feed, &packer->sink, err) : 0;
	for (struct tree_inode *inode = packer->tree->inodes; inode && rc == 0; inode = inode->next) {
		if (inode->nlink > 0 && S_ISREG(inode->mode) && !inode->packed)
			rc = err_set(err, ERR_BUG, EINVAL, CANNOT_PACK ": the contents of a file did not come");
	}
	return rc;
}

/* ---- inodes ---- */

/* Numbers of one directory's entries follow each other, because an entry stores the distance to its header's number in 16
 * bits. */
static void number_entries(struct packer *packer, struct tree_node *dir)
{
	for (size_t i = 0; i < dir->count; i++) {
		if (dir->children[i]->inode->number == 0)
			dir->children[i]->inode->number = ++packer->numbers;
	}
	for (size_t i = 0; i < dir->count; i++) {
		if (S_ISDIR(dir->children[i]->inode->mode))
			number_entries(packer, dir->children[i]);
	}
}

static int index_xattrs(struct packer *packer, struct tree_inode *inode)
{
	int rc;

	inode->xattr_index = NO_XATTR;
	if (!inode->xattrs)
		return 0;
	rc = sqfs_xattr_writer_begin(packer->xattrs, 0);
	for (struct tree_xattr *xattr = inode->xattrs; xattr && rc == 0; xattr = xattr->next)
		rc = sqfs_xattr_writer_add(packer->xattrs, xattr->name, xattr->value, xattr->size);
	return rc != 0 ? rc : sqfs_xattr_writer_end(packer->xattrs, &inode->xattr_index);
}

static sqfs_inode_generic_t *new_packed(const struct tree_inode *inode)
{
	size_t target_len = S_ISLNK(inode->mode) ? strlen(inode->target) : 0;
	sqfs_inode_generic_t *made = calloc(1, sizeof(*made) + target_len + 1);

	if (!made)
		return NULL;
	switch (inode->mode & S_IFMT) {
	case S_IFLNK:
		made->base.type = SQFS_INODE_SLINK;
		made->data.slink.target_size = (sqfs_u32)target_len;
		made->payload_bytes_used = made->payload_bytes_available = (sqfs_u32)target_len;
		memcpy(made->extra, inode->target, target_len);
		break;
	case S_IFCHR:
	case S_IFBLK:
		made->base.type = S_ISCHR(inode->mode) ? SQFS_INODE_CDEV : SQFS_INODE_BDEV;
		made->data.dev.devno = inode->rdev;
		break;
	case S_IFIFO:
		made->base.type = SQFS_INODE_FIFO;
		break;
	default:
		made->base.type = SQFS_INODE_SOCKET;
		break;
	}
	return made;
}

/* Basic inodes of links, devices and pipes begin with the link count; a basic file has none, and one link. */
static int set_links(sqfs_inode_generic_t *packed, const struct tree_inode *inode)
{
	int rc = 0;

	if (S_ISREG(inode->mode)) {
		if (inode->nlink > 1 || inode->xattr_index != NO_XATTR)
			rc = sqfs_inode_make_extended(packed);
		if (rc == 0 && packed->base.type == SQFS_INODE_EXT_FILE)
			packed->data.file_ext.nlink = inode->nlink;
	} else {
		packed->data.ipc.nlink = inode->nlink;
	}
	if (rc == 0 && inode->xattr_index != NO_XATTR)
		rc = sqfs_inode_set_xattr_index(packed, inode->xattr_index);
	return rc;
}

static int set_common(struct packer *packer, sqfs_inode_generic_t *packed, const struct tree_inode *inode)
{
	uint32_t time_max = packer->options->time_max;
	int rc = sqfs_id_table_id_to_index(packer->ids, inode->uid, &packed->base.uid_idx);

	if (rc == 0)
		rc = sqfs_id_table_id_to_index(packer->ids, inode->gid, &packed->base.gid_idx);
	packed->base.mode = (sqfs_u16)inode->mode;
	packed->base.mod_time = inode->mtime < time_max ? inode->mtime : time_max;
	packed->base.inode_number = inode->number;
	return rc;
}

static int append_inode(struct packer *packer, struct tree_inode *inode)
{
	uint64_t block;
	uint32_t offset;
	int rc = set_common(packer, inode->packed_inode, inode);

	if (rc != 0)
		return rc;
	sqfs_meta_writer_get_position(packer->inode_table, &block, &offset);
	inode->reference = block << 16 | offset;
	inode->written = true;
	return sqfs_meta_writer_write_inode(packer->inode_table, inode->packed_inode);
}

static int write_leaf(struct packer *packer, struct tree_inode *inode)
{
	int rc = index_xattrs(packer, inode);

	if (rc != 0)
		return rc;
	if (!S_ISREG(inode->mode))
		inode->packed_inode = new_packed(inode);
	if (!inode->packed_inode)
		return SQFS_ERROR_ALLOC;
	rc = set_links(inode->packed_inode, inode);
	return rc != 0 ? rc : append_inode(packer, inode);
}

static int finish_dir(struct packer *packer, struct tree_node *dir, uint32_t parent_number)
{
	uint32_t subdirs = 0;
	sqfs_inode_generic_t *packed;
	int rc = sqfs_dir_writer_begin(packer->dirs, 0);

	for (size_t i = 0; i < dir->count && rc == 0; i++) {
		struct tree_inode *inode = dir->children[i]->inode;

		subdirs += S_ISDIR(inode->mode) ? 1 : 0;
		rc = sqfs_dir_writer_add_entry(packer->dirs, dir->children[i]->name, inode->number, inode->reference,
					       (sqfs_u16)inode->mode);
	}
	if (rc == 0)
		rc = sqfs_dir_writer_end(packer->dirs);
	if (rc == 0)
		rc = index_xattrs(packer, dir->inode);
	if (rc != 0)
		return rc;
	packed = sqfs_dir_writer_create_inode(packer->dirs, 0, dir->inode->xattr_index, parent_number);
	if (!packed)
		return SQFS_ERROR_ALLOC;
	/* libsquashfs counts every entry; a directory is linked by itself, its parent's entry and its subdirectories. */
	if (packed->base.type == SQFS_INODE_EXT_DIR)
		packed->data.dir_ext.nlink = subdirs + 2;
	else
		packed->data.dir.nlink = subdirs + 2;
	dir->inode->packed_inode = packed;
	return append_inode(packer, dir->inode);
}

static int write_dir(struct packer *packer, struct tree_node *dir, uint32_t parent_number)
{
	for (size_t i = 0; i < dir->count; i++) {
		struct tree_node *child = dir->children[i];
		int rc = 0;

		if (S_ISDIR(child->inode->mode))
			rc = write_dir(packer, child, dir->inode->number);
		else if (!child->inode->written)
			rc = write_leaf(packer, child->inode);
		if (rc != 0)
			return rc;
	}
	return finish_dir(packer, dir, parent_number);
}

/* ---- tables ---- */

static int write_tables(struct packer *packer)
{
	struct tree_inode *root = packer->tree->root->inode;
	sqfs_super_t *super = &packer->super;
	int rc;

	super->inode_table_start = packer->file->get_size(packer->file);
	root->number = ++packer->numbers;
	number_entries(packer, packer->tree->root);
	/* The root's parent is one past the last number, as mksquashfs has it. */
	rc = write_dir(packer, packer->tree->root, packer->numbers + 1);
	if (rc == 0)
		rc = sqfs_meta_writer_flush(packer->inode_table);
	if (rc == 0)
		rc = sqfs_meta_writer_flush(packer->dir_table);
	if (rc != 0)
		return rc;
	super->inode_count = packer->numbers;
	super->root_inode_ref = root->reference;
	super->directory_table_start = packer->file->get_size(packer->file);
	rc = sqfs_meta_write_write_to_file(packer->dir_table);
	if (rc == 0)
		rc = sqfs_frag_table_write(packer->fragments, packer->file, super, packer->store);
	if (rc == 0)
		rc = sqfs_dir_writer_write_export_table(packer->dirs, packer->file, packer->store, root->number,
							root->reference, super);
	if (rc == 0)
		rc = sqfs_id_table_write(packer->ids, packer->file, super, packer->store);
	return rc != 0 ? rc : sqfs_xattr_writer_flush(packer->xattrs, packer->file, super, packer->store);
}

static int write_end(struct packer *packer, uint64_t *size)
{
	static const uint8_t zeros[PAD_BYTES];
	uint64_t used = packer->file->get_size(packer->file);
	size_t pad = (size_t)(PAD_BYTES - used % PAD_BYTES) % PAD_BYTES;
	int rc;

	packer->super.bytes_used = used;
	packer->super.flags |= SQFS_FLAG_UNCOMPRESSED_INODES | SQFS_FLAG_UNCOMPRESSED_IDS;
	rc = sqfs_super_write(&packer->super, packer->file);
	if (rc == 0)
		rc = packer->file->write_at(packer->file, used, zeros, pad);
	*size = used + pad;
	return rc;
}

int squash_write(struct tree *tree, const struct squash_options *options, int fd, uint64_t offset, uint64_t *size,
		 struct err *err)
{
	struct packer packer = {.tree = tree, .options = options};
	int code = open_packer(&packer, fd, offset);
	int rc = 0;

	tree->bytes = 0;
	for (struct tree_inode *inode = tree->inodes; inode; inode = inode->next) {
		inode->number = 0;
		tree->bytes += S_ISREG(inode->mode) && inode->nlink > 0 ? inode->size : 0;
	}
	if (code == 0) {
		rc = pack_contents(&packer, tree->root, true, err);
		if (rc == 0)
			rc = pack_contents(&packer, tree->root, false, err);
		if (rc == 0)
			rc = pack_streamed(&packer, err);
		if (rc == 0)
			code = sqfs_block_processor_finish(packer.processor);
	}
	if (rc == 0 && code == 0)
		code = write_tables(&packer);
	if (rc == 0 && code == 0)
		code = write_end(&packer, size);
	if (rc == 0 && code != 0)
		rc = squash_file_fail(err, code, packer.file, CANNOT_PACK);
	close_packer(&packer);
	return rc;
}
