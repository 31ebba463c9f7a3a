/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "frontend/pack/elf_read.h"
#include "ipc/cleanup.h"

#define NAME_BYTES_MAX 255 /* of a squashfs directory entry */
#define LINKS_MAX 40       /* as many as the kernel follows */
#define HASHED_FROM 32     /* entries of a directory that make chains worth their memory */

static struct tree_node *new_node(const char *name, struct tree_inode *inode)
{
	size_t len = strlen(name);
	struct tree_node *node = calloc(1, sizeof(*node) + len + 1);

	if (!node)
		return NULL;
	memcpy(node->name, name, len + 1);
	node->inode = inode;
	node->sorted = true;
	return node;
}

struct tree_inode *tree_new_inode(struct tree *tree, mode_t mode)
{
	struct tree_inode *inode = calloc(1, sizeof(*inode));

	if (!inode)
		return NULL;
	inode->mode = mode;
	*tree->last = inode;
	tree->last = &inode->next;
	return inode;
}

int tree_init(struct tree *tree, struct err *err)
{
	struct tree_inode *inode;

	*tree = (struct tree){0};
	tree->last = &tree->inodes;
	inode = tree_new_inode(tree, S_IFDIR | 0755);
	if (inode)
		tree->root = new_node("", inode);
	if (!tree->root) {
		tree_fini(tree);
		return err_sys(err, ENOMEM, "cannot make a tree");
	}
	tree->root->parent = tree->root;
	inode->nlink = 1;
	return 0;
}

void tree_clear_xattrs(struct tree_inode *inode)
{
	while (inode->xattrs) {
		struct tree_xattr *xattr = inode->xattrs;

		inode->xattrs = xattr->next;
		free(xattr->name);
		free(xattr);
	}
}

static void free_inode(struct tree_inode *inode)
{
	tree_clear_xattrs(inode);
	free(inode->target);
	free(inode->bytes);
	free(inode->locator);
	free(inode);
}

static void free_nodes(struct tree_node *node)
{
	for (uint32_t i = 0; i < node->count; i++)
		free_nodes(node->children[i]);
	node->inode->nlink--;
	free(node->children);
	free(node->buckets);
	free(node);
}

void tree_fini(struct tree *tree)
{
	if (tree->root)
		free_nodes(tree->root);
	while (tree->inodes) {
		struct tree_inode *inode = tree->inodes;

		tree->inodes = inode->next;
		free_inode(inode);
	}
	*tree = (struct tree){0};
}

static int check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_BYTES_MAX || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot add '%s': not a file name", name);
	return 0;
}

/* FNV-1a from a start that nobody knows, so that no image can be made of names that collide. */
static uint32_t hash_name(const char *name)
{
	static uint32_t start;
	uint32_t hash;

	if (start == 0 && getrandom(&start, sizeof(start), GRND_NONBLOCK) != (ssize_t)sizeof(start))
		start = UINT32_C(2166136261);
	hash = start |= 1;
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * UINT32_C(16777619);
	return hash;
}

static struct tree_node **get_bucket(const struct tree_node *dir, const char *name)
{
	return &dir->buckets[hash_name(name) & (dir->bucket_count - 1)];
}

/* Chains for at least @capacity entries. Without memory for them the directory goes on without. */
static void hash_children(struct tree_node *dir, uint32_t capacity)
{
	free(dir->buckets);
	dir->bucket_count = capacity;
	dir->buckets = calloc(capacity, sizeof(struct tree_node *));
	for (uint32_t i = 0; dir->buckets && i < dir->count; i++) {
		struct tree_node **bucket = get_bucket(dir, dir->children[i]->name);

		dir->children[i]->chain = *bucket;
		*bucket = dir->children[i];
	}
}

static int reserve_child(struct tree_node *dir, struct err *err)
{
	uint32_t capacity = dir->capacity ? dir->capacity * 2 : 8;
	struct tree_node **grown;

	if (dir->count < dir->capacity)
		return 0;
	if (capacity < dir->capacity)
		return err_sys(err, EOVERFLOW, "cannot add an entry to %s", dir->name);
	grown = reallocarray(dir->children, capacity, sizeof(struct tree_node *));
	if (!grown)
		return err_sys(err, ENOMEM, "cannot add an entry to %s", dir->name);
	dir->children = grown;
	dir->capacity = capacity;
	if (capacity > HASHED_FROM)
		hash_children(dir, capacity);
	return 0;
}

int tree_add(struct tree_node *parent, const char *name, struct tree_inode *inode, struct tree_node **out,
	     struct err *err)
{
	struct tree_node *node;
	int rc = check_name(name, err);

	if (rc < 0)
		return rc;
	if (!S_ISDIR(parent->inode->mode))
		return err_set(err, ERR_IMAGE, ENOTDIR, "cannot add '%s': '%s' is not a directory", name, parent->name);
	if (S_ISDIR(inode->mode) && inode->nlink > 0)
		return err_set(err, ERR_IMAGE, EMLINK, "cannot add '%s': a directory has one name only", name);
	rc = reserve_child(parent, err);
	if (rc < 0)
		return rc;
	node = new_node(name, inode);
	if (!node)
		return err_sys(err, ENOMEM, "cannot add %s", name);
	node->parent = parent;
	inode->nlink++;
	if (parent->count > 0 && strcmp(parent->children[parent->count - 1]->name, name) > 0)
		parent->sorted = false;
	if (parent->buckets) {
		struct tree_node **bucket = get_bucket(parent, name);

		node->chain = *bucket;
		*bucket = node;
	}
	node->position = parent->count;
	parent->children[parent->count++] = node;
	if (out)
		*out = node;
	return 0;
}

void tree_remove(struct tree_node *node)
{
	struct tree_node *parent = node->parent;
	struct tree_node *last = parent->children[--parent->count];

	if (last != node) {
		parent->children[node->position] = last;
		last->position = node->position;
		parent->sorted = false;
	}
	if (parent->buckets) {
		struct tree_node **at = get_bucket(parent, node->name);

		while (*at != node)
			at = &(*at)->chain;
		*at = node->chain;
	}
	free_nodes(node);
}

static int compare_nodes(const void *left, const void *right)
{
	const struct tree_node *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

void tree_sort(struct tree_node *dir)
{
	if (dir->sorted)
		return;
	qsort(dir->children, dir->count, sizeof(struct tree_node *), compare_nodes);
	for (uint32_t i = 0; i < dir->count; i++)
		dir->children[i]->position = i;
	dir->sorted = true;
}

struct tree_node *tree_child(struct tree_node *dir, const char *name)
{
	size_t low = 0, high = dir->count;

	if (dir->buckets) {
		struct tree_node *node = *get_bucket(dir, name);

		while (node && strcmp(node->name, name) != 0)
			node = node->chain;
		return node;
	}
	tree_sort(dir);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, dir->children[middle]->name);

		if (order == 0)
			return dir->children[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static struct tree_node *walk(struct tree *tree, struct tree_node *at, const char *path, bool follow, int *links)
{
	char name[NAME_BYTES_MAX + 1];

	if (*path == '/')
		at = tree->root;
	while (at) {
		size_t len;
		struct tree_node *child;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0)
			return at;
		if (len > NAME_BYTES_MAX || !S_ISDIR(at->inode->mode))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		path += len;
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			at = at->parent;
			continue;
		}
		child = tree_child(at, name);
		if (child && S_ISLNK(child->inode->mode) && (follow || path[strspn(path, "/")] != '\0')) {
			if ((*links)++ >= LINKS_MAX)
				return NULL;
			child = walk(tree, at, child->inode->target, true, links);
		}
		at = child;
	}
	return NULL;
}

struct tree_node *tree_lookup(struct tree *tree, const char *path, bool follow)
{
	int links = 0;

	return walk(tree, tree->root, path, follow, &links);
}

int tree_set_xattr(struct tree_inode *inode, const char *name, const void *value, size_t size, struct err *err)
{
	struct tree_xattr *xattr = malloc(sizeof(*xattr) + size);

	if (xattr)
		xattr->name = strdup(name);
	if (!xattr || !xattr->name) {
		free(xattr);
		return err_sys(err, ENOMEM, "cannot keep the attribute %s", name);
	}
	memcpy(xattr->value, value, size);
	xattr->size = size;
	xattr->next = inode->xattrs;
	inode->xattrs = xattr;
	return 0;
}

int tree_set_bytes(struct tree_inode *inode, const void *bytes, size_t size, struct err *err)
{
	uint8_t *copy = malloc(size + 1);

	if (!copy)
		return err_sys(err, ENOMEM, "cannot keep %zu bytes", size);
	memcpy(copy, bytes, size);
	free(inode->bytes);
	inode->bytes = copy;
	inode->size = size;
	inode->source = NULL;
	return 0;
}

uint32_t tree_encode_device(unsigned int major, unsigned int minor)
{
	return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}

void tree_fix_permissions(struct tree *tree)
{
	for (struct tree_inode *inode = tree->inodes; inode; inode = inode->next) {
		if (S_ISDIR(inode->mode))
			inode->mode |= 0700;
		else if (S_ISREG(inode->mode))
			inode->mode |= inode->mode & 0111 ? 0700 : 0600;
	}
}

bool tree_inode_is_streamed(const struct tree_inode *inode)
{
	return inode->source && !inode->source->open;
}

ssize_t tree_read_at(const struct tree_inode *inode, uint64_t offset, void *buffer, size_t size, struct err *err)
{
	size_t done = 0;
	int rc;

	if (!inode->source) {
		size_t left = offset < inode->size ? (size_t)(inode->size - offset) : 0;

		done = size < left ? size : left;
		if (done > 0)
			memcpy(buffer, inode->bytes + offset, done);
		return (ssize_t)done;
	}
	if (tree_inode_is_streamed(inode))
		return err_set(err, ERR_IMAGE, ESPIPE, "cannot read a file before its contents come");
	rc = inode->source->open(inode->source, inode, err);
	if (rc < 0)
		return rc;
	while (done < size) {
		ssize_t got = inode->source->read(inode->source, offset + done, (char *)buffer + done, size - done, err);

		if (got < 0) {
			inode->source->close(inode->source);
			return got;
		}
		if (got == 0)
			break;
		done += (size_t)got;
	}
	inode->source->close(inode->source);
	return (ssize_t)done;
}

int tree_read(const struct tree_inode *inode, size_t max, char **out, size_t *size, struct err *err)
{
	size_t want = inode->size < max ? (size_t)inode->size : max;
	cleanup_ptr char *buffer = malloc(want + 1);
	ssize_t got;

	if (!buffer)
		return err_sys(err, ENOMEM, "cannot read a file of %zu bytes", want);
	got = tree_read_at(inode, 0, buffer, want, err);
	if (got < 0)
		return (int)got;
	buffer[got] = '\0';
	*size = (size_t)got;
	*out = ptr_take(buffer);
	return 0;
}

int tree_read_elf(const struct tree_inode *inode, size_t max, struct elf_facts *out)
{
	cleanup_ptr char *bytes = NULL;
	size_t size;
	int rc;

	if (inode->source && inode->source->read_elf)
		return inode->source->read_elf(inode->source, inode, out);
	rc = tree_read(inode, max, &bytes, &size, NULL);
	return rc < 0 ? rc : elf_read((const uint8_t *)bytes, size, out);
}

const char *tree_node_path(const struct tree_node *node, char *buffer, size_t size)
{
	char *at = buffer + size - 1;

	*at = '\0';
	while (node->parent != node) {
		size_t len = strlen(node->name);

		if ((size_t)(at - buffer) < len + 1)
			break;
		at -= len;
		memcpy(at, node->name, len);
		*--at = '/';
		node = node->parent;
	}
	if (*at == '\0' && at > buffer)
		*--at = '/';
	memmove(buffer, at, strlen(at) + 1);
	return buffer;
}
