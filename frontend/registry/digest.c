/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define PREFIX "sha256:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define SUM_BYTES 32

struct digest {
	EVP_MD_CTX *context;
};

bool digest_is_valid(const char *text)
{
	return strncmp(text, PREFIX, PREFIX_LEN) == 0 &&
	       strspn(text + PREFIX_LEN, "0123456789abcdef") == (size_t)SUM_BYTES * 2 &&
	       text[PREFIX_LEN + (size_t)SUM_BYTES * 2] == '\0';
}

static int cannot_sum(struct err *err)
{
	return err_set(err, ERR_SYSTEM, ENOMEM, "cannot compute a SHA-256 digest: the crypto library refused");
}

int digest_new(struct digest **out, struct err *err)
{
	struct digest *made = calloc(1, sizeof(*made));

	if (made)
		made->context = EVP_MD_CTX_new();
	if (!made || !made->context || EVP_DigestInit_ex(made->context, EVP_sha256(), NULL) != 1) {
		digest_free(made);
		return cannot_sum(err);
	}
	*out = made;
	return 0;
}

int digest_update(struct digest *digest, const void *bytes, size_t size, struct err *err)
{
	return EVP_DigestUpdate(digest->context, bytes, size) == 1 ? 0 : cannot_sum(err);
}

int digest_finish(struct digest *digest, char out[DIGEST_TEXT_MAX], struct err *err)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char sum[EVP_MAX_MD_SIZE];
	char *at = out + PREFIX_LEN;

	if (EVP_DigestFinal_ex(digest->context, sum, NULL) != 1)
		return cannot_sum(err);
	memcpy(out, PREFIX, PREFIX_LEN);
	for (size_t i = 0; i < SUM_BYTES; i++) {
		*at++ = hex[sum[i] >> 4];
		*at++ = hex[sum[i] & 15];
	}
	*at = '\0';
	return 0;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

int digest_of_bytes(const void *bytes, size_t size, char out[DIGEST_TEXT_MAX], struct err *err)
{
	struct digest *digest;
	int rc = digest_new(&digest, err);

	if (rc < 0)
		return rc;
	rc = digest_update(digest, bytes, size, err);
	if (rc == 0)
		rc = digest_finish(digest, out, err);
	digest_free(digest);
	return rc;
}
