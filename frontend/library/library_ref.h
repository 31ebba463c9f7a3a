/* SPDX-License-Identifier: BSD-3-Clause */
/* References to images in a library: library://[host/][entity/[collection/]]container[:tag[,tag...]]. */
#ifndef FRONTEND_LIBRARY_LIBRARY_REF_H
#define FRONTEND_LIBRARY_LIBRARY_REF_H

#include <stdbool.h>

#include "frontend/cli.h"
#include "ipc/err.h"

struct library_ref {
	char *host;          /* owned; host[:port]; NULL when none was named: the library of the remote in use */
	char *path;          /* owned; one to three names with slashes between them */
	struct strlist tags; /* never empty: "latest" when none was named; sha256.<64 hex digits> is the image with that sum */
};

#define LIBRARY_REF_INIT {.host = NULL}

/* library_ref_is_reference() - does @text begin with library: ? */
bool library_ref_is_reference(const char *text);

/* library_ref_parse() - read @text, with or without library:// in front. With three names or fewer there is no host. -EINVAL with
 * a message that says which part is wrong. @out is filled on success only: library_ref_fini(). Pure. */
int library_ref_parse(const char *text, struct library_ref *out, struct err *err);
void library_ref_fini(struct library_ref *ref);

/* library_ref_is_full() - does it name entity, collection and container, as a push needs? */
bool library_ref_is_full(const struct library_ref *ref);

/* library_ref_is_hash() - is @tag the sum of an image: sha256. and 64 lower-case hexadecimal digits? */
bool library_ref_is_hash(const char *tag);

#endif
