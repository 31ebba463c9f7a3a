/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One repository of a registry: the OCI distribution protocol, reading and writing. Credentials and tokens are taken care of.
 * All functions may be called from several threads for one struct registry.
 */
#ifndef FRONTEND_REGISTRY_REGISTRY_H
#define FRONTEND_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/oci/source.h"
#include "frontend/registry/digest.h"
#include "frontend/registry/http.h"
#include "frontend/registry/reference.h"
#include "ipc/err.h"

struct registry;

/* Members borrowed. */
struct registry_options {
	const char *username, *password; /* both or none: else as authfile and docker-config.json say */
	const char *authfile;            /* NULL: docker-config.json of the user */
	const char *token;               /* a bearer token that is known already; NULL: ask for one when told to */
	bool no_https;
	bool push; /* ask for the right to write too */
};

/* registry_open() - prepare for @reference (borrowed during the call). Nothing is asked before the first request. */
int registry_open(const struct reference *reference, const struct registry_options *options, struct registry **out,
		  struct err *err);
void registry_close(struct registry *registry);

/* registry_get_manifest() - the manifest or index called @name: a tag or a digest. *@bytes and *@media_type owned; *@digest is of
 * the bytes, and is @name where that is a digest. -ENOENT when it is not there. */
int registry_get_manifest(struct registry *registry, const char *name, char **bytes, size_t *size, char **media_type,
			  char digest[DIGEST_TEXT_MAX], struct err *err);

/* registry_head_manifest() - only the digest that the registry says a tag has, unverified: to see if it moved. -ENOENT as above;
 * -EOPNOTSUPP if the registry does not say. */
int registry_head_manifest(struct registry *registry, const char *name, char digest[DIGEST_TEXT_MAX], struct err *err);

/* registry_get_blob() - the bytes of the blob @digest from @offset on to @sink. @size (of the whole blob, 0: unknown) bounds what
 * is taken. Not verified: who keeps the bytes has to sum them. registry_read_blob() does: all of a blob that is no larger than
 * @max, *@bytes owned and NUL-terminated, -EBADMSG when the digest is another. */
int registry_get_blob(struct registry *registry, const char *digest, uint64_t size, uint64_t offset, oci_sink sink,
		      void *context, struct err *err);
int registry_read_blob(struct registry *registry, const char *digest, size_t max, char **bytes, size_t *size, struct err *err);

/* Writing. registry_has_blob() - *@has: is it there? registry_mount_blob() - take it from the repository @from of the same
 * registry; *@mounted false: it has to be uploaded. registry_put_blob() - upload @size bytes of @fd from @offset on, whose
 * digest is @digest; @sent is told how far it is. registry_put_manifest() - under @name: a tag or a digest. */
int registry_has_blob(struct registry *registry, const char *digest, bool *has, struct err *err);
int registry_mount_blob(struct registry *registry, const char *digest, const char *from, bool *mounted, struct err *err);
struct registry_upload {
	const char *digest; /* borrowed */
	int fd;             /* borrowed */
	uint64_t offset, size;
	void (*sent)(void *context, uint64_t bytes); /* NULL: nobody */
	void *context;
};
int registry_put_blob(struct registry *registry, const struct registry_upload *upload, struct err *err);
int registry_put_manifest(struct registry *registry, const char *name, const char *media_type, const void *bytes, size_t size,
			  struct err *err);

/* registry_check_login() - by http (@insecure) or https: does the registry @name (host[:port], perhaps with a repository) take the user name and password of @options? -EACCES if not. */
int registry_check_login(const char *name, const struct registry_options *options, bool *insecure, struct err *err);

/* registry_source_open() - the image @reference (without scheme) as a source, for oci_source_open(). */
int registry_source_open(const char *reference, const struct source_options *options, struct oci_source **out, struct err *err);

#endif
