/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands that fetch and send images are told on their command line. */
#ifndef FRONTEND_PULL_OPTIONS_H
#define FRONTEND_PULL_OPTIONS_H

#include <stdbool.h>

#include "frontend/oci/source.h"
#include "ipc/err.h"

/* Strings borrowed from the command line or the environment, NULL when not given, unless marked owned. */
struct pull_options {
	bool force, disable_cache, no_https, docker_login, allow_unsigned;
	const char *dir, *name;
	const char *arch, *platform;
	const char *tmpdir; /* never NULL */
	const char *docker_host, *username, *password, *authfile;
	const char *library, *description;
	const char *into;   /* resolve: the file to write to where there is no cache */
	long freshness;     /* seconds that what a tag stood for may be remembered; 0: ask */
	struct oci_platform want; /* owned: of arch, platform, or this host */
	char *asked_username, *asked_password; /* owned: typed by the user, and what username and password point to */
};

/* options_parse() - the options in @argv, from argv[1] on; *@first is the index of the first argument after them. Asks for user
 * name and password with --docker-login. options_fini() also after failure. */
int options_parse(int argc, char **argv, struct pull_options *options, int *first, struct err *err);
void options_fini(struct pull_options *options);

/* options_for_source() - as the sources of images take them; borrows from @options. */
struct source_options options_for_source(const struct pull_options *options);

#endif
