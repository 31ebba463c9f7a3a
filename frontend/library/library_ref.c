/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/library/library_ref.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/strlist.h"
#include "ipc/cleanup.h"

#define SCHEME "library:"
#define HASH_PREFIX "sha256."
#define HASH_DIGITS 64
#define REFERENCE_MAX 1024
#define TAG_MAX 128
#define NAMES_MAX 3

#define LOWER_ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"
#define ALNUM LOWER_ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool library_ref_is_reference(const char *text)
{
	return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

bool library_ref_is_hash(const char *tag)
{
	const char *digits = tag + strlen(HASH_PREFIX);

	return strncmp(tag, HASH_PREFIX, strlen(HASH_PREFIX)) == 0 && strspn(digits, "0123456789abcdef") == HASH_DIGITS &&
	       digits[HASH_DIGITS] == '\0';
}

/* Words of letters and digits with one of . _ - between them. */
static bool is_name(const char *text, size_t len)
{
	bool word = false;

	for (size_t i = 0; i < len; i++) {
		bool joint = strchr("._-", text[i]) != NULL;

		if (text[i] == '\0' || (!joint && !strchr(LOWER_ALNUM, text[i])) || (joint && !word))
			return false;
		word = !joint;
	}
	return word;
}

static bool is_tag(const char *text, size_t len)
{
	return len > 0 && len <= TAG_MAX && strchr("._-", text[0]) == NULL && strspn(text, ALNUM "._-") >= len;
}

/* host[:port], or an IPv6 address in brackets. What it means is for the resolver to say; it must not change the URL around it. */
static bool is_host(const char *text, size_t len)
{
	return len > 0 && strspn(text, ALNUM ".-:[]_") >= len && text[0] != '-' && text[0] != ':';
}

static size_t count_slashes(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '/';
	return count;
}

static int check_path(const char *path, const char *whole, struct err *err)
{
	size_t names = 0;

	for (const char *name = path;; name++) {
		size_t len = strcspn(name, "/");

		if (!is_name(name, len))
			return err_set(err, ERR_SYSTEM, EINVAL,
				       "malformed library reference %s: \"%.*s\" is not a name (lower-case letters and digits, with "
				       "single . _ or - between them)",
				       whole, (int)len, name);
		names++;
		name += len;
		if (*name == '\0')
			break;
	}
	if (names > NAMES_MAX)
		return err_set(err, ERR_SYSTEM, EINVAL, "malformed library reference %s: more than entity/collection/container",
			       whole);
	return 0;
}

static int add_tags(const char *tags, const char *whole, struct strlist *out, struct err *err)
{
	for (const char *tag = tags;; tag++) {
		size_t len = strcspn(tag, ",");
		cleanup_ptr char *copy = NULL;

		if (!is_tag(tag, len))
			return err_set(err, ERR_SYSTEM, EINVAL, "malformed library reference %s: \"%.*s\" is not a tag", whole,
				       (int)len, tag);
		copy = strndup(tag, len);
		if (!copy)
			return err_sys(err, ENOMEM, "cannot read %s", whole);
		if (strncmp(copy, HASH_PREFIX, strlen(HASH_PREFIX)) == 0 && !library_ref_is_hash(copy))
			return err_set(err, ERR_SYSTEM, EINVAL,
				       "malformed library reference %s: " HASH_PREFIX " needs 64 lower-case hexadecimal digits", whole);
		strlist_add(out, copy);
		tag += len;
		if (*tag == '\0')
			return 0;
	}
}

/* The part before the names. */
static int take_host(const char **text, const char *whole, char **host, struct err *err)
{
	size_t len = strcspn(*text, "/");

	if (count_slashes(*text) < NAMES_MAX)
		return 0;
	if (!is_host(*text, len))
		return err_set(err, ERR_SYSTEM, EINVAL, "malformed library reference %s: \"%.*s\" is not a host", whole, (int)len,
			       *text);
	*host = strndup(*text, len);
	if (!*host)
		return err_sys(err, ENOMEM, "cannot read %s", whole);
	*text += len + 1;
	return 0;
}

static int parse_into(const char *text, struct library_ref *out, struct err *err)
{
	const char *rest = text, *colon;
	int rc;

	if (strlen(text) > REFERENCE_MAX)
		return err_set(err, ERR_SYSTEM, EINVAL, "malformed library reference: longer than %d bytes", REFERENCE_MAX);
	if (library_ref_is_reference(rest)) {
		rest += strlen(SCHEME);
		if (strncmp(rest, "//", 2) == 0)
			rest += 2;
		/* library:///entity/collection/container says that there is no host. */
		if (*rest == '/')
			rest++;
	}
	rc = take_host(&rest, text, &out->host, err);
	if (rc < 0)
		return rc;
	colon = strchr(rest, ':');
	out->path = colon ? strndup(rest, (size_t)(colon - rest)) : strdup(rest);
	if (!out->path)
		return err_sys(err, ENOMEM, "cannot read %s", text);
	rc = check_path(out->path, text, err);
	return rc < 0 ? rc : add_tags(colon ? colon + 1 : "latest", text, &out->tags, err);
}

int library_ref_parse(const char *text, struct library_ref *out, struct err *err)
{
	struct library_ref ref = LIBRARY_REF_INIT;
	int rc = parse_into(text, &ref, err);

	if (rc < 0) {
		library_ref_fini(&ref);
		return rc;
	}
	*out = ref;
	return 0;
}

void library_ref_fini(struct library_ref *ref)
{
	free(ref->host);
	free(ref->path);
	strlist_fini(&ref->tags);
	*ref = (struct library_ref)LIBRARY_REF_INIT;
}

bool library_ref_is_full(const struct library_ref *ref)
{
	return count_slashes(ref->path) == NAMES_MAX - 1;
}
