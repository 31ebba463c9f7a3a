/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/oci/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "frontend/pack/metadata.h"
#include "ipc/cleanup.h"

#define META "/.singularity.d"
#define LIST_MAX 65536

static int refuse(struct err *err, const char *reason)
{
	return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's configuration: %s", reason);
}

/* null and a missing member are an empty list, as in what Docker writes. */
static int read_list(json_t *array, const char *what, struct strlist *out, struct err *err)
{
	if (!array || json_is_null(array))
		return 0;
	if (!json_is_array(array) || json_array_size(array) > LIST_MAX)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's configuration: %s is no list of strings", what);
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text)
			return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's configuration: %s is no list of strings", what);
		strlist_add(out, text);
	}
	return 0;
}

static int read_labels(json_t *labels, struct oci_config *config, struct err *err)
{
	json_t *kept = json_object();
	const char *key;
	json_t *value;

	json_object_foreach(labels, key, value)
	{
		if (json_is_string(value))
			(void)json_object_set(kept, key, value);
	}
	config->labels = json_dumps(kept, JSON_INDENT(4) | JSON_SORT_KEYS);
	json_decref(kept);
	return config->labels ? 0 : err_sys(err, ENOMEM, "cannot read the image's configuration");
}

static char *copy_member(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? strdup(text) : NULL;
}

static int read_config(json_t *root, struct oci_config *config, struct err *err)
{
	json_t *inner = json_object_get(root, "config");
	int rc;

	if (!json_is_object(root))
		return refuse(err, "it is not a JSON object");
	if (inner && !json_is_object(inner) && !json_is_null(inner))
		return refuse(err, "its member config is no object");
	config->platform.os = copy_member(root, "os");
	config->platform.architecture = copy_member(root, "architecture");
	config->platform.variant = copy_member(root, "variant");
	rc = read_list(json_object_get(json_object_get(root, "rootfs"), "diff_ids"), "rootfs.diff_ids", &config->diff_ids, err);
	for (size_t i = 0; i < config->diff_ids.count && rc == 0; i++) {
		if (!digest_is_valid(config->diff_ids.items[i]))
			rc = refuse(err, "a diff_id is no sha256 digest");
	}
	if (rc == 0)
		rc = read_list(json_object_get(inner, "Env"), "Env", &config->env, err);
	if (rc == 0)
		rc = read_list(json_object_get(inner, "Entrypoint"), "Entrypoint", &config->entrypoint, err);
	if (rc == 0)
		rc = read_list(json_object_get(inner, "Cmd"), "Cmd", &config->cmd, err);
	if (rc == 0)
		rc = read_labels(json_object_get(inner, "Labels"), config, err);
	if (rc < 0)
		return rc;
	config->inner = json_is_object(inner) ? json_dumps(inner, JSON_COMPACT | JSON_SORT_KEYS) : strdup("{}");
	return config->inner ? 0 : err_sys(err, ENOMEM, "cannot read the image's configuration");
}

int oci_config_parse(const char *text, struct oci_config *out, struct err *err)
{
	struct oci_config config = OCI_CONFIG_INIT;
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (!root)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's configuration: it is not JSON (line %d: %s)", error.line,
			       error.text);
	rc = read_config(root, &config, err);
	json_decref(root);
	if (rc < 0)
		oci_config_fini(&config);
	else
		*out = config;
	return rc;
}

void oci_config_fini(struct oci_config *config)
{
	free(config->platform.os);
	free(config->platform.architecture);
	free(config->platform.variant);
	strlist_fini(&config->env);
	strlist_fini(&config->entrypoint);
	strlist_fini(&config->cmd);
	strlist_fini(&config->diff_ids);
	free(config->labels);
	free(config->inner);
	*config = (struct oci_config)OCI_CONFIG_INIT;
}

/* ---- scripts ---- */

/* Put @text with a backslash before each character of @special. */
static void put_escaped(FILE *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
}

static void put_single_quoted(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			(void)fputs("'\\''", out);
		else
			(void)fputc(*text, out);
	}
}

static bool is_name(const char *text, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return len > 0 && strspn(text, letters) >= len && (text[0] < '0' || text[0] > '9');
}

static void put_variable(FILE *out, const char *variable)
{
	size_t len = strcspn(variable, "=");
	bool path = len == 4 && memcmp(variable, "PATH", 4) == 0;

	if (!is_name(variable, len))
		return;
	(void)fprintf(out, "export %.*s=\"", (int)len, variable);
	if (path && variable[len]) {
		/* The host's PATH is of no use inside. */
		put_escaped(out, variable + len + 1, "\\\"$`");
	} else {
		(void)fprintf(out, "${%.*s:-", (int)len, variable);
		if (variable[len]) {
			(void)fputc('"', out);
			put_escaped(out, variable + len + 1, "\\\"$`");
			(void)fputc('"', out);
		}
		(void)fputc('}', out);
	}
	(void)fputs("\"\n", out);
}

/* Closes @out; the text, or NULL if any of it was lost. */
static char *finish_text(FILE *out, char **text)
{
	if (fclose(out) != 0) {
		free(*text);
		return NULL;
	}
	return *text;
}

char *oci_config_environment(const struct oci_config *config)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	(void)fputs("#!/bin/sh\n", out);
	for (size_t i = 0; i < config->env.count; i++)
		put_variable(out, config->env.items[i]);
	return finish_text(out, &text);
}

/* NAME='"item" "item"': what eval makes words of again. $ and ` keep their meaning, as in the original. */
static void put_evaluated(FILE *out, const char *name, const struct strlist *items)
{
	(void)fprintf(out, "%s='", name);
	for (size_t i = 0; i < items->count; i++) {
		cleanup_ptr char *quoted = NULL;
		size_t size;
		FILE *memory = open_memstream(&quoted, &size);

		if (!memory)
			return;
		put_escaped(memory, items->items[i], "\\\"");
		if (fclose(memory) != 0)
			return;
		(void)fputs(i > 0 ? " \"" : "\"", out);
		put_single_quoted(out, quoted);
		(void)fputc('"', out);
	}
	(void)fputs("'\n", out);
}

static void put_literal(FILE *out, const struct strlist *items)
{
	for (size_t i = 0; i < items->count; i++) {
		(void)fputs(" '", out);
		put_single_quoted(out, items->items[i]);
		(void)fputc('\'', out);
	}
}

char *oci_config_runscript(const struct oci_config *config)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	(void)fputs("#!/bin/sh\n", out);
	put_evaluated(out, "OCI_ENTRYPOINT", &config->entrypoint);
	put_evaluated(out, "OCI_CMD", &config->cmd);
	/* --no-eval and --compat: arguments reach the program as they are. */
	(void)fputs("if [ -n \"${SINGULARITY_NO_EVAL:-}\" ]; then\n"
		    "\tif [ $# -eq 0 ]; then\n"
		    "\t\tset --",
		    out);
	put_literal(out, &config->cmd);
	(void)fputs("\n\tfi\n\tset --", out);
	put_literal(out, &config->entrypoint);
	(void)fputs(" \"$@\"\n"
		    "else\n"
		    "\tOCI_ARGUMENTS=\n"
		    "\tfor OCI_ARGUMENT in \"$@\"; do\n"
		    "\t\tOCI_ARGUMENTS=\"$OCI_ARGUMENTS \\\"$OCI_ARGUMENT\\\"\"\n"
		    "\tdone\n"
		    "\tif [ $# -gt 0 ]; then\n"
		    "\t\teval \"set -- $OCI_ENTRYPOINT $OCI_ARGUMENTS\"\n"
		    "\telse\n"
		    "\t\teval \"set -- $OCI_ENTRYPOINT $OCI_CMD\"\n"
		    "\tfi\n"
		    "fi\n"
		    "if [ $# -eq 0 ]; then\n"
		    "\techo 'The image names no program to run: give one' >&2\n"
		    "\texit 1\n"
		    "fi\n"
		    "exec \"$@\"\n",
		    out);
	return finish_text(out, &text);
}

int oci_config_apply(const struct oci_config *config, struct tree *tree, uint32_t time, struct err *err)
{
	cleanup_ptr char *environment = oci_config_environment(config);
	cleanup_ptr char *runscript = oci_config_runscript(config);
	int rc;

	if (!environment || !runscript)
		return err_sys(err, ENOMEM, "cannot make the scripts of the image");
	rc = metadata_add_base(tree, time, err);
	if (rc == 0)
		rc = metadata_put_text(tree, META "/env/10-docker2singularity.sh", S_IFREG | 0755, environment, time, err);
	if (rc == 0)
		rc = metadata_put_text(tree, META "/runscript", S_IFREG | 0755, runscript, time, err);
	return rc < 0 ? rc : metadata_put_text(tree, META "/labels.json", S_IFREG | 0644, config->labels, time, err);
}
