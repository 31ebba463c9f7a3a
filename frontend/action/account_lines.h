/* SPDX-License-Identifier: BSD-3-Clause */
/* The container's passwd and group: the image's own lines, and the caller's. */
#ifndef FRONTEND_ACTION_ACCOUNT_LINES_H
#define FRONTEND_ACTION_ACCOUNT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ipc/err.h"

#define ACCOUNT_LINES_MAX (1024 * 1024) /* bytes of the image's file */

/* account_lines_join() - append the @own_length bytes of @own to the lines of @text, which has room for 256 bytes more than both.
 * With @replace, lines of @uid go out, and the last field (the shell) of the last of them stands at the end of @own.
 * Pure. Returns the bytes used. */
size_t account_lines_join(char *text, const char *own, size_t own_length, bool replace, uid_t uid);

/* account_lines_write() - the lines of the regular file @image_fd (-1: none) and those of @own to the empty file @out_fd (both
 * borrowed). A file of the image that is too large or of another kind adds nothing. Returns 0 or a negative errno with @err. */
int account_lines_write(int image_fd, int out_fd, const char *own, bool replace, struct err *err);

#endif
