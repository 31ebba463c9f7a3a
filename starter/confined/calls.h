/* SPDX-License-Identifier: BSD-3-Clause */
/* The system calls that name files: one row each, and what to do about it. */
#ifndef STARTER_CONFINED_CALLS_H
#define STARTER_CONFINED_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "starter/confined/path.h"

struct tracee;

struct calls_setup {
	const struct path_table *table; /* borrowed */
	const char *loader;             /* borrowed; host path of path-loader */
	bool fake_root;                 /* --fakeroot: our own ids look like 0 */
};

/* calls_init() - before the first call; @setup is borrowed for good. */
void calls_init(const struct calls_setup *setup);
const struct calls_setup *calls_get_setup(void);

enum calls_verdict {
	CALLS_PASS,     /* the call is made as it is */
	CALLS_CHANGED,  /* with other arguments: tracee_put_back() when it returns */
	CALLS_ANSWERED, /* not at all */
	CALLS_MAPPING,  /* another one first: tracee_end_map() when that returns */
};

/* calls_handle() - @tracee is stopped at a call. Returns an enum calls_verdict, or a negative errno: the tracee is gone. */
int calls_handle(struct tracee *tracee);

/* calls_get_traced() - numbers of the calls to be stopped at, into @numbers; their count, at most @max. */
size_t calls_get_traced(bool fake_root, int *numbers, size_t max);

/* calls_resolve_path() - @path of @tracee relative to its descriptor @dir_fd (AT_FDCWD: working directory). *@same: the kernel would
 * come to that place by itself. Returns 0; -ESTALE: relative to a directory outside the container, which is the kernel's business;
 * else as path_resolve(). */
int calls_resolve_path(struct tracee *tracee, int dir_fd, const char *path, bool follow,
		       struct path_result *out, bool *same);

#endif
