/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands about remotes, keyservers and libraries are told on their command line. */
#ifndef FRONTEND_LIBRARY_REMOTE_OPTIONS_H
#define FRONTEND_LIBRARY_REMOTE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/err.h"

/* Borrowed from the command line; NULL when not given. */
struct remote_options {
	const char *config, *tokenfile, *username, *password, *library, *arch, *order, *timeout;
	bool global, no_login, insecure, no_default, exclusive, password_stdin, force, no_https, is_signed;
	int count; /* of arguments */
	char **arguments;
};

/* remote_options_parse() - @argv as the command line program writes it: options first, then --, then the arguments. */
int remote_options_parse(int argc, char **argv, struct remote_options *out, struct err *err);

/* remote_options_finish() - exit status of a command that ended with @rc: an error is one FATAL line. */
int remote_options_finish(int rc, const struct err *err);

#endif
