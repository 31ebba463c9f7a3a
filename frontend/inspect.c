/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/image/attributes.h"
#include "ipc/cleanup.h"

#define INDENT 1

/* Attributes of the image or of one app, in the order of the JSON document. */
enum section { APPS, ENVIRONMENT, LABELS, RUNSCRIPT, TEST, HELPFILE, DEFFILE, STARTSCRIPT, SECTIONS };

static const char *const names[SECTIONS] = {
	"apps", "environment", "labels", "runscript", "test", "helpfile", "deffile", "startscript",
};

/* The order of the plain text, between the apps and the environment. */
static const enum section plain_order[] = {DEFFILE, RUNSCRIPT, STARTSCRIPT, TEST, HELPFILE};

static void select_sections(const struct cli_inspect *options, bool selected[SECTIONS])
{
	selected[APPS] = options->all || options->list_apps;
	selected[ENVIRONMENT] = options->all || options->environment;
	selected[LABELS] = options->all || options->labels;
	selected[RUNSCRIPT] = options->all || options->runscript;
	selected[TEST] = options->all || options->test;
	selected[HELPFILE] = options->all || options->helpfile;
	selected[DEFFILE] = options->all || options->deffile;
	selected[STARTSCRIPT] = options->all || options->startscript;
	for (size_t i = 0; i < SECTIONS; i++) {
		if (selected[i])
			return;
	}
	selected[LABELS] = true;
}

static int compare_keys(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* Keys of @object in byte order; *@out owned, the keys borrowed. Returns their number; 0 without memory as well. */
static size_t sort_keys(json_t *object, const char ***out)
{
	const char **keys = calloc(json_object_size(object) + 1, sizeof(const char *));
	const char *key;
	json_t *unused;
	size_t count = 0;

	*out = keys;
	if (!keys)
		return 0;
	json_object_foreach(object, key, unused)
		keys[count++] = key;
	qsort(keys, count, sizeof(const char *), compare_keys);
	return count;
}

static bool is_empty(const json_t *value)
{
	if (json_is_object(value))
		return json_object_size(value) == 0;
	return !json_is_string(value) || json_string_length(value) == 0;
}

/* A copy whose keys are in byte order. */
static json_t *sort_object(json_t *object)
{
	cleanup_ptr const char **keys = NULL;
	size_t count = sort_keys(object, &keys);
	json_t *sorted = json_object();

	for (size_t i = 0; i < count; i++)
		(void)json_object_set(sorted, keys[i], json_object_get(object, keys[i]));
	return sorted;
}

/* Put what @from has of the selected sections into @to, in the order of the document. */
static void copy_sections(json_t *to, json_t *from, const bool selected[SECTIONS])
{
	for (size_t i = 0; i < SECTIONS; i++) {
		json_t *value = json_object_get(from, names[i]);

		if (!selected[i] || i == APPS || is_empty(value))
			continue;
		(void)json_object_set_new(to, names[i],
					  json_is_object(value) ? sort_object(value) : json_incref(value));
	}
}

/* The apps to show: all with their sections for --all, all with nothing for --list-apps, the one of --app. */
static json_t *select_apps(const struct cli_inspect *options, json_t *apps, const bool selected[SECTIONS])
{
	json_t *chosen = json_object();
	cleanup_ptr const char **keys = NULL;
	size_t count = sort_keys(apps, &keys);

	for (size_t i = 0; i < count; i++) {
		bool named = !options->all && options->app && strcmp(options->app, keys[i]) == 0;
		json_t *app = json_object();

		if (options->all || named)
			copy_sections(app, json_object_get(apps, keys[i]), selected);
		if (selected[APPS] || named)
			(void)json_object_set(chosen, keys[i], app);
		json_decref(app);
	}
	return chosen;
}

/* The library indents by spaces and the document by tabs. No line break is inside a string, so leading spaces are depth. */
static void print_tabbed(const char *text, FILE *to)
{
	bool leading = true;

	for (const char *at = text; *at; at++) {
		if (*at != ' ')
			leading = *at == '\n';
		(void)fputc(leading && *at == ' ' ? '\t' : *at, to);
	}
	(void)fputc('\n', to);
}

static int print_json(const struct cli_inspect *options, json_t *attributes, const bool selected[SECTIONS], FILE *to,
		      struct err *err)
{
	bool by_app = options->app && !options->all;
	json_t *chosen = json_object(), *apps = select_apps(options, json_object_get(attributes, "apps"), selected);
	cleanup_ptr char *text = NULL;
	json_t *document;

	if (json_object_size(apps) > 0)
		(void)json_object_set(chosen, "apps", apps);
	json_decref(apps);
	if (!by_app)
		copy_sections(chosen, attributes, selected);
	document = json_pack("{s:{s:o},s:s}", "data", "attributes", chosen, "type", "container");
	text = document ? json_dumps(document, JSON_INDENT(INDENT) | JSON_PRESERVE_ORDER) : NULL;
	json_decref(document);
	if (!text)
		return err_sys(err, ENOMEM, "cannot print metadata of the image");
	print_tabbed(text, to);
	return 0;
}

static const char *get_text(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void print_environment(json_t *object, FILE *to)
{
	cleanup_ptr const char **keys = NULL;
	size_t count = sort_keys(object, &keys);

	for (size_t i = 0; i < count; i++)
		(void)fprintf(to, "=== %s ===\n%s\n\n", keys[i], get_text(object, keys[i]));
}

static void print_labels(json_t *object, FILE *to)
{
	cleanup_ptr const char **keys = NULL;
	size_t count = sort_keys(object, &keys);

	for (size_t i = 0; i < count; i++)
		(void)fprintf(to, "%s: %s\n", keys[i], get_text(object, keys[i]));
}

static void print_plain(json_t *attributes, json_t *from, const bool selected[SECTIONS], FILE *to)
{
	if (selected[APPS]) {
		cleanup_ptr const char **keys = NULL;
		size_t count = sort_keys(json_object_get(attributes, "apps"), &keys);

		for (size_t i = 0; i < count; i++)
			(void)fprintf(to, "%s\n", keys[i]);
	}
	for (size_t i = 0; i < sizeof(plain_order) / sizeof(plain_order[0]); i++) {
		const json_t *value = json_object_get(from, names[plain_order[i]]);

		if (selected[plain_order[i]] && !is_empty(value))
			(void)fprintf(to, "%s\n", json_string_value(value));
	}
	if (selected[ENVIRONMENT])
		print_environment(json_object_get(from, "environment"), to);
	if (selected[LABELS])
		print_labels(json_object_get(from, "labels"), to);
}

int inspect_print(const struct cli_inspect *options, json_t *attributes, FILE *to, struct err *err)
{
	bool selected[SECTIONS];
	json_t *from = attributes;
	int rc = 0;

	select_sections(options, selected);
	if (options->app && !options->all) {
		from = json_object_get(json_object_get(attributes, "apps"), options->app);
		if (!from)
			return err_set(err, ERR_IMAGE, ENOENT, "cannot inspect app %s: no such app in the image",
				       options->app);
	}
	if (options->json || options->all)
		rc = print_json(options, attributes, selected, to, err);
	else
		print_plain(attributes, from, selected, to);
	if (rc == 0 && (fflush(to) != 0 || ferror(to)))
		rc = err_sys(err, EIO, "cannot print metadata of the image");
	return rc;
}

int inspect_run(const struct cli_request *request, struct err *err)
{
	const struct cli_inspect *options = &request->inspect;
	json_t *attributes = NULL;
	int rc = attributes_load(options->image, &attributes, err);

	if (rc == 0)
		rc = inspect_print(options, attributes, stdout, err);
	json_decref(attributes);
	return rc;
}
