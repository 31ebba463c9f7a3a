/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/run_help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "frontend/image/attributes.h"

int run_help_run(const struct cli_request *request, struct err *err)
{
	const struct cli_run_help *options = &request->run_help;
	json_t *attributes = NULL, *from;
	const char *text;
	int rc = attributes_load(options->image, &attributes, err);

	if (rc < 0)
		return rc;
	from = options->app ? json_object_get(json_object_get(attributes, "apps"), options->app) : attributes;
	text = json_string_value(json_object_get(from, "helpfile"));
	if (!text || !*text)
		text = "No help sections were defined for this image";
	if (printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n") < 0 || fflush(stdout) != 0)
		rc = err_sys(err, errno, "cannot print the help");
	json_decref(attributes);
	return rc;
}
