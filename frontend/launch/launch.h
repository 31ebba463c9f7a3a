/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_LAUNCH_LAUNCH_H
#define FRONTEND_LAUNCH_LAUNCH_H

#include "frontend/cli.h"
#include "ipc/err.h"
#include "policy/conf_frontend.h"

/* launch_run() - exec, run, shell and test: resolve the image, build the plan, hand over to the starter.
 * Does not return on success: the process becomes the payload (or its monitor). Returns a negative errno with @err, or the
 * exit status (≥ 0) when a parent had to stay. */
int launch_run(const struct cli_request *request, struct err *err);

/* launch_load_conf() - singularity.conf of this installation, or that of --config. Returns 0 or a negative errno with @err. */
int launch_load_conf(const struct cli_request *request, struct conf_frontend *out, struct err *err);

#endif
