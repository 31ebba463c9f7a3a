/* SPDX-License-Identifier: BSD-3-Clause */
/* Images into a library. */
#ifndef FRONTEND_LIBRARY_LIBRARY_PUSH_H
#define FRONTEND_LIBRARY_LIBRARY_PUSH_H

#include <stdbool.h>

#include "frontend/ui/progress.h"
#include "ipc/err.h"

/* Members borrowed. */
struct library_push_options {
	const char *library;     /* --library; NULL: that of the remote in use */
	const char *description; /* may be NULL */
	bool allow_unsigned;
	struct progress *progress; /* may be NULL */
};

/* library_push() - the SIF file at @path to where @reference (library://entity/collection/container[:tag,...]) says, under all its
 * tags for the image's architecture. Needs a token of the remote. Says on standard output what the library tells about the storage
 * in use. An upload that fails leaves no tag behind. */
int library_push(const char *path, const char *reference, const struct library_push_options *options, struct err *err);

#endif
