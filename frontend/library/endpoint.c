/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/library/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "frontend/registry/digest.h"
#include "frontend/registry/url.h"
#include "frontend/settings/user_dir.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define SERVICES_PATH "/assets/config/config.prod.json"
#define SERVICES_MAX 64
#define CACHE_DIR "remote-cache"
#define CACHE_SECONDS (720 * 3600)
#define SUFFIX "API"

/* ---- services ---- */

void endpoint_services_fini(struct endpoint_services *services)
{
	for (size_t i = 0; i < services->count; i++) {
		free(services->items[i].name);
		free(services->items[i].uri);
	}
	free(services->items);
	free(services->registry_uri);
	*services = (struct endpoint_services){.count = 0};
}

const char *endpoint_find_service(const struct endpoint_services *services, const char *name)
{
	for (size_t i = 0; i < services->count; i++)
		if (strcmp(services->items[i].name, name) == 0)
			return services->items[i].uri;
	return NULL;
}

static int out_of_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot keep the services of the remote");
}

/* A copy without slashes at the end. */
static char *copy_uri(const char *uri)
{
	size_t len = strlen(uri);

	while (len > 0 && uri[len - 1] == '/')
		len--;
	return strndup(uri, len);
}

static int check_uri(const char *uri, const char *name, bool insecure, struct err *err)
{
	if (!url_is_valid(uri) || url_has_user(uri) || strpbrk(uri, "?#"))
		return err_set(err, ERR_SYSTEM, EPROTO, "the remote names an address for %s that is none: \"%s\"", name, uri);
	if (!insecure && !url_is_https(uri))
		return err_set(err, ERR_SYSTEM, EPROTO,
			       "the remote names %s for %s, which is not https: add the remote with --insecure if that is wanted",
			       uri, name);
	return 0;
}

/* "keystoreAPI" is the service "keyserver". */
static char *name_service(const char *key)
{
	size_t len = strlen(key), suffix = strlen(SUFFIX);
	char *name;

	if (len > suffix && strcmp(key + len - suffix, SUFFIX) == 0)
		len -= suffix;
	if (len == strlen("keystore") && strncmp(key, "keystore", len) == 0)
		return strdup("keyserver");
	name = strndup(key, len);
	for (char *c = name; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return name;
}

static int add_service(const char *key, const json_t *value, bool insecure, struct endpoint_services *out, struct err *err)
{
	const char *uri = json_string_value(json_object_get(value, "uri"));
	const char *registry = json_string_value(json_object_get(value, "registryUri"));
	struct endpoint_service *service = &out->items[out->count];
	int rc;

	/* Settings of the web pages stand in the same file. */
	if (!uri || !*uri)
		return 0;
	service->name = name_service(key);
	if (!service->name)
		return out_of_memory(err);
	out->count++;
	rc = check_uri(uri, service->name, insecure, err);
	if (rc < 0)
		return rc;
	service->uri = copy_uri(uri);
	if (!service->uri)
		return out_of_memory(err);
	if (registry && *registry && strcmp(service->name, "library") == 0 && !out->registry_uri) {
		out->registry_uri = copy_uri(registry);
		return out->registry_uri ? 0 : out_of_memory(err);
	}
	return 0;
}

static int compare_services(const void *left, const void *right)
{
	return strcmp(((const struct endpoint_service *)left)->name, ((const struct endpoint_service *)right)->name);
}

static int add_services(json_t *root, bool insecure, struct endpoint_services *out, struct err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(root))
		return err_set(err, ERR_SYSTEM, EPROTO, "the remote's list of services is not a JSON object");
	if (json_object_size(root) > SERVICES_MAX)
		return err_set(err, ERR_SYSTEM, EPROTO, "the remote names more than %d services", SERVICES_MAX);
	out->items = calloc(SERVICES_MAX, sizeof(*out->items));
	if (!out->items)
		return out_of_memory(err);
	json_object_foreach(root, key, value)
	{
		int rc = add_service(key, value, insecure, out, err);

		if (rc < 0)
			return rc;
	}
	qsort(out->items, out->count, sizeof(*out->items), compare_services);
	return 0;
}

int endpoint_parse_services(const char *json, size_t size, bool insecure, struct endpoint_services *out, struct err *err)
{
	struct endpoint_services services = {.count = 0};
	json_error_t why;
	json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
	int rc;

	if (!root)
		return err_set(err, ERR_SYSTEM, EPROTO, "the remote's list of services is not JSON: line %d: %s", why.line,
			       why.text);
	rc = add_services(root, insecure, &services, err);
	json_decref(root);
	if (rc < 0)
		endpoint_services_fini(&services);
	else
		*out = services;
	return rc;
}

/* ---- remote-cache ---- */

/* One file for each remote, named by the sum of its address. */
static int name_cache_file(const struct endpoint *endpoint, char **out, struct err *err)
{
	cleanup_ptr char *dir = NULL;
	char sum[DIGEST_TEXT_MAX];
	int rc = user_dir_find(&dir, err);

	if (rc == 0)
		rc = digest_of_bytes(endpoint->url, strlen(endpoint->url), sum, err);
	if (rc < 0)
		return rc;
	if (asprintf(out, "%s/" CACHE_DIR "/%s.json", dir, strchr(sum, ':') + 1) < 0) {
		*out = NULL;
		return out_of_memory(err);
	}
	return 0;
}

static bool is_fresh(const struct stat *st)
{
	time_t now = time(NULL);

	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_size > 0 &&
	       (size_t)st->st_size <= ENDPOINT_SERVICES_BYTES_MAX && st->st_mtime <= now && now - st->st_mtime < CACHE_SECONDS;
}

/* What is wrong with the file is no error: the remote is asked instead. */
static bool load_cached(struct endpoint *endpoint, const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_ptr char *bytes = NULL;
	struct err err = ERR_INIT;
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) < 0 || !is_fresh(&st))
		return false;
	bytes = malloc((size_t)st.st_size);
	if (!bytes)
		return false;
	got = pread(fd, bytes, (size_t)st.st_size, 0);
	if (got != st.st_size ||
	    endpoint_parse_services(bytes, (size_t)got, endpoint->remote->is_insecure, &endpoint->services, &err) < 0)
		return false;
	log_debug("services of %s from %s", endpoint->url, path);
	return true;
}

static void save_cached(const char *path, const char *bytes, size_t size)
{
	cleanup_ptr char *temporary = NULL, *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	struct err err = ERR_INIT;
	int fd;

	if (slash)
		*slash = '\0';
	if (!slash || user_dir_make_path(dir, &err) < 0 || asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, bytes, size) != (ssize_t)size || rename(temporary, path) < 0)
		(void)unlink(temporary);
	(void)close(fd);
}

/* ---- the remote ---- */

int endpoint_open(const char *path, const char *name, struct endpoint *endpoint, struct err *err)
{
	int rc;

	*endpoint = (struct endpoint)ENDPOINT_INIT;
	rc = remote_load_merged(path, &endpoint->config, err);
	if (rc == 0)
		rc = remote_find(&endpoint->config, name, &endpoint->remote, err);
	if (rc == 0)
		rc = remote_make_url(endpoint->remote, &endpoint->url, err);
	if (rc == 0)
		rc = http_new(&endpoint->http, err);
	if (rc < 0)
		endpoint_close(endpoint);
	return rc;
}

void endpoint_close(struct endpoint *endpoint)
{
	http_free(endpoint->http);
	endpoint_services_fini(&endpoint->services);
	remote_config_fini(&endpoint->config);
	free(endpoint->url);
	*endpoint = (struct endpoint)ENDPOINT_INIT;
}

static int ask_services(struct endpoint *endpoint, const char *cache_path, struct err *err)
{
	cleanup_ptr char *url = NULL;
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.body_max = ENDPOINT_SERVICES_BYTES_MAX};
	int rc;

	if (asprintf(&url, "%s" SERVICES_PATH, endpoint->url) < 0) {
		url = NULL;
		return out_of_memory(err);
	}
	request.url = url;
	rc = http_perform(endpoint->http, &request, &response, err);
	if (rc == 0 && response.status != 200)
		rc = http_fail(&response, err, url);
	if (rc == 0)
		rc = endpoint_parse_services(response.body ? response.body : "", response.body_size,
					     endpoint->remote->is_insecure, &endpoint->services, err);
	if (rc < 0)
		rc = err_wrap(err, "cannot ask the remote %s for its services", endpoint->remote->name);
	else if (cache_path)
		save_cached(cache_path, response.body, response.body_size);
	http_response_fini(&response);
	return rc;
}

int endpoint_discover(struct endpoint *endpoint, struct err *err)
{
	cleanup_ptr char *path = NULL;
	struct err ignored = ERR_INIT;
	int rc = 0;

	if (endpoint->is_known)
		return 0;
	if (name_cache_file(endpoint, &path, &ignored) < 0)
		path = NULL;
	if (!path || !load_cached(endpoint, path))
		rc = ask_services(endpoint, path, err);
	endpoint->is_known = rc == 0;
	return rc;
}

int endpoint_get_uri(struct endpoint *endpoint, const char *name, const char **out, struct err *err)
{
	int rc = endpoint_discover(endpoint, err);

	if (rc < 0)
		return rc;
	*out = endpoint_find_service(&endpoint->services, name);
	return *out ? 0 : err_set(err, ERR_SYSTEM, ENOENT, "the remote %s has no %s service", endpoint->remote->name, name);
}

/* ---- choosing a library ---- */

static bool is_same_origin(const char *left, const char *right)
{
	cleanup_ptr char *left_origin = url_get_origin(left), *right_origin = url_get_origin(right);

	return left_origin && right_origin && strcmp(left_origin, right_origin) == 0;
}

static int copy_choice(const char *uri, const char *token, char **base, char **out_token, struct err *err)
{
	*base = copy_uri(uri);
	*out_token = token ? strdup(token) : NULL;
	if (*base && (!token || *out_token))
		return 0;
	free(*base);
	free(*out_token);
	return out_of_memory(err);
}

int endpoint_choose_library(struct endpoint *endpoint, const char *uri, char **base, char **token, struct err *err)
{
	const struct remote *remote = endpoint->remote;
	struct err why = ERR_INIT;
	const char *own = NULL;
	int rc;

	if (uri && (!url_is_valid(uri) || url_has_user(uri) || strpbrk(uri, "?#")))
		return err_set(err, ERR_SYSTEM, EINVAL, "not the address of a library: \"%s\": give https://host[:port][/path]", uri);
	if (uri && !remote->is_exclusive && !remote->token)
		return copy_choice(uri, NULL, base, token, err);
	rc = endpoint_get_uri(endpoint, "library", &own, &why);
	if (rc < 0 && (!uri || remote->is_exclusive))
		return err_set(err, why.kind, why.errnum, "%s", why.message);
	if (!uri)
		return copy_choice(own, remote->token, base, token, err);
	if (remote->is_exclusive && !is_same_origin(uri, own))
		return err_set(err, ERR_DENIED, EPERM,
			       "endpoint is set as exclusive by the system administrator: only \"%s\" can be used", own);
	return copy_choice(uri, own && is_same_origin(uri, own) ? remote->token : NULL, base, token, err);
}

/* ---- tokens ---- */

int endpoint_verify_token(struct endpoint *endpoint, const char *token, struct err *err)
{
	cleanup_ptr char *url = NULL, *authorization = NULL;
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.method = "GET"};
	const char *service;
	int rc = endpoint_get_uri(endpoint, "token", &service, err);

	if (rc < 0)
		return rc;
	if (asprintf(&url, "%s/v1/token-status", service) < 0)
		url = NULL;
	if (asprintf(&authorization, "Bearer %s", token) < 0)
		authorization = NULL;
	if (!url || !authorization)
		return out_of_memory(err);
	request.url = url;
	request.authorization = authorization;
	rc = http_perform(endpoint->http, &request, &response, err);
	/* The service of Sylabs says 404 for a token that it does not know. */
	if (rc == 0 && (response.status == 401 || response.status == 403 || response.status == 404))
		rc = err_set(err, ERR_SYSTEM, EACCES, "error response from server: Invalid Credentials");
	else if (rc == 0 && response.status != 200)
		rc = http_fail(&response, err, "error response from server");
	http_response_fini(&response);
	return rc;
}
