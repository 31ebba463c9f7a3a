/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a tree into a directory on disk. Names come from outside: nothing is made or followed outside the directory. */
#ifndef FRONTEND_PACK_TREE_UNPACK_H
#define FRONTEND_PACK_TREE_UNPACK_H

#include <stdbool.h>

#include "frontend/pack/tree.h"

/* tree_unpack() - make what @tree holds in the empty directory @root_fd (borrowed); contents of files come from the tree itself or by
 * @feed (NULL: none do). With @keep_owners owners, set-id bits and all attributes are kept, as far as the host lets us; without,
 * files belong to the caller. After a failure the directory holds what was made until then. */
int tree_unpack(struct tree *tree, struct tree_feed *feed, bool keep_owners, int root_fd, struct err *err);

#endif
