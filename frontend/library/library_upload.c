/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/library/library_upload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "frontend/registry/digest.h"
#include "frontend/registry/url.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define SINGLE_BYTES_MAX ((uint64_t)64 * 1024 * 1024) /* storage takes no smaller parts than this client sends at once */
#define PARTS_MAX 10000
#define READ_BYTES ((size_t)1024 * 1024)
#define SUM_HEADER "x-amz-content-sha256"

static int out_of_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot push to the library");
}

/* A request with the JSON @body (consumed) to v2/imagefile/<id>@suffix. */
static int call(struct library_upload *upload, const char *method, const char *suffix, json_t *body, json_t **data, struct err *err)
{
	cleanup_ptr char *path = NULL, *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	if (!text || asprintf(&path, "v2/imagefile/%s%s", upload->image_id, suffix) < 0) {
		path = NULL;
		return out_of_memory(err);
	}
	return library_api_call(upload->api, method, path, text, data, err);
}

/* ---- storage ---- */

bool library_upload_signs_sum(const char *url)
{
	static const char key[] = "X-Amz-SignedHeaders=";
	const char *query = strchr(url, '?');
	const char *names = query ? strstr(query, key) : NULL;
	size_t len;

	if (!names || (names[-1] != '?' && names[-1] != '&'))
		return false;
	names += strlen(key);
	len = strcspn(names, "&#");
	/* Names with ; between them, which may be written %3B. */
	while (len > 0) {
		size_t name = 0;

		while (name < len && names[name] != ';' && names[name] != '%')
			name++;
		if (name == strlen(SUM_HEADER) && strncmp(names, SUM_HEADER, name) == 0)
			return true;
		if (name == len)
			break;
		name += names[name] == '%' && len - name >= 3 ? 3 : 1;
		names += name;
		len -= name;
	}
	return false;
}

/* The library names where the bytes go; the address itself is the permission, so no token goes there. */
static int check_storage(const struct library_upload *upload, const char *url, struct err *err)
{
	if (!url || !url_is_valid(url) || url_has_user(url))
		return err_set(err, ERR_SYSTEM, EPROTO, "the library names no address to send the image to");
	if (url_is_https(upload->api->base) && !url_is_https(url))
		return err_set(err, ERR_SYSTEM, EPROTO, "the library wants the image to be sent to an address without https");
	return 0;
}

static void show_sent(void *context, uint64_t bytes)
{
	const struct library_upload *upload = context;

	progress_update(upload->progress, upload->bar, upload->sent_before + bytes);
}

/* @size bytes from @offset on to @url; *@etag (owned; may be NULL) of the answer. @sum NULL: no header with it. */
static int put_bytes(struct library_upload *upload, const char *url, uint64_t offset, uint64_t size, const char *sum,
		     char **etag, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	char header[sizeof(SUM_HEADER) + DIGEST_TEXT_MAX + 2];
	const char *headers[] = {"Content-Type: application/octet-stream", sum ? header : NULL, NULL};
	struct http_request request = {.method = "PUT",
				       .url = url,
				       .headers = headers,
				       .body_fd = upload->fd,
				       .body_offset = offset,
				       .body_size = size,
				       .sent = show_sent,
				       .context = upload};
	const char *found;
	int rc;

	if (sum)
		(void)snprintf(header, sizeof(header), SUM_HEADER ": %s", sum);
	rc = http_perform(upload->api->endpoint.http, &request, &response, err);
	if (rc == 0 && (response.status < 200 || response.status > 299))
		rc = http_fail(&response, err, "the library's storage does not take the image");
	found = http_get_header(&response, "etag");
	if (rc == 0 && etag) {
		*etag = strdup(found ? found : "");
		rc = *etag ? 0 : out_of_memory(err);
	}
	http_response_fini(&response);
	return rc;
}

/* ---- in one piece ---- */

static int send_single(struct library_upload *upload, json_t **quota, struct err *err)
{
	json_t *body = json_pack("{s:I, s:s, s:s*}", "filesize", (json_int_t)upload->size, "sha256sum", upload->sha256, "md5sum",
				 upload->md5);
	const char *url;
	json_t *data;
	int rc = call(upload, "POST", "", body, &data, err);

	if (rc < 0)
		return rc;
	url = json_string_value(json_object_get(data, "uploadURL"));
	rc = check_storage(upload, url, err);
	if (rc == 0)
		rc = put_bytes(upload, url, 0, upload->size, library_upload_signs_sum(url) ? upload->sha256 : NULL, NULL, err);
	json_decref(data);
	return rc < 0 ? rc : call(upload, "PUT", "/_complete", json_object(), quota, err);
}

/* ---- in parts ---- */

struct multipart {
	char *id; /* owned */
	uint64_t part_bytes;
	uint64_t count;
	bool sums; /* storage wants the sum of each part */
};

static int start_multipart(struct library_upload *upload, struct multipart *out, struct err *err)
{
	json_t *data, *compliant;
	const char *id;
	json_int_t count, bytes;
	int rc = call(upload, "POST", "/_multipart", json_pack("{s:I}", "filesize", (json_int_t)upload->size), &data, err);

	if (rc < 0)
		return rc;
	id = json_string_value(json_object_get(data, "uploadID"));
	count = json_integer_value(json_object_get(data, "totalParts"));
	bytes = json_integer_value(json_object_get(data, "partSize"));
	compliant = json_object_get(json_object_get(data, "options"), "s3compliant");
	out->sums = !json_is_string(compliant) || strcmp(json_string_value(compliant), "") == 0 ||
		    strcmp(json_string_value(compliant), "true") == 0;
	if (!id || !*id || count < 1 || count > PARTS_MAX || bytes < 1 ||
	    (upload->size - 1) / (uint64_t)bytes + 1 != (uint64_t)count) {
		rc = err_set(err, ERR_SYSTEM, EPROTO, "the library's parts do not make up the image of %" PRIu64 " bytes",
			     upload->size);
	} else {
		out->id = strdup(id);
		out->count = (uint64_t)count;
		out->part_bytes = (uint64_t)bytes;
		rc = out->id ? 0 : out_of_memory(err);
	}
	json_decref(data);
	return rc;
}

static int sum_part(const struct library_upload *upload, uint64_t offset, uint64_t size, char out[DIGEST_TEXT_MAX], struct err *err)
{
	cleanup_ptr char *bytes = malloc(READ_BYTES);
	struct digest *digest = NULL;
	int rc = bytes ? digest_new(&digest, err) : out_of_memory(err);

	while (rc == 0 && size > 0) {
		ssize_t got = pread(upload->fd, bytes, size < READ_BYTES ? (size_t)size : READ_BYTES, (off_t)offset);

		if (got == 0)
			rc = err_set(err, ERR_SYSTEM, EIO, "the image became shorter while it was read");
		else if (got < 0 && errno != EINTR)
			rc = err_sys(err, errno, "cannot read the image");
		else if (got > 0) {
			rc = digest_update(digest, bytes, (size_t)got, err);
			offset += (uint64_t)got;
			size -= (uint64_t)got;
		}
	}
	if (rc == 0)
		rc = digest_finish(digest, out, err);
	digest_free(digest);
	return rc;
}

/* Part @number (from 1 on): where to, the bytes, and what storage calls it into @completed. */
static int send_part(struct library_upload *upload, const struct multipart *multipart, uint64_t number, json_t *completed,
		     struct err *err)
{
	uint64_t offset = (number - 1) * multipart->part_bytes, left = upload->size - offset;
	uint64_t size = left < multipart->part_bytes ? left : multipart->part_bytes;
	cleanup_ptr char *etag = NULL;
	char sum[DIGEST_TEXT_MAX] = "";
	const char *hex = NULL, *url;
	json_t *data;
	int rc = 0;

	if (multipart->sums) {
		rc = sum_part(upload, offset, size, sum, err);
		hex = rc == 0 ? strchr(sum, ':') + 1 : NULL;
	}
	if (rc == 0)
		rc = call(upload, "PUT", "/_multipart",
			  json_pack("{s:I, s:s, s:I, s:s}", "partSize", (json_int_t)size, "uploadID", multipart->id, "partNumber",
				    (json_int_t)number, "sha256sum", hex ? hex : ""),
			  &data, err);
	if (rc < 0)
		return rc;
	url = json_string_value(json_object_get(data, "presignedURL"));
	rc = check_storage(upload, url, err);
	upload->sent_before = offset;
	if (rc == 0)
		rc = put_bytes(upload, url, offset, size, hex, &etag, err);
	json_decref(data);
	if (rc == 0 && json_array_append_new(completed, json_pack("{s:I, s:s}", "partNumber", (json_int_t)number, "token", etag)) < 0)
		rc = out_of_memory(err);
	return rc;
}

static void abort_multipart(struct library_upload *upload, const struct multipart *multipart)
{
	struct err err = ERR_INIT;

	if (call(upload, "PUT", "/_multipart_abort", json_pack("{s:s}", "uploadID", multipart->id), NULL, &err) < 0)
		log_warning("the library may keep the parts that were sent: %s", err.message);
}

static int send_parts(struct library_upload *upload, json_t **quota, bool *offered, struct err *err)
{
	struct multipart multipart = {.id = NULL};
	json_t *completed = json_array();
	int rc = completed ? start_multipart(upload, &multipart, err) : out_of_memory(err);

	/* Only the start may say that the library knows no parts. */
	*offered = rc != -ENOENT;
	for (uint64_t number = 1; rc == 0 && number <= multipart.count; number++)
		rc = send_part(upload, &multipart, number, completed, err);
	if (rc == 0)
		rc = call(upload, "PUT", "/_multipart_complete",
			  json_pack("{s:s, s:O}", "uploadID", multipart.id, "completedParts", completed), quota, err);
	if (rc < 0 && multipart.id)
		abort_multipart(upload, &multipart);
	json_decref(completed);
	free(multipart.id);
	return rc;
}

/* ---- the old way ---- */

static int send_old(struct library_upload *upload, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	cleanup_ptr char *url = NULL;
	struct http_request request = {.method = "POST",
				       .authorization = upload->api->authorization,
				       .body_fd = upload->fd,
				       .body_size = upload->size,
				       .sent = show_sent,
				       .context = upload};
	int rc;

	if (asprintf(&url, "%s/v1/imagefile/%s", upload->api->base, upload->image_id) < 0) {
		url = NULL;
		return out_of_memory(err);
	}
	request.url = url;
	rc = http_perform(upload->api->endpoint.http, &request, &response, err);
	if (rc == 0 && (response.status < 200 || response.status > 299))
		rc = http_fail(&response, err, "the library does not take the image");
	http_response_fini(&response);
	return rc;
}

int library_upload_send(struct library_upload *upload, json_t **quota, struct err *err)
{
	enum library_api_version version;
	struct err own = ERR_INIT;
	bool offered;
	int rc = library_api_get_version(upload->api, &version, err);

	*quota = NULL;
	if (rc < 0)
		return rc;
	if (version < LIBRARY_API_V2_UPLOAD)
		return send_old(upload, err);
	if (upload->size <= SINGLE_BYTES_MAX)
		return send_single(upload, quota, err);
	rc = send_parts(upload, quota, &offered, &own);
	if (rc < 0 && !offered)
		return send_single(upload, quota, err);
	return rc < 0 ? err_set(err, own.kind, own.errnum, "%s", own.message) : 0;
}
