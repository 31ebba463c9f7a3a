/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables of commands and options: one row each. Parsing (cli.c), values and environment (cli_value.c) and help pages
 * (cli_help.c) read them, and nothing else knows a flag's name.
 */
#ifndef FRONTEND_CLI_OPTIONS_H
#define FRONTEND_CLI_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/cli.h"

enum cli_type {
	CLI_TYPE_BOOL,
	CLI_TYPE_STRING,
	CLI_TYPE_LIST,  /* split at commas; repeated ones add up */
	CLI_TYPE_ARRAY, /* taken whole; environment: one per line */
	CLI_TYPE_MAP,   /* K=V; split at commas when there are several "=" */
	CLI_TYPE_EXPLAIN,
};

/* Commands an option belongs to. */
#define CLI_ON(bit) (UINT64_C(1) << (bit))
#define CLI_ON_GLOBAL CLI_ON(0)
#define CLI_ON_EXEC CLI_ON(1)
#define CLI_ON_RUN CLI_ON(2)
#define CLI_ON_SHELL CLI_ON(3)
#define CLI_ON_TEST CLI_ON(4)
#define CLI_ON_BUILD CLI_ON(5)
#define CLI_ON_INSPECT CLI_ON(6)
#define CLI_ON_RUN_HELP CLI_ON(7)
#define CLI_ON_DOCTOR CLI_ON(8)
#define CLI_ON_PUSH CLI_ON(9)
#define CLI_ON_REGISTRY CLI_ON(10)
#define CLI_ON_REGISTRY_LOGIN CLI_ON(11)
#define CLI_ON_REGISTRY_LOGOUT CLI_ON(12)
#define CLI_ON_CACHE_LIST CLI_ON(15)
#define CLI_ON_CACHE_CLEAN CLI_ON(16)
#define CLI_ON_PULL CLI_ON(17)
#define CLI_ON_SIF_ADD CLI_ON(40)
#define CLI_ON_OVERLAY_CREATE CLI_ON(41)
#define CLI_ON_REMOTE CLI_ON(20)
#define CLI_ON_REMOTE_ADD CLI_ON(21)
#define CLI_ON_REMOTE_REMOVE CLI_ON(22)
#define CLI_ON_REMOTE_USE CLI_ON(23)
#define CLI_ON_REMOTE_LOGIN CLI_ON(24)
#define CLI_ON_KEYSERVER CLI_ON(25)
#define CLI_ON_KEYSERVER_ADD CLI_ON(26)
#define CLI_ON_SEARCH CLI_ON(27)
#define CLI_ON_DELETE CLI_ON(28)
#define CLI_ON_ACTIONS (CLI_ON_EXEC | CLI_ON_RUN | CLI_ON_SHELL | CLI_ON_TEST)
#define CLI_ON_FETCHES (CLI_ON_ACTIONS | CLI_ON_BUILD | CLI_ON_PULL) /* images may come from elsewhere */

enum {
	CLI_HIDDEN = 1,
	CLI_ENV_APPENDS = 2, /* values of all environment names follow those of the command line */
	CLI_SOURCE = 4,      /* says where and how images are fetched: goes to the imager also where it fetches for a launch */
	CLI_SECRET = 8,      /* the imager takes the value out of the environment itself: everybody can read command lines */
};

#define CLI_NO_FIELD SIZE_MAX /* nothing to store: the flag is forwarded to the imager, or is read by name */

struct cli_option {
	const char *name;
	char letter; /* 0: none */
	enum cli_type type;
	uint64_t commands;   /* CLI_ON_* */
	const char *env;     /* names without SINGULARITY_, in order, separated by blanks; NULL: none */
	size_t field;        /* offset in struct cli_request of a bool, char *, struct strlist or enum cli_explain */
	uint32_t flags;
	const char *value;   /* what the help page calls the value; NULL for bool */
	const char *initial; /* default, as shown; NULL: none */
	const char *help;
	const char *deprecated; /* what to do instead */
	const char *later;      /* why it cannot be given in this version */
};

extern const struct cli_option cli_options[];
extern const size_t cli_option_count;

#define CLI_OPTION_MAX 200 /* no less than cli_option_count; checked where the table is */

enum {
	CLI_SHOWS_HELP = 1,   /* a group: alone it prints its help, where others are usage errors */
	CLI_INTERSPERSED = 2, /* flags may follow positional arguments */
};

struct cli_command_row {
	const char *name; /* of a sub-command: both words, "cache list" */
	const char *alias;
	enum cli_command command;
	uint64_t on;  /* CLI_ON_*; 0: no options. Of a group: the flags that stand before the sub-command */
	uint32_t flags; /* CLI_SHOWS_HELP, CLI_INTERSPERSED */
	int min, max; /* positional arguments; max INT_MAX: no limit */
	bool hidden;
	const char *synopsis; /* after "singularity NAME" */
	const char *brief;
	const char *description;
	const char *examples;
	const char *later;
};

extern const struct cli_command_row cli_commands[];
extern const size_t cli_command_count;

/* cli_find_command() - the row called @name or with that alias; NULL if there is none. */
const struct cli_command_row *cli_find_command(const char *name);

/* cli_find_subcommand() - the row of @group's sub-command @name; NULL if there is none. */
const struct cli_command_row *cli_find_subcommand(const struct cli_command_row *group, const char *name);

/* cli_find_option() - the row of the long option named by the @len bytes at @name that applies to a command of @on. */
const struct cli_option *cli_find_option(const char *name, size_t len, uint64_t on);
const struct cli_option *cli_find_letter(char letter, uint64_t on);

/* cli_format_usage() - text below the error line (owned, NULL without memory): the options of @row, or with @brief its usage
 * line. @row NULL: the program itself. */
char *cli_format_usage(const struct cli_command_row *row, bool brief);

/* cli_format_help() - the help page of @row (NULL: the program's); owned, NULL without memory. */
char *cli_format_help(const struct cli_command_row *row);

#endif
