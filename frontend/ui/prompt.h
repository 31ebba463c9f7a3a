/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to the user: on standard output, answered on standard input. */
#ifndef FRONTEND_UI_PROMPT_H
#define FRONTEND_UI_PROMPT_H

#include <stdbool.h>

#include "ipc/err.h"

/* prompt_yes_no() - print @question; an empty answer and the end of input are @by_default. -EINVAL for another answer than yes or
 * no. */
int prompt_yes_no(const char *question, bool by_default, bool *out, struct err *err);

/* prompt_line() - print @question and read a line: *@out owned, "" at the end of input. */
int prompt_line(const char *question, char **out, struct err *err);

/* prompt_secret() - the same without showing what is typed. -ENOTTY when standard input is no terminal. Free it with
 * prompt_free_secret(), which clears it before. */
int prompt_secret(const char *question, char **out, struct err *err);

/* prompt_read_secret() - the first line of standard input, without a question. */
int prompt_read_secret(char **out, struct err *err);
void prompt_free_secret(char *secret);

#endif
