/* SPDX-License-Identifier: BSD-3-Clause */
/* The protocol of Singularity Hub. That service is gone; registries that speak it are named in the reference. */
#ifndef FRONTEND_PULL_FROM_SHUB_H
#define FRONTEND_PULL_FROM_SHUB_H

#include "frontend/pull/transport.h"

/* from_shub_open() - *@out (owned: its ops->close()) for @reference; arguments borrowed as long as it lives. */
int from_shub_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		  struct err *err);

#endif
