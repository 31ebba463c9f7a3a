/* SPDX-License-Identifier: BSD-3-Clause */
/* Which files every start of a container reads. */
#ifndef FRONTEND_PACK_HOTSET_H
#define FRONTEND_PACK_HOTSET_H

#include "frontend/pack/tree.h"

/* hotset_mark() - set `hot` on the inodes of @tree that a start reads: shells and the smallest commands with their loader and
 * libraries, /.singularity.d, and the files of /etc that name lookups read. Never fails: an unreadable file stays cold. */
void hotset_mark(struct tree *tree);

#endif
