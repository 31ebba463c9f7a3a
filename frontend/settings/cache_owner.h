/* SPDX-License-Identifier: BSD-3-Clause */
/* Which process made a temporary file of the cache, and is it still there? Works over namespaces, nodes and file systems, as far as
 * each lets us look. */
#ifndef FRONTEND_SETTINGS_CACHE_OWNER_H
#define FRONTEND_SETTINGS_CACHE_OWNER_H

#include <stdbool.h>

#define CACHE_OWNER_MAX 80

enum cache_owner_state {
	CACHE_OWNER_ALIVE,
	CACHE_OWNER_GONE,
	CACHE_OWNER_UNKNOWN, /* of another node, or of a PID namespace we cannot see into, on a file system without flock(2) */
};

/* cache_owner_describe() - this process as text without "/" and "_". @locked: it holds flock(2) on the file the text is for. */
void cache_owner_describe(bool locked, char out[CACHE_OWNER_MAX]);

/* cache_owner_judge() - the process that @text (up to its end or a "_") describes; @fd (borrowed) is open on the file, or -1. */
enum cache_owner_state cache_owner_judge(const char *text, int fd);

#endif
