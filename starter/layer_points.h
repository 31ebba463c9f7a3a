/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_LAYER_POINTS_H
#define STARTER_LAYER_POINTS_H

struct stage;

/* layer_points_make() - the mount points that the root image lacks, made in the overlay's upper directory @upper_fd (borrowed) before
 * it is merged. Plain flavour with one id mapped. A point that cannot be made is found missing by its mount. */
void layer_points_make(const struct stage *stage, int upper_fd);

#endif
