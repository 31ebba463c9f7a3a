/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Images from elsewhere, whatever the protocol: a transport says which image a reference stands for now, as a name in the cache, and
 * writes that image into a file.
 */
#ifndef FRONTEND_PULL_TRANSPORT_H
#define FRONTEND_PULL_TRANSPORT_H

#include <stdbool.h>

#include "frontend/pull/options.h"
#include "frontend/settings/cache.h"
#include "ipc/err.h"

struct transport;
struct transport_ops {
	/* Ask what the reference stands for. *@key owned. */
	int (*identify)(struct transport *transport, enum cache_type *type, char **key, struct err *err);
	/* Write the image that identify() found into the empty file @fd. */
	int (*fill)(struct transport *transport, int fd, struct err *err);
	void (*close)(struct transport *transport);
};

/* First member of each implementation's own structure. All borrowed. */
struct transport {
	const struct transport_ops *ops;
	const char *reference;
	const struct pull_options *options;
	struct cache *cache; /* NULL: none */
};

/* transport_is_reference() - does @text begin with a scheme that a transport serves, or with any other and "://"? */
bool transport_is_reference(const char *text);

/* transport_find_rest() - what follows the scheme and the slashes of @reference; the scheme has *@length bytes. */
const char *transport_find_rest(const char *reference, size_t *length);

/* transport_fetch() - *@path (owned): the image that @reference stands for, in @cache. Nothing is asked where the reference has a digest
 * whose image is there, or where it was asked for less than options->freshness seconds ago. */
int transport_fetch(const char *reference, const struct pull_options *options, struct cache *cache, char **path,
		    struct err *err);

/* transport_fetch_into() - the same without a cache, into the empty file @fd (borrowed). */
int transport_fetch_into(const char *reference, const struct pull_options *options, int fd, struct err *err);

#endif
