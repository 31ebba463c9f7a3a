/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts the text of a flag or of an environment variable into the request, as the type of the option's row says. */
#ifndef FRONTEND_CLI_VALUE_H
#define FRONTEND_CLI_VALUE_H

#include "frontend/cli.h"
#include "frontend/cli_options.h"

struct cli_state {
	struct cli_request *request;
	uint64_t on;                /* CLI_ON_* of the command, with CLI_ON_GLOBAL */
	bool given[CLI_OPTION_MAX]; /* by index into cli_options */
	bool truth[CLI_OPTION_MAX]; /* given and not false */
	bool in_environment;        /* what is stored now comes from there */
};

/* cli_value_set() - store @text for @option. Returns 0, or -EINVAL with the bare reason in @err ("strconv.ParseBool: …"). */
int cli_value_set(struct cli_state *state, const struct cli_option *option, const char *text, struct err *err);

/* cli_value_apply_environment() - give every option of the command that was not given its value from @environ_. */
int cli_value_apply_environment(struct cli_state *state, char **environ_, struct err *err);

/* cli_value_is_true() - was the bool option @name given, and not as false? */
bool cli_value_is_true(const struct cli_state *state, const char *name);

#endif
