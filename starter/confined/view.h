/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_CONFINED_VIEW_H
#define STARTER_CONFINED_VIEW_H

#include "ipc/err.h"

struct path_table;
struct stage;

/* view_build() - the mounts of the plan as a table of paths. What would be on the session tmpfs is made in the plan's session
 * directory. Says what cannot be had as the plan wants it said. Returns 0, or a negative errno with @err. */
int view_build(struct stage *stage, struct path_table *table, struct err *err);

#endif
