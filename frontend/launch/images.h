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

/* images_start_servers() - setuid flow: start the file servers of the plan, whose programs its descriptors name; these become the
 * connections to mount. Last before the plan is sent. */
int images_start_servers(struct builder *builder, struct err *err);

/* images_is_outer() - does the container around us run this very image, so that its tree is mounted already? */
bool images_is_outer(const struct builder *builder, const struct image *image, const struct image_partition *partition);

#endif
