/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thing being built, under a temporary name beside its final one. It appears whole, by rename, or not at all: failure and
 * SIGINT, SIGTERM, SIGHUP, SIGPIPE remove it.
 */
#ifndef FRONTEND_PACK_TARGET_H
#define FRONTEND_PACK_TARGET_H

#include <stdbool.h>

#include "ipc/err.h"

struct target {
	const char *path; /* borrowed */
	char *temporary;  /* owned */
	bool is_directory;
	int fd; /* owned; the file (read and write), or the directory */
};

#define TARGET_INIT {.fd = -1}

/* target_check() - may something be put at @path? Asks on a terminal when it exists and @force is off. */
int target_check(const char *path, bool force, struct err *err);

/* target_open() - make the temporary file or directory. One target at a time. */
int target_open(const char *path, bool is_directory, struct target *target, struct err *err);

/* target_commit() - write it to disk and put it in its place. What was there is replaced. */
int target_commit(struct target *target, struct err *err);

/* target_close() - release @target, removing what was not committed. */
void target_close(struct target *target);

/* target_remove_tree() - remove the directory @path with all that is in it. Returns 0 or a negative errno. */
int target_remove_tree(const char *path);

#endif
