/* SPDX-License-Identifier: BSD-3-Clause */
/* Files by plain http or https. */
#ifndef FRONTEND_PULL_FROM_HTTP_H
#define FRONTEND_PULL_FROM_HTTP_H

#include "frontend/pull/transport.h"

/* from_http_open() - *@out (owned: its ops->close()) for @reference; arguments borrowed as long as it lives. */
int from_http_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		  struct err *err);

#endif
