/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interpreter for the part of the shell language that image builders write into environment scripts and runscripts, so that
 * images without a shell work: assignments, quotes, parameter expansions, if, case, for, while, functions and the builtins that
 * touch nothing but variables. Whatever it does not know is left to a real shell, with nothing changed.
 */
#ifndef FRONTEND_ACTION_SHELL_EVAL_H
#define FRONTEND_ACTION_SHELL_EVAL_H

#include "frontend/cli.h"
#include "ipc/err.h"

/* Answers, not errors. */
#define SHELL_EVAL_NEEDS_SHELL 1 /* only a shell understands the text; nothing was changed */
#define SHELL_EVAL_EXIT 2        /* the text ended with exit; shell->status */
#define SHELL_EVAL_EXEC 3        /* the text ended with exec; shell->exec is the command */

struct shell;

/* What the evaluator may ask of the world around it. A NULL member: such text needs a shell. */
struct shell_host {
	/* Run @command in a shell with the variables of @shell, what it prints in *@out (owned), its status in *@status. */
	int (*run)(struct shell *shell, const char *command, char **out, int *status);
	int (*read)(const char *path, char **out);        /* text of a file to be sourced; 0 or a negative errno */
	bool (*test)(char op, const char *path);          /* test -e, -f, … */
	int (*glob)(const char *pattern, struct strlist *out); /* names in order, none added when none match */
};

struct shell {
	struct strlist env;       /* "K=V", exported */
	struct strlist locals;    /* "K=V", not exported */
	struct strlist functions; /* "name=body" */
	struct strlist params;    /* $1 … */
	struct strlist exec;      /* after SHELL_EVAL_EXEC */
	struct strlist said;      /* lines of echo, each behind the digit of its descriptor; printed by the caller */
	const char *name;         /* $0, borrowed */
	bool export_all;
	int status;                    /* $? */
	const struct shell_host *host; /* borrowed */
	int unwinding, depth, substitutions; /* inside a call only */
	long written_bytes, steps;
};

/* shell_eval_script() - run @text. On SHELL_EVAL_NEEDS_SHELL and on failure (a negative errno with @err; -E2BIG for text that
 * is too long, too deep or runs too long) @shell is as before. */
int shell_eval_script(struct shell *shell, const char *text, struct err *err);

/* shell_eval_value() - expand @text as if it stood in double quotes; quotes in it are kept. *@out owned. Returns as above. */
int shell_eval_value(struct shell *shell, const char *text, char **out, struct err *err);

/* shell_get() - value of a variable, NULL when unset. */
const char *shell_get(const struct shell *shell, const char *name);

/* shell_set() - assign, exported if it was, or with export_all. */
void shell_set(struct shell *shell, const char *name, const char *value);

/* shell_fini() - free the lists. */
void shell_fini(struct shell *shell);

#endif
