/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/cli.h"
#include "frontend/cli_csv.h"
#include "frontend/cli_options.h"
#include "ipc/err.h"
#include "policy/directives_frontend.h"

#define ARGS_MAX 16

struct parsed {
	struct cli_request request;
	char *usage;
	struct err err;
	int r;
};

static char *no_environment[] = {NULL};

static int count_args(const char *const *args)
{
	int count = 0;

	while (args[count])
		count++;
	return count;
}

static void parse(struct parsed *parsed, const char *const *args, const char *const *environment)
{
	static char text[4096];
	char *argv[ARGS_MAX + 1] = {0};
	char *env[ARGS_MAX + 1] = {0};
	size_t used = 0;
	int argc = count_args(args);

	/* cli_parse() takes writable strings, as main() gets them. */
	for (int i = 0; i < argc; i++) {
		argv[i] = strcpy(text + used, args[i]);
		used += strlen(args[i]) + 1;
	}
	for (int i = 0; environment && environment[i]; i++) {
		env[i] = strcpy(text + used, environment[i]);
		used += strlen(environment[i]) + 1;
	}
	memset(parsed, 0, sizeof(*parsed));
	parsed->r = cli_parse(argc, argv, environment ? env : no_environment, &parsed->request, &parsed->usage, &parsed->err);
}

static void done(struct parsed *parsed)
{
	cli_fini(&parsed->request);
	free(parsed->usage);
}

#define ARGS(...) ((const char *const[]){"singularity", __VA_ARGS__, NULL})
#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_list(const struct strlist *list, const char *const *items)
{
	size_t count = (size_t)count_args(items);

	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(list->items[i], items[i]);
}
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_usage_error(const char *const *args, const char *message, const char *usage_part)
{
	struct parsed p;

	parse(&p, args, NULL);
	assert_int_equal(p.r, -22);
	assert_int_equal(p.err.kind, ERR_USAGE);
	assert_string_equal(p.err.message, message);
	assert_non_null(p.usage);
	assert_non_null(strstr(p.usage, usage_part));
	assert_non_null(strstr(p.usage, "Run 'singularity --help' for more detailed usage information.\n"));
	done(&p);
}

static void assert_system_error(const char *const *args, const char *const *env, const char *part)
{
	struct parsed p;

	parse(&p, args, env);
	assert_true(p.r < 0);
	assert_int_equal(p.err.kind, ERR_SYSTEM);
	if (!strstr(p.err.message, part))
		fail_msg("\"%s\" is not in \"%s\"", part, p.err.message);
	assert_null(p.usage);
	done(&p);
}

static void cli_parse_forwards_what_the_imager_needs(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("pull", "-F", "--arch=arm64", "--no-https=false", "out.sif", "docker://x"),
	      ENV("SINGULARITY_PULLDIR=/dir", "SINGULARITY_DOCKER_USERNAME=me", "SINGULARITY_DOCKER_PASSWORD=secret"));
	assert_int_equal(p.r, 0);
	assert_int_equal(p.request.command, CLI_FORWARD);
	/* Everybody can read command lines: the password stays in the environment. */
	assert_list(&p.request.forward, LIST("--force", "--arch=arm64", "--docker-username=me", "--dir=/dir"));
	assert_list(&p.request.rest, LIST("out.sif", "docker://x"));
	done(&p);
	parse(&p, ARGS("run", "--no-https", "--pid", "docker://x"), ENV("SINGULARITY_TMPDIR=/t"));
	assert_int_equal(p.r, 0);
	assert_list(&p.request.forward, LIST("--no-https", "--tmpdir=/t"));
	assert_string_equal(p.request.action.tmpdir, "/t");
	done(&p);
	parse(&p, ARGS("cache", "clean", "-T", "blob,net", "-n"), NULL);
	assert_int_equal(p.r, 0);
	assert_string_equal(p.request.command_name, "cache clean");
	assert_list(&p.request.forward, LIST("--type=blob,net", "--dry-run"));
	done(&p);
}

static void cli_parse_stops_flags_at_image(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("exec", "-c", "img.sif", "ls", "-l", "--pid"), NULL);
	assert_int_equal(p.r, 0);
	assert_int_equal(p.request.command, CLI_EXEC);
	assert_string_equal(p.request.command_name, "exec");
	assert_true(p.request.action.contain);
	assert_false(p.request.action.pid);
	assert_string_equal(p.request.action.image, "img.sif");
	assert_list(&p.request.action.args, LIST("ls", "-l", "--pid"));
	done(&p);

	parse(&p, ARGS("run", "--", "-img"), NULL);
	assert_int_equal(p.r, 0);
	assert_string_equal(p.request.action.image, "-img");
	done(&p);

	parse(&p, ARGS("run", "-"), NULL);
	assert_int_equal(p.r, 0);
	assert_string_equal(p.request.action.image, "-");
	done(&p);
}

static void cli_parse_takes_every_form_of_flag(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("exec", "-cipB/a:/b", "-H=/h", "--workdir=/w", "--cwd", "/c", "--uts=false", "i", "x"), NULL);
	assert_int_equal(p.r, 0);
	assert_true(p.request.action.contain && p.request.action.ipc && p.request.action.pid);
	assert_false(p.request.action.uts);
	assert_list(&p.request.action.bind, LIST("/a:/b"));
	assert_string_equal(p.request.action.home, "/h");
	assert_string_equal(p.request.action.workdir, "/w");
	assert_string_equal(p.request.action.cwd, "/c");
	done(&p);

	parse(&p, ARGS("exec", "--cwd", "/1", "--pwd", "/2", "-cB", "/a", "i", "x"), NULL);
	assert_string_equal(p.request.action.cwd, "/2");
	assert_list(&p.request.action.bind, LIST("/a"));
	done(&p);

	parse(&p, ARGS("exec", "-c=false", "-i", "i", "x"), NULL);
	assert_false(p.request.action.contain);
	assert_true(p.request.action.ipc);
	done(&p);
}

static void cli_parse_knows_bool_words(void **state)
{
	static const char *const truths[] = {"1", "t", "T", "TRUE", "true", "True"};
	static const char *const lies[] = {"0", "f", "F", "FALSE", "false", "False"};
	struct parsed p;
	char flag[32];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		(void)snprintf(flag, sizeof(flag), "--pid=%s", truths[i]);
		parse(&p, ARGS("exec", flag, "i", "x"), NULL);
		assert_true(p.r == 0 && p.request.action.pid);
		done(&p);
		(void)snprintf(flag, sizeof(flag), "--pid=%s", lies[i]);
		parse(&p, ARGS("exec", "--pid", flag, "i", "x"), NULL);
		assert_true(p.r == 0 && !p.request.action.pid);
		done(&p);
	}
	assert_usage_error(ARGS("exec", "--pid=yes", "i", "x"),
			   "Error for command \"exec\": invalid argument \"yes\" for \"-p, --pid\" flag: "
			   "strconv.ParseBool: parsing \"yes\": invalid syntax",
			   "Options for exec command:");
	assert_usage_error(ARGS("exec", "--uts=", "i", "x"),
			   "Error for command \"exec\": invalid argument \"\" for \"--uts\" flag: "
			   "strconv.ParseBool: parsing \"\": invalid syntax",
			   "Options for exec command:");
}

static void cli_parse_words_flag_errors(void **state)
{
	(void)state;
	assert_usage_error(ARGS("exec", "--x", "i", "x"), "Error for command \"exec\": unknown flag: --x", "--bind strings");
	assert_usage_error(ARGS("exec", "--x=1"), "Error for command \"exec\": unknown flag: --x", "--bind strings");
	assert_usage_error(ARGS("exec", "-cxi"), "Error for command \"exec\": unknown shorthand flag: 'x' in -xi", "--bind strings");
	assert_usage_error(ARGS("exec", "-s", "i", "x"), "Error for command \"exec\": unknown shorthand flag: 's' in -s", "--contain");
	assert_usage_error(ARGS("exec", "--bind"), "Error for command \"exec\": flag needs an argument: --bind", "--bind strings");
	assert_usage_error(ARGS("exec", "-cB"), "Error for command \"exec\": flag needs an argument: 'B' in -B", "--bind strings");
	assert_usage_error(ARGS("exec", "--=x"), "Error for command \"exec\": bad flag syntax: --=x", "--bind strings");
	assert_usage_error(ARGS("exec", "---x"), "Error for command \"exec\": bad flag syntax: ---x", "--bind strings");
	assert_usage_error(ARGS("--bind", "x"), "Error for command \"singularity\": unknown flag: --bind",
			   "Options for singularity command:");
	assert_usage_error(ARGS("exec", "--env", "novalue", "i", "x"),
			   "Error for command \"exec\": invalid argument \"novalue\" for \"--env\" flag: "
			   "novalue must be formatted as key=value",
			   "--env stringToString");
}

static void cli_parse_counts_arguments(void **state)
{
	struct parsed p;

	(void)state;
	assert_usage_error(ARGS("exec", "i"), "Error for command \"exec\": requires at least 2 arg(s), only received 1",
			   "Usage:\n  singularity exec [exec options...] <container> <command>");
	assert_usage_error(ARGS("shell"), "Error for command \"shell\": requires at least 1 arg(s), only received 0", "Usage:");
	assert_usage_error(ARGS("build", "o.sif", "x.def", "--force"), "Error for command \"build\": accepts 2 arg(s), received 3",
			   "Usage:");
	assert_usage_error(ARGS("inspect"), "Error for command \"inspect\": accepts 1 arg(s), received 0", "Usage:");
	assert_usage_error(ARGS("buildcfg", "A", "B"), "Error for command \"buildcfg\": accepts between 0 and 1 arg(s), received 2",
			   "Usage:");
	assert_usage_error(ARGS("nonsense"), "Error for command \"singularity\": unknown command \"nonsense\" for \"singularity\"",
			   "Usage:");
	parse(&p, (const char *const[]){"singularity", NULL}, NULL);
	assert_int_equal(p.err.kind, ERR_USAGE);
	done(&p);
}

static void cli_parse_splits_lists(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("exec", "-B", "/a,\"/b,c:/d\",/e", "--bind", "/f", "--mount", "type=bind,src=/a,dst=/b", "--env", "A=1,2",
		       "--env", "B=1,C=2", "i", "x"),
	      NULL);
	assert_int_equal(p.r, 0);
	assert_list(&p.request.action.bind, LIST("/a", "/b,c:/d", "/e", "/f"));
	assert_list(&p.request.action.mount, LIST("type=bind,src=/a,dst=/b"));
	assert_list(&p.request.action.env, LIST("A=1,2", "B=1", "C=2"));
	assert_int_equal(p.request.action.bind_inherited, 0);
	done(&p);
}

static void cli_parse_appends_binds_of_environment(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("exec", "-B", "/a", "--mount", "m1", "i", "x"),
	      ENV("SINGULARITY_BINDPATH=/d", "SINGULARITY_BIND= /b , /c,", "SINGULARITY_MOUNT=m2\nm3\n"));
	assert_int_equal(p.r, 0);
	assert_list(&p.request.action.bind, LIST("/a", "/b", "/c", "/d"));
	assert_int_equal(p.request.action.bind_inherited, 3);
	assert_list(&p.request.action.mount, LIST("m1", "m2", "m3"));
	done(&p);
}

static void cli_parse_prefers_command_line(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("exec", "--home", "/1", "--overlay", "o1", "--pid=false", "i", "x"),
	      ENV("SINGULARITY_HOME=/2", "SINGULARITY_OVERLAY=o2", "SINGULARITY_PID=1", "SINGULARITY_UNSHARE_IPC=1"));
	assert_int_equal(p.r, 0);
	assert_string_equal(p.request.action.home, "/1");
	assert_list(&p.request.action.overlay, LIST("o1"));
	assert_false(p.request.action.pid);
	assert_true(p.request.action.ipc);
	done(&p);

	/* The first name in the table's order wins, whatever the order of the environment. */
	parse(&p, ARGS("exec", "i", "x"),
	      ENV("SINGULARITY_TARGET_CWD=/2", "SINGULARITY_PWD=/3", "SINGULARITY_CWD=/1", "SINGULARITY_SCRATCHDIR=s2",
		  "SINGULARITY_SCRATCH=  ", "SINGULARITY_HOSTNAME=", "SINGULARITY_UTS=0"));
	assert_int_equal(p.r, 0);
	assert_string_equal(p.request.action.cwd, "/1");
	assert_list(&p.request.action.scratch, LIST("s2"));
	assert_null(p.request.action.hostname);
	assert_false(p.request.action.uts);
	done(&p);

	/* A name that another command owns says nothing here. */
	parse(&p, ARGS("exec", "i", "x"), ENV("SINGULARITY_SHELL=/bin/zsh", "SINGULARITY_REMOTE=1"));
	assert_int_equal(p.r, 0);
	assert_null(p.request.action.shell);
	done(&p);
}

static void cli_parse_refuses_bad_environment(void **state)
{
	(void)state;
	assert_system_error(ARGS("exec", "i", "x"), ENV("SINGULARITY_PID=maybe"),
			    "While parsing environment variables: SINGULARITY_PID: strconv.ParseBool");
	assert_system_error(ARGS("exec", "i", "x"), ENV("SINGULARITY_BIND=/a\"b"), "While parsing environment variables: SINGULARITY_BIND");
	assert_system_error(ARGS("version"), ENV("SINGULARITY_DEBUG=loud"), "While parsing environment variables: SINGULARITY_DEBUG");
}

static void cli_parse_refuses_what_comes_later(void **state)
{
	struct parsed p;

	(void)state;
	assert_system_error(ARGS("exec", "--nv", "i", "x"), NULL, "--nv is not available in this version: GPU");
	assert_system_error(ARGS("exec", "i", "x"), ENV("SINGULARITY_NV=1"), "SINGULARITY_NV is not available in this version: GPU");
	assert_system_error(ARGS("run", "--memory", "1g", "i"), NULL, "--memory is not available");
	assert_system_error(ARGS("run", "--network", "bridge", "i"), NULL, "--network bridge is not available");
	assert_system_error(ARGS("build", "-f", "o", "i"), NULL, "--fakeroot is not available in this version");
	assert_system_error(ARGS("sign", "--whatever", "docker://x"), NULL,
			    "\"sign\" is not available in this version: signing is missing so far");
	assert_system_error(ARGS("keys"), NULL, "\"key\" is not available");

	parse(&p, ARGS("run", "--nv=false", "--network=none", "i"), ENV("SINGULARITY_ROCM=0"));
	assert_int_equal(p.r, 0);
	assert_string_equal(p.request.action.network, "none");
	done(&p);
	/* Meant for launches: must not stop a build. */
	parse(&p, ARGS("build", "o", "i"), ENV("SINGULARITY_BIND=/a", "SINGULARITY_NV=1", "SINGULARITY_FORCE=1"));
	assert_int_equal(p.r, 0);
	assert_true(p.request.build.force);
	assert_int_equal(p.request.action.bind.count, 0);
	done(&p);
}

/* Every row of a later feature refuses; every other row is accepted. */
static void cli_parse_obeys_every_row(void **state)
{
	static const struct {
		uint32_t on;
		const char *name;
	} commands[] = {{CLI_ON_EXEC, "exec"},       {CLI_ON_RUN, "run"},   {CLI_ON_SHELL, "shell"},
			{CLI_ON_TEST, "test"},       {CLI_ON_BUILD, "build"}, {CLI_ON_INSPECT, "inspect"},
			{CLI_ON_RUN_HELP, "run-help"}};

	(void)state;
	for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]); c++)
		for (size_t i = 0; i < cli_option_count; i++) {
			const struct cli_option *option = &cli_options[i];
			const struct cli_command_row *row = cli_find_command(commands[c].name);
			struct parsed p;
			char flag[64];

			if (!(option->commands & commands[c].on))
				continue;
			(void)snprintf(flag, sizeof(flag), "--%s%s", option->name,
				       option->type == CLI_TYPE_BOOL || option->type == CLI_TYPE_EXPLAIN ? ""
				       : option->type == CLI_TYPE_MAP					? "=K=V"
				       : strcmp(option->name, "network") == 0				? "=none"
													: "=value");
			if (row->min == 1)
				parse(&p, ARGS(commands[c].name, flag, "one"), NULL);
			else
				parse(&p, ARGS(commands[c].name, flag, "one", "two"), NULL);
			if ((p.r == 0) == (option->later != NULL))
				fail_msg("%s %s: %d %s", commands[c].name, flag, p.r, p.err.message);
			if (option->later)
				assert_int_equal(p.err.kind, ERR_SYSTEM);
			assert_int_equal(p.request.notices.count, option->deprecated ? 1 : 0);
			done(&p);
		}
}

static void cli_options_have_no_twins(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_option_count; i++)
		for (size_t j = i + 1; j < cli_option_count; j++) {
			const struct cli_option *a = &cli_options[i], *b = &cli_options[j];

			if (!(a->commands & b->commands))
				continue;
			if (strcmp(a->name, b->name) == 0 || (a->letter && a->letter == b->letter))
				fail_msg("--%s and --%s are alike", a->name, b->name);
		}
}

static void cli_parse_sets_levels(void **state)
{
	static const struct {
		const char *flags[3];
		int level;
	} cases[] = {{{"--nocolor"}, 1}, {{"-s"}, -3}, {{"-q"}, -1}, {{"-v"}, 4}, {{"-d"}, 5}, {{"-sq"}, -1}, {{"-qsv"}, 4}, {{"-dqsv"}, 5}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p;

		parse(&p, ARGS(cases[i].flags[0], "version"), NULL);
		assert_int_equal(p.r, 0);
		assert_int_equal(p.request.message_level, cases[i].level);
		assert_int_equal(p.request.debug, cases[i].level == 5);
		done(&p);
	}
	struct parsed p;

	parse(&p, ARGS("-c", "/my.conf", "exec", "-c", "i", "x"), ENV("SINGULARITY_DEBUG=1"));
	assert_int_equal(p.request.message_level, 5);
	assert_string_equal(p.request.config, "/my.conf");
	assert_true(p.request.action.contain);
	done(&p);
}

static void cli_parse_explains(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("exec", "--explain", "i", "x"), NULL);
	assert_int_equal(p.request.action.explain, CLI_EXPLAIN_TEXT);
	assert_string_equal(p.request.action.image, "i");
	done(&p);
	parse(&p, ARGS("exec", "--explain=json", "i", "x"), NULL);
	assert_int_equal(p.request.action.explain, CLI_EXPLAIN_JSON);
	done(&p);
	assert_usage_error(ARGS("exec", "--explain=xml", "i", "x"),
			   "Error for command \"exec\": invalid argument \"xml\" for \"--explain\" flag: \"xml\" is neither text nor json",
			   "--explain[=text|json]");
}

static void cli_parse_turns_to_help(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, ARGS("exec", "-ch", "--nonsense"), NULL);
	assert_int_equal(p.r, 0);
	assert_int_equal(p.request.command, CLI_HELP);
	assert_list(&p.request.help_topic, LIST("exec"));
	done(&p);
	parse(&p, ARGS("sign", "--help"), NULL);
	assert_int_equal(p.request.command, CLI_HELP);
	done(&p);
	parse(&p, ARGS("--help"), NULL);
	assert_int_equal(p.request.help_topic.count, 0);
	assert_int_equal(p.request.command, CLI_HELP);
	done(&p);
	parse(&p, ARGS("--version"), NULL);
	assert_int_equal(p.request.command, CLI_FULL_VERSION);
	done(&p);
	parse(&p, ARGS("version"), NULL);
	assert_int_equal(p.request.command, CLI_VERSION);
	done(&p);
}

static void cli_format_help_shows_every_option(void **state)
{
	(void)state;
	for (size_t c = 0; c < cli_command_count; c++) {
		char *page = cli_format_help(&cli_commands[c]);

		assert_non_null(page);
		assert_non_null(strstr(page, cli_commands[c].brief));
		for (size_t i = 0; i < cli_option_count; i++) {
			const struct cli_option *option = &cli_options[i];
			char flag[64];
			bool hidden;

			if (!(option->commands & cli_commands[c].on))
				continue;
			(void)snprintf(flag, sizeof(flag), "--%s%s", option->name,
				       option->type == CLI_TYPE_EXPLAIN ? "[" : " ");
			hidden = (option->flags & CLI_HIDDEN) || option->deprecated;
			if ((strstr(page, flag) == NULL) != hidden)
				fail_msg("help %s and %s", cli_commands[c].name, flag);
		}
		free(page);
	}
}

static char *read_manual(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 256 * 1024);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, 256 * 1024 - 1, file) > 0);
	assert_int_equal(fclose(file), 0);
	return text;
}

/* Run from the top of the source tree, as `make check` does. */
static void manual_has_every_option_and_command(void **state)
{
	char *text = read_manual("frontend/man/singularity.1");

	(void)state;
	for (size_t i = 0; i < cli_option_count; i++) {
		char plain[80], blank[80], line[80];

		(void)snprintf(plain, sizeof(plain), "Fl -%s\n", cli_options[i].name);
		(void)snprintf(blank, sizeof(blank), "Fl -%s ", cli_options[i].name);
		(void)snprintf(line, sizeof(line), "Fl -%s Ns ", cli_options[i].name);
		if (!strstr(text, plain) && !strstr(text, blank) && !strstr(text, line))
			fail_msg("--%s is not in singularity.1", cli_options[i].name);
	}
	for (size_t i = 0; i < cli_command_count; i++) {
		char entry[80];

		(void)snprintf(entry, sizeof(entry), "Cm %s", cli_commands[i].name);
		if (!strstr(text, entry))
			fail_msg("%s is not in singularity.1", cli_commands[i].name);
	}
	free(text);
}

static void manual_has_every_directive(void **state)
{
	static const char *const names[] = {
#define NAME(name, ...) name,
		CONF_DIRECTIVES(NAME, NAME, NAME, NAME, NAME)
#undef NAME
	};
	char *text = read_manual("frontend/man/singularity.conf.5");

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char entry[80];

		(void)snprintf(entry, sizeof(entry), ".It Ic %s\n", names[i]);
		if (!strstr(text, entry))
			fail_msg("%s is not in singularity.conf.5", names[i]);
	}
	free(text);
}

static void cli_csv_split_reads_quotes(void **state)
{
	struct strlist list = {0, NULL};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(cli_csv_split("", &list, &err), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(cli_csv_split("a,,\"b\"\"c\",\"\",d,", &list, &err), 0);
	assert_list(&list, LIST("a", "", "b\"c", "", "d", ""));
	assert_true(cli_csv_split("x,y\"", &list, &err) < 0);
	assert_true(cli_csv_split("\"x", &list, &err) < 0);
	assert_true(cli_csv_split("\"x\"y", &list, &err) < 0);
	assert_int_equal(list.count, 6);
	cli_csv_free(&list, 0);
	assert_null(list.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cli_parse_forwards_what_the_imager_needs),
		cmocka_unit_test(cli_parse_stops_flags_at_image),
		cmocka_unit_test(cli_parse_takes_every_form_of_flag),
		cmocka_unit_test(cli_parse_knows_bool_words),
		cmocka_unit_test(cli_parse_words_flag_errors),
		cmocka_unit_test(cli_parse_counts_arguments),
		cmocka_unit_test(cli_parse_splits_lists),
		cmocka_unit_test(cli_parse_appends_binds_of_environment),
		cmocka_unit_test(cli_parse_prefers_command_line),
		cmocka_unit_test(cli_parse_refuses_bad_environment),
		cmocka_unit_test(cli_parse_refuses_what_comes_later),
		cmocka_unit_test(cli_parse_obeys_every_row),
		cmocka_unit_test(cli_options_have_no_twins),
		cmocka_unit_test(cli_parse_sets_levels),
		cmocka_unit_test(cli_parse_explains),
		cmocka_unit_test(cli_parse_turns_to_help),
		cmocka_unit_test(cli_format_help_shows_every_option),
		cmocka_unit_test(manual_has_every_option_and_command),
		cmocka_unit_test(manual_has_every_directive),
		cmocka_unit_test(cli_csv_split_reads_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
