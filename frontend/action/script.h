/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_ACTION_SCRIPT_H
#define FRONTEND_ACTION_SCRIPT_H

#include "frontend/action/shell_eval.h"
#include "frontend/action/spec.h"
#include "ipc/err.h"

/* script_build_env() - the payload's environment, inside the container: the image's scripts in name order, the user's values behind
 * 99-base.sh, then what the caller had where nothing was set. @shell (zeroed before) is filled: its env is the environment.
 * *@status is -1, or the exit status when a script ended the whole. Returns 0 or a negative errno with @err. */
int script_build_env(const struct action_spec *spec, struct shell *shell, int *status, struct err *err);

/* script_build_env_at() - the same for the scripts below the directory @root ("" for the container's own) and the world @host. */
int script_build_env_at(const char *root, const struct shell_host *host, const struct action_spec *spec,
			struct shell *shell, int *status, struct err *err);

/* script_read_file() - the whole file as text; *@out owned. */
int script_read_file(const char *path, char **out);

#endif
