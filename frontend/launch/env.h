/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_LAUNCH_ENV_H
#define FRONTEND_LAUNCH_ENV_H

#include "frontend/action/spec.h"
#include "frontend/cli.h"
#include "ipc/err.h"

struct env_inputs {
	const char *image_path; /* absolute */
	const char *image_name; /* base name */
	const char *home;       /* container path */
};

/* env_fill_spec() - the environment part of @spec: what of @environ_ (borrowed) may pass, what the user set by SINGULARITYENV_,
 * --env-file and --env, and what we set. Returns 0 or a negative errno with @err. */
int env_fill_spec(const struct cli_request *request, char **environ_, const struct env_inputs *in,
		  struct action_spec *spec, struct err *err);

#endif
