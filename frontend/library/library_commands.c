/* SPDX-License-Identifier: BSD-3-Clause */
/* imager search, delete. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <jansson.h>

#include "frontend/image/arch.h"
#include "frontend/imager.h"
#include "frontend/library/library_api.h"
#include "frontend/library/remote_options.h"
#include "frontend/registry/url.h"
#include "frontend/strlist.h"
#include "frontend/ui/prompt.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define QUERY_MIN 3
#define DELETE_SECONDS 15
#define DELETE_SECONDS_MAX 86400

static const char *choose_arch(const struct remote_options *options)
{
	return options->arch && *options->arch ? options->arch : arch_get_host();
}

/* ---- search ---- */

/* What a library says is shown to a terminal: nothing in it may steer that. */
static char *make_plain(const char *text)
{
	char *out = strdup(text ? text : "");

	for (char *c = out; c && *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	return out;
}

static char *join(const json_t *array)
{
	char *out = strdup("");

	for (size_t i = 0; out && i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));
		char *longer = NULL;

		if (!text)
			continue;
		if (asprintf(&longer, "%s%s%s", out, *out ? "," : "", text) < 0)
			longer = NULL;
		free(out);
		out = longer;
	}
	return out;
}

static char *format_image(const json_t *image)
{
	const char *keys[] = {"entityName", "collectionName", "containerName"};
	cleanup_ptr char *tags = join(json_object_get(image, "tags"));
	cleanup_ptr char *signers = join(json_object_get(image, "fingerprints"));
	const char *hash = json_string_value(json_object_get(image, "hash"));
	const char *text = json_string_value(json_object_get(image, "description"));
	const char *names[3];
	cleanup_ptr char *lines = NULL, *plain_tags = NULL, *plain_text = NULL, *plain_signers = NULL;
	bool has_text, has_signers;
	char *out = NULL;

	if (!tags || !signers)
		return NULL;
	for (size_t i = 0; i < 3; i++) {
		names[i] = json_string_value(json_object_get(image, keys[i]));
		names[i] = names[i] ? names[i] : "";
	}
	has_text = text && *text && strcasecmp(text, "no description") != 0;
	has_signers = *signers != '\0';
	if (asprintf(&lines, "%s/%s/%s:%s", names[0], names[1], names[2], *tags ? tags : hash ? hash : "") < 0) {
		lines = NULL;
		return NULL;
	}
	plain_tags = make_plain(lines);
	plain_text = make_plain(has_text ? text : "");
	plain_signers = make_plain(signers);
	if (!plain_tags || !plain_text || !plain_signers ||
	    asprintf(&out, "\tlibrary://%s%s%s%s%s", plain_tags, has_text ? "\n\t\t" : "", plain_text,
		     has_signers ? "\n\t\tSigned by: " : "", plain_signers) < 0)
		return NULL;
	return out;
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static int print_images(const json_t *images, const char *arch, const char *query, struct err *err)
{
	struct strlist lines = {0, NULL};
	size_t count = json_array_size(images);

	for (size_t i = 0; i < count; i++) {
		cleanup_ptr char *line = format_image(json_array_get(images, i));

		if (!line) {
			strlist_fini(&lines);
			return err_sys(err, ENOMEM, "cannot list the images");
		}
		strlist_add(&lines, line);
	}
	if (count == 0) {
		printf("No container images found for %s matching \"%s\".\n\n", arch, query);
		return 0;
	}
	qsort(lines.items, lines.count, sizeof(*lines.items), compare_texts);
	printf("Found %zu container images for %s matching \"%s\":\n\n", count, arch, query);
	for (size_t i = 0; i < lines.count; i++)
		printf("%s\n\n", lines.items[i]);
	strlist_fini(&lines);
	return 0;
}

static int search(const struct remote_options *options, struct err *err)
{
	const char *query = options->arguments[0], *arch = choose_arch(options);
	cleanup_ptr char *value = url_escape(query), *escaped = url_escape(arch), *path = NULL;
	struct library_api api = LIBRARY_API_INIT;
	json_t *data;
	int rc;

	if (strlen(query) < QUERY_MIN)
		return err_set(err, ERR_SYSTEM, EINVAL,
			       "Couldn't search library: bad query '%s'. You must search for at least 3 characters", query);
	if (!value || !escaped ||
	    asprintf(&path, "v1/search?value=%s&arch=%s%s", value, escaped, options->is_signed ? "&signed=true" : "") < 0) {
		path = NULL;
		return err_sys(err, ENOMEM, "cannot search");
	}
	rc = library_api_open(options->library, NULL, false, &api, err);
	if (rc == 0)
		rc = library_api_call(&api, "GET", path, NULL, &data, err);
	if (rc == 0) {
		rc = print_images(json_object_get(data, "image"), arch, query, err);
		json_decref(data);
	}
	library_api_close(&api);
	return rc < 0 ? err_wrap(err, "Couldn't search library") : 0;
}

int search_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : search(&options, &err), &err);
}

/* ---- delete ---- */

static volatile sig_atomic_t is_late;

static void note_late(int number)
{
	(void)number;
	is_late = 1;
}

/* The request ends by itself then: http_stop_on(). */
static int limit_time(const char *text, struct err *err)
{
	long seconds = DELETE_SECONDS;
	struct sigaction action = {.sa_handler = note_late};
	char *end;

	if (text && *text) {
		seconds = strtol(text, &end, 10);
		if (*end != '\0' || seconds < 1 || seconds > DELETE_SECONDS_MAX)
			return err_set(err, ERR_SYSTEM, EINVAL, "--timeout %s is not a number of seconds", text);
	}
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGALRM, &action, NULL);
	http_stop_on(&is_late);
	(void)alarm((unsigned int)seconds);
	return 0;
}

static int ask_consent(const struct library_ref *ref, const char *arch, bool *out, struct err *err)
{
	cleanup_ptr char *question = NULL;

	if (asprintf(&question, "Are you sure you want to delete %s:%s (%s) [y/N] ", ref->path, ref->tags.items[0], arch) < 0) {
		question = NULL;
		return err_sys(err, ENOMEM, "cannot ask");
	}
	return prompt_yes_no(question, false, out, err);
}

static int request_delete(const struct remote_options *options, const struct library_ref *ref, const char *arch, struct err *err)
{
	struct library_api api = LIBRARY_API_INIT;
	cleanup_ptr char *escaped = url_escape(arch), *path = NULL;
	int rc;

	if (!escaped || asprintf(&path, "v1/images/%s:%s?arch=%s", ref->path, ref->tags.items[0], escaped) < 0) {
		path = NULL;
		return err_sys(err, ENOMEM, "cannot delete");
	}
	rc = library_api_open(options->library, ref, options->no_https, &api, err);
	if (rc == 0)
		rc = library_api_call(&api, "DELETE", path, NULL, NULL, err);
	library_api_close(&api);
	if (rc == -ENOENT)
		return err_set(err, ERR_SYSTEM, ENOENT, "image does not exist in the library: %s:%s (%s)", ref->path,
			       ref->tags.items[0], arch);
	if (rc < 0 && is_late)
		return err_set(err, ERR_SYSTEM, ETIMEDOUT, "no answer within the time that --timeout allows");
	return rc;
}

static int delete_image(const struct remote_options *options, struct err *err)
{
	const char *arch = choose_arch(options);
	struct library_ref ref = LIBRARY_REF_INIT;
	bool wanted = true;
	int rc = library_ref_parse(options->arguments[0], &ref, err);

	if (rc < 0)
		return err_wrap(err, "Error parsing library ref");
	if (options->library && ref.host)
		rc = err_set(err, ERR_SYSTEM, EINVAL,
			     "Conflicting arguments; do not use --library with a library URI containing host name");
	if (rc == 0 && !options->force)
		rc = ask_consent(&ref, arch, &wanted, err);
	if (rc == 0 && wanted) {
		rc = limit_time(options->timeout, err);
		if (rc == 0)
			rc = request_delete(options, &ref, arch, err);
		if (rc == 0)
			log_info("Image %s:%s (%s) deleted.", ref.path, ref.tags.items[0], arch);
		else
			rc = err_wrap(err, "Unable to delete image from library");
	}
	library_ref_fini(&ref);
	return rc;
}

int delete_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : delete_image(&options, &err), &err);
}
