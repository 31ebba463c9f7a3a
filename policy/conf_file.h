/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef POLICY_CONF_FILE_H
#define POLICY_CONF_FILE_H

#include "ipc/err.h"

struct conf;

/* conf_file_load() - read and parse the file at @path: O_NOFOLLOW, regular. */
int conf_file_load(const char *path, struct conf *conf, struct err *err);

/* conf_file_load_trusted() - as above for the setuid starter: @path is compiled in; every component is a directory owned by
 * root, not writable by group or other, not a link; the file belongs to root, is not writable by group or other, and has
 * one link (rule R28). Run with fsuid 0. */
int conf_file_load_trusted(const char *path, struct conf *conf, struct err *err);

#endif
