/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef POLICY_CONF_FILE_H
#define POLICY_CONF_FILE_H

#include <stddef.h>

#include "ipc/err.h"

struct conf;

/* conf_file_read() - the bytes of the regular file @fd (borrowed), which messages call @path, until the next call. What is longer than
 * CONF_TEXT_MAX is cut to that, which conf_parse() refuses. */
int conf_file_read(int fd, const char *path, const char **out, size_t *len, struct err *err);

/* conf_file_load_trusted() - for the setuid starter: open, read and parse @path, which is compiled in; every component is a directory
 * owned by root, not writable by group or other, not a link; the file belongs to root, is not writable by group or other, and has
 * one link (rule R28). Run with fsuid 0. */
int conf_file_load_trusted(const char *path, struct conf *conf, struct err *err);

#endif
