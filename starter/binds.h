/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_BINDS_H
#define STARTER_BINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/err.h"

struct stage;

/* binds_clone_sources() - setuid flavour: detached clones of every bind source and directory image, made from the caller's
 * descriptors while we are still in his mount namespace (rules R6, R19). Needs CAP_SYS_ADMIN. */
int binds_clone_sources(struct stage *stage, struct err *err);

/* binds_open_sources() - plain flavour: open every source by path in our own mount namespace, where the kernel judges us as
 * the caller. Call before the session directory covers anything. */
int binds_open_sources(struct stage *stage, struct err *err);

/* binds_is_missing() - does mount @index need a mount point that the root image lacks and no earlier mount brings? */
bool binds_is_missing(const struct stage *stage, uint32_t index);

/* binds_any_missing() - the same for the whole plan. */
bool binds_any_missing(const struct stage *stage);

/* binds_apply() - every mount of the plan, in its order, below the staging root. */
int binds_apply(struct stage *stage, struct err *err);

#endif
