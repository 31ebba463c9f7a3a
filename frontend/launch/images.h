/* SPDX-License-Identifier: BSD-3-Clause */
/* Images as file systems of the plan: the root, what lies over it, and what is bound from other images. */
#ifndef FRONTEND_LAUNCH_IMAGES_H
#define FRONTEND_LAUNCH_IMAGES_H

#include "frontend/launch/plan_build.h"

/* images_add_all() - root image and overlays, each with its method. Returns 0 or a negative errno with @err. */
int images_add_all(struct builder *builder, struct err *err);

/* images_add_fs() - @partition of @image (borrowed; NULL: the directory that it is) as plan.fs[*@index].
 * Returns 0 or a negative errno with @err. */
int images_add_fs(struct builder *builder, const struct image *image,
		  const struct image_partition *partition, bool writable, int32_t *index,
		  struct err *err);

/* images_wants_fuse() - would this image be served by FUSE in @flow? */
bool images_wants_fuse(const struct builder *builder, enum plan_flow flow,
		       const struct image *image);

#endif
