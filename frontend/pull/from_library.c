/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/from_library.h"

#include <errno.h>
#include <stdlib.h>

#include "frontend/library/library_pull.h"
#include "frontend/pull/into_file.h"

struct from_library {
	struct transport transport;
	struct library_pull *pull;
};

static int identify(struct transport *transport, enum cache_type *type, char **key, struct err *err)
{
	struct from_library *library = (struct from_library *)transport;

	*type = CACHE_LIBRARY;
	return library_pull_identify(library->pull, transport->cache, key, err);
}

static int fill(struct transport *transport, int fd, struct err *err)
{
	struct from_library *library = (struct from_library *)transport;
	int rc = library_pull_fill(library->pull, fd, err);

	if (rc == 0)
		rc = into_file_check_sif(fd, err);
	return rc < 0 ? err_wrap(err, "cannot fetch %s", transport->reference) : 0;
}

static void close_transport(struct transport *transport)
{
	struct from_library *library = (struct from_library *)transport;

	library_pull_close(library->pull);
	free(library);
}

int from_library_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		      struct err *err)
{
	static const struct transport_ops ops = {identify, fill, close_transport};
	const struct library_pull_options how = {.library = options->library,
						 .arch = options->want.architecture,
						 .no_https = options->no_https,
						 .freshness = options->freshness};
	struct from_library *library = calloc(1, sizeof(*library));
	int rc;

	if (!library)
		return err_sys(err, ENOMEM, "cannot fetch %s", reference);
	library->transport = (struct transport){&ops, reference, options, cache};
	rc = library_pull_open(reference, &how, &library->pull, err);
	if (rc < 0)
		close_transport(&library->transport);
	else
		*out = &library->transport;
	return rc;
}
