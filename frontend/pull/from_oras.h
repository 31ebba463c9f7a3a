/* SPDX-License-Identifier: BSD-3-Clause */
/* SIF files that a registry holds as artifacts of one layer. */
#ifndef FRONTEND_PULL_FROM_ORAS_H
#define FRONTEND_PULL_FROM_ORAS_H

#include "frontend/pull/transport.h"

/* from_oras_open() - *@out (owned: its ops->close()) for @reference; arguments borrowed as long as it lives. */
int from_oras_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		  struct err *err);

#endif
