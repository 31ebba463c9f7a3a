/* SPDX-License-Identifier: BSD-3-Clause */
/* Id maps of user namespaces that a holder of CAP_SETUID and CAP_SETGID may write without a helper. Pure. */
#ifndef FRONTEND_LAUNCH_ID_MAP_H
#define FRONTEND_LAUNCH_ID_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/plan.h"

/*
 * id_map_make_direct() - the map of a new user namespace inside one whose map is @held (@held_count lines, as /proc/self/uid_map has
 * them). Root keeps every id under its own number. Any other caller becomes 0, and the other ids follow in their order.
 * No line of the result crosses the border of a line of @held: the kernel refuses that (EPERM). Without @may_map_zero (no
 * CAP_SETFCAP) id 0 stays out, and its caller becomes the next id there is.
 * *@count ≤ PLAN_MAX_EXTENTS; ids beyond are left out. 0 lines: there is nothing to map.
 */
void id_map_make_direct(const struct plan_extent *held, uint32_t held_count, uint32_t caller, bool may_map_zero,
			struct plan_extent *out, uint32_t *count);

#endif
