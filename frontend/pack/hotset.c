/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/hotset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frontend/pack/elf_read.h"
#include "ipc/cleanup.h"

#define PROGRAM_BYTES_MAX ((uint64_t)8 * 1024 * 1024) /* larger ones cost more space than they save time */
#define DEPTH_MAX 8

static const char *const programs[] = {
	"/bin/sh",	"/bin/bash",	"/usr/bin/bash", "/bin/dash",	"/bin/busybox", "/bin/true",
	"/usr/bin/true", "/bin/cat",	"/usr/bin/cat",	 "/bin/ls",	"/usr/bin/ls",	"/usr/bin/env",
	"/usr/bin/id",
};

static const char *const files[] = {
	"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/profile",
};

static const char *const library_dirs[] = {"/lib", "/usr/lib", "/lib64", "/usr/lib64"};

static void mark_program(struct tree *tree, struct tree_node *node, int depth);

static void mark_library(struct tree *tree, const char *name, const struct tree_node *loader, int depth)
{
	char path[8192], dir[4096];
	struct tree_node *node = NULL;

	if (strchr(name, '/')) {
		node = tree_lookup(tree, name, true);
	} else {
		for (size_t i = 0; i < sizeof(library_dirs) / sizeof(library_dirs[0]) && !node; i++) {
			(void)snprintf(path, sizeof(path), "%s/%s", library_dirs[i], name);
			node = tree_lookup(tree, path, true);
		}
		/* Debian's multiarch directory is where the loader really lies. */
		if (!node && loader) {
			(void)snprintf(path, sizeof(path), "%s/%s",
				       tree_node_path(loader->parent, dir, sizeof(dir)), name);
			node = tree_lookup(tree, path, true);
		}
	}
	if (node)
		mark_program(tree, node, depth + 1);
}

static struct tree_node *find_loader(struct tree *tree, const struct elf_facts *facts)
{
	/* Libraries name no loader; the shell's has been marked by then. */
	if (facts->loader[0])
		return tree_lookup(tree, facts->loader, true);
	return tree_lookup(tree, "/lib64/ld-linux-x86-64.so.2", true)
		       ? tree_lookup(tree, "/lib64/ld-linux-x86-64.so.2", true)
		       : tree_lookup(tree, "/lib/ld-linux-aarch64.so.1", true);
}

static void mark_program(struct tree *tree, struct tree_node *node, int depth)
{
	struct tree_inode *inode = node->inode;
	cleanup_ptr struct elf_facts *facts = NULL;
	struct tree_node *loader;

	if (!S_ISREG(inode->mode) || inode->hot || inode->size > PROGRAM_BYTES_MAX || depth > DEPTH_MAX)
		return;
	inode->hot = true;
	facts = malloc(sizeof(*facts));
	if (!facts || tree_read_elf(inode, PROGRAM_BYTES_MAX, facts) < 0)
		return;
	loader = find_loader(tree, facts);
	if (loader && S_ISREG(loader->inode->mode))
		loader->inode->hot = true;
	for (size_t i = 0; i < facts->needed_count; i++)
		mark_library(tree, facts->needed[i], loader, depth);
}

static void mark_below(struct tree_node *node)
{
	if (S_ISREG(node->inode->mode))
		node->inode->hot = true;
	for (size_t i = 0; i < node->count; i++)
		mark_below(node->children[i]);
}

void hotset_mark(struct tree *tree)
{
	struct tree_node *node = tree_lookup(tree, "/.singularity.d", true);

	if (node)
		mark_below(node);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		node = tree_lookup(tree, files[i], true);
		if (node && S_ISREG(node->inode->mode) && node->inode->size <= PROGRAM_BYTES_MAX)
			node->inode->hot = true;
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		node = tree_lookup(tree, programs[i], true);
		if (node)
			mark_program(tree, node, 0);
	}
}
