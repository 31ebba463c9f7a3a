/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_LAYER_H
#define STARTER_LAYER_H

#include <stdint.h>

#include "ipc/err.h"

#include "ipc/limits.h"

struct stage;

/* The directories that a merged root is made of, O_PATH. They must stay open until it is mounted. */
struct layer_dirs {
	int lower[PLAN_MAX_OVERLAYS + 1]; /* the topmost first */
	uint32_t lower_count;
	int upper, work;
};

/* layer_setup() - make the staging root from the mounted images: the root image itself when no mount point is missing and the plan
 * asks for nothing more, else an overlay, else an underlay. Fills stage->root_fd and stage->scope. */
int layer_setup(struct stage *stage, struct err *err);

#endif
