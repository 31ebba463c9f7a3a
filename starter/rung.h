/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps that have several ways: tried one after the other, as far as the plan allows. See enum plan_rung. */
#ifndef STARTER_RUNG_H
#define STARTER_RUNG_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

struct rung {
	uint32_t bit; /* PLAN_RUNG_* or PLAN_LAYER_* */
	const char *name;
	int (*apply)(void *context, struct err *err); /* leaves nothing behind when it fails */
};

/* rung_climb() - apply the first of @rungs that is @allowed and works. A refusal by the kernel moves on to the next; a host that is
 * out of memory or broken does not. Returns 0, or the negative errno of the last one tried with @err. */
int rung_climb(const char *ladder, const struct rung *rungs, size_t count, uint32_t allowed, void *context, struct err *err);

#endif
