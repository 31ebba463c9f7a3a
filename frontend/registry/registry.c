/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/registry/auth.h"
#include "frontend/registry/url.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define MANIFEST_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define HUB_HOST "registry-1.docker.io"
#define LOGINS_MAX 2       /* answers to a 401: one, and one more when a token has run out */
#define UPLOAD_TRIES_MAX 5

struct registry {
	struct http *http;
	char *name;       /* host[:port], as in the reference */
	char *repository; /* "": the registry as such */
	char *username, *password, *authfile; /* NULL: not given */
	bool no_https;
	pthread_mutex_t lock; /* of what follows */
	char *base;           /* "https://host:port"; NULL: to be found out */
	char *scopes;
	char *authorization; /* NULL: none so far */
	bool has_credentials;
	struct credentials credentials;
};

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot talk to the registry");
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int fill(struct registry *registry, const char *name, const char *repository, const struct registry_options *options)
{
	if (copy_text(&registry->name, name) < 0 || copy_text(&registry->repository, repository) < 0 ||
	    copy_text(&registry->username, options->username) < 0 || copy_text(&registry->password, options->password) < 0 ||
	    copy_text(&registry->authfile, options->authfile) < 0)
		return -ENOMEM;
	if (options->token && asprintf(&registry->authorization, "Bearer %s", options->token) < 0) {
		registry->authorization = NULL;
		return -ENOMEM;
	}
	if (!*repository)
		return copy_text(&registry->scopes, "");
	if (asprintf(&registry->scopes, "repository:%s:pull%s", repository, options->push ? ",push" : "") < 0) {
		registry->scopes = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int open_repository(const char *name, const char *repository, const struct registry_options *options,
			   struct registry **out, struct err *err)
{
	struct registry *registry = calloc(1, sizeof(*registry));
	int rc;

	if (!registry)
		return no_memory(err);
	(void)pthread_mutex_init(&registry->lock, NULL);
	registry->no_https = options->no_https;
	rc = fill(registry, name, repository, options) < 0 ? no_memory(err) : http_new(&registry->http, err);
	if (rc < 0) {
		registry_close(registry);
		return rc;
	}
	*out = registry;
	return 0;
}

int registry_open(const struct reference *reference, const struct registry_options *options, struct registry **out,
		  struct err *err)
{
	return open_repository(reference->registry, reference->repository, options, out, err);
}

void registry_close(struct registry *registry)
{
	if (!registry)
		return;
	http_free(registry->http);
	credentials_fini(&registry->credentials);
	(void)pthread_mutex_destroy(&registry->lock);
	free(registry->name);
	free(registry->repository);
	free(registry->username);
	free(registry->password);
	free(registry->authfile);
	free(registry->base);
	free(registry->scopes);
	free(registry->authorization);
	free(registry);
}

/* ---- https or http ---- */

static int try_base(struct registry *registry, const char *scheme, const char *host, struct err *err)
{
	cleanup_ptr char *base = NULL, *url = NULL;
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.once = true};
	int rc;

	if (asprintf(&base, "%s://%s", scheme, host) < 0) {
		base = NULL;
		return no_memory(err);
	}
	if (asprintf(&url, "%s/v2/", base) < 0) {
		url = NULL;
		return no_memory(err);
	}
	request.url = url;
	rc = http_perform(registry->http, &request, &response, err);
	/* A server of http that is spoken to in TLS may answer in plain text, or one of https the other way round. */
	if (rc == 0 && response.status == 400 && strcmp(scheme, "http") == 0)
		rc = http_fail(&response, err, base);
	http_response_fini(&response);
	if (rc == 0)
		registry->base = ptr_take(base);
	return rc;
}

/* Only a server that speaks no TLS at all is spoken to by http: a certificate that cannot be trusted is not a reason. */
static bool may_be_plain(int rc)
{
	return rc == -EPROTONOSUPPORT || rc == -EHOSTUNREACH || rc == -EIO;
}

/* Under the lock. */
static int find_base(struct registry *registry, struct err *err)
{
	const char *host = strcmp(registry->name, REFERENCE_HUB) == 0 ? HUB_HOST : registry->name;
	struct err plain = ERR_INIT;
	int rc;

	if (registry->base)
		return 0;
	if (registry->no_https || !reference_is_local(host)) {
		if (asprintf(&registry->base, "%s://%s", registry->no_https ? "http" : "https", host) < 0) {
			registry->base = NULL;
			return no_memory(err);
		}
		return 0;
	}
	rc = try_base(registry, "https", host, err);
	if (!may_be_plain(rc))
		return rc;
	if (try_base(registry, "http", host, &plain) == 0) {
		log_debug("%s does not speak https: going on with http", host);
		return 0;
	}
	return rc;
}

static int make_url(struct registry *registry, char **out, struct err *err, const char *kind, const char *what)
{
	int rc;

	(void)pthread_mutex_lock(&registry->lock);
	rc = find_base(registry, err);
	(void)pthread_mutex_unlock(&registry->lock);
	if (rc < 0)
		return rc;
	if (asprintf(out, "%s/v2/%s%s%s%s", registry->base, registry->repository, *kind ? "/" : "", kind, what) < 0) {
		*out = NULL;
		return no_memory(err);
	}
	return 0;
}

/* ---- requests with authorization ---- */

static int load_credentials(struct registry *registry, struct err *err)
{
	int rc = 0;

	if (registry->has_credentials)
		return 0;
	if (registry->username || registry->password) {
		if (copy_text(&registry->credentials.username, registry->username ? registry->username : "") < 0 ||
		    copy_text(&registry->credentials.password, registry->password ? registry->password : "") < 0)
			return no_memory(err);
	} else {
		rc = docker_config_find(registry->authfile, registry->name, registry->repository, &registry->credentials, err);
	}
	registry->has_credentials = rc == 0;
	return rc;
}

static int refuse_login(const struct registry *registry, const struct http_response *response, struct err *err)
{
	struct err reason = ERR_INIT;
	bool known = registry->credentials.username || registry->credentials.identity_token || registry->credentials.registry_token;

	(void)http_fail(response, &reason, registry->name);
	if (known)
		return err_set(err, ERR_SYSTEM, EACCES, "%s (the credentials for it are wrong, or do not suffice)", reason.message);
	return err_set(err, ERR_SYSTEM, EACCES, "%s (if it wants credentials: singularity registry login docker://%s)",
		       reason.message, registry->name);
}

/* After a 401 that was the answer to @used: have another authorization. */
static int login(struct registry *registry, const char *used, const struct http_response *response, struct err *err)
{
	char *made = NULL;
	int rc;

	(void)pthread_mutex_lock(&registry->lock);
	/* Another thread was here first. */
	if (registry->authorization && (!used || strcmp(used, registry->authorization) != 0)) {
		(void)pthread_mutex_unlock(&registry->lock);
		return 0;
	}
	rc = load_credentials(registry, err);
	if (rc == 0)
		rc = auth_answer(registry->http, response, registry->base, registry->scopes, &registry->credentials, &made, err);
	if (rc == 0 && (!made || (used && strcmp(used, made) == 0)))
		rc = refuse_login(registry, response, err);
	if (rc == 0) {
		free(registry->authorization);
		registry->authorization = ptr_take(made);
	}
	(void)pthread_mutex_unlock(&registry->lock);
	free(made);
	return rc;
}

static char *copy_authorization(struct registry *registry)
{
	char *copy;

	(void)pthread_mutex_lock(&registry->lock);
	copy = registry->authorization ? strdup(registry->authorization) : NULL;
	(void)pthread_mutex_unlock(&registry->lock);
	return copy;
}

/* @url belongs to the registry's own origin: nothing else gets our authorization. */
static bool is_own(const struct registry *registry, const char *url)
{
	cleanup_ptr char *ours = url_get_origin(registry->base), *theirs = url ? url_get_origin(url) : NULL;

	return ours && theirs && strcmp(ours, theirs) == 0;
}

static int perform(struct registry *registry, struct http_request *request, struct http_response *response, struct err *err)
{
	uint64_t delivered = 0;
	int rc = 0;

	for (int logins = 0;; logins++) {
		cleanup_ptr char *used = is_own(registry, request->url) ? copy_authorization(registry) : NULL;

		request->authorization = used;
		rc = http_perform(registry->http, request, response, err);
		request->authorization = NULL;
		delivered += response->delivered;
		if (rc < 0 || response->status != 401 || !is_own(registry, response->url))
			break;
		if (logins == LOGINS_MAX) {
			rc = refuse_login(registry, response, err);
			break;
		}
		rc = login(registry, used, response, err);
		if (rc < 0)
			break;
		request->from += response->delivered;
		http_response_fini(response);
	}
	response->delivered = delivered;
	return rc;
}

/* ---- reading ---- */

static const char *const manifest_headers[] = {"Accept: " OCI_TYPE_MANIFEST ", " OCI_TYPE_INDEX ", " OCI_TYPE_DOCKER_MANIFEST
					       ", " OCI_TYPE_DOCKER_INDEX,
					       NULL};

static int fail_at(const struct registry *registry, const struct http_response *response, struct err *err, const char *verb,
		   const char *what)
{
	cleanup_ptr char *text = NULL;

	if (response->status == 401 || response->status == 403)
		return refuse_login(registry, response, err);
	if (asprintf(&text, "cannot %s %s of %s/%s", verb, what, registry->name, registry->repository) < 0) {
		text = NULL;
		return no_memory(err);
	}
	return http_fail(response, err, text);
}

static int check_digest(const struct registry *registry, const char *what, const char *wanted, const char *got, struct err *err)
{
	if (!wanted || strcmp(wanted, got) == 0)
		return 0;
	return err_set(err, ERR_IMAGE, EBADMSG, "%s of %s/%s is damaged: its digest is %s, not %s", what, registry->name,
		       registry->repository, got, wanted);
}

static int take_manifest(struct registry *registry, const char *name, struct http_response *response, char **bytes, size_t *size,
			 char **media_type, char digest[DIGEST_TEXT_MAX], struct err *err)
{
	const char *said = http_get_header(response, "docker-content-digest");
	const char *type = http_get_header(response, "content-type");
	cleanup_ptr char *kind = type ? strndup(type, strcspn(type, "; \t")) : NULL;
	int rc;

	if (type && !kind)
		return no_memory(err);
	if (!response->body)
		return err_set(err, ERR_IMAGE, EBADMSG, "the manifest of %s/%s:%s is empty", registry->name, registry->repository, name);
	rc = digest_of_bytes(response->body, response->body_size, digest, err);
	if (rc == 0 && digest_is_valid(name))
		rc = check_digest(registry, "the manifest", name, digest, err);
	if (rc == 0 && said && digest_is_valid(said))
		rc = check_digest(registry, "the manifest", said, digest, err);
	if (rc < 0)
		return rc;
	*bytes = ptr_take(response->body);
	*size = response->body_size;
	*media_type = ptr_take(kind);
	return 0;
}

int registry_get_manifest(struct registry *registry, const char *name, char **bytes, size_t *size, char **media_type,
			  char digest[DIGEST_TEXT_MAX], struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.headers = manifest_headers, .body_max = MANIFEST_BYTES_MAX};
	cleanup_ptr char *url = NULL;
	int rc = make_url(registry, &url, err, "manifests/", name);

	if (rc < 0)
		return rc;
	request.url = url;
	rc = perform(registry, &request, &response, err);
	if (rc == 0)
		rc = response.status == 200 ? take_manifest(registry, name, &response, bytes, size, media_type, digest, err) :
					      fail_at(registry, &response, err, "get the manifest", name);
	http_response_fini(&response);
	return rc;
}

int registry_head_manifest(struct registry *registry, const char *name, char digest[DIGEST_TEXT_MAX], struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.method = "HEAD", .headers = manifest_headers};
	cleanup_ptr char *url = NULL;
	const char *said;
	int rc = make_url(registry, &url, err, "manifests/", name);

	if (rc < 0)
		return rc;
	request.url = url;
	rc = perform(registry, &request, &response, err);
	said = rc == 0 ? http_get_header(&response, "docker-content-digest") : NULL;
	if (rc == 0 && response.status != 200)
		rc = fail_at(registry, &response, err, "find the manifest", name);
	else if (rc == 0 && (!said || !digest_is_valid(said)))
		rc = err_set(err, ERR_SYSTEM, EOPNOTSUPP, "%s does not tell the digest of %s", registry->name, name);
	else if (rc == 0)
		memcpy(digest, said, strlen(said) + 1);
	http_response_fini(&response);
	return rc;
}

int registry_get_blob(struct registry *registry, const char *digest, uint64_t size, uint64_t offset, oci_sink sink,
		      void *context, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.from = offset, .size = size, .sink = sink, .context = context};
	cleanup_ptr char *url = NULL;
	int rc;

	if (size > 0 && offset >= size)
		return 0;
	rc = make_url(registry, &url, err, "blobs/", digest);
	if (rc < 0)
		return rc;
	request.url = url;
	rc = perform(registry, &request, &response, err);
	if (rc == 0 && response.status != 200 && response.status != 206)
		rc = fail_at(registry, &response, err, "get the blob", digest);
	http_response_fini(&response);
	return rc;
}

struct collected {
	char *bytes;
	size_t size, max;
};

static int collect(void *context, const void *bytes, size_t size, struct err *err)
{
	struct collected *collected = context;
	char *grown;

	if (size > collected->max - collected->size)
		return err_set(err, ERR_IMAGE, EFBIG, "the document is larger than %zu bytes", collected->max);
	grown = realloc(collected->bytes, collected->size + size + 1);
	if (!grown)
		return no_memory(err);
	memcpy(grown + collected->size, bytes, size);
	collected->bytes = grown;
	collected->size += size;
	grown[collected->size] = '\0';
	return 0;
}

int registry_read_blob(struct registry *registry, const char *digest, size_t max, char **bytes, size_t *size, struct err *err)
{
	struct collected collected = {.bytes = calloc(1, 1), .max = max};
	char got[DIGEST_TEXT_MAX];
	int rc = collected.bytes ? registry_get_blob(registry, digest, 0, 0, collect, &collected, err) : no_memory(err);

	if (rc == 0)
		rc = digest_of_bytes(collected.bytes, collected.size, got, err);
	if (rc == 0)
		rc = check_digest(registry, "the blob", digest, got, err);
	if (rc == 0) {
		*bytes = ptr_take(collected.bytes);
		*size = collected.size;
	}
	free(collected.bytes);
	return rc;
}

/* ---- writing ---- */

int registry_has_blob(struct registry *registry, const char *digest, bool *has, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.method = "HEAD"};
	cleanup_ptr char *url = NULL;
	int rc = make_url(registry, &url, err, "blobs/", digest);

	if (rc < 0)
		return rc;
	request.url = url;
	rc = perform(registry, &request, &response, err);
	if (rc == 0 && response.status != 200 && response.status != 404)
		rc = fail_at(registry, &response, err, "find the blob", digest);
	if (rc == 0)
		*has = response.status == 200;
	http_response_fini(&response);
	return rc;
}

/* Where an upload goes on, as the last answer says. The registry may name another host, but no way from https to http. */
static int take_location(const struct registry *registry, const char *url, const struct http_response *response, char **out,
			 struct err *err)
{
	const char *location = http_get_header(response, "location");
	char *next = NULL;
	int rc;

	if (!location)
		return err_set(err, ERR_SYSTEM, EPROTO, "%s does not say where to upload to", registry->name);
	rc = url_resolve(url, location, &next, err);
	if (rc == 0)
		rc = auth_check_realm(next, registry->base, err);
	if (rc < 0) {
		free(next);
		return err_wrap(err, "cannot upload to %s", registry->name);
	}
	free(*out);
	*out = next;
	return 0;
}

/* Begin an upload; with @query "mount=...&from=..." it may be over at once, and *@location stays NULL. */
static int start_upload(struct registry *registry, const char *query, char **location, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.method = "POST"};
	cleanup_ptr char *url = NULL;
	int rc = make_url(registry, &url, err, "blobs/uploads/", query);

	if (rc < 0)
		return rc;
	request.url = url;
	rc = perform(registry, &request, &response, err);
	if (rc == 0 && response.status == 202)
		rc = take_location(registry, url, &response, location, err);
	else if (rc == 0 && response.status != 201)
		rc = fail_at(registry, &response, err, "upload to", "the repository");
	http_response_fini(&response);
	return rc;
}

/* The token that we have may be for one repository only. */
static int widen_scope(struct registry *registry, const char *from, struct err *err)
{
	char *wider = NULL;
	int rc = 0;

	(void)pthread_mutex_lock(&registry->lock);
	if (asprintf(&wider, "%s repository:%s:pull", registry->scopes, from) < 0) {
		rc = no_memory(err);
	} else {
		free(registry->scopes);
		registry->scopes = wider;
		if (registry->authorization && strncmp(registry->authorization, "Bearer ", 7) == 0) {
			free(registry->authorization);
			registry->authorization = NULL;
		}
	}
	(void)pthread_mutex_unlock(&registry->lock);
	return rc;
}

/* An upload that is not wanted after all; the registry would drop it some day anyway. */
static void cancel_upload(struct registry *registry, const char *location)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.method = "DELETE", .url = location, .once = true};
	struct err ignored = ERR_INIT;

	(void)perform(registry, &request, &response, &ignored);
	http_response_fini(&response);
}

int registry_mount_blob(struct registry *registry, const char *digest, const char *from, bool *mounted, struct err *err)
{
	cleanup_ptr char *location = NULL, *query = NULL, *escaped = url_escape(from);
	int rc = widen_scope(registry, from, err);

	if (rc < 0)
		return rc;
	if (!escaped || asprintf(&query, "?mount=%s&from=%s", digest, escaped) < 0) {
		query = NULL;
		return no_memory(err);
	}
	rc = start_upload(registry, query, &location, err);
	if (rc < 0)
		return rc;
	*mounted = !location;
	if (location)
		cancel_upload(registry, location);
	return 0;
}

/* How much of the upload the registry has: "Range: 0-N" says N + 1 bytes; 0 for whatever is unclear. */
static uint64_t get_uploaded(const struct http_response *response)
{
	const char *range = http_get_header(response, "range");
	unsigned long long last;

	if (!range)
		return 0;
	if (strncmp(range, "bytes=", 6) == 0)
		range += 6;
	if (strncmp(range, "0-", 2) != 0 || range[2] < '0' || range[2] > '9')
		return 0;
	last = strtoull(range + 2, NULL, 10);
	/* "0-0" is said of an empty upload too; sending its one byte again would not fit. */
	return last == 0 ? 0 : last + 1;
}

static int ask_upload(struct registry *registry, char **location, uint64_t *done, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.url = *location};
	int rc = perform(registry, &request, &response, err);

	if (rc == 0 && response.status != 204)
		rc = fail_at(registry, &response, err, "continue the upload", "to the repository");
	if (rc == 0) {
		*done = get_uploaded(&response);
		rc = http_get_header(&response, "location") ? take_location(registry, *location, &response, location, err) : 0;
	}
	http_response_fini(&response);
	return rc;
}

struct sending {
	const struct registry_upload *upload;
	uint64_t done; /* before this request */
};

static void tell_sent(void *context, uint64_t bytes)
{
	const struct sending *sending = context;

	if (sending->upload->sent)
		sending->upload->sent(sending->upload->context, sending->done + bytes);
}

static int send_rest(struct registry *registry, struct sending *sending, char **location, struct err *err)
{
	const struct registry_upload *upload = sending->upload;
	uint64_t left = upload->size - sending->done;
	char range[64];
	const char *const headers[] = {"Content-Type: application/octet-stream", range, NULL};
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.method = "PATCH",
				       .url = *location,
				       .headers = headers,
				       .body_fd = upload->fd,
				       .body_offset = upload->offset + sending->done,
				       .body_size = left,
				       .sent = tell_sent,
				       .context = sending,
				       .once = true};
	int rc;

	(void)snprintf(range, sizeof(range), "Content-Range: %" PRIu64 "-%" PRIu64, sending->done, upload->size - 1);
	rc = perform(registry, &request, &response, err);
	if (rc == 0 && response.status != 202)
		rc = fail_at(registry, &response, err, "upload to", "the repository");
	if (rc == 0)
		rc = take_location(registry, *location, &response, location, err);
	http_response_fini(&response);
	return rc;
}

static int finish_upload(struct registry *registry, const char *location, const char *digest, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.method = "PUT"};
	cleanup_ptr char *url = NULL;
	int rc;

	if (asprintf(&url, "%s%cdigest=%s", location, strchr(location, '?') ? '&' : '?', digest) < 0) {
		url = NULL;
		return no_memory(err);
	}
	request.url = url;
	rc = perform(registry, &request, &response, err);
	if (rc == 0 && response.status != 201)
		rc = fail_at(registry, &response, err, "finish the upload", digest);
	http_response_fini(&response);
	return rc;
}

static bool upload_may_go_on(int rc)
{
	return rc == -EIO || rc == -ETIMEDOUT || rc == -EHOSTUNREACH;
}

int registry_put_blob(struct registry *registry, const struct registry_upload *upload, struct err *err)
{
	cleanup_ptr char *location = NULL;
	struct sending sending = {.upload = upload};
	int rc = start_upload(registry, "", &location, err);

	if (rc < 0 || !location)
		return rc;
	/* Of a broken upload the registry keeps what it got: ask, and go on from there. */
	for (int tries = 1; upload->size > sending.done; tries++) {
		struct err reason = ERR_INIT;

		rc = send_rest(registry, &sending, &location, &reason);
		if (rc == 0)
			break;
		if (!upload_may_go_on(rc) || tries == UPLOAD_TRIES_MAX) {
			if (err)
				*err = reason;
			return -reason.errnum;
		}
		log_verbose("%s; going on with the upload", reason.message);
		rc = ask_upload(registry, &location, &sending.done, err);
		if (rc < 0)
			return rc;
	}
	return finish_upload(registry, location, upload->digest, err);
}

int registry_put_manifest(struct registry *registry, const char *name, const char *media_type, const void *bytes, size_t size,
			  struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	cleanup_ptr char *url = NULL, *type = NULL;
	int rc = make_url(registry, &url, err, "manifests/", name);

	if (rc < 0)
		return rc;
	if (asprintf(&type, "Content-Type: %s", media_type) < 0) {
		type = NULL;
		return no_memory(err);
	}
	const char *const headers[] = {type, NULL};
	struct http_request request = {.method = "PUT", .url = url, .headers = headers, .body = bytes, .body_size = size};

	rc = perform(registry, &request, &response, err);
	if (rc == 0 && response.status != 201 && response.status != 200)
		rc = fail_at(registry, &response, err, "put the manifest", name);
	http_response_fini(&response);
	return rc;
}

/* ---- logging in ---- */

int registry_check_login(const char *name, const struct registry_options *options, bool *insecure, struct err *err)
{
	cleanup_ptr char *host = strndup(name, strcspn(name, "/")), *url = NULL;
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.url = NULL};
	struct registry *registry = NULL;
	int rc;

	if (!host)
		return no_memory(err);
	rc = open_repository(host, "", options, &registry, err);
	if (rc < 0)
		return rc;
	/* The repository only narrows what the credentials are kept for; the version endpoint asks for any valid ones. */
	rc = make_url(registry, &url, err, "", "");
	request.url = url;
	if (rc == 0)
		rc = perform(registry, &request, &response, err);
	if (rc == 0 && response.status != 200)
		rc = fail_at(registry, &response, err, "log in to", "the registry");
	if (rc == 0)
		*insecure = !url_is_https(registry->base);
	http_response_fini(&response);
	registry_close(registry);
	return rc;
}

/* ---- as a source of images ---- */

struct registry_source {
	struct oci_source base;
	struct reference reference;
	struct registry *registry;
};

static int source_get_manifest(struct oci_source *base, const char *digest, char **bytes, size_t *size, char **media_type,
			       char out_digest[DIGEST_TEXT_MAX], struct err *err)
{
	struct registry_source *source = (struct registry_source *)base;

	return registry_get_manifest(source->registry, digest ? digest : reference_get_wanted(&source->reference), bytes, size,
				     media_type, out_digest, err);
}

static int source_get_blob(struct oci_source *base, const struct oci_descriptor *blob, uint64_t offset, oci_sink sink,
			   void *context, struct err *err)
{
	struct registry_source *source = (struct registry_source *)base;

	return registry_get_blob(source->registry, blob->digest, blob->size, offset, sink, context, err);
}

static int source_open_blob(struct oci_source *base, const struct oci_descriptor *blob, int *fd, uint64_t *offset, struct err *err)
{
	(void)base;
	(void)blob;
	(void)fd;
	(void)offset;
	return err_set(err, ERR_SYSTEM, EOPNOTSUPP, "a registry has no files");
}

static void source_close(struct oci_source *base)
{
	struct registry_source *source = (struct registry_source *)base;

	registry_close(source->registry);
	reference_fini(&source->reference);
	free(source);
}

static const struct oci_source_ops source_ops = {.get_manifest = source_get_manifest,
						 .get_blob = source_get_blob,
						 .open_blob = source_open_blob,
						 .close = source_close,
						 .parallel = true};

int registry_source_open(const char *reference, const struct source_options *options, struct oci_source **out, struct err *err)
{
	const struct registry_options registry_options = {.username = options->username,
							  .password = options->password,
							  .authfile = options->authfile,
							  .no_https = options->no_https};
	struct registry_source *source = calloc(1, sizeof(*source));
	int rc;

	if (!source)
		return no_memory(err);
	source->base.ops = &source_ops;
	rc = reference_parse(reference, &source->reference, err);
	if (rc == 0)
		rc = registry_open(&source->reference, &registry_options, &source->registry, err);
	if (rc < 0) {
		source_close(&source->base);
		return rc;
	}
	*out = &source->base;
	return 0;
}
