/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths below the staging root. The only file that opens by path inside a root, and that makes mount points. */
#ifndef STARTER_RESOLVE_H
#define STARTER_RESOLVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "ipc/err.h"

/* File systems that are ours to write: session tmpfs and the overlay on it. */
struct resolve_scope {
	int root_fd; /* borrowed; the staging root, O_PATH */
	dev_t own[2];
	int own_count;
};

/* resolve_open() - descriptor of @path with @flags of open(2), links followed as if root_fd were "/". *@out_fd owned.
 * Returns 0 or a negative errno (no @err: a missing path is an expected answer). See openat2(2) RESOLVE_IN_ROOT. */
int resolve_open(int root_fd, const char *path, int flags, int *out_fd);

/* resolve_create() - make @name in @parent_fd (borrowed; on a file system that is ours): a directory or empty file with exactly the
 * permission bits of @mode, or the symbolic link @link. Setuid: as the caller in his own directory, else as root.
 * Returns 0 or a negative errno. */
int resolve_create(int parent_fd, const char *name, mode_t mode, const char *link);

/* resolve_make() - as above; missing components are made as directories (0755), the last one as an empty file when @is_file,
 * but only on file systems of @scope->own (rule R18). Setuid: makes them as root. */
int resolve_make(const struct resolve_scope *scope, const char *path, bool is_file, int *out_fd, struct err *err);

/* resolve_make_symlink() - link @text at @path, whose parent must lie on a file system of @scope->own. */
int resolve_make_symlink(const struct resolve_scope *scope, const char *path, const char *text, struct err *err);

#endif
