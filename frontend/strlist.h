/* SPDX-License-Identifier: BSD-3-Clause */
/* Growing lists of owned strings; struct strlist itself is in frontend/cli.h. */
#ifndef FRONTEND_STRLIST_H
#define FRONTEND_STRLIST_H

#include "frontend/cli.h"

/* strlist_add() - append a copy of @text. Exits 255 with a FATAL line when memory is out: no caller could go on. */
void strlist_add(struct strlist *list, const char *text);

/* strlist_addf() - append formatted text. */
__attribute__((format(printf, 2, 3))) void strlist_addf(struct strlist *list, const char *fmt, ...);

void strlist_fini(struct strlist *list);

/* Environments: "NAME=value" items. */
const char *strlist_get_env(const struct strlist *env, const char *name);
void strlist_set_env(struct strlist *env, const char *name, const char *value);
void strlist_unset_env(struct strlist *env, const char *name);

/* strlist_to_argv() - NULL-terminated array borrowing the items; free(3) the array only. */
char **strlist_to_argv(const struct strlist *list);

#endif
