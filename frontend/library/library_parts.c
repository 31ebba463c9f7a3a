/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/library/library_parts.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/settings/install.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"
#include "policy/conf_frontend.h"

#define CONCURRENCY_MAX 64

struct fetch {
	const struct library_parts *parts;
	uint64_t part_bytes;
	pthread_mutex_t lock;
	/* under the lock */
	uint64_t next, done;
	int failed;     /* negative errno of the first failure */
	struct err err; /* of it */
};

/* Where the bytes of one part go. */
struct part {
	struct fetch *fetch;
	uint64_t at;
};

/* ---- how many, how large ---- */

static uint64_t choose(const char *name, uint64_t configured, uint64_t max)
{
	const char *text = getenv(name);
	uint64_t value = configured;
	char *end;

	if (text && *text) {
		errno = 0;
		value = strtoull(text, &end, 10);
		if (errno != 0 || *end != '\0' || text[0] == '-' || value == 0) {
			log_warning("Error parsing %s; using default (%llu)", name, (unsigned long long)configured);
			value = configured;
		}
	}
	return value < 1 ? 1 : value > max ? max : value;
}

static void read_settings(uint64_t *concurrency, uint64_t *part_bytes)
{
	static struct conf_frontend conf; /* large */
	const char *given = getenv("SINGULARITY_CONFIG_FILE"); /* also what --config says */
	cleanup_ptr char *path = NULL;
	struct err err = ERR_INIT;
	int len;

	*concurrency = 3;
	*part_bytes = 5242880;
	len = given && *given ? asprintf(&path, "%s", given) : asprintf(&path, "%s/singularity.conf", install_get()->confdir);
	if (len < 0) {
		path = NULL;
		return;
	}
	if (conf_frontend_load(path, &conf, &err) == 0) {
		*concurrency = conf.download_concurrency;
		*part_bytes = conf.download_part_size;
	} else {
		log_debug("%s", err.message);
	}
	*concurrency = choose("SINGULARITY_DOWNLOAD_CONCURRENCY", *concurrency, CONCURRENCY_MAX);
	*part_bytes = choose("SINGULARITY_DOWNLOAD_PART_SIZE", *part_bytes, UINT64_MAX / 2);
}

/* ---- one part ---- */

static int write_part(void *context, const void *bytes, size_t size, struct err *err)
{
	struct part *part = context;
	struct fetch *fetch = part->fetch;
	const char *from = bytes;
	uint64_t done;
	size_t left = size;
	bool stop;

	while (left > 0) {
		ssize_t put = pwrite(fetch->parts->fd, from, left, (off_t)part->at);

		if (put < 0 && errno != EINTR)
			return err_sys(err, errno, "cannot write the image");
		if (put > 0) {
			from += put;
			left -= (size_t)put;
			part->at += (uint64_t)put;
		}
	}
	(void)pthread_mutex_lock(&fetch->lock);
	fetch->done += size;
	done = fetch->done;
	stop = fetch->failed != 0;
	(void)pthread_mutex_unlock(&fetch->lock);
	progress_update(fetch->parts->progress, fetch->parts->bar, done);
	/* Another part failed: this one is of no use any more. */
	return stop ? err_set(err, ERR_SYSTEM, ECANCELED, "another part of the file failed") : 0;
}

static int fetch_part(struct fetch *fetch, uint64_t at, struct err *err)
{
	const struct library_parts *parts = fetch->parts;
	uint64_t left = parts->size - at;
	struct part part = {.fetch = fetch, .at = at};
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.url = parts->url,
				       .authorization = parts->authorization,
				       .from = at,
				       .length = left < fetch->part_bytes ? left : fetch->part_bytes,
				       .size = parts->size,
				       .sink = write_part,
				       .context = &part};
	int rc = http_perform(parts->http, &request, &response, err);

	if (rc == 0 && response.status == 416)
		rc = err_set(err, ERR_SYSTEM, EBADMSG, "the file on the server is shorter than the library says");
	else if (rc == 0 && (response.status < 200 || response.status > 299))
		rc = http_fail(&response, err, "cannot fetch a part of the image");
	http_response_fini(&response);
	return rc;
}

static bool take_next(struct fetch *fetch, uint64_t *at)
{
	bool more;

	(void)pthread_mutex_lock(&fetch->lock);
	more = fetch->failed == 0 && fetch->next < fetch->parts->size;
	*at = fetch->next;
	if (more)
		fetch->next += fetch->part_bytes < fetch->parts->size - fetch->next ? fetch->part_bytes :
										      fetch->parts->size - fetch->next;
	(void)pthread_mutex_unlock(&fetch->lock);
	return more;
}

static void *work(void *context)
{
	struct fetch *fetch = context;
	uint64_t at;

	while (take_next(fetch, &at)) {
		struct err err = ERR_INIT;
		int rc = fetch_part(fetch, at, &err);

		if (rc == 0)
			continue;
		(void)pthread_mutex_lock(&fetch->lock);
		if (fetch->failed == 0) {
			fetch->failed = rc;
			fetch->err = err;
		}
		(void)pthread_mutex_unlock(&fetch->lock);
	}
	return NULL;
}

/* ---- all ---- */

int library_parts_fetch(const struct library_parts *parts, struct err *err)
{
	struct fetch fetch = {.parts = parts, .err = ERR_INIT};
	pthread_t threads[CONCURRENCY_MAX];
	uint64_t concurrency, count;
	size_t started = 0;

	read_settings(&concurrency, &fetch.part_bytes);
	count = (parts->size - 1) / fetch.part_bytes + 1;
	if (concurrency > count)
		concurrency = count;
	(void)pthread_mutex_init(&fetch.lock, NULL);
	/* This thread is one of them: it goes on alone where no other can be made. */
	while (started + 1 < concurrency && pthread_create(&threads[started], NULL, work, &fetch) == 0)
		started++;
	(void)work(&fetch);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	(void)pthread_mutex_destroy(&fetch.lock);
	if (fetch.failed < 0 && err)
		*err = fetch.err;
	return fetch.failed;
}
