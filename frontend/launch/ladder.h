/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ladders: for each resource of a launch the ways to provide it, the best one first. The launch chooses by these tables and
 * `singularity doctor` prints them, so the two cannot disagree. Where only the attempt can tell (may this process mount procfs?) the
 * plan carries the set of rungs that may be tried, and the starter takes the first that works.
 */
#ifndef FRONTEND_LAUNCH_LADDER_H
#define FRONTEND_LAUNCH_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/launch/engine.h"
#include "ipc/err.h"

struct builder;

enum ladder_resource {
	LADDER_NAMESPACES, /* value: enum plan_flow */
	LADDER_IDS,        /* enum plan_idmap_method; LADDER_IDS_EMULATED */
	LADDER_MOUNT_API,  /* PLAN_RUNG_* */
	LADDER_PIVOT,      /* PLAN_RUNG_* */
	LADDER_IMAGE,      /* enum plan_fs_method, or LADDER_IMAGE_EXTRACT */
	LADDER_EXT3,       /* enum plan_fs_method */
	LADDER_LAYER,      /* PLAN_LAYER_* */
	LADDER_PROC,       /* PLAN_RUNG_* */
	LADDER_SYS,        /* PLAN_RUNG_* */
	LADDER_DEVPTS,     /* PLAN_RUNG_*; 0: none */
	LADDER_CGROUP,     /* 1: limits could be set */
	LADDER_COUNT,
};

#define LADDER_IMAGE_EXTRACT 64u  /* no mount at all: the image becomes a directory before it is launched */
#define LADDER_IDS_EMULATED 64u   /* PLAN_IDMAP_SELF and the seccomp filter that pretends */
#define LADDER_RUNGS_MAX 6

struct ladder_rung {
	const char *name;  /* as SINGULARITY_RUNG has it */
	uint32_t value;    /* see enum ladder_resource */
	const char *how;   /* what it does */
	const char *lost;  /* what the rung above has and this one has not; NULL: nothing */
	/* May it be used for this launch, as far as facts tell? 0, or a negative errno with the reason. Cheap: every launch asks. */
	int (*reject)(const struct builder *builder, struct err *err);
	/* Does it work? Tried in a child that leaves nothing behind; only `doctor` asks. 0, or a negative errno. NULL: the facts
	 * are all there is to know. */
	int (*probe)(const struct builder *builder, struct err *err);
	const char *package; /* what to install when its program is missing; NULL: nothing */
	/* What makes it work, in the words of each outer container; NULL: nothing to advise. */
	const char *advice[ENGINE_COUNT];
};

struct ladder {
	const char *name;  /* as SINGULARITY_RUNG has it */
	const char *title;
	bool at_call;      /* the starter tries one rung after the other; otherwise the plan names the one */
	size_t count;
	const struct ladder_rung *rungs;
};

/* ladder_get() - the table of @resource; never NULL. */
const struct ladder *ladder_get(enum ladder_resource resource);

/* ladder_parse_forced() - SINGULARITY_RUNG: "ladder=rung,…" (NULL or empty: nothing). @forced[resource]: number of the rung, from 1;
 * 0: free. Pure. Returns 0, or -EINVAL with @err listing the names there are. */
int ladder_parse_forced(const char *text, uint8_t forced[LADDER_COUNT], struct err *err);

/* ladder_choose() - the rung this launch uses: the first that is not rejected, or the forced one if that is not. *@out is its
 * number from 0. Returns 0 or a negative errno with @err. Pure but for what @builder->view shows. */
int ladder_choose(const struct builder *builder, enum ladder_resource resource, size_t *out, struct err *err);

/* ladder_choose_value() - the same, as the rung's value. */
int ladder_choose_value(const struct builder *builder, enum ladder_resource resource, uint32_t *value, struct err *err);

/* ladder_allowed() - for ladders that are climbed at the call: the values of all rungs that may be tried, or'ed. */
int ladder_allowed(const struct builder *builder, enum ladder_resource resource, uint32_t *values, struct err *err);

/* ladder_is_forced() - is there no other rung to fall back to? */
bool ladder_is_forced(const struct builder *builder, enum ladder_resource resource);

#endif
