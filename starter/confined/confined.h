/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_CONFINED_CONFINED_H
#define STARTER_CONFINED_CONFINED_H

#include "ipc/err.h"

struct stage;

/* confined_run() - the whole of PLAN_FLOW_CONFINED: starts the payload, serves it, ends as it ends. Does not return 0. */
int confined_run(struct stage *stage, struct err *err);

#endif
