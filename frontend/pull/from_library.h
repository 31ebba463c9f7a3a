/* SPDX-License-Identifier: BSD-3-Clause */
/* SIF files of a container library. */
#ifndef FRONTEND_PULL_FROM_LIBRARY_H
#define FRONTEND_PULL_FROM_LIBRARY_H

#include "frontend/pull/transport.h"

/* from_library_open() - *@out (owned: its ops->close()) for @reference; arguments borrowed as long as it lives. */
int from_library_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		      struct err *err);

#endif
