/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_LAYER_H
#define STARTER_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/err.h"
#include "ipc/limits.h"

struct stage;

/* The directories that a merged root is made of, O_PATH. They must stay open until it is mounted. */
struct layer_dirs {
	int lower[PLAN_MAX_OVERLAYS + 1]; /* the topmost first */
	uint32_t lower_count;
	int upper, work;
	bool own_upper; /* of the session, made for this launch */
};

/* How the directories become one tree at @target_fd (all borrowed); fills stage->root_fd. */
typedef int (*layer_mount)(struct stage *stage, const struct layer_dirs *dirs, int target_fd, struct err *err);

/* layer_mount_overlay() - the kernel's way. */
int layer_mount_overlay(struct stage *stage, const struct layer_dirs *dirs, int target_fd, struct err *err);

/* layer_merge() - the images of the plan and the directory for changes, made one tree by @mount. */
int layer_merge(struct stage *stage, layer_mount mount, int target_fd, struct err *err);

/* layer_setup() - make the staging root from the mounted images: the root image itself when no mount point is missing and the plan
 * asks for nothing more, else an overlay, else an underlay. Fills stage->root_fd and stage->scope. */
int layer_setup(struct stage *stage, struct err *err);

#endif
