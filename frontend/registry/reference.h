/* SPDX-License-Identifier: BSD-3-Clause */
/* References to images in registries: [registry[:port]/]repository[:tag][@digest], as docker:// and oras:// have them. */
#ifndef FRONTEND_REGISTRY_REFERENCE_H
#define FRONTEND_REGISTRY_REFERENCE_H

#include <stdbool.h>

#include "frontend/registry/digest.h"
#include "ipc/err.h"

#define REFERENCE_HUB "index.docker.io"
#define REFERENCE_TAG_MAX 128
#define REFERENCE_REPOSITORY_MAX 255

struct reference {
	char *registry;   /* owned; host[:port]; REFERENCE_HUB when none was named, also for docker.io */
	char *repository; /* owned; path in the registry; one word on the hub is in library/ */
	char *tag;        /* owned; NULL with a digest and no tag, else "latest" when none was named */
	char digest[DIGEST_TEXT_MAX]; /* "" when none was named */
};

#define REFERENCE_INIT {.registry = NULL}

/* reference_parse() - read @text, with or without docker:// or oras:// in front (docker: without slashes too). -EINVAL with a
 * message that says which part is wrong. *@out is filled on success only: reference_fini(). */
int reference_parse(const char *text, struct reference *out, struct err *err);
void reference_fini(struct reference *reference);

/* reference_parse_registry() - a registry alone, with or without scheme, and perhaps a repository after it, as `registry login`
 * takes it: *@out (owned) is host[:port][/repository]. */
int reference_parse_registry(const char *text, char **out, struct err *err);

/* reference_get_wanted() - what a registry is asked for: the digest, else the tag. */
const char *reference_get_wanted(const struct reference *reference);

/* reference_is_local() - is @registry (host[:port]) localhost, a loopback or a private IPv4 or IPv6 address? There http is tried
 * where https does not answer. */
bool reference_is_local(const char *registry);

#endif
