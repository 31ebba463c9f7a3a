/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Container path ↔ host path by text alone, for containers that have neither mounts nor a root of their own. Pure: links are read
 * through a callback.
 */
#ifndef STARTER_CONFINED_PATH_H
#define STARTER_CONFINED_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/err.h"
#include "ipc/limits.h"

#define PATH_ENTRIES_MAX (PLAN_MAX_MOUNTS + 64)
#define PATH_LINKS_MAX   40 /* as the kernel counts them: MAXSYMLINKS */

/* What a bind would be: everything at and below @guest is found at and below @host. */
struct path_entry {
	char *guest, *host; /* owned; absolute, clean, no trailing slash; "/" is written "" */
	size_t guest_length, host_length;
	bool readonly;
};

/* entries[0] is the root of the container. */
struct path_table {
	uint32_t count;
	struct path_entry entries[PATH_ENTRIES_MAX];
};

/* The text of the link at @host into @out (no NUL), its length; -EINVAL: no link; else a negative errno. @last: nothing follows it
 * in the path, so that a link which only the kernel can follow (/proc/1/fd/0) may be left to it. */
struct path_view {
	ssize_t (*read_link)(void *context, const char *host, bool last, char *out, size_t size);
	void *context;
};

struct path_result {
	char guest[PATH_MAX]; /* clean: no link, no ".", no ".." */
	char host[PATH_MAX];
	const struct path_entry *entry; /* borrowed; the one that holds it */
};

/* path_table_init() - the container's root is the directory @host. */
int path_table_init(struct path_table *table, const char *host, bool readonly, struct err *err);
void path_table_fini(struct path_table *table);

/* path_table_add() - put @host at @guest (clean; from path_resolve()), over what was there and below. */
int path_table_add(struct path_table *table, const char *guest, const char *host, bool readonly,
		   struct err *err);

/* path_to_host() - where the clean path @guest lies. Returns 0, or -ENAMETOOLONG. */
int path_to_host(const struct path_table *table, const char *guest, char *host, size_t size,
		 const struct path_entry **entry);

/* path_to_guest() - the container's name of the clean path @host. False: it is not to be seen in there. */
bool path_to_guest(const struct path_table *table, const char *host, char *guest, size_t size);

/* path_resolve() - @path as a process of the container means it, with links followed inside the container; @base is its clean
 * working directory. @follow: also a link at the end. What does not exist resolves as well: the kernel says so when asked for it.
 * Not reentrant.
 * Returns 0; -ENOENT for the empty path, -ENOTDIR and -ENOENT before a "..", -ELOOP, -ENAMETOOLONG. See path_resolution(7). */
int path_resolve(const struct path_table *table, const struct path_view *view, const char *base,
		 const char *path, bool follow, struct path_result *out);

#endif
