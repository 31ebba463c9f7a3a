/* SPDX-License-Identifier: BSD-3-Clause */
/* Digests of blobs and documents, as text and while streaming: SHA-256 only, see EVP_DigestInit(3). */
#ifndef FRONTEND_REGISTRY_DIGEST_H
#define FRONTEND_REGISTRY_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/err.h"

#define DIGEST_TEXT_MAX 72 /* "sha256:" + 64 hex digits + NUL */

struct digest;

/* digest_is_valid() - is @text exactly "sha256:" and 64 lower-case hexadecimal digits? Only then may it be part of a path. */
bool digest_is_valid(const char *text);

/* digest_new() - start a sum. *@out owned: digest_free(). */
int digest_new(struct digest **out, struct err *err);
int digest_update(struct digest *digest, const void *bytes, size_t size, struct err *err);

/* digest_finish() - the text of everything fed so far; the sum takes no more. */
int digest_finish(struct digest *digest, char out[DIGEST_TEXT_MAX], struct err *err);
void digest_free(struct digest *digest);

/* digest_of_bytes() - the digest of @size bytes at @bytes. */
int digest_of_bytes(const void *bytes, size_t size, char out[DIGEST_TEXT_MAX], struct err *err);

#endif
