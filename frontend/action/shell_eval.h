/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part of the shell language that image builders write into environment scripts: comments, assignments, export, quotes and
 * parameter expansions with defaults. Everything else is left to a real shell. Pure: no process, no file.
 */
#ifndef FRONTEND_ACTION_SHELL_EVAL_H
#define FRONTEND_ACTION_SHELL_EVAL_H

#include "frontend/cli.h"
#include "ipc/err.h"

/* Answer, not an error: the text uses something that only a shell understands; nothing was changed. */
#define SHELL_EVAL_NEEDS_SHELL 1

/* shell_eval_script() - run the assignments of @text on @env ("K=V" items). An unset name expands to nothing,
 * as in a shell. Returns 0, SHELL_EVAL_NEEDS_SHELL, or -E2BIG with @err. */
int shell_eval_script(const char *text, struct strlist *env, struct err *err);

/* shell_eval_value() - expand @text as if it stood in double quotes. *@out owned. Returns as above. */
int shell_eval_value(const char *text, const struct strlist *env, char **out, struct err *err);

#endif
