/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/oci/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "frontend/oci/archive.h"
#include "frontend/oci/spool.h"
#include "frontend/registry/curl_calls.h"
#include "frontend/registry/trust_store.h"
#include "ipc/cleanup.h"

#define SOCKET_DEFAULT "/var/run/docker.sock"
#define CONNECT_SECONDS 30L
#define REPLY_MAX ((size_t)64 * 1024) /* of an error */

struct download {
	int fd;
	struct err err; /* of writing */
};

/* Names are put into the path of a request as they are. */
static bool is_plain_name(const char *name)
{
	return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/:@-")] == '\0' &&
	       !strstr(name, "..") && name[0] != '/' && name[0] != '-';
}

static size_t take_bytes(char *bytes, size_t one, size_t size, void *context)
{
	struct download *download = context;

	(void)one;
	return spool_write(download->fd, bytes, size, &download->err) < 0 ? 0 : size;
}

/* Where the engine listens: *@socket_path, or NULL and the start of the URL in @base. */
static int find_engine(const struct source_options *options, const char **socket_path, char *base, size_t base_size, struct err *err)
{
	const char *host = options->docker_host && *options->docker_host ? options->docker_host : getenv("DOCKER_HOST");

	(void)snprintf(base, base_size, "http://localhost");
	*socket_path = SOCKET_DEFAULT;
	if (!host || !*host)
		return 0;
	if (strncmp(host, "unix://", 7) == 0) {
		*socket_path = host + 7;
		return 0;
	}
	*socket_path = NULL;
	if (strncmp(host, "tcp://", 6) == 0)
		(void)snprintf(base, base_size, "http://%s", host + 6);
	else if (strncmp(host, "http://", 7) == 0 || strncmp(host, "https://", 8) == 0)
		(void)snprintf(base, base_size, "%s", host);
	else
		return err_set(err, ERR_USAGE, EINVAL, "cannot use the engine at DOCKER_HOST=%s: only unix://, tcp://, http:// and https:// are known",
			       host);
	return 0;
}

/* What the engine said is in the file instead of the image. */
static int refuse_reply(int fd, long status, const char *name, struct err *err)
{
	cleanup_ptr char *text = NULL;
	off_t size = lseek(fd, 0, SEEK_END);
	json_t *reply = NULL;
	const char *message;

	if (size > 0 && spool_read(fd, 0, (size_t)size < REPLY_MAX ? (size_t)size : REPLY_MAX, &text, NULL) == 0)
		reply = json_loads(text, 0, NULL);
	message = json_string_value(json_object_get(reply, "message"));
	(void)err_set(err, ERR_IMAGE, status == 404 ? ENOENT : EIO, "cannot get docker-daemon:%s: the engine answers %ld: %s", name, status,
		      message ? message : "no reason given");
	json_decref(reply);
	return status == 404 ? -ENOENT : -EIO;
}

static int fetch(const struct curl_calls *calls, CURL *curl, const char *url, const char *socket_path, const char *name, struct download *download, struct err *err)
{
	cleanup_ptr char *trust_file = NULL, *trust_dir = NULL;
	char reason[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode code;
	int rc;

	rc = trust_store_find(&trust_file, &trust_dir, err);
	if (rc < 0)
		return rc;
	if (trust_file)
		(void)calls->easy_setopt(curl, CURLOPT_CAINFO, trust_file);
	if (trust_dir)
		(void)calls->easy_setopt(curl, CURLOPT_CAPATH, trust_dir);
	(void)calls->easy_setopt(curl, CURLOPT_URL, url);
	(void)calls->easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)calls->easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)calls->easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)calls->easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	(void)calls->easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	(void)calls->easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	(void)calls->easy_setopt(curl, CURLOPT_WRITEDATA, download);
	(void)calls->easy_setopt(curl, CURLOPT_USERAGENT, "singularity/" SINGULARITY_VERSION);
	if (socket_path) {
		(void)calls->easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
		(void)calls->easy_setopt(curl, CURLOPT_PROXY, "");
	}
	code = calls->easy_perform(curl);
	if (download->err.kind != ERR_NONE) {
		if (err)
			*err = download->err;
		return err_wrap(err, "cannot get docker-daemon:%s", name);
	}
	if (code != CURLE_OK)
		return err_set(err, ERR_SYSTEM, EIO, "cannot get docker-daemon:%s from the engine at %s: %s", name,
			       socket_path ? socket_path : url, reason[0] ? reason : calls->easy_strerror(code));
	(void)calls->easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? 0 : refuse_reply(download->fd, status, name, err);
}

int daemon_open(const char *name, const struct source_options *options, struct oci_source **out, struct err *err)
{
	struct download download = {.fd = -1, .err = ERR_INIT};
	cleanup_ptr char *url = NULL;
	cleanup_fd int fd = -1;
	const char *socket_path;
	char base[512];
	struct curl_calls calls;
	CURL *curl;
	int rc = is_plain_name(name) ? find_engine(options, &socket_path, base, sizeof(base), err)
				     : err_set(err, ERR_USAGE, EINVAL, "cannot get docker-daemon:%s: not the name of an image", name);

	if (rc == 0)
		rc = spool_open(options->tmpdir, &fd, err);
	if (rc < 0)
		return rc;
	if (asprintf(&url, "%s/images/%s/get", base, name) < 0) {
		url = NULL;
		return err_sys(err, ENOMEM, "cannot get docker-daemon:%s", name);
	}
	rc = curl_calls_load(&calls, err);
	if (rc < 0)
		return rc;
	curl = calls.easy_init();
	if (!curl)
		return err_sys(err, ENOMEM, "cannot get docker-daemon:%s", name);
	download.fd = fd;
	rc = fetch(&calls, curl, url, socket_path, name, &download, err);
	calls.easy_cleanup(curl);
	return rc < 0 ? rc : archive_open_consume(fd_take(&fd), name, NULL, options, out, err);
}
