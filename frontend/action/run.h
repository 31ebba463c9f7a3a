/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_ACTION_RUN_H
#define FRONTEND_ACTION_RUN_H

#include "frontend/action/spec.h"
#include "ipc/err.h"

/* run_payload() - decide what exec, run, shell or test means in this image and become it. Returns only on failure, or the exit
 * status (≥ 0) when there is nothing to run. */
int run_payload(const struct action_spec *spec, struct strlist *env, struct err *err);

#endif
