/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/image/image.h"
#include "frontend/pull/from_http.h"
#include "frontend/pull/from_library.h"
#include "frontend/pull/from_oci.h"
#include "frontend/pull/from_oras.h"
#include "frontend/pull/from_shub.h"
#include "frontend/registry/digest.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

struct scheme {
	const char *name;
	int (*open)(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		    struct err *err);
	bool remembered; /* a registry: what a tag stands for may be remembered, and a digest says it for good */
	bool has_arch;   /* --arch chooses among several images */
};

static const struct scheme schemes[] = {
	{"docker", from_oci_open, true, true},
	{"docker-archive", from_oci_open, false, true},
	{"docker-daemon", from_oci_open, false, true},
	{"oci", from_oci_open, false, true},
	{"oci-archive", from_oci_open, false, true},
	{"oras", from_oras_open, true, false},
	{"http", from_http_open, true, false},
	{"https", from_http_open, true, false},
	{"shub", from_shub_open, false, false},
	{"library", from_library_open, false, true}, /* remembers by itself: it depends on the remote in use */
};

static const struct scheme *find_scheme(const char *reference)
{
	size_t length = strcspn(reference, ":");

	for (size_t i = 0; reference[length] && i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i].name) == length && strncmp(schemes[i].name, reference, length) == 0)
			return &schemes[i];
	return NULL;
}

bool transport_is_reference(const char *text)
{
	const char *colon = strchr(text, ':');

	return find_scheme(text) || (colon && strncmp(colon, "://", 3) == 0);
}

const char *transport_find_rest(const char *reference, size_t *length)
{
	const char *rest = reference + strcspn(reference, ":");

	*length = (size_t)(rest - reference);
	rest += *rest == ':';
	return strncmp(rest, "//", 2) == 0 ? rest + 2 : rest;
}

static int open_transport(const char *reference, const struct pull_options *options, struct cache *cache,
			  struct transport **out, struct err *err)
{
	const struct scheme *scheme = find_scheme(reference);
	size_t length;

	(void)transport_find_rest(reference, &length);
	if (!scheme)
		return err_set(err, ERR_SYSTEM, EINVAL, "cannot fetch %s: images do not come by %.*s", reference, (int)length,
			       reference);
	if (!scheme->open)
		return err_set(err, ERR_SYSTEM, EOPNOTSUPP, "cannot fetch %s: %s is not available in this version", reference,
			       scheme->name);
	if (!scheme->has_arch && (options->arch || options->platform))
		log_warning("--%s has no effect on images from %s", options->arch ? "arch" : "platform", scheme->name);
	return scheme->open(reference, options, cache, out, err);
}

/* ---- what is known already ---- */

static char *name_note(const char *reference, const struct pull_options *options)
{
	const struct oci_platform *want = &options->want;
	char *name = NULL;

	if (asprintf(&name, "%s\n%s/%s/%s", reference, want->os, want->architecture, want->variant ? want->variant : "") < 0)
		return NULL;
	return name;
}

/* The digest at the end of @reference, NULL if it has none. */
static const char *find_digest(const char *reference)
{
	const char *at = strrchr(reference, '@');

	return at && digest_is_valid(at + 1) ? at + 1 : NULL;
}

/* Is what lies in the cache for the architecture that is wanted? Files that are no images are somebody else's problem. */
static bool has_wanted_arch(const char *path, const struct pull_options *options)
{
	struct image image = IMAGE_INIT;
	const struct image_partition *root;
	bool fits = true;

	if (image_open(path, false, &image, NULL) < 0)
		return true;
	root = image_get_root(&image);
	if (root && strcmp(root->arch, "unknown") != 0)
		fits = strcmp(root->arch, options->want.architecture) == 0;
	image_close(&image);
	return fits;
}

static int find_fitting(struct cache *cache, enum cache_type type, const char *key, const struct pull_options *options,
			char **path, struct err *err)
{
	int rc = cache_find(cache, type, key, path, err);

	if (rc == 0 && *path && type == CACHE_OCI_TMP && !has_wanted_arch(*path, options))
		free(ptr_take(*path));
	return rc;
}

/* By its digest, or by what was answered before: *@path NULL when it has to be asked for. */
static int find_known(const char *reference, const struct pull_options *options, struct cache *cache, enum cache_type *found,
		      char **path, struct err *err)
{
	const struct scheme *scheme = find_scheme(reference);
	const char *digest = find_digest(reference);
	cleanup_ptr char *note = NULL, *text = NULL;
	char *key = NULL;
	int64_t age;
	int type, rc;

	*path = NULL;
	if (!scheme || !scheme->remembered)
		return 0;
	*found = CACHE_OCI_TMP;
	if (digest && strcmp(scheme->name, "docker") == 0) {
		rc = find_fitting(cache, CACHE_OCI_TMP, digest, options, path, err);
		if (rc < 0 || *path)
			return rc;
	}
	note = name_note(reference, options);
	if (note)
		cache_recall(cache, note, &text, &age);
	if (text)
		key = strchr(text, ' ');
	if (!key || (!digest && age >= options->freshness))
		return 0;
	*key++ = '\0';
	type = cache_type_find(text);
	if (type < 0)
		return 0;
	*found = (enum cache_type)type;
	return find_fitting(cache, *found, key, options, path, err);
}

static void remember(const char *reference, const struct pull_options *options, struct cache *cache, enum cache_type type,
		     const char *key)
{
	const struct scheme *scheme = find_scheme(reference);
	cleanup_ptr char *note = NULL, *text = NULL;

	if (!scheme || !scheme->remembered)
		return;
	note = name_note(reference, options);
	if (asprintf(&text, "%s %s", cache_type_name(type), key) < 0)
		text = NULL;
	if (note && text)
		cache_note(cache, note, text);
}

/* ---- fetching ---- */

static void say_cached(enum cache_type type)
{
	log_info("Using cached %simage", type == CACHE_OCI_TMP || type == CACHE_ORAS ? "SIF " : "");
}

static int fill_entry(struct transport *transport, struct cache_entry *entry, char **path, struct err *err)
{
	int rc = transport->ops->fill(transport, cache_entry_fd(entry), err);

	if (rc == 0)
		return cache_entry_commit_consume(entry, path, err);
	cache_entry_abandon_consume(entry);
	return rc;
}

static int fetch(struct transport *transport, char **path, struct err *err)
{
	struct cache *cache = transport->cache;
	cleanup_ptr char *key = NULL;
	struct cache_entry *entry;
	enum cache_type type;
	int rc = transport->ops->identify(transport, &type, &key, err);

	if (rc == 0)
		rc = cache_get(cache, type, key, transport->reference, path, &entry, err);
	if (rc < 0)
		return rc;
	if (*path)
		say_cached(type);
	else
		rc = fill_entry(transport, entry, path, err);
	if (rc == 0)
		remember(transport->reference, transport->options, cache, type, key);
	return rc;
}

int transport_fetch(const char *reference, const struct pull_options *options, struct cache *cache, char **path,
		    struct err *err)
{
	struct transport *transport;
	enum cache_type type;
	int rc = find_known(reference, options, cache, &type, path, err);

	if (rc < 0)
		return rc;
	if (*path) {
		say_cached(type);
		return 0;
	}
	rc = open_transport(reference, options, cache, &transport, err);
	if (rc < 0)
		return rc;
	rc = fetch(transport, path, err);
	transport->ops->close(transport);
	return rc;
}

int transport_fetch_into(const char *reference, const struct pull_options *options, int fd, struct err *err)
{
	cleanup_ptr char *key = NULL;
	struct transport *transport;
	enum cache_type type;
	int rc = open_transport(reference, options, NULL, &transport, err);

	if (rc < 0)
		return rc;
	rc = transport->ops->identify(transport, &type, &key, err);
	if (rc == 0)
		rc = transport->ops->fill(transport, fd, err);
	transport->ops->close(transport);
	return rc;
}
