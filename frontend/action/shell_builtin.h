/* SPDX-License-Identifier: BSD-3-Clause */
/* The builtins of the shell language that change nothing but variables. The inner half of shell_eval.h. */
#ifndef FRONTEND_ACTION_SHELL_BUILTIN_H
#define FRONTEND_ACTION_SHELL_BUILTIN_H

#include "frontend/action/shell_eval.h"

enum shell_unwinding { SHELL_GOES_ON, SHELL_BREAKS, SHELL_CONTINUES, SHELL_RETURNS, SHELL_EXITS, SHELL_EXECS };

/* shell_run_builtin() - run the expanded command @args (at least its name). Returns 0 with the shell's status set,
 * SHELL_EVAL_NEEDS_SHELL when it is no builtin we know or is used in an unknown way, or a negative errno. */
int shell_run_builtin(struct shell *shell, struct strlist *args);

/* shell_run_text() - run @text in the same shell, as eval does. */
int shell_run_text(struct shell *shell, const char *text);

#endif
