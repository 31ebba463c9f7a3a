/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/cli_value.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/cli_csv.h"
#include "ipc/cleanup.h"

#define ENV_PREFIX "SINGULARITY_"

static size_t option_index(const struct cli_option *option)
{
	return (size_t)(option - cli_options);
}

static void *option_field(const struct cli_state *state, const struct cli_option *option)
{
	if (option->field == CLI_NO_FIELD)
		return NULL;
	return (char *)state->request + option->field;
}

/* The words that strconv.ParseBool of Go takes, which scripts have come to rely on. */
static int parse_bool(const char *text, bool *out, struct err *err)
{
	static const char *const words[2][6] = {{"0", "f", "F", "false", "FALSE", "False"},
						{"1", "t", "T", "true", "TRUE", "True"}};

	for (int truth = 0; truth < 2; truth++)
		for (size_t i = 0; i < 6; i++)
			if (strcmp(text, words[truth][i]) == 0) {
				*out = truth == 1;
				return 0;
			}
	return err_set(err, ERR_USAGE, EINVAL, "strconv.ParseBool: parsing \"%s\": invalid syntax", text);
}

static int set_string(char **field, const char *text, struct err *err)
{
	char *copy = strdup(text);

	if (!copy)
		return err_sys(err, ENOMEM, "cannot keep an argument");
	free(*field);
	*field = copy;
	return 0;
}

/* One K=V is taken whole, so that a value may hold commas; several are split. */
static int set_map(struct strlist *list, const char *text, struct err *err)
{
	const char *first = strchr(text, '=');
	size_t before = list->count;
	int r;

	if (!first)
		return err_set(err, ERR_USAGE, EINVAL, "%s must be formatted as key=value", text);
	if (!strchr(first + 1, '=')) {
		size_t len = strlen(text);

		if (len >= 2 && text[0] == '"' && text[len - 1] == '"')
			return cli_csv_append(list, text + 1, len - 2, err);
		return cli_csv_append(list, text, len, err);
	}
	r = cli_csv_split(text, list, err);
	for (size_t i = before; r == 0 && i < list->count; i++)
		if (!strchr(list->items[i], '='))
			r = err_set(err, ERR_USAGE, EINVAL, "%s must be formatted as key=value", list->items[i]);
	if (r < 0)
		cli_csv_free(list, before);
	return r;
}

static int set_explain(enum cli_explain *field, const char *text, struct err *err)
{
	bool on = true;

	if (strcmp(text, "json") == 0)
		*field = CLI_EXPLAIN_JSON;
	else if (strcmp(text, "text") == 0)
		*field = CLI_EXPLAIN_TEXT;
	else if (parse_bool(text, &on, NULL) < 0)
		return err_set(err, ERR_USAGE, EINVAL, "\"%s\" is neither text nor json", text);
	else
		*field = on ? CLI_EXPLAIN_TEXT : CLI_EXPLAIN_NO;
	return 0;
}

static int set_bool(struct cli_state *state, const struct cli_option *option, const char *text, struct err *err)
{
	bool *field = option_field(state, option);
	bool truth = false;
	int r = parse_bool(text, &truth, err);

	if (r < 0)
		return r;
	state->truth[option_index(option)] = truth;
	if (field)
		*field = truth;
	return 0;
}

static int set_list(const struct cli_option *option, struct strlist *list, const char *text, struct err *err)
{
	if (option->type == CLI_TYPE_MAP)
		return set_map(list, text, err);
	if (option->type == CLI_TYPE_ARRAY)
		return cli_csv_append(list, text, strlen(text), err);
	return cli_csv_split(text, list, err);
}

static int store(struct cli_state *state, const struct cli_option *option, const char *text, struct err *err)
{
	void *field = option_field(state, option);
	struct strlist unused = {0, NULL};
	int r;

	switch (option->type) {
	case CLI_TYPE_BOOL:
		return set_bool(state, option, text, err);
	case CLI_TYPE_STRING:
		return field ? set_string(field, text, err) : 0;
	case CLI_TYPE_EXPLAIN:
		return set_explain(field, text, err);
	case CLI_TYPE_LIST:
	case CLI_TYPE_ARRAY:
	case CLI_TYPE_MAP:
		/* Checked also where nothing is stored. */
		r = set_list(option, field ? field : &unused, text, err);
		cli_csv_free(&unused, 0);
		return r;
	}
	assert(!"unknown type of option");
	return -EINVAL;
}

/* In the one form that the imager reads; a bool that is false is as good as not given. */
static int forward(const struct cli_state *state, const struct cli_option *option, const char *text, struct err *err)
{
	struct cli_request *request = state->request;
	cleanup_ptr char *item = NULL;
	bool is_bool = option->type == CLI_TYPE_BOOL;

	bool wanted = option->flags & CLI_SOURCE || (request->command == CLI_FORWARD && option->field == CLI_NO_FIELD);

	if (!wanted || (option->flags & CLI_SECRET && state->in_environment) || (option->commands & CLI_ON_GLOBAL) || (is_bool && !state->truth[option_index(option)]))
		return 0;
	if (asprintf(&item, "--%s%s%s", option->name, is_bool ? "" : "=", is_bool ? "" : text) < 0) {
		item = NULL;
		return err_sys(err, ENOMEM, "cannot keep an argument");
	}
	return cli_csv_append(&request->forward, item, strlen(item), err);
}

int cli_value_set(struct cli_state *state, const struct cli_option *option, const char *text, struct err *err)
{
	int r = store(state, option, text, err);

	if (r == 0)
		r = forward(state, option, text, err);
	if (r < 0)
		return r;
	state->given[option_index(option)] = true;
	if (option->type != CLI_TYPE_BOOL)
		state->truth[option_index(option)] = true;
	return 0;
}

bool cli_value_is_true(const struct cli_state *state, const char *name)
{
	for (size_t i = 0; i < cli_option_count; i++)
		if (state->truth[i] && strcmp(cli_options[i].name, name) == 0)
			return true;
	return false;
}

/* The value of SINGULARITY_@name, NULL when unset or blank. */
static const char *find_variable(char **environ_, const char *name, size_t len)
{
	for (char **entry = environ_; entry && *entry; entry++) {
		const char *rest;

		if (strncmp(*entry, ENV_PREFIX, strlen(ENV_PREFIX)) != 0)
			continue;
		rest = *entry + strlen(ENV_PREFIX);
		if (strncmp(rest, name, len) != 0 || rest[len] != '=')
			continue;
		rest += len + 1;
		return rest[strspn(rest, " \t\r\n")] == '\0' ? NULL : rest;
	}
	return NULL;
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* Give @option the trimmed pieces of @value: separated by commas, or by line ends for an array. */
static int set_pieces(struct cli_state *state, const struct cli_option *option, const char *value, struct err *err)
{
	cleanup_ptr char *copy = strdup(value);
	struct strlist pieces = {0, NULL};
	int r = 0;

	if (!copy)
		return err_sys(err, ENOMEM, "cannot keep an argument");
	if (option->type == CLI_TYPE_ARRAY) {
		char *rest = copy;

		for (char *line = strsep(&rest, "\n"); line && r == 0; line = strsep(&rest, "\n"))
			r = cli_csv_append(&pieces, line, strlen(line), err);
	} else {
		r = cli_csv_split(value, &pieces, err);
	}
	for (size_t i = 0; r == 0 && i < pieces.count; i++) {
		char *piece = trim(pieces.items[i]);
		struct strlist *list = option_field(state, option);

		if (*piece && list)
			r = cli_csv_append(list, piece, strlen(piece), err);
		else if (*piece)
			r = forward(state, option, piece, err);
	}
	cli_csv_free(&pieces, 0);
	return r;
}

static int set_from_variable(struct cli_state *state, const struct cli_option *option, const char *value,
			     struct err *err)
{
	cleanup_ptr char *copy = NULL;
	int r;

	if (option->type == CLI_TYPE_LIST || option->type == CLI_TYPE_ARRAY) {
		r = set_pieces(state, option, value, err);
		if (r == 0)
			state->given[option_index(option)] = state->truth[option_index(option)] = true;
		return r;
	}
	copy = strdup(value);
	if (!copy)
		return err_sys(err, ENOMEM, "cannot keep an argument");
	return cli_value_set(state, option, option->type == CLI_TYPE_BOOL ? trim(copy) : copy, err);
}

static int refuse_later(const struct cli_state *state, const struct cli_option *option, const char *name, size_t len,
			struct err *err)
{
	if (!option->later || !state->truth[option_index(option)])
		return 0;
	return err_set(err, ERR_SYSTEM, EOPNOTSUPP, "%s%.*s is not available in this version: %s", ENV_PREFIX, (int)len,
		       name, option->later);
}

/* Another name of the same option (--cwd and --pwd) has set the field already. */
static bool is_taken(const struct cli_state *state, const struct cli_option *option)
{
	for (size_t i = 0; i < cli_option_count; i++)
		if (state->given[i] && option->field != CLI_NO_FIELD && cli_options[i].field == option->field)
			return true;
	return false;
}

static int apply_names(struct cli_state *state, const struct cli_option *option, char **environ_, struct err *err)
{
	const char *name = option->env;

	while (name && *name) {
		size_t len = strcspn(name, " ");
		const char *value = find_variable(environ_, name, len);
		int r = 0;

		if (value) {
			r = set_from_variable(state, option, value, err);
			if (r < 0 && r != -ENOMEM) {
				if (err)
					err->kind = ERR_SYSTEM;
				return err_wrap(err, "While parsing environment variables: %s%.*s", ENV_PREFIX, (int)len,
						name);
			}
			if (r == 0)
				r = refuse_later(state, option, name, len, err);
			if (r < 0 || !(option->flags & CLI_ENV_APPENDS))
				return r;
		}
		name += len + strspn(name + len, " ");
	}
	return 0;
}

int cli_value_apply_environment(struct cli_state *state, char **environ_, struct err *err)
{
	size_t bound = state->request->action.bind.count;

	state->in_environment = true;
	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];
		int r;

		if (!(option->commands & state->on))
			continue;
		if (!(option->flags & CLI_ENV_APPENDS) && (state->given[i] || is_taken(state, option)))
			continue;
		r = apply_names(state, option, environ_, err);
		if (r < 0)
			return r;
	}
	state->request->action.bind_inherited = state->request->action.bind.count - bound;
	return 0;
}
