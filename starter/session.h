/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_SESSION_H
#define STARTER_SESSION_H

#include <sys/types.h>

#include "ipc/err.h"

struct stage;

/* session_setup() - mount the session tmpfs of this launch and make its directories. It is reachable from this mount
 * namespace only, covers a directory that every host has, and vanishes with the namespace. */
int session_setup(struct stage *stage, struct err *err);

/* session_make_dir() - directory @name below @parent_fd with exactly @mode, made by root in the setuid flavour. */
int session_make_dir(int parent_fd, const char *name, mode_t mode, struct err *err);

/* session_make_user_dir() - empty directory number @index for the payload, with @mode, made by the caller. *@out_fd owned, O_PATH. */
int session_make_user_dir(const struct stage *stage, unsigned int index, unsigned int mode, int *out_fd, struct err *err);

/* session_make_file() - empty file number @index with @mode, made by the caller. *@out_fd owned, for writing. */
int session_make_file(const struct stage *stage, unsigned int index, unsigned int mode, int *out_fd, struct err *err);

/* session_open() - O_PATH of directory @name of the session. */
int session_open(const struct stage *stage, const char *name, int *out_fd, struct err *err);

#endif
