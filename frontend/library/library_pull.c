/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/library/library_pull.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/image/sif.h"
#include "frontend/library/library_api.h"
#include "frontend/library/library_oci.h"
#include "frontend/library/library_parts.h"
#include "frontend/registry/digest.h"
#include "frontend/registry/url.h"
#include "frontend/ui/progress.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define READ_BYTES ((size_t)1024 * 1024)
#define OCI_CONFIG_TYPE "application/vnd.oci.image.config.v1+json"

struct library_pull {
	struct library_ref ref;
	const char *tag; /* in ref */
	struct library_pull_options options;
	struct library_api api;
	bool is_open; /* api */
	struct library_image image; /* id is NULL before the library was asked */
	struct progress *progress;
	int bar;
};

static int out_of_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot pull from the library");
}

/* ---- the file ---- */

/* The sum of what was written, whoever wrote it in whichever order. */
static int sum_file(int fd, uint64_t size, char out[DIGEST_TEXT_MAX], struct err *err)
{
	cleanup_ptr char *bytes = malloc(READ_BYTES);
	struct digest *digest = NULL;
	uint64_t at = 0;
	int rc = bytes ? digest_new(&digest, err) : out_of_memory(err);

	while (rc == 0 && at < size) {
		ssize_t got = pread(fd, bytes, READ_BYTES, (off_t)at);

		if (got < 0 && errno != EINTR)
			rc = err_sys(err, errno, "cannot read the image again");
		else if (got == 0)
			break;
		else if (got > 0) {
			rc = digest_update(digest, bytes, (size_t)got, err);
			at += (uint64_t)got;
		}
	}
	if (rc == 0)
		rc = digest_finish(digest, out, err);
	digest_free(digest);
	return rc;
}

static int verify(const struct library_pull *pull, int fd, struct err *err)
{
	char sum[DIGEST_TEXT_MAX];
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at the image");
	if (pull->image.size > 0 && (uint64_t)st.st_size != pull->image.size)
		return err_set(err, ERR_IMAGE, EBADMSG,
			       "the library sent %" PRIu64 " bytes of an image that has %" PRIu64 ": nothing was kept",
			       (uint64_t)st.st_size, pull->image.size);
	rc = sum_file(fd, (uint64_t)st.st_size, sum, err);
	if (rc < 0)
		return rc;
	/* sha256:X here, sha256.X in libraries. */
	if (strcmp(strchr(sum, ':') + 1, strchr(pull->image.hash, '.') + 1) != 0)
		return err_set(err, ERR_IMAGE, EBADMSG,
			       "what the library sent has the sum sha256.%s, but the image has %s: nothing was kept",
			       strchr(sum, ':') + 1, pull->image.hash);
	return 0;
}

/* ---- download ---- */

struct stream {
	int fd;
	uint64_t at;
	struct progress *progress;
	int bar;
};

static int write_stream(void *context, const void *bytes, size_t size, struct err *err)
{
	struct stream *stream = context;
	const char *from = bytes;

	while (size > 0) {
		ssize_t put = pwrite(stream->fd, from, size, (off_t)stream->at);

		if (put < 0 && errno != EINTR)
			return err_sys(err, errno, "cannot write the image");
		if (put > 0) {
			from += put;
			size -= (size_t)put;
			stream->at += (uint64_t)put;
		}
	}
	progress_update(stream->progress, stream->bar, stream->at);
	return 0;
}

static char *make_file_url(const struct library_pull *pull)
{
	cleanup_ptr char *arch = url_escape(pull->options.arch);
	char *url = NULL;

	if (!arch || asprintf(&url, "%s/v1/imagefile/%s:%s?arch=%s", pull->api.base, pull->ref.path, pull->tag, arch) < 0)
		return NULL;
	return url;
}

static int refuse_answer(const struct library_pull *pull, const struct http_response *response, struct err *err)
{
	if (response->status == 404)
		return err_set(err, ERR_SYSTEM, ENOENT, "requested image was not found in the library");
	return http_fail(response, err, pull->api.base);
}

/* All of it from the library itself. */
static int download_stream(const struct library_pull *pull, const char *url, int fd, struct err *err)
{
	struct stream stream = {.fd = fd, .progress = pull->progress, .bar = pull->bar};
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.url = url,
				       .authorization = pull->api.authorization,
				       .size = pull->image.size,
				       .sink = write_stream,
				       .context = &stream};
	int rc = http_perform(pull->api.endpoint.http, &request, &response, err);

	if (rc == 0 && response.status != 200 && response.status != 206)
		rc = refuse_answer(pull, &response, err);
	http_response_fini(&response);
	return rc;
}

/* Where the file is, when the library does not send it itself: *@out owned, NULL when it does. Asks for one byte, which a library
 * that sends it itself is free to take for all of it: the answer is cut off then. */
static int stop_at_body(void *context, const void *bytes, size_t size, struct err *err)
{
	(void)context;
	(void)bytes;
	(void)size;
	return err_set(err, ERR_SYSTEM, ECANCELED, "the library sends the file itself");
}

static int find_file(const struct library_pull *pull, const char *url, char **out, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.url = url,
				       .authorization = pull->api.authorization,
				       .stay = true,
				       .sink = stop_at_body};
	struct err own = ERR_INIT;
	int rc = http_perform(pull->api.endpoint.http, &request, &response, &own);

	*out = NULL;
	if (rc == -ECANCELED)
		rc = 0;
	else if (rc < 0)
		(void)err_set(err, own.kind, own.errnum, "%s", own.message);
	else if (response.status >= 301 && response.status <= 308 && http_get_header(&response, "location"))
		rc = url_resolve(url, http_get_header(&response, "location"), out, err);
	else if (response.status != 200)
		rc = refuse_answer(pull, &response, err);
	http_response_fini(&response);
	return rc;
}

/* A token goes to the library's own origin and to no other. */
static const char *choose_authorization(const struct library_pull *pull, const char *url)
{
	cleanup_ptr char *origin = url_get_origin(url), *own = url_get_origin(pull->api.base);

	return origin && own && strcmp(origin, own) == 0 ? pull->api.authorization : NULL;
}

static int download_parts(const struct library_pull *pull, const char *url, int fd, struct err *err)
{
	struct library_parts parts = {.http = pull->api.endpoint.http,
				      .url = url,
				      .authorization = choose_authorization(pull, url),
				      .fd = fd,
				      .size = pull->image.size,
				      .progress = pull->progress,
				      .bar = pull->bar};

	return library_parts_fetch(&parts, err);
}

static int download(const struct library_pull *pull, int fd, struct err *err)
{
	cleanup_ptr char *url = make_file_url(pull), *elsewhere = NULL;
	struct err why = ERR_INIT;
	int rc;

	if (!url)
		return out_of_memory(err);
	rc = find_file(pull, url, &elsewhere, err);
	if (rc < 0)
		return rc;
	if (elsewhere && pull->image.size > 0) {
		rc = download_parts(pull, elsewhere, fd, &why);
		if (rc != -ERANGE)
			return rc < 0 ? err_set(err, why.kind, why.errnum, "%s", why.message) : 0;
		log_verbose("the server sends no parts: taking the image in one piece");
		if (ftruncate(fd, 0) < 0)
			return err_sys(err, errno, "cannot write the image");
	}
	return download_stream(pull, url, fd, err);
}

/* ---- which image ---- */

static int ask_image(struct library_pull *pull, struct err *err)
{
	struct err own = ERR_INIT;
	int rc = library_api_get_image(&pull->api, pull->ref.path, pull->tag, pull->options.arch, &pull->image, &own);

	if (rc == -ENOENT)
		return err_set(err, ERR_SYSTEM, ENOENT, "image does not exist in the library: %s:%s (%s)", pull->ref.path,
			       pull->tag, pull->options.arch);
	if (rc < 0 && strstr(own.message, OCI_CONFIG_TYPE))
		return err_set(err, ERR_SYSTEM, EOPNOTSUPP,
			       "%s:%s is an OCI image, which a library hands out for OCI mode only: OCI mode is missing so far",
			       pull->ref.path, pull->tag);
	if (rc < 0)
		return err_set(err, own.kind, own.errnum, "%s", own.message);
	if (!*pull->image.hash)
		return err_set(err, ERR_SYSTEM, EPROTO, "the library does not say which sum %s:%s has", pull->ref.path, pull->tag);
	if (library_ref_is_hash(pull->tag) && strcmp(pull->tag, pull->image.hash) != 0)
		return err_set(err, ERR_SYSTEM, EPROTO, "asked for the sum %s, the library names the image with %s", pull->tag,
			       pull->image.hash);
	return 0;
}

/* Once, when the first request has to be made: until then it may turn out that none is needed. */
static int open_api(struct library_pull *pull, struct err *err)
{
	int rc;

	if (pull->is_open)
		return 0;
	rc = library_api_open(pull->options.library, &pull->ref, pull->options.no_https, &pull->api, err);
	pull->is_open = rc == 0;
	return rc;
}

/* What the cache notes a tag's sum under. */
static char *name_note(const struct library_pull *pull)
{
	char *name = NULL;

	if (asprintf(&name, "library %s %s:%s %s", pull->api.base, pull->ref.path, pull->tag, pull->options.arch) < 0)
		return NULL;
	return name;
}

static bool is_cached(struct cache *cache, const char *key)
{
	cleanup_ptr char *path = NULL;
	struct err err = ERR_INIT;

	return cache_find(cache, CACHE_LIBRARY, key, &path, &err) == 0 && path;
}

/* The sum of the image as it was a short while ago; NULL when it has to be asked for. */
static char *recall(const struct library_pull *pull, struct cache *cache, const char *note)
{
	char *text = NULL;
	int64_t age = 0;

	if (pull->options.freshness <= 0)
		return NULL;
	cache_recall(cache, note, &text, &age);
	if (text && age < pull->options.freshness && library_ref_is_hash(text) && is_cached(cache, text))
		return text;
	free(text);
	return NULL;
}

static int copy_key(const char *key, char **out, struct err *err)
{
	*out = strdup(key);
	return *out ? 0 : out_of_memory(err);
}

int library_pull_identify(struct library_pull *pull, struct cache *cache, char **key, struct err *err)
{
	cleanup_ptr char *note = NULL;
	int rc;

	/* A sum is the same in every library: no need to know which one. */
	if (cache && library_ref_is_hash(pull->tag) && is_cached(cache, pull->tag))
		return copy_key(pull->tag, key, err);
	rc = open_api(pull, err);
	if (rc < 0)
		return rc;
	note = cache ? name_note(pull) : NULL;
	*key = note ? recall(pull, cache, note) : NULL;
	if (*key)
		return 0;
	rc = ask_image(pull, err);
	if (rc < 0)
		return rc;
	if (note)
		cache_note(cache, note, pull->image.hash);
	return copy_key(pull->image.hash, key, err);
}

int library_pull_fill(struct library_pull *pull, int fd, struct err *err)
{
	int rc = open_api(pull, err);

	if (rc == 0 && !pull->image.id)
		rc = ask_image(pull, err);
	if (rc < 0)
		return rc;
	log_info("Downloading library image");
	pull->progress = progress_new();
	pull->bar = progress_add(pull->progress, pull->ref.path, pull->image.size);
	rc = library_oci_fetch(&pull->api, pull->ref.path, pull->tag, pull->options.arch, fd, pull->progress, pull->bar, err);
	if (rc == -EOPNOTSUPP) {
		log_debug("the library has no OCI registry for this: taking the image from itself");
		rc = download(pull, fd, err);
	}
	if (rc == 0)
		rc = verify(pull, fd, err);
	progress_finish(pull->progress, pull->bar, rc == 0 ? "done" : "failed");
	progress_free(pull->progress);
	pull->progress = NULL;
	return rc;
}

int library_pull_open(const char *reference, const struct library_pull_options *options, struct library_pull **out,
		      struct err *err)
{
	struct library_pull *pull = calloc(1, sizeof(*pull));
	int rc = pull ? library_ref_parse(reference, &pull->ref, err) : out_of_memory(err);

	if (rc < 0) {
		free(pull);
		return rc;
	}
	pull->options = *options;
	pull->tag = pull->ref.tags.items[0];
	*out = pull;
	return 0;
}

void library_pull_close(struct library_pull *pull)
{
	if (!pull)
		return;
	library_image_fini(&pull->image);
	library_api_close(&pull->api);
	library_ref_fini(&pull->ref);
	free(pull);
}

/* ---- signatures ---- */

int library_has_signature(const char *path, bool *out, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct sif sif = {.count = 0};
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot open %s", path);
	rc = sif_load(fd, (uint64_t)st.st_size, &sif, err);
	if (rc < 0)
		return rc;
	*out = false;
	for (size_t i = 0; i < sif.count; i++)
		*out |= sif.entries[i].type == SIF_DATA_SIGNATURE;
	sif_fini(&sif);
	return 0;
}

void library_warn_unverified(const char *path)
{
	struct err err = ERR_INIT;
	bool has_signature = false;

	if (library_has_signature(path, &has_signature, &err) == 0 && has_signature)
		log_warning("%s carries signatures, which this version cannot verify", path);
	log_warning("Skipping container verification");
}
