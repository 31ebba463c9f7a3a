/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/squash_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir_reader.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/super.h>
#include <sqfs/xattr.h>
#include <sqfs/xattr_reader.h>

#include "frontend/pack/deflate.h"
#include "frontend/pack/squash_file.h"
#include "ipc/cleanup.h"

#define CANNOT_READ "cannot read the squashfs file system"
#define XATTR_VALUE_MAX 65536
#define NO_XATTR 0xFFFFFFFFu

struct squash_tree {
	struct tree_source source; /* first: the source handed to inodes */
	bool squash_ids;
	struct tree *tree;
	const sqfs_inode_generic_t *current;
	sqfs_super_t super;
	sqfs_file_t *file;
	sqfs_compressor_t *uncompressor;
	sqfs_id_table_t *ids;
	sqfs_dir_reader_t *dirs;
	sqfs_data_reader_t *data;
	sqfs_xattr_reader_t *xattrs; /* NULL when the image has none */
	sqfs_tree_node_t *root;
	struct tree_inode **by_number; /* inode_count + 1 of them: hard links */
};

/* The locator of an inode is a copy of its entry's squashfs inode pointer, which lives as long as the squash_tree. */
static int source_open(struct tree_source *source, const struct tree_inode *inode, struct err *err)
{
	struct squash_tree *squash = (struct squash_tree *)(void *)source;

	(void)err;
	memcpy(&squash->current, inode->locator, sizeof(squash->current));
	return 0;
}

static ssize_t source_read(struct tree_source *source, uint64_t offset, void *buffer, size_t size, struct err *err)
{
	struct squash_tree *squash = (struct squash_tree *)(void *)source;
	sqfs_s32 got = sqfs_data_reader_read(squash->data, squash->current, offset, buffer,
					     size < INT32_MAX ? (sqfs_u32)size : INT32_MAX);

	return got < 0 ? squash_file_fail(err, got, squash->file, CANNOT_READ) : got;
}

static void source_close(struct tree_source *source)
{
	((struct squash_tree *)(void *)source)->current = NULL;
}

static sqfs_compressor_t *new_uncompressor(const sqfs_super_t *super)
{
	sqfs_compressor_config_t config;
	sqfs_compressor_t *made = NULL;

	if (super->compression_id == SQFS_COMP_GZIP)
		return deflate_create(DEFLATE_LEVEL_DEFAULT, super->block_size, true);
	if (sqfs_compressor_config_init(&config, (SQFS_COMPRESSOR)super->compression_id, super->block_size,
					SQFS_COMP_FLAG_UNCOMPRESS) != 0)
		return NULL;
	return sqfs_compressor_create(&config, &made) == 0 ? made : NULL;
}

static int open_readers(struct squash_tree *squash)
{
	sqfs_super_t *super = &squash->super;
	int rc = sqfs_super_read(super, squash->file);

	if (rc != 0)
		return rc;
	squash->uncompressor = new_uncompressor(super);
	if (!squash->uncompressor)
		return SQFS_ERROR_UNSUPPORTED;
	squash->ids = sqfs_id_table_create(0);
	squash->dirs = sqfs_dir_reader_create(super, squash->uncompressor, squash->file, 0);
	squash->data = sqfs_data_reader_create(squash->file, super->block_size, squash->uncompressor, 0);
	squash->by_number = calloc((size_t)super->inode_count + 1, sizeof(struct tree_inode *));
	if (!squash->ids || !squash->dirs || !squash->data || !squash->by_number)
		return SQFS_ERROR_ALLOC;
	rc = sqfs_id_table_read(squash->ids, squash->file, super, squash->uncompressor);
	if (rc == 0)
		rc = sqfs_data_reader_load_fragment_table(squash->data, super);
	if (rc == 0 && super->xattr_id_table_start != UINT64_MAX && !(super->flags & SQFS_FLAG_NO_XATTRS)) {
		squash->xattrs = sqfs_xattr_reader_create(0);
		if (!squash->xattrs)
			return SQFS_ERROR_ALLOC;
		rc = sqfs_xattr_reader_load(squash->xattrs, super, squash->file, squash->uncompressor);
	}
	return rc != 0 ? rc : sqfs_dir_reader_get_full_hierarchy(squash->dirs, squash->ids, NULL, 0, &squash->root);
}

static int copy_xattr(struct squash_tree *squash, struct tree_inode *inode, struct err *err)
{
	sqfs_xattr_entry_t *key = NULL;
	sqfs_xattr_value_t *value = NULL;
	int rc = sqfs_xattr_reader_read_key(squash->xattrs, &key);

	if (rc == 0)
		rc = sqfs_xattr_reader_read_value(squash->xattrs, key, &value);
	if (rc != 0)
		rc = squash_file_fail(err, rc, squash->file, CANNOT_READ);
	else if (value->size > XATTR_VALUE_MAX)
		rc = err_set(err, ERR_IMAGE, E2BIG, "cannot read an attribute of %u bytes", value->size);
	else
		rc = tree_set_xattr(inode, (const char *)key->key, value->value, value->size, err);
	sqfs_free(key);
	sqfs_free(value);
	return rc;
}

static int copy_xattrs(struct squash_tree *squash, const sqfs_inode_generic_t *from, struct tree_inode *inode,
		       struct err *err)
{
	sqfs_xattr_id_t desc;
	sqfs_u32 index = NO_XATTR;
	int rc;

	if (!squash->xattrs || sqfs_inode_get_xattr_index(from, &index) != 0 || index == NO_XATTR)
		return 0;
	rc = sqfs_xattr_reader_get_desc(squash->xattrs, index, &desc);
	if (rc == 0)
		rc = sqfs_xattr_reader_seek_kv(squash->xattrs, &desc);
	if (rc != 0)
		return squash_file_fail(err, rc, squash->file, CANNOT_READ);
	for (uint32_t i = 0; i < desc.count; i++) {
		rc = copy_xattr(squash, inode, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void fill_inode(const struct squash_tree *squash, const sqfs_tree_node_t *from, struct tree_inode *inode)
{
	inode->mode = from->inode->base.mode;
	inode->uid = squash->squash_ids ? 0 : from->uid;
	inode->gid = squash->squash_ids ? 0 : from->gid;
	inode->mtime = from->inode->base.mod_time;
}

static int fill_leaf(struct squash_tree *squash, const sqfs_inode_generic_t *from, struct tree_inode *inode,
		     struct err *err)
{
	if (S_ISREG(inode->mode)) {
		(void)sqfs_inode_get_file_size(from, &inode->size);
		inode->source = &squash->source;
		inode->locator = malloc(sizeof(const sqfs_inode_generic_t *));
		if (!inode->locator)
			return err_sys(err, ENOMEM, CANNOT_READ);
		memcpy(inode->locator, &from, sizeof(const sqfs_inode_generic_t *));
	} else if (S_ISLNK(inode->mode)) {
		inode->target = strndup((const char *)from->extra, from->data.slink.target_size);
		if (!inode->target)
			return err_sys(err, ENOMEM, CANNOT_READ);
	} else if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) {
		inode->rdev = from->data.dev.devno;
	}
	return 0;
}

static int copy_entries(struct squash_tree *squash, const sqfs_tree_node_t *from, struct tree_node *to,
			struct err *err);

static int copy_entry(struct squash_tree *squash, const sqfs_tree_node_t *from, struct tree_node *parent,
		      struct err *err)
{
	uint32_t number = from->inode->base.inode_number;
	struct tree_inode **known = number <= squash->super.inode_count ? &squash->by_number[number] : NULL;
	struct tree_inode *inode;
	struct tree_node *node;
	int rc;

	if (known && *known && !S_ISDIR(from->inode->base.mode) && (*known)->mode == from->inode->base.mode)
		return tree_add(parent, (const char *)from->name, *known, NULL, err);
	inode = tree_new_inode(squash->tree, from->inode->base.mode);
	if (!inode)
		return err_sys(err, ENOMEM, CANNOT_READ);
	fill_inode(squash, from, inode);
	rc = fill_leaf(squash, from->inode, inode, err);
	if (rc == 0)
		rc = copy_xattrs(squash, from->inode, inode, err);
	if (rc == 0)
		rc = tree_add(parent, (const char *)from->name, inode, &node, err);
	if (rc < 0)
		return rc;
	if (known)
		*known = inode;
	return S_ISDIR(inode->mode) ? copy_entries(squash, from, node, err) : 0;
}

static int copy_entries(struct squash_tree *squash, const sqfs_tree_node_t *from, struct tree_node *to,
			struct err *err)
{
	for (const sqfs_tree_node_t *entry = from->children; entry; entry = entry->next) {
		int rc;

		if (tree_child(to, (const char *)entry->name))
			return err_set(err, ERR_IMAGE, EINVAL, "%s: the name %s is there twice", CANNOT_READ, entry->name);
		rc = copy_entry(squash, entry, to, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int squash_tree_load(int fd, uint64_t offset, uint64_t size, bool squash_ids, struct tree *tree,
		     struct squash_tree **out, struct err *err)
{
	struct squash_tree *squash = calloc(1, sizeof(*squash));
	int rc;

	if (!squash)
		return err_sys(err, ENOMEM, CANNOT_READ);
	*out = squash;
	squash->source = (struct tree_source){.open = source_open, .read = source_read, .close = source_close};
	squash->squash_ids = squash_ids;
	squash->tree = tree;
	squash->file = squash_file_new(fd, offset, size, false);
	rc = squash->file ? open_readers(squash) : SQFS_ERROR_ALLOC;
	if (rc != 0)
		return squash_file_fail(err, rc, squash->file, CANNOT_READ);
	fill_inode(squash, squash->root, tree->root->inode);
	rc = copy_xattrs(squash, squash->root->inode, tree->root->inode, err);
	return rc < 0 ? rc : copy_entries(squash, squash->root, tree->root, err);
}

void squash_tree_free(struct squash_tree *squash)
{
	if (!squash)
		return;
	if (squash->root)
		sqfs_dir_tree_destroy(squash->root);
	sqfs_destroy(squash->xattrs);
	sqfs_destroy(squash->data);
	sqfs_destroy(squash->dirs);
	sqfs_destroy(squash->ids);
	sqfs_destroy(squash->uncompressor);
	sqfs_destroy(squash->file);
	free(squash->by_number);
	free(squash);
}
