/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP requests, by libcurl. Rules that hold for all of them: an Authorization belongs to the origin (scheme, host, port) of the
 * URL it was given for, and is not sent to another one; from https no redirect leads to http; what fails for reasons that pass
 * (connection, 429, 5xx) is tried again after growing pauses; a body that was cut is continued by Range; a server that sends
 * nothing is given up. Proxies and trust store by the usual variables of the environment: http_proxy, HTTPS_PROXY, ALL_PROXY,
 * NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR. See libcurl-env(3).
 */
#ifndef FRONTEND_REGISTRY_HTTP_H
#define FRONTEND_REGISTRY_HTTP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/strlist.h"
#include "ipc/err.h"

#define HTTP_DOCUMENT_BYTES_MAX ((size_t)64 * 1024) /* answers that are collected, unless the request says otherwise */

/* Connections, kept for the next request. May be used by several threads at once. */
struct http;

/* Called with the bytes of a body; stops the request by a negative errno with @err filled. */
typedef int (*http_sink)(void *context, const void *bytes, size_t size, struct err *err);

/* All borrowed. */
struct http_request {
	const char *method;        /* NULL: GET */
	const char *url;           /* http or https */
	const char *authorization; /* value of the header, for the origin of @url alone; NULL: none */
	const char *const *headers; /* other header lines, NULL-terminated; NULL: none */
	/* What to send: bytes in memory (@body), else @body_size bytes of @body_fd from @body_offset on when @body_size > 0. */
	const void *body;
	int body_fd;
	uint64_t body_offset, body_size;
	void (*sent)(void *context, uint64_t bytes); /* told how much of @body_fd has gone, with @context; NULL: nobody */
	uint64_t from; /* first byte wanted: a Range; the sink gets what follows, also from a server that sends all */
	uint64_t length; /* a part: so many bytes from @from on. -ERANGE when the server does not send parts. 0: to the end */
	uint64_t size; /* size of the whole body where it is known, to tell a cut one; 0: as the server says */
	/* A 2xx body goes to @sink; without one, and for other statuses, it is collected. */
	http_sink sink;
	void *context;
	size_t body_max; /* of a collected body; 0: HTTP_DOCUMENT_BYTES_MAX */
	bool once;       /* no second try */
	bool stay;       /* a redirect is the answer, and is not followed */
};

struct http_response {
	long status;
	char *url;              /* owned; where the answer came from, after redirects */
	struct strlist headers; /* "name: value" lines of the last answer */
	char *body;             /* owned, NUL-terminated; what was collected */
	size_t body_size;
	uint64_t delivered; /* bytes that the sink got */
};

#define HTTP_RESPONSE_INIT {.body = NULL}

/* http_new() - *@out owned: http_free(). Fails only where libcurl is missing or memory is out. */
int http_new(struct http **out, struct err *err);
void http_free(struct http *http);

/* http_stop_on() - from now on requests of this process end soon with -EINTR once *@flag (static) is not zero. */
void http_stop_on(const volatile sig_atomic_t *flag);

/* http_perform() - make @request, follow redirects (GET and HEAD always, others where 307 or 308 says so). Any answer is a success,
 * whatever its status; after the last try that includes 429 and 5xx. *@response (initialised) is filled in any case:
 * http_response_fini(). Its @delivered says how far the sink came when a negative errno is returned. */
int http_perform(struct http *http, const struct http_request *request, struct http_response *response, struct err *err);
void http_response_fini(struct http_response *response);

/* http_get_header() - value of the last answer's header @name, any case; NULL if there is none. http_next_header() takes the
 * value before (NULL: start), for headers that come several times. */
const char *http_get_header(const struct http_response *response, const char *name);
const char *http_next_header(const struct http_response *response, const char *name, const char *before);

/* http_fail() - an error out of an answer with a status that was not wanted: "@what: 404 Not Found: text of the server". -ENOENT
 * for 404, -EACCES for 401 and 403, else -EIO. */
int http_fail(const struct http_response *response, struct err *err, const char *what);

#endif
