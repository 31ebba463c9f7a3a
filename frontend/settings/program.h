/* SPDX-License-Identifier: BSD-3-Clause */
/* External programs: those that singularity runs, and that may be missing. */
#ifndef FRONTEND_SETTINGS_PROGRAM_H
#define FRONTEND_SETTINGS_PROGRAM_H

/* program_open() - open @name O_PATH|O_CLOEXEC along @search_path, the form of "root search path" in singularity.conf(5): an item
 * $PATH stands for the caller's. *@out_fd owned. Returns 0 or -ENOENT. */
int program_open(const char *name, const char *search_path, int *out_fd);

#endif
