/* SPDX-License-Identifier: BSD-3-Clause */
/* Fills a tree from a directory on disk, walking by descriptors: a name that turns into a link on the way is not followed. */
#ifndef FRONTEND_PACK_SCAN_H
#define FRONTEND_PACK_SCAN_H

#include <stdbool.h>

#include "frontend/pack/tree.h"

struct scan;

/* scan_directory() - add everything below @root_fd (borrowed until scan_free()) to the empty @tree. With @squash_ids all is
 * owned by 0:0. What cannot be read is kept empty, with a warning. *@out (owned) must outlive the tree. */
int scan_directory(int root_fd, bool squash_ids, struct tree *tree, struct scan **out, struct err *err);
void scan_free(struct scan *scan);

#endif
