/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills a tree from a squashfs file system; contents are read when they are packed again. */
#ifndef FRONTEND_PACK_SQUASH_TREE_H
#define FRONTEND_PACK_SQUASH_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/pack/tree.h"

struct squash_tree;

/* squash_tree_load() - add everything in the squashfs of @size bytes at @offset of @fd (borrowed until squash_tree_free()) to
 * the empty @tree. *@out (owned) must outlive the tree. */
int squash_tree_load(int fd, uint64_t offset, uint64_t size, bool squash_ids, struct tree *tree,
		     struct squash_tree **out, struct err *err);
void squash_tree_free(struct squash_tree *squash);

#endif
