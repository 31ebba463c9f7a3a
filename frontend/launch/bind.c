/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/bind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/cli_csv.h"
#include "ipc/cleanup.h"

#define BAD(err, ...) err_set(err, ERR_SYSTEM, EINVAL, __VA_ARGS__)

void bind_fini(struct bind_spec *spec)
{
	free(spec->source);
	free(spec->destination);
	free(spec->image_source);
	memset(spec, 0, sizeof(*spec));
}

char *bind_clean_path(const char *path)
{
	char *out = path[0] == '/' ? malloc(strlen(path) + 2) : NULL;
	size_t used = 0;

	if (!out)
		return NULL;
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (used > 0 && out[--used] != '/')
				;
		} else if (n > 0 && !(n == 1 && path[0] == '.')) {
			out[used++] = '/';
			memcpy(out + used, path, n);
			used += n;
		}
		path += n + (path[n] ? 1 : 0);
	}
	if (used == 0)
		out[used++] = '/';
	out[used] = '\0';
	return out;
}

/* Up to the next unescaped colon. */
static char *bind_next_field(const char **at)
{
	char *out = malloc(strlen(*at) + 1);
	size_t used = 0;

	while (out && **at && **at != ':') {
		if ((*at)[0] == '\\' && (*at)[1] == ':')
			(*at)++;
		out[used++] = *(*at)++;
	}
	if (out)
		out[used] = '\0';
	if (**at == ':')
		(*at)++;
	return out;
}

static int bind_parse_id(const char *text, uint32_t *out, struct err *err)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value == 0 || value > UINT32_MAX)
		return BAD(err, "id must be a positive number, not %s", text);
	*out = (uint32_t)value;
	return 0;
}

static int bind_set_option(struct bind_spec *spec, const char *option, struct err *err)
{
	if (strcmp(option, "ro") == 0 || strcmp(option, "rw") == 0) {
		spec->readonly = option[1] == 'o';
		return 0;
	}
	if (strncmp(option, "image-src=", 10) == 0 && option[10]) {
		free(spec->image_source);
		spec->image_source = strdup(option + 10);
		return spec->image_source ? 0 : -ENOMEM;
	}
	if (strncmp(option, "id=", 3) == 0)
		return bind_parse_id(option + 3, &spec->image_id, err);
	return BAD(err, "%s is not a valid bind option", option);
}

bool bind_is_option(const char *text)
{
	return strcmp(text, "ro") == 0 || strcmp(text, "rw") == 0 || strncmp(text, "image-src=", 10) == 0 ||
	       strncmp(text, "id=", 3) == 0;
}

static int bind_set_destination(struct bind_spec *spec, const char *text, struct err *err)
{
	free(spec->destination);
	spec->destination = bind_clean_path(text);
	if (!spec->destination)
		return BAD(err, "destination path %s must be absolute", text);
	if (spec->destination[1] == '\0')
		return BAD(err, "cannot bind to / of the container");
	return 0;
}

int bind_parse(const char *text, struct bind_spec *out, struct err *err)
{
	struct bind_spec spec = {NULL, NULL, NULL, 0, false};
	cleanup_ptr char *destination = NULL;
	const char *at = text;
	int result = 0;

	spec.source = bind_next_field(&at);
	destination = bind_next_field(&at);
	if (!spec.source || !spec.source[0]) {
		bind_fini(&spec);
		return BAD(err, "empty bind source in \"%s\"", text);
	}
	if (destination && destination[0])
		result = bind_set_destination(&spec, destination, err);
	while (result == 0 && *at) {
		size_t n = strcspn(at, ",:");
		cleanup_ptr char *option = strndup(at, n);

		result = option ? bind_set_option(&spec, option, err) : -ENOMEM;
		at += n + (at[n] ? 1 : 0);
	}
	if (result < 0) {
		bind_fini(&spec);
		return err_wrap(err, "bind path \"%s\"", text);
	}
	*out = spec;
	return 0;
}

static bool bind_is_key(const char *field, const char *const *names, const char **value)
{
	for (; *names; names++) {
		size_t n = strlen(*names);

		if (strncmp(field, *names, n) == 0 && field[n] == '=') {
			*value = field + n + 1;
			return true;
		}
	}
	return false;
}

static int bind_set_mount_field(struct bind_spec *spec, const char *field, bool *typed, struct err *err)
{
	static const char *const sources[] = {"source", "src", NULL};
	static const char *const targets[] = {"destination", "dst", "target", NULL};
	const char *value;

	if (strcmp(field, "type=bind") == 0) {
		*typed = true;
		return 0;
	}
	if (strcmp(field, "ro") == 0 || strcmp(field, "readonly") == 0 || strcmp(field, "ro=true") == 0) {
		spec->readonly = true;
		return 0;
	}
	if (bind_is_key(field, sources, &value)) {
		free(spec->source);
		spec->source = strdup(value);
		return spec->source ? 0 : -ENOMEM;
	}
	if (bind_is_key(field, targets, &value))
		return bind_set_destination(spec, value, err);
	if (strncmp(field, "image-src=", 10) == 0 || strncmp(field, "id=", 3) == 0)
		return bind_set_option(spec, field, err);
	return BAD(err, "invalid key or value \"%s\"", field);
}

int bind_parse_mount(const char *text, struct bind_spec *out, struct err *err)
{
	struct bind_spec spec = {NULL, NULL, NULL, 0, false};
	struct strlist fields = {0, NULL};
	bool typed = false;
	int result = cli_csv_split(text, &fields, err);

	for (size_t i = 0; result == 0 && i < fields.count; i++)
		result = bind_set_mount_field(&spec, fields.items[i], &typed, err);
	cli_csv_free(&fields, 0);
	if (result == 0 && !typed)
		result = BAD(err, "type=bind is required");
	if (result == 0 && (!spec.source || !spec.source[0] || !spec.destination))
		result = BAD(err, "source and destination are required");
	if (result < 0) {
		bind_fini(&spec);
		return err_wrap(err, "mount \"%s\"", text);
	}
	*out = spec;
	return 0;
}
