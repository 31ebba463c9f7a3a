/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_LAYER_H
#define STARTER_LAYER_H

#include "ipc/err.h"

struct stage;

/* layer_setup() - make the staging root from the mounted images: the root image itself when no mount point is missing and the plan
 * asks for nothing more, else an overlay, else an underlay. Fills stage->root_fd and stage->scope. */
int layer_setup(struct stage *stage, struct err *err);

#endif
