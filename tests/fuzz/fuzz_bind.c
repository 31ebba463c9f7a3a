/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/launch/bind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_destination(const char *path)
{
	if (path[0] != '/' || path[1] == '\0' || strstr(path, "//") || strstr(path, "/../") || strstr(path, "/./"))
		abort();
}

static void check(int result, struct bind_spec *spec, const struct err *err)
{
	if (result < 0) {
		if (err->message[0] == '\0')
			abort();
		return;
	}
	if (!spec->source || !spec->source[0])
		abort();
	if (spec->destination)
		check_destination(spec->destination);
	bind_fini(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bind_spec spec;
	struct err err = ERR_INIT;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check(bind_parse(text, &spec, &err), &spec, &err);
	err = (struct err)ERR_INIT;
	check(bind_parse_mount(text, &spec, &err), &spec, &err);
	free(text);
	return 0;
}
