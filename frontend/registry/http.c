/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/http.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "frontend/registry/curl_calls.h"
#include "frontend/registry/trust_store.h"
#include "frontend/registry/url.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define IDLE_MAX 8
#define REDIRECTS_MAX 10
#define HEADERS_MAX 200
#define HEADER_BYTES_MAX 16384
#define TRIES_MAX 6         /* without a byte of progress in between */
#define TRIES_TO_CONNECT 3  /* a wrong name or port should not take long to say */
#define FAILURES_MAX 64     /* with progress in between */
#define PAUSE_FIRST_MS 400
#define PAUSE_MAX_MS 20000
#define RETRY_AFTER_MAX_MS 120000
#define PAUSE_SLICE_MS 100
#define STALL_SECONDS 60 /* unless SINGULARITY_NETWORK_TIMEOUT says otherwise */
#define CONNECT_SECONDS 30
#define ERROR_TEXT_MAX 160

struct http {
	struct curl_calls curl;
	pthread_mutex_t lock;
	CURL *idle[IDLE_MAX]; /* with their connections */
	size_t idle_count;
	char agent[256];
	char *trust_file, *trust_dir; /* NULL: what libcurl has compiled in */
	long stall_seconds;
};

/* One request, through all its tries. */
struct transfer {
	struct http *http;
	const struct http_request *request;
	struct http_response *response;
	CURL *handle;
	char *url, *origin; /* of this exchange; of the request */
	bool authorized;    /* still at the origin of the request */
	char *validator;    /* strong ETag of the first answer that the sink got bytes of */
	/* of one exchange */
	bool decided;        /* what happens to the body */
	bool to_sink;
	uint64_t skip;       /* bytes of a whole body that the sink has had, or does not want */
	uint64_t sent;       /* of the request's body */
	size_t header_count;
	int failed; /* negative errno of ours, with @err */
	struct err *err;
	char text[CURL_ERROR_SIZE];
};

static const volatile sig_atomic_t *stop_flag;

void http_stop_on(const volatile sig_atomic_t *flag)
{
	stop_flag = flag;
}

static bool is_stopped(void)
{
	return stop_flag && *stop_flag;
}

/* ---- set-up ---- */

static void set_agent(struct http *http)
{
	struct utsname name;

	if (uname(&name) < 0)
		(void)snprintf(name.machine, sizeof(name.machine), "unknown");
	(void)snprintf(http->agent, sizeof(http->agent), "singularity/" SINGULARITY_VERSION " (Linux %s)", name.machine);
}

static void set_stall(struct http *http)
{
	const char *text = getenv("SINGULARITY_NETWORK_TIMEOUT");
	char *end = NULL;
	long seconds = text && *text ? strtol(text, &end, 10) : 0;

	http->stall_seconds = STALL_SECONDS;
	if (!end)
		return;
	if (*end == '\0' && seconds > 0 && seconds <= 86400)
		http->stall_seconds = seconds;
	else
		log_warning("SINGULARITY_NETWORK_TIMEOUT=%s is not a number of seconds: using %d", text, STALL_SECONDS);
}

int http_new(struct http **out, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));
	int rc;

	if (!http)
		return err_sys(err, ENOMEM, "cannot use the network");
	(void)pthread_mutex_init(&http->lock, NULL);
	rc = curl_calls_load(&http->curl, err);
	if (rc == 0 && http->curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		rc = err_set(err, ERR_SYSTEM, ENOMEM, "cannot use the network: libcurl does not start");
	if (rc == 0)
		rc = trust_store_find(&http->trust_file, &http->trust_dir, err);
	if (rc < 0) {
		http_free(http);
		return rc;
	}
	set_agent(http);
	set_stall(http);
	/* A peer that closes must be an error of write(2), also below the TLS library. */
	(void)signal(SIGPIPE, SIG_IGN);
	*out = http;
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	for (size_t i = 0; i < http->idle_count; i++)
		http->curl.easy_cleanup(http->idle[i]);
	(void)pthread_mutex_destroy(&http->lock);
	free(http->trust_file);
	free(http->trust_dir);
	free(http);
}

static CURL *take_handle(struct http *http)
{
	CURL *handle = NULL;

	(void)pthread_mutex_lock(&http->lock);
	if (http->idle_count > 0)
		handle = http->idle[--http->idle_count];
	(void)pthread_mutex_unlock(&http->lock);
	return handle ? handle : http->curl.easy_init();
}

static void give_handle(struct http *http, CURL *handle)
{
	bool kept = false;

	http->curl.easy_reset(handle);
	(void)pthread_mutex_lock(&http->lock);
	if (http->idle_count < IDLE_MAX) {
		http->idle[http->idle_count++] = handle;
		kept = true;
	}
	(void)pthread_mutex_unlock(&http->lock);
	if (!kept)
		http->curl.easy_cleanup(handle);
}

/* ---- answers ---- */

void http_response_fini(struct http_response *response)
{
	free(response->url);
	free(response->body);
	strlist_fini(&response->headers);
	*response = (struct http_response)HTTP_RESPONSE_INIT;
}

static void forget_answer(struct http_response *response)
{
	uint64_t delivered = response->delivered;

	http_response_fini(response);
	response->delivered = delivered;
}

static const char *value_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

const char *http_next_header(const struct http_response *response, const char *name, const char *before)
{
	bool passed = !before;

	for (size_t i = 0; i < response->headers.count; i++) {
		const char *value = value_of(response->headers.items[i], name);

		if (value && passed)
			return value;
		if (value && value == before)
			passed = true;
	}
	return NULL;
}

const char *http_get_header(const struct http_response *response, const char *name)
{
	return http_next_header(response, name, NULL);
}

static const char *name_status(long status)
{
	static const struct {
		long status;
		const char *name;
	} names[] = {{400, "Bad Request"},	   {401, "Unauthorized"},	{403, "Forbidden"},
		     {404, "Not Found"},	   {405, "Method Not Allowed"}, {409, "Conflict"},
		     {413, "Content Too Large"},   {416, "Range Not Satisfiable"}, {429, "Too Many Requests"},
		     {500, "Internal Server Error"}, {502, "Bad Gateway"},	{503, "Service Unavailable"},
		     {504, "Gateway Timeout"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].status == status)
			return names[i].name;
	return "unexpected answer";
}

/* What the server says in a "message" of JSON, or as short text; "" when that is of no use to a reader. */
static void get_server_text(const struct http_response *response, char *out, size_t size)
{
	static const char key[] = "\"message\"";
	const char *text = response->body, *found = text ? strstr(text, key) : NULL;
	size_t len;

	out[0] = '\0';
	if (!text || text[0] == '<')
		return;
	if (found) {
		text = found + sizeof(key) - 1;
		text += strspn(text, " \t:");
		if (*text != '"')
			return;
		text++;
		len = strcspn(text, "\"\\");
	} else {
		len = text[0] == '{' ? 0 : strcspn(text, "\r\n");
	}
	if (len >= size)
		len = size - 1;
	memcpy(out, text, len);
	out[len] = '\0';
}

int http_fail(const struct http_response *response, struct err *err, const char *what)
{
	int errnum = response->status == 404 ? ENOENT : response->status == 401 || response->status == 403 ? EACCES : EIO;
	char text[ERROR_TEXT_MAX];

	get_server_text(response, text, sizeof(text));
	return err_set(err, ERR_SYSTEM, errnum, "%s: %ld %s%s%s", what, response->status, name_status(response->status),
		       *text ? ": " : "", text);
}

/* ---- callbacks of libcurl ---- */

static size_t on_header(char *bytes, size_t one, size_t size, void *context)
{
	struct transfer *transfer = context;
	struct http_response *response = transfer->response;
	size_t len = size;

	(void)one;
	while (len > 0 && (bytes[len - 1] == '\r' || bytes[len - 1] == '\n' || bytes[len - 1] == ' '))
		len--;
	/* A new status line: what came before it was an interim answer. */
	if (len > 5 && strncasecmp(bytes, "HTTP/", 5) == 0) {
		strlist_fini(&response->headers);
		transfer->header_count = 0;
		return size;
	}
	if (len == 0 || transfer->header_count++ >= HEADERS_MAX || len > HEADER_BYTES_MAX)
		return size;
	strlist_addf(&response->headers, "%.*s", (int)len, bytes);
	return size;
}

/* First byte of the part in an answer with 206; false when it does not say. */
static bool get_range_start(const struct http_response *response, uint64_t *start)
{
	const char *range = http_get_header(response, "content-range");
	char *end;

	if (!range || strncasecmp(range, "bytes ", 6) != 0 || range[6] < '0' || range[6] > '9')
		return false;
	errno = 0;
	*start = strtoull(range + 6, &end, 10);
	return errno == 0 && *end == '-';
}

static bool is_strong(const char *etag)
{
	return etag && etag[0] == '"';
}

/* Is the body of this answer the continuation of what the sink has had? Sets @skip. */
static int match_answer(struct transfer *transfer)
{
	const struct http_request *request = transfer->request;
	struct http_response *response = transfer->response;
	const char *etag = http_get_header(response, "etag");
	uint64_t start = 0, wanted = request->from + response->delivered;

	if (request->length > 0 && response->status != 206)
		return err_set(transfer->err, ERR_SYSTEM, ERANGE, "the server does not send parts of the file");
	if (response->status == 206 && !get_range_start(response, &start))
		return err_set(transfer->err, ERR_SYSTEM, EPROTO, "the server sends a part of the file without saying which");
	if (start > wanted)
		return err_set(transfer->err, ERR_SYSTEM, EPROTO, "the server sends another part of the file than was asked for");
	if (transfer->validator && is_strong(etag) && strcmp(transfer->validator, etag) != 0)
		return err_set(transfer->err, ERR_SYSTEM, ESTALE, "the file on the server changed while it was read");
	if (!transfer->validator && is_strong(etag))
		transfer->validator = strdup(etag);
	transfer->skip = wanted - start;
	return 0;
}

static void decide(struct transfer *transfer)
{
	struct http_response *response = transfer->response;

	transfer->decided = true;
	(void)transfer->http->curl.easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &response->status);
	transfer->to_sink = transfer->request->sink && response->status >= 200 && response->status < 300;
	if (transfer->to_sink)
		transfer->failed = match_answer(transfer);
}

static int collect(struct transfer *transfer, const char *bytes, size_t size)
{
	struct http_response *response = transfer->response;
	size_t max = transfer->request->body_max ? transfer->request->body_max : HTTP_DOCUMENT_BYTES_MAX;
	bool wanted = response->status >= 200 && response->status < 300;
	char *grown;

	if (size > max - response->body_size) {
		if (wanted)
			return err_set(transfer->err, ERR_SYSTEM, EFBIG, "the answer is larger than %zu bytes", max);
		size = max - response->body_size; /* text of an error: the beginning will do */
	}
	grown = realloc(response->body, response->body_size + size + 1);
	if (!grown)
		return err_sys(transfer->err, ENOMEM, "cannot read the answer");
	memcpy(grown + response->body_size, bytes, size);
	response->body = grown;
	response->body_size += size;
	response->body[response->body_size] = '\0';
	return 0;
}

static int deliver(struct transfer *transfer, const char *bytes, size_t size)
{
	const struct http_request *request = transfer->request;
	struct http_response *response = transfer->response;
	int rc;

	if (transfer->skip >= size) {
		transfer->skip -= size;
		return 0;
	}
	bytes += transfer->skip;
	size -= (size_t)transfer->skip;
	transfer->skip = 0;
	if (request->length && size > request->length - response->delivered)
		return err_set(transfer->err, ERR_SYSTEM, ERANGE, "the server sends more than the part that was asked for");
	if (request->size && size > request->size - request->from - response->delivered)
		return err_set(transfer->err, ERR_SYSTEM, EFBIG, "the server sends more than the %" PRIu64 " bytes announced",
			       request->size);
	rc = request->sink(request->context, bytes, size, transfer->err);
	if (rc == 0)
		response->delivered += size;
	return rc;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *context)
{
	struct transfer *transfer = context;

	(void)one;
	if (!transfer->decided)
		decide(transfer);
	if (transfer->failed == 0)
		transfer->failed = transfer->to_sink ? deliver(transfer, bytes, size) : collect(transfer, bytes, size);
	return transfer->failed < 0 ? 0 : size;
}

static size_t on_read(char *bytes, size_t one, size_t size, void *context)
{
	struct transfer *transfer = context;
	const struct http_request *request = transfer->request;
	uint64_t left = request->body_size - transfer->sent;
	ssize_t got;

	size *= one;
	if (size > left)
		size = (size_t)left;
	if (size == 0)
		return 0;
	got = pread(request->body_fd, bytes, size, (off_t)(request->body_offset + transfer->sent));
	if (got <= 0) {
		transfer->failed = got == 0 ? err_set(transfer->err, ERR_SYSTEM, EIO, "the file became shorter while it was sent") :
					      err_sys(transfer->err, errno, "cannot read the file to send");
		return CURL_READFUNC_ABORT;
	}
	transfer->sent += (uint64_t)got;
	if (request->sent)
		request->sent(request->context, transfer->sent);
	return (size_t)got;
}

static int on_seek(void *context, curl_off_t offset, int origin)
{
	struct transfer *transfer = context;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_FAIL;
	transfer->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int on_progress(void *context, curl_off_t all_down, curl_off_t down, curl_off_t all_up, curl_off_t up)
{
	(void)context;
	(void)all_down;
	(void)down;
	(void)all_up;
	(void)up;
	return is_stopped() ? 1 : 0;
}

/* ---- one exchange ---- */

static void add_header(struct transfer *transfer, struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = transfer->http->curl.slist_append(*list, line);

	if (longer)
		*list = longer;
	else
		transfer->failed = err_sys(transfer->err, ENOMEM, "cannot make a request");
}

static void add_header_value(struct transfer *transfer, struct curl_slist **list, const char *name, const char *value)
{
	cleanup_ptr char *line = NULL;

	if (asprintf(&line, "%s: %s", name, value) < 0) {
		line = NULL;
		transfer->failed = err_sys(transfer->err, ENOMEM, "cannot make a request");
		return;
	}
	add_header(transfer, list, line);
}

static struct curl_slist *make_headers(struct transfer *transfer)
{
	const struct http_request *request = transfer->request;
	uint64_t wanted = request->from + transfer->response->delivered;
	struct curl_slist *list = NULL;
	bool has_type = false;
	char range[64];

	for (size_t i = 0; request->headers && request->headers[i]; i++) {
		has_type |= value_of(request->headers[i], "content-type") != NULL;
		add_header(transfer, &list, request->headers[i]);
	}
	if (request->authorization && transfer->authorized)
		add_header_value(transfer, &list, "Authorization", request->authorization);
	if (request->sink && (wanted > 0 || request->length > 0)) {
		if (request->length > 0)
			(void)snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, wanted,
				       request->from + request->length - 1);
		else
			(void)snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", wanted);
		add_header_value(transfer, &list, "Range", range);
		if (transfer->validator)
			add_header_value(transfer, &list, "If-Range", transfer->validator);
	}
	/* Not what libcurl puts in by itself. */
	add_header(transfer, &list, "Expect:");
	if (!has_type)
		add_header(transfer, &list, "Content-Type:");
	return list;
}

static void set_body(struct transfer *transfer, const char *method)
{
	const struct http_request *request = transfer->request;
	CURLcode (*set)(CURL *, CURLoption, ...) = transfer->http->curl.easy_setopt;
	CURL *handle = transfer->handle;

	if (strcmp(method, "HEAD") == 0) {
		(void)set(handle, CURLOPT_NOBODY, 1L);
		return;
	}
	if (!request->body && request->body_size > 0) {
		(void)set(handle, CURLOPT_UPLOAD, 1L);
		(void)set(handle, CURLOPT_READFUNCTION, on_read);
		(void)set(handle, CURLOPT_READDATA, transfer);
		(void)set(handle, CURLOPT_SEEKFUNCTION, on_seek);
		(void)set(handle, CURLOPT_SEEKDATA, transfer);
		(void)set(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
	} else if (strcmp(method, "GET") != 0) {
		(void)set(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
		(void)set(handle, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	}
	(void)set(handle, CURLOPT_CUSTOMREQUEST, method);
}

static void set_options(struct transfer *transfer, const char *method, struct curl_slist *headers)
{
	struct http *http = transfer->http;
	CURLcode (*set)(CURL *, CURLoption, ...) = http->curl.easy_setopt;
	CURL *handle = transfer->handle;

	http->curl.easy_reset(handle); /* keeps connections, sessions and names */
	(void)set(handle, CURLOPT_URL, transfer->url);
	(void)set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)set(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)set(handle, CURLOPT_FOLLOWLOCATION, 0L);
	(void)set(handle, CURLOPT_NOSIGNAL, 1L);
	(void)set(handle, CURLOPT_USERAGENT, http->agent);
	(void)set(handle, CURLOPT_HTTPHEADER, headers);
	/* Headers for the server do not go to a proxy that tunnels. */
	(void)set(handle, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	(void)set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)set(handle, CURLOPT_CONNECTTIMEOUT, http->stall_seconds < CONNECT_SECONDS ? http->stall_seconds : CONNECT_SECONDS);
	(void)set(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)set(handle, CURLOPT_LOW_SPEED_TIME, http->stall_seconds);
	(void)set(handle, CURLOPT_ERRORBUFFER, transfer->text);
	(void)set(handle, CURLOPT_HEADERFUNCTION, on_header);
	(void)set(handle, CURLOPT_HEADERDATA, transfer);
	(void)set(handle, CURLOPT_WRITEFUNCTION, on_body);
	(void)set(handle, CURLOPT_WRITEDATA, transfer);
	(void)set(handle, CURLOPT_NOPROGRESS, 0L);
	(void)set(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
	if (http->trust_file)
		(void)set(handle, CURLOPT_CAINFO, http->trust_file);
	if (http->trust_dir)
		(void)set(handle, CURLOPT_CAPATH, http->trust_dir);
	set_body(transfer, method);
}

static bool is_connecting(CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;
}

static int explain(struct transfer *transfer, CURLcode code)
{
	cleanup_ptr char *shown = url_without_query(transfer->url);
	const char *name = shown ? shown : "the server";
	const char *text = *transfer->text ? transfer->text : transfer->http->curl.easy_strerror(code);

	if (is_stopped())
		return err_set(transfer->err, ERR_SYSTEM, EINTR, "interrupted while talking to %s", name);
	if (transfer->failed < 0)
		return err_wrap(transfer->err, "%s", name);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(transfer->err, ERR_SYSTEM, ETIMEDOUT,
			       "%s does not answer: nothing came for %ld seconds (SINGULARITY_NETWORK_TIMEOUT sets how long to wait)",
			       name, transfer->http->stall_seconds);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return err_set(transfer->err, ERR_SYSTEM, EKEYREJECTED,
			       "cannot trust %s: %s (SSL_CERT_FILE names a file with other authorities)", name, text);
	if (code == CURLE_SSL_CACERT_BADFILE)
		return err_set(transfer->err, ERR_SYSTEM, ENOKEY, "cannot read the trusted certificates in %s: %s",
			       transfer->http->trust_file ? transfer->http->trust_file : "the default place", text);
	if (is_connecting(code))
		return err_set(transfer->err, ERR_SYSTEM, EHOSTUNREACH, "cannot reach %s: %s", name, text);
	if (code == CURLE_SSL_CONNECT_ERROR)
		return err_set(transfer->err, ERR_SYSTEM, EPROTONOSUPPORT, "cannot talk TLS with %s: %s", name, text);
	return err_set(transfer->err, ERR_SYSTEM, EIO, "the connection to %s broke: %s", name, text);
}

/* One request and its answer. A cut body is an error; *@code tells it from others. */
static int exchange(struct transfer *transfer, const char *method, CURLcode *code)
{
	struct http *http = transfer->http;
	struct http_response *response = transfer->response;
	const struct http_request *request = transfer->request;
	uint64_t end = request->length > 0 ? request->from + request->length : request->size;
	cleanup_ptr char *shown = url_without_query(transfer->url);
	struct curl_slist *headers;

	forget_answer(response);
	transfer->decided = transfer->to_sink = false;
	transfer->skip = transfer->sent = 0;
	transfer->failed = 0;
	transfer->text[0] = '\0';
	*code = CURLE_OUT_OF_MEMORY;
	headers = make_headers(transfer);
	if (transfer->failed == 0) {
		set_options(transfer, method, headers);
		*code = http->curl.easy_perform(transfer->handle);
		if (*code == CURLE_OK && !transfer->decided)
			decide(transfer);
	}
	http->curl.slist_free_all(headers);
	if (*code == CURLE_OK && transfer->failed == 0 && transfer->to_sink && end > 0 &&
	    request->from + response->delivered < end) {
		*code = CURLE_PARTIAL_FILE;
		(void)snprintf(transfer->text, sizeof(transfer->text), "the answer ends after %" PRIu64 " of %" PRIu64 " bytes",
			       request->from + response->delivered, end);
	}
	log_debug("%s %s: %ld", method, shown ? shown : "", *code == CURLE_OK ? response->status : -(long)*code);
	if (*code != CURLE_OK || transfer->failed < 0)
		return explain(transfer, *code);
	response->url = strdup(transfer->url);
	return response->url ? 0 : err_sys(transfer->err, ENOMEM, "cannot keep an address");
}

/* ---- redirects ---- */

static bool is_redirect(const struct http_response *response, const char *method)
{
	bool safe = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (!http_get_header(response, "location"))
		return false;
	return response->status == 307 || response->status == 308 ||
	       (safe && (response->status == 301 || response->status == 302 || response->status == 303));
}

static int follow(struct transfer *transfer)
{
	cleanup_ptr char *origin = NULL;
	char *next;
	int rc = url_resolve(transfer->url, http_get_header(transfer->response, "location"), &next, transfer->err);

	if (rc < 0)
		return rc;
	free(transfer->url);
	transfer->url = next;
	origin = url_get_origin(next);
	/* For good: a way back that another origin chose must not carry it either. */
	if (!origin || strcmp(origin, transfer->origin) != 0)
		transfer->authorized = false;
	return 0;
}

/* From the request's own URL to the end of its redirects. */
static int follow_all(struct transfer *transfer, const char *method, CURLcode *code)
{
	int rc;

	*code = CURLE_OUT_OF_MEMORY;
	free(transfer->url);
	transfer->url = strdup(transfer->request->url);
	if (!transfer->url)
		return err_sys(transfer->err, ENOMEM, "cannot make a request");
	transfer->authorized = true;
	for (int i = 0; i <= REDIRECTS_MAX; i++) {
		rc = exchange(transfer, method, code);
		if (rc < 0 || transfer->request->stay || !is_redirect(transfer->response, method))
			return rc;
		rc = follow(transfer);
		if (rc < 0)
			return rc;
	}
	return err_set(transfer->err, ERR_SYSTEM, ELOOP, "%s redirects more than %d times", transfer->request->url, REDIRECTS_MAX);
}

/* ---- tries ---- */

static bool may_pass(CURLcode code)
{
	switch ((int)code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_GOT_NOTHING:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_HTTP2:
		return true;
	default:
		return false;
	}
}

static bool status_may_pass(long status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* Between half and one and a half of it: those who failed together do not come back together. */
static int64_t add_jitter(int64_t pause_ms)
{
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
		chance = (uint32_t)getpid() * 2654435761U;
	return pause_ms / 2 + (int64_t)(chance % (uint32_t)(pause_ms + 1));
}

/* What the server wants; -1: it does not say. Seconds or a date: see RFC 9110, 10.2.3. */
static int64_t get_retry_after_ms(const struct http_response *response)
{
	const char *text = http_get_header(response, "retry-after");
	struct tm date = {.tm_isdst = 0};
	const char *rest;
	char *end;
	long long seconds;

	if (!text)
		return -1;
	seconds = strtoll(text, &end, 10);
	if (end != text && *end == '\0')
		return seconds < 0 ? -1 : seconds > RETRY_AFTER_MAX_MS ? INT64_MAX : seconds * 1000;
	rest = strptime(text, "%a, %d %b %Y %H:%M:%S", &date);
	if (!rest || strcmp(rest, " GMT") != 0)
		return -1;
	seconds = (long long)timegm(&date) - (long long)time(NULL);
	return seconds < 0 ? 0 : seconds > RETRY_AFTER_MAX_MS ? INT64_MAX : seconds * 1000;
}

static int wait_ms(int64_t pause_ms, struct err *err)
{
	for (; pause_ms > 0 && !is_stopped(); pause_ms -= PAUSE_SLICE_MS) {
		int64_t slice = pause_ms < PAUSE_SLICE_MS ? pause_ms : PAUSE_SLICE_MS;
		const struct timespec span = {.tv_sec = 0, .tv_nsec = (long)slice * 1000000};

		(void)nanosleep(&span, NULL);
	}
	return is_stopped() ? err_set(err, ERR_SYSTEM, EINTR, "interrupted while waiting for a server") : 0;
}

struct tries {
	int without_progress, failures;
	uint64_t delivered; /* at the last failure */
};

/* After a failure that may pass: wait, and true; false when it is time to give up. */
static bool try_again(struct transfer *transfer, struct tries *tries, int rc, CURLcode code)
{
	int64_t asked = rc == 0 ? get_retry_after_ms(transfer->response) : -1, pause_ms;
	cleanup_ptr char *shown = url_without_query(transfer->url);
	struct err reason = *transfer->err;
	int most = rc < 0 && is_connecting(code) ? TRIES_TO_CONNECT : rc < 0 && code == CURLE_OPERATION_TIMEDOUT ? 2 : TRIES_MAX;

	if (transfer->response->delivered > tries->delivered)
		tries->without_progress = 0;
	tries->delivered = transfer->response->delivered;
	if (transfer->request->once || ++tries->without_progress >= most || ++tries->failures >= FAILURES_MAX)
		return false;
	pause_ms = (int64_t)PAUSE_FIRST_MS << (tries->without_progress - 1);
	pause_ms = add_jitter(pause_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms);
	if (asked > RETRY_AFTER_MAX_MS)
		return false;
	if (asked > pause_ms)
		pause_ms = asked;
	if (rc < 0)
		log_verbose("%s; trying again in %.1f s", reason.message, (double)pause_ms / 1000);
	else
		log_message(pause_ms >= 2000 ? LOG_LEVEL_INFO : LOG_LEVEL_VERBOSE, __func__, "%s answers %ld %s; trying again in %.1f s",
			    shown ? shown : "server", transfer->response->status, name_status(transfer->response->status),
			    (double)pause_ms / 1000);
	return wait_ms(pause_ms, transfer->err) == 0;
}

static int perform(struct transfer *transfer)
{
	const char *method = transfer->request->method ? transfer->request->method : "GET";
	struct tries tries = {.failures = 0};
	CURLcode code;
	int rc;

	for (;;) {
		rc = follow_all(transfer, method, &code);
		if (rc == 0 && !status_may_pass(transfer->response->status))
			return 0;
		if (rc < 0 && (transfer->failed < 0 || is_stopped() || !may_pass(code)))
			return rc;
		if (!try_again(transfer, &tries, rc, code))
			return is_stopped() ? err_set(transfer->err, ERR_SYSTEM, EINTR, "interrupted") : rc;
	}
}

int http_perform(struct http *http, const struct http_request *request, struct http_response *response, struct err *err)
{
	struct err own = ERR_INIT;
	struct transfer transfer = {.http = http, .request = request, .response = response, .err = &own};
	int rc;

	response->delivered = 0;
	transfer.origin = url_get_origin(request->url);
	if (!transfer.origin)
		return err_set(err, ERR_SYSTEM, EINVAL, "%s is no address of http or https", request->url);
	transfer.handle = take_handle(http);
	if (!transfer.handle) {
		free(transfer.origin);
		return err_sys(err, ENOMEM, "cannot make a request");
	}
	rc = perform(&transfer);
	give_handle(http, transfer.handle);
	free(transfer.origin);
	free(transfer.url);
	free(transfer.validator);
	if (rc < 0 && err)
		*err = own;
	return rc;
}
