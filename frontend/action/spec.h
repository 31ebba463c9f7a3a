/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the payload runs, from the frontend to the action program, in a sealed memfd that the starter hands through unread: a list of
 * NUL-terminated records, each a tag letter and a value.
 */
#ifndef FRONTEND_ACTION_SPEC_H
#define FRONTEND_ACTION_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/cli.h"
#include "ipc/err.h"

#define SPEC_PASS_MAX 64

struct action_spec {
	enum cli_command command; /* CLI_EXEC, CLI_RUN, CLI_SHELL, CLI_TEST */
	struct strlist args;      /* exec: command and arguments; else arguments */
	struct strlist host_env;  /* K=V of the caller that may pass */
	struct strlist user_env;  /* K=V of SINGULARITYENV_, --env-file, --env; evaluated unless no_eval */
	struct strlist fixed_env; /* K=V set by us, beyond the scripts' reach */
	char *path, *prepend_path, *append_path; /* of the user; NULL: none */
	char *app, *shell;                       /* NULL: none */
	char *cwd, *home;                        /* container paths */
	char *passwd, *group;                    /* lines that the image's files get; NULL: none */
	bool cwd_required;                       /* --cwd: say so when it cannot be entered */
	bool no_eval;
	bool nest; /* our own programs are in the container: PATH ends with them */
	bool read_ahead; /* the image lies behind a file server */
	uint32_t umask;
	bool has_stack;
	uint64_t stack_soft; /* bytes; RLIMIT_STACK before any setuid exec cut it */
	uint64_t ignored_signals, blocked_signals; /* bit n-1 for signal n */
	int message_level;                         /* as log_encode_level() */
	uint32_t pass_count;
	int pass_number[SPEC_PASS_MAX]; /* where descriptor 8+i belongs */
};

/* spec_encode() - *@out (owned, free(3)) holds *@len bytes. Returns 0 or -ENOMEM. */
int spec_encode(const struct action_spec *spec, char **out, size_t *len, struct err *err);

/* spec_decode() - fill @spec from @len bytes. Returns 0 or -EPROTO with @err. */
int spec_decode(const char *bytes, size_t len, struct action_spec *spec, struct err *err);

void spec_fini(struct action_spec *spec);

#endif
