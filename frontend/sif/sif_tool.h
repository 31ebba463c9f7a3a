/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands that work on SIF files have in common. */
#ifndef FRONTEND_SIF_SIF_TOOL_H
#define FRONTEND_SIF_SIF_TOOL_H

#include <stdint.h>

#include "ipc/err.h"

/* sif_tool_parse_number() - the decimal number @text from @min to @max; @what names it in the message. -EINVAL. */
int sif_tool_parse_number(const char *text, const char *what, uint64_t min, uint64_t max, uint64_t *out, struct err *err);

/* sif_tool_finish() - the exit status of a command that ended with @rc; prints the FATAL line of @err. */
int sif_tool_finish(int rc, const struct err *err);

#endif
