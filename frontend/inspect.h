/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_INSPECT_H
#define FRONTEND_INSPECT_H

#include <stdio.h>

#include <jansson.h>

#include "frontend/cli.h"
#include "ipc/err.h"

/* inspect_run() - print what the image says about itself. Returns the exit status, or a negative errno with @err. */
int inspect_run(const struct cli_request *request, struct err *err);

/* inspect_print() - print what @options select of @attributes to @to. */
int inspect_print(const struct cli_inspect *options, json_t *attributes, FILE *to, struct err *err);

#endif
