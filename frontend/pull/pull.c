/* SPDX-License-Identifier: BSD-3-Clause */
/* imager pull: an image from elsewhere becomes a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#include "frontend/imager.h"
#include "frontend/pack/target.h"
#include "frontend/library/library_pull.h"
#include "frontend/library/library_ref.h"
#include "frontend/pull/interrupt.h"
#include "frontend/pull/into_file.h"
#include "frontend/pull/options.h"
#include "frontend/pull/transport.h"
#include "frontend/settings/cache.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define EXIT_FATAL 255
#define COPY_BYTES (1024 * 1024)

/* ---- names ---- */

/* "docker://host/alpine:3.18" → "alpine_3.18.sif". Of http the last part as it is. */
static char *name_default(const char *uri)
{
	size_t length, colon;
	const char *rest = transport_find_rest(uri, &length), *last;
	const char *tag = "latest";
	char *name = NULL;
	int tag_length = 6;

	last = strrchr(rest, '/') ? strrchr(rest, '/') + 1 : rest;
	if (strncmp(uri, "http", 4) == 0 && (length == 4 || length == 5))
		return strdup(last);
	colon = strcspn(last, ":");
	if (last[colon]) {
		tag = last + colon + 1;
		tag_length = (int)strcspn(tag, ":,");
	}
	if (asprintf(&name, "%.*s_%.*s.sif", (int)colon, last, tag_length, tag) < 0)
		return NULL;
	return name;
}

static int name_target(const struct pull_options *options, const char *given, const char *uri, char **out, struct err *err)
{
	cleanup_ptr char *made = NULL;
	const char *name = given ? given : options->name;

	if (!name)
		name = made = name_default(uri);
	if (!name)
		return err_sys(err, ENOMEM, "cannot name the image");
	if (!*name)
		return err_set(err, ERR_SYSTEM, EINVAL, "%s has no file name: name one before it", uri);
	if (options->dir ? asprintf(out, "%s/%s", options->dir, name) < 0 : asprintf(out, "%s", name) < 0) {
		*out = NULL;
		return err_sys(err, ENOMEM, "cannot name the image");
	}
	return 0;
}

static int check_target(const char *path, bool force, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "cannot pull to %s", path);
	if (S_ISDIR(st.st_mode))
		return err_sys(err, EISDIR, "cannot pull to %s", path);
	if (force)
		return 0;
	return err_set(err, ERR_SYSTEM, EEXIST, "Image file already exists: \"%s\" - will not overwrite", path);
}

/* ---- from the cache to its place ---- */

/* No hard link: who signs the file or adds to it would change the cache. */
static int copy_plain(int from_fd, int to_fd, struct err *err)
{
	cleanup_ptr char *buffer = malloc(COPY_BYTES);
	ssize_t n;

	if (!buffer)
		return err_sys(err, ENOMEM, "cannot copy the image");
	while ((n = read(from_fd, buffer, COPY_BYTES)) > 0) {
		int rc = into_file_write(to_fd, buffer, (size_t)n, err);

		if (rc < 0)
			return rc;
	}
	return n < 0 ? err_sys(err, errno, "cannot read the cache") : 0;
}

static int copy_file(int from_fd, int to_fd, struct err *err)
{
	ssize_t n = 0;

	if (ioctl(to_fd, FICLONE, from_fd) == 0)
		return 0;
	do
		n = copy_file_range(from_fd, NULL, to_fd, NULL, (size_t)1 << 30, 0);
	while (n > 0);
	if (n == 0)
		return 0;
	/* Both descriptors stand where it stopped. */
	if (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM)
		return copy_plain(from_fd, to_fd, err);
	return err_sys(err, errno, "cannot write");
}

static int copy_cached(const char *path, int fd, struct err *err)
{
	cleanup_fd int from_fd = open(path, O_RDONLY | O_CLOEXEC);

	if (from_fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	return copy_file(from_fd, fd, err);
}

static void set_mode(int fd)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	if (fchmod(fd, 0777 & ~mask) < 0)
		log_debug("cannot set the mode of the image: %s", strerror(errno));
}

/* With a cache the image is there before anything is put at the target. */
static int pull_to(const char *path, const char *uri, const struct pull_options *options, struct cache *cache, struct err *err)
{
	cleanup_ptr char *cached = NULL;
	struct target target = TARGET_INIT;
	int rc = cache ? transport_fetch(uri, options, cache, &cached, err) : 0;

	if (rc == 0)
		rc = target_open(path, false, &target, err);
	if (rc == 0)
		rc = cached ? copy_cached(cached, target.fd, err) : transport_fetch_into(uri, options, target.fd, err);
	if (rc < 0 && cached)
		rc = err_wrap(err, "cannot make %s", path);
	if (rc == 0) {
		set_mode(target.fd);
		rc = target_commit(&target, err);
	}
	target_close(&target);
	return rc;
}

static int run_pull(const struct pull_options *options, const char *given, const char *uri, struct err *err)
{
	cleanup_ptr char *path = NULL, *whole = NULL;
	struct cache *cache = NULL;
	int rc;

	/* Without a scheme it is the name of an image in the library. */
	if (!transport_is_reference(uri)) {
		if (asprintf(&whole, "library://%s", uri) < 0) {
			whole = NULL;
			return err_sys(err, ENOMEM, "cannot pull %s", uri);
		}
		uri = whole;
	}
	rc = name_target(options, given, uri, &path, err);
	if (rc == 0)
		rc = check_target(path, options->force, err);
	if (rc == 0)
		rc = cache_open(options->disable_cache, &cache, err);
	if (rc < 0)
		return rc;
	interrupt_prepare(cache ? cache_get_path(cache) : NULL);
	rc = pull_to(path, uri, options, cache, err);
	if (rc == 0 && library_ref_is_reference(uri))
		library_warn_unverified(path);
	/* Not closed: the thread that waits for signals names it. */
	return rc;
}

int pull_main(int argc, char **argv)
{
	struct pull_options options = {.freshness = 0};
	struct err err = ERR_INIT;
	int first, rc = options_parse(argc, argv, &options, &first, &err);

	if (rc == 0 && argc - first != 1 && argc - first != 2)
		rc = err_set(&err, ERR_BUG, EINVAL, "imager pull takes one or two arguments");
	if (rc == 0)
		rc = run_pull(&options, argc - first == 2 ? argv[first] : NULL, argv[argc - 1], &err);
	options_fini(&options);
	if (rc < 0)
		log_fatal("%s", err.message);
	return rc < 0 ? EXIT_FATAL : EXIT_SUCCESS;
}
