/* SPDX-License-Identifier: BSD-3-Clause */
/* One line of comma separated values, and growing lists of strings. */
#ifndef FRONTEND_CLI_CSV_H
#define FRONTEND_CLI_CSV_H

#include "frontend/cli.h"
#include "ipc/err.h"

/* cli_csv_split() - append the fields of @text to @out (initialised; grows). A field in double quotes may hold commas, and a
 * quote as two of them; a quote elsewhere is an error. The empty text has no field. Returns 0, -EINVAL with @err for bad
 * quoting, -ENOMEM. After failure @out is as before. Pure. */
int cli_csv_split(const char *text, struct strlist *out, struct err *err);

/* cli_csv_append() - append a copy of the first @len bytes of @text to @list. */
int cli_csv_append(struct strlist *list, const char *text, size_t len, struct err *err);

/* cli_csv_free() - free the items from index @keep on, and the array when nothing is left. */
void cli_csv_free(struct strlist *list, size_t keep);

#endif
