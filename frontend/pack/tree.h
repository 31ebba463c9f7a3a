/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A root file system in memory: names, inodes and where contents can be read, but no contents of files that have a source.
 * Scanners fill it, squash_write.c writes it. Several nodes may share an inode (hard links).
 */
#ifndef FRONTEND_PACK_TREE_H
#define FRONTEND_PACK_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/err.h"

struct tree_inode;
struct sqfs_inode_generic_t;
struct elf_facts;

/* Where the contents of regular files come from. One file is open at a time. A source that can only stream has no open(): its files
 * come through a struct tree_feed. */
struct tree_source {
	/* Make @inode the open file. */
	int (*open)(struct tree_source *source, const struct tree_inode *inode, struct err *err);
	/* Up to @size bytes at @offset; 0 at the end of the file, negative errno with @err. */
	ssize_t (*read)(struct tree_source *source, uint64_t offset, void *buffer, size_t size, struct err *err);
	void (*close)(struct tree_source *source);
	/* What was kept of the program @inode: 0, or -ENOEXEC for what is none. NULL: its bytes can be read. */
	int (*read_elf)(struct tree_source *source, const struct tree_inode *inode, struct elf_facts *out);
};

/* Takes the contents of streamed files, one file after the other. */
struct tree_sink {
	int (*begin)(struct tree_sink *sink, struct tree_inode *inode, struct err *err);
	/* The next @size bytes; @bytes NULL: zeros. */
	int (*append)(struct tree_sink *sink, const void *bytes, size_t size, struct err *err);
	int (*end)(struct tree_sink *sink, struct err *err);
};

/* Hands over the contents of all files whose source only streams, in the order in which it meets them. */
struct tree_feed {
	int (*run)(struct tree_feed *feed, struct tree_sink *sink, struct err *err);
};

struct tree_xattr {
	struct tree_xattr *next;
	char *name;
	size_t size;
	uint8_t value[];
};

struct tree_inode {
	struct tree_inode *next; /* all inodes of the tree, in order of creation */
	mode_t mode;             /* type and permissions */
	uint32_t uid, gid;
	uint32_t mtime;
	uint32_t rdev;           /* as new_encode_dev of the kernel, which is squashfs' form */
	uint32_t nlink;          /* nodes that refer to it */
	uint64_t size;           /* regular files */
	char *target;            /* symbolic links; owned */
	uint8_t *bytes;          /* regular file made here: its contents; owned */
	struct tree_source *source; /* regular file read from elsewhere; borrowed */
	char *locator;           /* what the source finds it by; owned, freed with free(3) */
	struct tree_xattr *xattrs;
	/* Scratch space of the writer. */
	uint32_t number;
	uint32_t xattr_index;
	uint64_t reference;
	bool hot, packed, written;
	struct sqfs_inode_generic_t *packed_inode; /* owned by the writer */
};

struct tree_node {
	struct tree_node *parent; /* the root's parent is the root */
	struct tree_inode *inode;
	struct tree_node **children; /* sorted by name when `sorted` */
	struct tree_node **buckets;  /* of directories with many entries: chains by hash of the name */
	struct tree_node *chain;
	uint32_t count, capacity;
	uint32_t bucket_count; /* a power of two */
	uint32_t position;     /* in parent->children */
	uint32_t mark;         /* scratch space of who fills the tree */
	bool sorted;
	char name[];
};

struct tree {
	struct tree_node *root;
	struct tree_inode *inodes, **last;
	uint64_t bytes; /* of all regular files */
};

/* tree_init() - a tree of one directory, mode 0755, owned by 0:0. Returns 0 or -ENOMEM with @err. */
int tree_init(struct tree *tree, struct err *err);
void tree_fini(struct tree *tree);

/* tree_new_inode() - an inode that no node has yet; owned by @tree. NULL without memory. */
struct tree_inode *tree_new_inode(struct tree *tree, mode_t mode);

/* tree_add() - give @inode the name @name in the directory @parent. The caller knows that the name is free. Refuses names
 * that no file system has ("", ".", "..", with a slash) and names over 255 bytes. *@out may be NULL. */
int tree_add(struct tree_node *parent, const char *name, struct tree_inode *inode, struct tree_node **out,
	     struct err *err);

/* tree_remove() - drop the node @node and everything below it. Inodes stay until tree_fini(). */
void tree_remove(struct tree_node *node);

/* tree_child() - entry @name of the directory @dir, NULL if there is none. */
struct tree_node *tree_child(struct tree_node *dir, const char *name);

/* tree_sort() - put the entries of @dir into byte order of their names, which is the order squashfs demands. */
void tree_sort(struct tree_node *dir);

/* tree_lookup() - the node at @path below the root, following links inside the tree (40 at most) where @follow, else not for
 * the last component. NULL if there is none. */
struct tree_node *tree_lookup(struct tree *tree, const char *path, bool follow);

/* tree_set_xattr() - add an attribute; the name is not there yet. */
int tree_set_xattr(struct tree_inode *inode, const char *name, const void *value, size_t size, struct err *err);

/* tree_set_bytes() - contents of a regular file made here; copied. */
int tree_set_bytes(struct tree_inode *inode, const void *bytes, size_t size, struct err *err);

/* tree_clear_xattrs() - drop all attributes of @inode. */
void tree_clear_xattrs(struct tree_inode *inode);

/* tree_encode_device() - the form of tree_inode.rdev. */
uint32_t tree_encode_device(unsigned int major, unsigned int minor);

/* tree_fix_permissions() - give the owner what it takes to read and write every file and to enter every directory. */
void tree_fix_permissions(struct tree *tree);

/* tree_inode_is_streamed() - are the contents of @inode to come from a struct tree_feed? */
bool tree_inode_is_streamed(const struct tree_inode *inode);

/* tree_read_elf() - what the program @inode says of itself, reading up to @max bytes. 0, or a negative errno when it is no program that
 * can be read. */
int tree_read_elf(const struct tree_inode *inode, size_t max, struct elf_facts *out);

/* tree_read() - up to @max bytes of the regular file @inode in *@out (owned, NUL-terminated), *@size of them. */
int tree_read(const struct tree_inode *inode, size_t max, char **out, size_t *size, struct err *err);

/* tree_read_at() - fill @buffer from @offset of the regular file @inode. Returns bytes read (less at the end), or a negative
 * errno with @err. */
ssize_t tree_read_at(const struct tree_inode *inode, uint64_t offset, void *buffer, size_t size, struct err *err);

/* tree_node_path() - absolute path of @node into @buffer, cut when too long; returns @buffer. */
const char *tree_node_path(const struct tree_node *node, char *buffer, size_t size);

#endif
