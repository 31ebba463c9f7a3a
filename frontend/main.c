/* SPDX-License-Identifier: BSD-3-Clause */
/* bin/singularity: reads the command line, hands over to what serves the command, and turns errors into exit statuses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/cli.h"
#include "frontend/doctor.h"
#include "frontend/inspect.h"
#include "frontend/launch/launch.h"
#include "frontend/run_help.h"
#include "frontend/settings/install.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"
#include "ipc/err.h"
#include "ipc/log.h"

#define EXIT_USAGE 1
#define EXIT_FATAL 255

/* A descriptor opened later must not become standard input or output by accident. */
static void reopen_closed_stdio(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free number is this one: those below are open by now. */
		if (open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
			_exit(EXIT_FATAL);
	}
}

static int exit_status(enum err_kind kind)
{
	switch (kind) {
	case ERR_USAGE:
		return EXIT_USAGE;
	case ERR_NONE:
	case ERR_IMAGE:
	case ERR_DENIED:
	case ERR_SYSTEM:
	case ERR_PROTOCOL:
	case ERR_BUG:
		break;
	}
	return EXIT_FATAL;
}

/* For the programs that serve a command, and for nested calls of this one. */
static int export_levels(const struct cli_request *request, struct err *err)
{
	char level[16];

	(void)snprintf(level, sizeof(level), "%d", log_encode_level(log_get_level(), log_get_colour()));
	if (setenv("SINGULARITY_MESSAGELEVEL", level, 1) < 0 ||
	    (request->debug && setenv("SINGULARITY_DEBUG", "1", 1) < 0))
		return err_sys(err, errno, "cannot set SINGULARITY_MESSAGELEVEL");
	return 0;
}

static int check_config(const struct cli_request *request, struct err *err)
{
	if (!request->config || getuid() == 0 || !install_get()->has_suid)
		return 0;
	return err_set(err, ERR_DENIED, EPERM, "--config requires to be root or an unprivileged installation");
}

static int exec_imager(const struct strlist *words, struct err *err)
{
	cleanup_ptr char **argv = strlist_to_argv(words);
	cleanup_ptr char *path = NULL;

	if (asprintf(&path, "%s/imager", install_get()->libexec_bin) < 0) {
		path = NULL;
		return err_sys(err, ENOMEM, "cannot start imager");
	}
	(void)execv(path, argv);
	return err_sys(err, errno, "cannot execute %s", path);
}

static void add_all(struct strlist *words, const struct strlist *more)
{
	for (size_t i = 0; i < more->count; i++)
		strlist_add(words, more->items[i]);
}

static void add_value(struct strlist *words, const char *name, const char *value)
{
	if (!value)
		return;
	strlist_add(words, name);
	strlist_add(words, value);
}

static void add_flag(struct strlist *words, const char *name, bool given)
{
	if (given)
		strlist_add(words, name);
}

/* Options of the build, target and source, options for fetching the source. */
static int run_build(const struct cli_request *request, struct err *err)
{
	const struct cli_build *build = &request->build;
	struct strlist words = {0, NULL};
	int r;

	strlist_add(&words, "imager");
	strlist_add(&words, "build");
	add_flag(&words, "--sandbox", build->sandbox);
	add_flag(&words, "--force", build->force);
	add_flag(&words, "--fix-perms", build->fix_perms);
	add_value(&words, "--compression", build->compression);
	add_value(&words, "--tmpdir", build->tmpdir);
	strlist_add(&words, "--");
	strlist_add(&words, build->target);
	strlist_add(&words, build->spec);
	add_all(&words, &request->forward);
	r = exec_imager(&words, err);
	strlist_fini(&words);
	return r;
}

/* A command that the imager serves: its words, the options, the arguments. */
static int run_forward(const struct cli_request *request, struct err *err)
{
	const char *second = strchr(request->command_name, ' ');
	struct strlist words = {0, NULL};
	int r;

	strlist_add(&words, "imager");
	strlist_addf(&words, "%.*s", (int)strcspn(request->command_name, " "), request->command_name);
	if (second)
		strlist_add(&words, second + 1);
	add_all(&words, &request->forward);
	strlist_add(&words, "--");
	add_all(&words, &request->rest);
	/* As every variable of ours, for those programs that the command starts, too. */
	if (request->config && setenv("SINGULARITY_CONFIG_FILE", request->config, 1) < 0)
		r = err_sys(err, errno, "cannot set SINGULARITY_CONFIG_FILE");
	else
		r = exec_imager(&words, err);
	strlist_fini(&words);
	return r;
}

static int flush_stdout(struct err *err)
{
	return fflush(stdout) == EOF ? err_sys(err, errno, "cannot write to standard output") : 0;
}

static int run_buildcfg(const struct cli_request *request, struct err *err)
{
	const struct install *install = install_get();
	cleanup_ptr char *conf_file = NULL;
	const char *wanted = request->rest.count > 0 ? request->rest.items[0] : NULL;
	bool found = false;

	if (asprintf(&conf_file, "%s/singularity.conf", install->confdir) < 0) {
		conf_file = NULL;
		return err_sys(err, ENOMEM, "cannot print the configuration");
	}
	const struct {
		const char *name, *value;
	} parameters[] = {
		{"PACKAGE_NAME", "singularity"},
		{"PACKAGE_VERSION", SINGULARITY_VERSION},
		{"PREFIX", install->prefix},
		{"BINDIR", install->bindir},
		{"LIBEXECDIR", install->libexecdir},
		{"SYSCONFDIR", install->sysconfdir},
		{"LOCALSTATEDIR", install->localstatedir},
		{"SINGULARITY_CONFDIR", install->confdir},
		{"SINGULARITY_CONF_FILE", conf_file},
		{"SINGULARITY_SUID_INSTALL", install->has_suid ? "1" : "0"},
	};

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		if (!wanted) {
			printf("%s=%s\n", parameters[i].name, parameters[i].value);
		} else if (strcmp(wanted, parameters[i].name) == 0) {
			printf("%s\n", parameters[i].value);
			found = true;
		}
	}
	if (wanted && !found)
		return err_set(err, ERR_USAGE, EINVAL, "no variable named \"%s\"", wanted);
	return flush_stdout(err);
}

static int print_version(bool full, struct err *err)
{
	printf("%s%s\n", full ? "singularity version " : "", SINGULARITY_VERSION);
	return flush_stdout(err);
}

static int dispatch(const struct cli_request *request, struct err *err)
{
	int r = check_config(request, err);

	if (r < 0)
		return r;
	switch (request->command) {
	case CLI_EXEC:
	case CLI_RUN:
	case CLI_SHELL:
	case CLI_TEST:
		return launch_run(request, err);
	case CLI_BUILD:
		return run_build(request, err);
	case CLI_INSPECT:
		return inspect_run(request, err);
	case CLI_RUN_HELP:
		return run_help_run(request, err);
	case CLI_VERSION:
		return print_version(false, err);
	case CLI_FULL_VERSION:
		return print_version(true, err);
	case CLI_HELP:
		return cli_print_help(&request->help_topic, err);
	case CLI_BUILDCFG:
		return run_buildcfg(request, err);
	case CLI_DOCTOR:
		return doctor_run(request, err);
	case CLI_FORWARD:
		return run_forward(request, err);
	case CLI_NONE:
	case CLI_GROUP:
	case CLI_LATER:
		break;
	}
	return err_set(err, ERR_BUG, ENOSYS, "nothing serves this command");
}

/* Mistakes of the command line have their own form; every other error is one FATAL line. */
static int report(const struct err *err, const char *usage)
{
	if (usage)
		(void)fprintf(stderr, "%s\n%s", err->message, usage);
	else
		log_fatal("%s", err->message);
	return exit_status(err->kind);
}

int main(int argc, char **argv)
{
	struct cli_request request;
	cleanup_ptr char *usage = NULL;
	struct err err = ERR_INIT;
	int r;

	reopen_closed_stdio();
	r = cli_parse(argc, argv, environ, &request, &usage, &err);
	log_init(request.message_level, !request.no_color && isatty(STDERR_FILENO));
	for (size_t i = 0; i < request.notices.count; i++)
		(void)fprintf(stderr, "%s\n", request.notices.items[i]);
	if (r == 0)
		r = export_levels(&request, &err);
	if (r == 0)
		r = dispatch(&request, &err);
	if (r < 0)
		r = report(&err, usage);
	cli_fini(&request);
	return r;
}
