/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/cli_csv.h"
#include "frontend/cli_options.h"
#include "frontend/cli_value.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

struct parser {
	struct cli_state state;
	const struct cli_command_row *row; /* NULL before the command */
	int argc;
	char **argv;
	int next;  /* index of the argument to look at */
	bool help; /* --help was met */
};

static const char *command_name(const struct parser *parser)
{
	return parser->row ? parser->row->name : "singularity";
}

/* Every mistake of the command line starts with the command's name. */
__attribute__((format(printf, 3, 4))) static int fail(const struct parser *parser, struct err *err, const char *fmt, ...)
{
	char text[ERR_MESSAGE_MAX / 2];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return err_set(err, ERR_USAGE, EINVAL, "Error for command \"%s\": %s", command_name(parser), text);
}

static int note_deprecated(struct parser *parser, const struct cli_option *option, struct err *err)
{
	char line[256];

	if (!option->deprecated)
		return 0;
	(void)snprintf(line, sizeof(line), "Flag --%s has been deprecated, %s", option->name, option->deprecated);
	return cli_csv_append(&parser->state.request->notices, line, strlen(line), err);
}

static int set_flag(struct parser *parser, const struct cli_option *option, const char *text, struct err *err)
{
	struct err reason = ERR_INIT;
	int r = cli_value_set(&parser->state, option, text, &reason);

	if (r == 0)
		return note_deprecated(parser, option, err);
	if (r != -EINVAL)
		return err_set(err, reason.kind, reason.errnum, "%s", reason.message);
	if (option->letter)
		return fail(parser, err, "invalid argument \"%s\" for \"-%c, --%s\" flag: %s", text, option->letter,
			    option->name, reason.message);
	return fail(parser, err, "invalid argument \"%s\" for \"--%s\" flag: %s", text, option->name, reason.message);
}

/* What a flag means that stands alone; NULL when it needs a value. */
static const char *implied_value(const struct cli_option *option)
{
	switch (option->type) {
	case CLI_TYPE_BOOL:
		return "true";
	case CLI_TYPE_EXPLAIN:
		return "text";
	case CLI_TYPE_STRING:
	case CLI_TYPE_LIST:
	case CLI_TYPE_ARRAY:
	case CLI_TYPE_MAP:
		break;
	}
	return NULL;
}

static int parse_long(struct parser *parser, const char *arg, struct err *err)
{
	const char *name = arg + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	const struct cli_option *option;

	if (*name == '-' || *name == '=')
		return fail(parser, err, "bad flag syntax: %s", arg);
	option = cli_find_option(name, len, parser->state.on);
	if (!option && len == strlen("help") && memcmp(name, "help", len) == 0) {
		parser->help = true;
		return 0;
	}
	if (!option)
		return fail(parser, err, "unknown flag: --%.*s", (int)len, name);
	if (!value)
		value = implied_value(option);
	if (!value) {
		if (parser->next == parser->argc)
			return fail(parser, err, "flag needs an argument: %s", arg);
		value = parser->argv[parser->next++];
	}
	return set_flag(parser, option, value, err);
}

/* A cluster of letters; the first that takes a value has the rest of it. */
static int parse_letters(struct parser *parser, const char *arg, struct err *err)
{
	for (const char *c = arg + 1; *c; c++) {
		const struct cli_option *option = cli_find_letter(*c, parser->state.on);
		const char *value;
		int r;

		if (!option && *c == 'h') {
			parser->help = true;
			return 0;
		}
		if (!option)
			return fail(parser, err, "unknown shorthand flag: '%c' in -%s", *c, c);
		if (c[1] == '=' && c[2])
			return set_flag(parser, option, c + 2, err);
		value = implied_value(option);
		if (!value && c[1])
			return set_flag(parser, option, c + 1, err);
		if (!value) {
			if (parser->next == parser->argc)
				return fail(parser, err, "flag needs an argument: '%c' in -%s", *c, c);
			value = parser->argv[parser->next++];
			return set_flag(parser, option, value, err);
		}
		r = set_flag(parser, option, value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Take flags up to the first positional argument, which stays at parser->next. Where they may follow it, to the end: then the
 * positional arguments are put back together behind them. */
static int parse_flags(struct parser *parser, struct err *err)
{
	bool interspersed = parser->row && parser->row->flags & CLI_INTERSPERSED;
	cleanup_ptr char **kept = interspersed ? calloc((size_t)parser->argc, sizeof(*kept)) : NULL;
	int count = 0, r = 0;

	if (interspersed && !kept)
		return err_sys(err, ENOMEM, "cannot read the command line");
	while (r == 0 && parser->next < parser->argc && !parser->help) {
		char *arg = parser->argv[parser->next];
		bool positional = arg[0] != '-' || arg[1] == '\0';

		if (positional && !interspersed)
			return 0;
		parser->next++;
		if (positional)
			kept[count++] = arg;
		else if (strcmp(arg, "--") == 0)
			break;
		else
			r = arg[1] == '-' ? parse_long(parser, arg, err) : parse_letters(parser, arg, err);
	}
	parser->next -= count;
	for (int i = 0; i < count; i++)
		parser->argv[parser->next + i] = kept[i];
	return r;
}

static int check_count(const struct parser *parser, struct err *err)
{
	const struct cli_command_row *row = parser->row;
	int count = parser->argc - parser->next;

	if (count >= row->min && count <= row->max)
		return 0;
	if (row->max == INT_MAX)
		return fail(parser, err, "requires at least %d arg(s), only received %d", row->min, count);
	if (row->min == row->max)
		return fail(parser, err, "accepts %d arg(s), received %d", row->min, count);
	return fail(parser, err, "accepts between %d and %d arg(s), received %d", row->min, row->max, count);
}

static int take_string(struct parser *parser, char **out, struct err *err)
{
	*out = strdup(parser->argv[parser->next++]);
	return *out ? 0 : err_sys(err, ENOMEM, "cannot keep an argument");
}

static int take_rest(struct parser *parser, struct strlist *list, struct err *err)
{
	while (parser->next < parser->argc) {
		const char *arg = parser->argv[parser->next++];
		int r = cli_csv_append(list, arg, strlen(arg), err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_positional(struct parser *parser, struct err *err)
{
	struct cli_request *request = parser->state.request;
	int r;

	switch (request->command) {
	case CLI_EXEC:
	case CLI_RUN:
	case CLI_SHELL:
	case CLI_TEST:
		r = take_string(parser, &request->action.image, err);
		return r < 0 ? r : take_rest(parser, &request->action.args, err);
	case CLI_BUILD:
		r = take_string(parser, &request->build.target, err);
		return r < 0 ? r : take_string(parser, &request->build.spec, err);
	case CLI_INSPECT:
		return take_string(parser, &request->inspect.image, err);
	case CLI_RUN_HELP:
		return take_string(parser, &request->run_help.image, err);
	case CLI_HELP:
		return take_rest(parser, &request->help_topic, err);
	case CLI_NONE:
	case CLI_VERSION:
	case CLI_FULL_VERSION:
	case CLI_BUILDCFG:
	case CLI_DOCTOR:
	case CLI_GROUP:
	case CLI_FORWARD:
	case CLI_LATER:
		return take_rest(parser, &request->rest, err);
	}
	return 0;
}

static int refuse_later(const struct parser *parser, struct err *err)
{
	if (parser->row->later)
		return err_set(err, ERR_SYSTEM, EOPNOTSUPP, "\"%s\" is not available in this version: %s", parser->row->name,
			       parser->row->later);
	for (size_t i = 0; i < cli_option_count; i++)
		if (parser->state.truth[i] && cli_options[i].later)
			return err_set(err, ERR_SYSTEM, EOPNOTSUPP, "--%s is not available in this version: %s",
				       cli_options[i].name, cli_options[i].later);
	return 0;
}

/* The value decides: the loopback-only network needs no plugin. */
static int refuse_networks(const struct cli_request *request, struct err *err)
{
	const char *network = request->action.network;

	if (!network || strcmp(network, "none") == 0)
		return 0;
	return err_set(err, ERR_SYSTEM, EOPNOTSUPP,
		       "--network %s is not available in this version: networks other than none are missing so far", network);
}

static void set_message_level(struct parser *parser)
{
	struct cli_request *request = parser->state.request;

	if (request->debug)
		request->message_level = LOG_LEVEL_DEBUG;
	else if (cli_value_is_true(&parser->state, "verbose"))
		request->message_level = LOG_LEVEL_VERBOSE3;
	else if (cli_value_is_true(&parser->state, "quiet"))
		request->message_level = LOG_LEVEL_LOG;
	else if (cli_value_is_true(&parser->state, "silent"))
		request->message_level = LOG_LEVEL_ERROR;
	else
		request->message_level = LOG_LEVEL_INFO;
}

static int become_help(struct parser *parser, struct err *err)
{
	struct cli_request *request = parser->state.request;

	request->command = CLI_HELP;
	request->command_name = "help";
	if (!parser->row)
		return 0;
	return cli_csv_append(&request->help_topic, parser->row->name, strlen(parser->row->name), err);
}

static int parse_command(struct parser *parser, char **environ_, struct err *err)
{
	struct cli_request *request = parser->state.request;
	int r;

	request->command = parser->row->command;
	request->command_name = parser->row->name;
	parser->state.on = parser->row->on;
	/* A command that is not there yet would not know its own flags: it answers to --help and to nothing else. */
	if (parser->row->later) {
		const char *arg = parser->next < parser->argc ? parser->argv[parser->next] : "";

		if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
			return become_help(parser, err);
		return refuse_later(parser, err);
	}
	r = parse_flags(parser, err);
	if (r < 0)
		return r;
	if (parser->help)
		return become_help(parser, err);
	r = check_count(parser, err);
	if (r == 0)
		r = take_positional(parser, err);
	if (r == 0)
		r = refuse_later(parser, err);
	parser->state.on = parser->row->on | CLI_ON_GLOBAL;
	if (r == 0)
		r = cli_value_apply_environment(&parser->state, environ_, err);
	return r < 0 ? r : refuse_networks(request, err);
}

/* "cache list": the group's own flags come before the second word. */
static int parse_group(struct parser *parser, char **environ_, struct err *err)
{
	const struct cli_command_row *group = parser->row;
	int r;

	/* What is given to the group is forwarded with the sub-command. */
	parser->state.request->command = CLI_FORWARD;
	parser->state.on = group->on;
	r = parse_flags(parser, err);
	if (r < 0)
		return r;
	if (parser->help || (parser->next == parser->argc && group->flags & CLI_SHOWS_HELP))
		return become_help(parser, err);
	if (parser->next == parser->argc)
		return fail(parser, err, "invalid command");
	parser->row = cli_find_subcommand(group, parser->argv[parser->next]);
	if (!parser->row) {
		parser->row = group;
		return fail(parser, err, "unknown command \"%s\" for \"singularity %s\"", parser->argv[parser->next],
			    group->name);
	}
	parser->next++;
	return parse_command(parser, environ_, err);
}

static int parse_all(struct parser *parser, char **environ_, struct err *err)
{
	struct cli_request *request = parser->state.request;
	const char *name;
	int r;

	parser->state.on = CLI_ON_GLOBAL;
	r = parse_flags(parser, err);
	if (r < 0)
		return r;
	if (parser->help)
		return become_help(parser, err);
	if (cli_value_is_true(&parser->state, "version")) {
		request->command = CLI_FULL_VERSION;
		return 0;
	}
	if (parser->next >= parser->argc)
		return fail(parser, err, "invalid command");
	name = parser->argv[parser->next];
	parser->row = cli_find_command(name);
	if (!parser->row)
		return fail(parser, err, "unknown command \"%s\" for \"singularity\"", name);
	parser->next++;
	return parser->row->command == CLI_GROUP ? parse_group(parser, environ_, err) : parse_command(parser, environ_, err);
}

/* Flags that are wrong are answered with the options, all else with the short usage. */
static char *usage_for(const struct parser *parser, const struct err *err)
{
	static const char *const about_flags[] = {"unknown flag:", "unknown shorthand flag:", "flag needs an argument:",
						  "invalid argument ", "bad flag syntax:"};
	const char *text = strstr(err->message, "\": ");

	for (size_t i = 0; text && i < sizeof(about_flags) / sizeof(about_flags[0]); i++)
		if (strncmp(text + 3, about_flags[i], strlen(about_flags[i])) == 0)
			return cli_format_usage(parser->row, false);
	return cli_format_usage(parser->row, true);
}

int cli_parse(int argc, char **argv, char **environ_, struct cli_request *out, char **usage, struct err *err)
{
	struct err own = ERR_INIT;
	struct parser parser = {.argc = argc, .argv = argv, .next = 1};
	int r;

	memset(out, 0, sizeof(*out));
	*usage = NULL;
	parser.state.request = out;
	r = parse_all(&parser, environ_, &own);
	set_message_level(&parser);
	if (r == 0)
		return 0;
	if (own.kind == ERR_USAGE)
		*usage = usage_for(&parser, &own);
	if (err)
		*err = own;
	return r;
}

void cli_fini(struct cli_request *request)
{
	struct cli_action *action = &request->action;

	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];
		void *field = (char *)request + option->field;

		if (option->field == CLI_NO_FIELD)
			continue;
		if (option->type == CLI_TYPE_STRING) {
			char **text = field;

			free(*text);
			*text = NULL;
		} else if (option->type != CLI_TYPE_BOOL && option->type != CLI_TYPE_EXPLAIN) {
			cli_csv_free(field, 0);
		}
	}
	free(action->image);
	free(request->build.target);
	free(request->build.spec);
	free(request->inspect.image);
	free(request->run_help.image);
	cli_csv_free(&action->args, 0);
	cli_csv_free(&request->help_topic, 0);
	cli_csv_free(&request->rest, 0);
	cli_csv_free(&request->forward, 0);
	cli_csv_free(&request->notices, 0);
	memset(request, 0, sizeof(*request));
}
