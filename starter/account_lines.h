/* SPDX-License-Identifier: BSD-3-Clause */
/* The container's passwd and group: the image's own lines, and the caller's. */
#ifndef STARTER_ACCOUNT_LINES_H
#define STARTER_ACCOUNT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ACCOUNT_LINES_MAX (1024 * 1024) /* bytes of the image's file */

/* account_lines_join() - append the @own_length bytes of @own to the lines of @text, which has room for 256 bytes more than both.
 * With @replace, lines of @uid go out, and the last field (the shell) of the last of them stands at the end of @own.
 * Pure. Returns the bytes used. */
size_t account_lines_join(char *text, const char *own, size_t own_length, bool replace, uid_t uid);

/* account_lines_add_image() - put the lines of the regular file @path below @root_fd (borrowed) before the *@length bytes at *@bytes;
 * both then describe memory that stays. Reads with the caller's rights. A file that is missing, too large or of another kind adds
 * nothing. */
void account_lines_add_image(int root_fd, const char *path, bool replace, const void **bytes, size_t *length);

#endif
