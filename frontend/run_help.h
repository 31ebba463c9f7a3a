/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_RUN_HELP_H
#define FRONTEND_RUN_HELP_H

#include "frontend/cli.h"
#include "ipc/err.h"

/* run_help_run() - print the help section of the image or of one app. Returns the exit status, or a negative errno with @err. */
int run_help_run(const struct cli_request *request, struct err *err);

#endif
