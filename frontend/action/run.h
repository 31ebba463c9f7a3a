/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_ACTION_RUN_H
#define FRONTEND_ACTION_RUN_H

#include "frontend/action/shell_eval.h"
#include "frontend/action/spec.h"
#include "ipc/err.h"

/* run_payload() - decide what exec, run, shell or test means in this image and become it, with the variables of @shell. Returns
 * only on failure (a negative errno with @err), or the exit status (≥ 0) when there is nothing to run. */
int run_payload(const struct action_spec *spec, struct shell *shell, struct err *err);

/* run_find() - the program that @name is on the PATH of @env. *@out owned. Returns 0, -ENOENT, or -EACCES when it is there but
 * cannot be executed. */
int run_find(const char *name, const struct strlist *env, char **out);

#endif
