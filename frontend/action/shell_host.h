/* SPDX-License-Identifier: BSD-3-Clause */
/* What scripts may ask of the container they run in: files, names, and its own shell. */
#ifndef FRONTEND_ACTION_SHELL_HOST_H
#define FRONTEND_ACTION_SHELL_HOST_H

#include "frontend/action/shell_eval.h"

extern const struct shell_host shell_host_container;

/* shell_host_read() - the whole regular file as text, at most 1 MiB; *@out owned. Returns 0 or a negative errno. */
int shell_host_read(const char *path, char **out);

/* shell_host_source() - let the image's /bin/sh run @code with the variables of @shell and take over what it exports then; *@status
 * is -1, or its exit status when @code ended it. @what names @code in messages. Returns 0 or a negative errno with @err. */
int shell_host_source(struct shell *shell, const char *code, const char *what, int *status, struct err *err);

/* shell_host_dump() - the other end of shell_host_source(): write environ, NUL-separated, to @fd. Does not return. */
_Noreturn void shell_host_dump(int fd);

/* shell_host_say() - print what echo kept, and forget it. */
void shell_host_say(struct shell *shell);

#endif
