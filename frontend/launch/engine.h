/* SPDX-License-Identifier: BSD-3-Clause */
/* Which container we are in, if any, as far as facts tell. Used for words of advice, never to decide what a launch does. */
#ifndef FRONTEND_LAUNCH_ENGINE_H
#define FRONTEND_LAUNCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum engine_kind {
	ENGINE_NONE, /* nothing says that this is a container */
	ENGINE_DOCKER,
	ENGINE_PODMAN,
	ENGINE_SINGULARITY,
	ENGINE_OTHER, /* one, but which? */
	ENGINE_COUNT,
};

/* What can be seen from inside without any privilege. */
struct engine_facts {
	bool dockerenv;    /* /.dockerenv is there: only a hint, anybody can make it */
	bool containerenv; /* /run/.containerenv: the same */
	bool singularity;  /* /.singularity.d and SINGULARITY_CONTAINER */
	bool initial_userns, initial_pidns;
	bool chrooted;     /* "/" is no mount point */
	int seccomp;       /* mode of /proc/self/status; -1 unknown */
	uint64_t bounding; /* capability sets of /proc/self/status */
};

#define ENGINE_REASON_MAX 256

/* engine_read() - look. A thing that cannot be read counts as not there. */
void engine_read(struct engine_facts *facts);

/* engine_recognise() - the most likely kind; @reason: the facts that say so. Pure. */
enum engine_kind engine_recognise(const struct engine_facts *facts, char reason[ENGINE_REASON_MAX]);

/* engine_get_name() - "none", "docker", "podman", "singularity", "other". */
const char *engine_get_name(enum engine_kind kind);

#endif
