/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_ACTION_SCRIPT_H
#define FRONTEND_ACTION_SCRIPT_H

#include "frontend/action/spec.h"
#include "ipc/err.h"

/* script_build_env() - the payload's environment, inside the container: the image's scripts in name order, the user's values behind
 * 99-base.sh, then what the caller had where nothing was set. *@env is filled. Returns 0 or a negative errno with @err. */
int script_build_env(const struct action_spec *spec, struct strlist *env, struct err *err);

/* script_dump_env() - the other end of a shell's run: write environ, NUL-separated, to descriptor @fd. Does not return. */
_Noreturn void script_dump_env(int fd);

/* script_read_file() - the whole file as text; *@out owned. */
int script_read_file(const char *path, char **out);

#endif
