/* SPDX-License-Identifier: BSD-3-Clause */
/* imager resolve: the path of the image that a launch shall run, on standard output. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/imager.h"
#include "frontend/pull/interrupt.h"
#include "frontend/pull/options.h"
#include "frontend/pull/resolve.h"
#include "frontend/pull/transport.h"
#include "frontend/settings/cache.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define EXIT_FATAL 255
#define FRESHNESS_SECONDS 60

static int read_freshness(long *out, struct err *err)
{
	const char *text = getenv("SINGULARITY_TAG_FRESHNESS");
	char *end;

	*out = FRESHNESS_SECONDS;
	if (!text || !*text)
		return 0;
	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno || *end || *out < 0)
		return err_set(err, ERR_SYSTEM, EINVAL,
			       "While parsing environment variables: SINGULARITY_TAG_FRESHNESS: \"%s\" is not a number of seconds",
			       text);
	return 0;
}

static int fetch_into(const char *uri, const struct pull_options *options, struct err *err)
{
	cleanup_fd int fd = open(options->into, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	int rc = fd < 0 ? err_sys(err, errno, "cannot make %s", options->into) : 0;

	if (rc == 0)
		rc = transport_fetch_into(uri, options, fd, err);
	if (rc < 0 && fd >= 0)
		(void)unlink(options->into);
	return rc;
}

static int run_resolve(const char *uri, struct pull_options *options, struct err *err)
{
	cleanup_ptr char *path = NULL;
	struct cache *cache = NULL;
	int rc = read_freshness(&options->freshness, err);

	if (rc == 0)
		rc = cache_open(options->disable_cache || options->into, &cache, err);
	if (rc < 0)
		return rc;
	if (!cache && !options->into)
		return RESOLVE_NO_CACHE;
	interrupt_prepare(cache ? cache_get_path(cache) : NULL);
	if (!cache)
		return fetch_into(uri, options, err);
	rc = transport_fetch(uri, options, cache, &path, err);
	if (rc == 0 && (printf("%s\n", path) < 0 || fflush(stdout) == EOF))
		rc = err_sys(err, errno, "cannot tell where the image is");
	return rc;
}

int resolve_main(int argc, char **argv)
{
	struct pull_options options = {.freshness = 0};
	struct err err = ERR_INIT;
	int first, rc = options_parse(argc, argv, &options, &first, &err);

	if (rc == 0 && argc - first != 1)
		rc = err_set(&err, ERR_BUG, EINVAL, "imager resolve takes one argument");
	if (rc == 0)
		rc = run_resolve(argv[first], &options, &err);
	options_fini(&options);
	if (rc < 0)
		log_fatal("%s", err.message);
	return rc < 0 ? EXIT_FATAL : rc;
}
