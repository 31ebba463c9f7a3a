/* SPDX-License-Identifier: BSD-3-Clause */
/* What a user keeps between calls: remotes, credentials, keys, the cache. */
#ifndef FRONTEND_SETTINGS_USER_DIR_H
#define FRONTEND_SETTINGS_USER_DIR_H

#include "ipc/err.h"

/* user_dir_find() - *@out (owned) is SINGULARITY_CONFIGDIR, else .singularity in the home that the account has (HOME only where
 * there is no account: a job may point it anywhere). Does not make it. -ENOENT with @err when there is neither. */
int user_dir_find(char **out, struct err *err);

/* user_dir_make() - the same, and it is there afterwards: a directory of ours with mode 0700, missing parents made as well. */
int user_dir_make(char **out, struct err *err);

/* user_dir_make_path() - make the directory @path and what is missing above it, each new one with mode 0700. */
int user_dir_make_path(const char *path, struct err *err);

#endif
