/* SPDX-License-Identifier: BSD-3-Clause */
/* Images from a library. */
#ifndef FRONTEND_LIBRARY_LIBRARY_PULL_H
#define FRONTEND_LIBRARY_LIBRARY_PULL_H

#include <stdbool.h>

#include "frontend/settings/cache.h"
#include "ipc/err.h"

/* Members borrowed. */
struct library_pull_options {
	const char *library; /* --library; NULL: that of the remote in use */
	const char *arch;    /* Go name */
	bool no_https;       /* http for a host in the reference */
	long freshness;      /* seconds for which the cache may say what a tag stands for; 0: ask */
};

struct library_pull;

/* library_pull_open() - prepare for the image that @reference (library://...) names; arguments borrowed as long as *@out (owned:
 * library_pull_close()) lives. Nothing is asked so far. */
int library_pull_open(const char *reference, const struct library_pull_options *options, struct library_pull **out,
		      struct err *err);
void library_pull_close(struct library_pull *pull);

/* library_pull_identify() - *@key (owned): the sum of the image, its name in @cache (NULL: none). Makes no request where the
 * reference is a sum that is in the cache, or where the library was asked for this tag a short while ago. */
int library_pull_identify(struct library_pull *pull, struct cache *cache, char **key, struct err *err);

/* library_pull_fill() - the image into the empty file @fd (borrowed, readable and writable). It has the sum that the library says;
 * after failure what is in the file is of no use. */
int library_pull_fill(struct library_pull *pull, int fd, struct err *err);

/* library_warn_unverified() - after a pull: the image at @path was not verified, and why. */
void library_warn_unverified(const char *path);

/* library_has_signature() - does the SIF at @path carry signatures? An error when it is no SIF. */
int library_has_signature(const char *path, bool *out, struct err *err);

#endif
