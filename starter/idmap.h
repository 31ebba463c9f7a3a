/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_IDMAP_H
#define STARTER_IDMAP_H

#include "ipc/err.h"

struct stage;

/* idmap_enter() - make the plan's user namespace, if any, and become its mapped identity: the caller's own id, or 0 for
 * fakeroot. Never in the setuid flavour. See user_namespaces(7). */
int idmap_enter(struct stage *stage, struct err *err);

#endif
