/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/library/remote_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/log.h"

#define EXIT_FATAL 255

static const struct {
	const char *name;
	size_t text, truth; /* offset; the other one is 0 */
} rows[] = {
#define TEXT(name_, member) {name_, offsetof(struct remote_options, member) + 1, 0}
#define TRUTH(name_, member) {name_, 0, offsetof(struct remote_options, member) + 1}
	TEXT("config", config),       TEXT("tokenfile", tokenfile),       TEXT("username", username),
	TEXT("password", password),   TEXT("library", library),           TEXT("arch", arch),
	TEXT("order", order),         TEXT("timeout", timeout),           TRUTH("global", global),
	TRUTH("no-login", no_login),  TRUTH("insecure", insecure),        TRUTH("no-default", no_default),
	TRUTH("exclusive", exclusive), TRUTH("password-stdin", password_stdin), TRUTH("force", force),
	TRUTH("no-https", no_https),  TRUTH("signed", is_signed),
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

int remote_options_parse(int argc, char **argv, struct remote_options *out, struct err *err)
{
	struct option options[ROWS + 1] = {{NULL, 0, NULL, 0}};
	int index = 0, option;

	*out = (struct remote_options){.config = NULL};
	for (size_t i = 0; i < ROWS; i++)
		options[i] = (struct option){rows[i].name, rows[i].text ? required_argument : no_argument, NULL, 1};
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", options, &index)) != -1) {
		char *base = (char *)out;

		if (option != 1)
			return err_set(err, ERR_USAGE, EINVAL, "imager %s does not know the option %s", argv[0], argv[optind - 1]);
		if (rows[index].text)
			memcpy(base + rows[index].text - 1, &optarg, sizeof(optarg));
		else
			*(bool *)(void *)(base + rows[index].truth - 1) = true;
	}
	out->count = argc - optind;
	out->arguments = argv + optind;
	return 0;
}

int remote_options_finish(int rc, const struct err *err)
{
	struct err own = ERR_INIT;

	/* In the order in which it was said. */
	if (fflush(stdout) == EOF && rc == 0)
		rc = err_sys(&own, errno, "cannot write to standard output");
	else if (err)
		own = *err;
	if (rc == 0)
		return EXIT_SUCCESS;
	log_fatal("%s", own.message);
	return EXIT_FATAL;
}
