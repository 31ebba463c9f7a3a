/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_EXEC_H
#define STARTER_EXEC_H

#include "ipc/err.h"

struct stage;

/* exec_set_label() - ask for the plan's security label at the next exec, through a procfs of the host (rule R26): call before
 * the root is switched. */
int exec_set_label(const struct stage *stage, struct err *err);

/* exec_action() - become the action program: the spec at descriptor 3, the caller's inherited descriptors from 4 on, stdio,
 * nothing else. Returns only on failure. */
int exec_action(const struct stage *stage, struct err *err);

#endif
