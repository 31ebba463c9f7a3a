/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line and the SINGULARITY_* environment as data. cli_parse() does no I/O beyond its arguments; the option
 * tables in frontend/cli_options.c are the one place that knows a flag's names, environment names, type and help text.
 */
#ifndef FRONTEND_CLI_H
#define FRONTEND_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

struct strlist {
	size_t count;
	char **items;
};

enum cli_command {
	CLI_NONE,
	CLI_EXEC,
	CLI_RUN,
	CLI_SHELL,
	CLI_TEST,
	CLI_BUILD,
	CLI_INSPECT,
	CLI_RUN_HELP,
	CLI_VERSION,
	CLI_HELP,
	CLI_BUILDCFG,
	CLI_DOCTOR,
	CLI_FULL_VERSION, /* --version: with the program's name */
	CLI_GROUP,   /* first of two words */
	CLI_FORWARD, /* served by the imager: options in request.forward, arguments in request.rest */
	CLI_LATER, /* known command of SingularityCE whose feature is not there yet */
};

enum cli_explain { CLI_EXPLAIN_NO, CLI_EXPLAIN_TEXT, CLI_EXPLAIN_JSON };

/* Strings: NULL when not given. Lists: command line first, then environment where that appends. */
struct cli_action {
	/* mounts */
	struct strlist bind;  /* one spec per item, split at commas */
	size_t bind_inherited; /* how many at the end of bind came from the environment, perhaps of an outer container */
	struct strlist mount; /* one --mount value per item */
	char *home;
	bool no_home;
	struct strlist no_mount;
	char *workdir;
	struct strlist scratch;
	bool writable, writable_tmpfs;
	struct strlist overlay;
	bool contain, containall, compat, no_compat;
	bool tmp_sandbox, no_tmp_sandbox, sif_fuse;
	bool nest; /* bring our own programs along */
	/* identity and namespaces */
	bool fakeroot, no_setgroups, userns, pid, no_pid, no_init, ipc, uts, net;
	char *hostname;
	char *network; /* NULL, or the comma-joined value */
	char *dns;
	/* privileges */
	char *add_caps, *drop_caps;
	bool keep_privs, no_privs, allow_setuid;
	struct strlist security;
	/* environment and process */
	struct strlist env;      /* K=V */
	struct strlist env_file;
	bool cleanenv, no_eval, no_umask;
	char *cwd;
	char *shell; /* --shell */
	char *app;
	char *tmpdir;
	bool disable_cache;
	enum cli_explain explain;
	/* positional */
	char *image;
	struct strlist args; /* exec: command and arguments; others: arguments */
};

struct cli_build {
	char *target, *spec;
	bool sandbox, force, update, fakeroot, notest, fix_perms, no_cleanup;
	struct strlist section;
	char *tmpdir;
	char *compression; /* --compression kind[:level] */
};

struct cli_inspect {
	bool labels, deffile, runscript, startscript, test, environment, helpfile, list_apps, json, all;
	char *app;
	char *image;
};

struct cli_run_help {
	char *app;
	char *image;
};

struct cli_request {
	enum cli_command command;
	const char *command_name; /* as in the table: "exec", "key newpair" */
	int message_level;        /* -3 .. 5 */
	bool no_color;
	bool debug;               /* --debug or SINGULARITY_DEBUG: exported to nested calls */
	char *config;             /* --config */
	struct cli_action action;
	struct cli_build build;
	struct cli_inspect inspect;
	struct cli_run_help run_help;
	bool doctor_json;
	struct strlist help_topic; /* help [cmd [sub]] */
	struct strlist rest;       /* positional arguments of the other commands */
	struct strlist forward;    /* for the imager: options given, by flag or environment, as --name or --name=value */
	struct strlist notices;    /* lines for stderr: deprecated flags that were given */
};

/* cli_parse() - parse @argv and the SINGULARITY_* names of @environ_ (NULL-terminated, borrowed) into @out. A flag of a later
 * feature that is given fails with ERR_SYSTEM and a message naming what is missing. Returns 0; -EINVAL with ERR_USAGE, in
 * which case *@usage (owned) is the text for stderr after the message (options block or short usage and the "Run" line);
 * with ERR_SYSTEM for bad environment values ("While parsing environment variables: …", exit 255). */
int cli_parse(int argc, char **argv, char **environ_, struct cli_request *out, char **usage, struct err *err);
void cli_fini(struct cli_request *request);

/* cli_print_help() - the help page of @topic (empty: the program's) to stdout. Returns 0, or -EINVAL for no such command. */
int cli_print_help(const struct strlist *topic, struct err *err);

#endif
