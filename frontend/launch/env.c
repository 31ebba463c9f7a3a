/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/env.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/action/script.h"
#include "frontend/action/shell_eval.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define USER_PREFIX "SINGULARITYENV_"

static bool env_is_in(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

static bool env_is_identifier(const char *name)
{
	if (!isalpha((unsigned char)name[0]) && name[0] != '_')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

static bool env_passes(const char *name, bool cleanenv)
{
	static const char *const never[] = {"HOME", "PATH", "LD_LIBRARY_PATH", "PS1", "PROMPT_COMMAND", NULL};
	static const char *const clean[] = {"TERM",	   "http_proxy",  "https_proxy", "no_proxy", "all_proxy",
					    "ftp_proxy",   "HTTP_PROXY",  "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
					    "FTP_PROXY",   NULL};

	if (cleanenv)
		return env_is_in(name, clean);
	if (strcmp(name, "SINGULARITY_DEBUG") == 0)
		return true; /* inner launches inherit it */
	return env_is_identifier(name) && strncmp(name, "SINGULARITY", 11) != 0 && !env_is_in(name, never);
}

/* A value that a user sets: paths are special, three names are ours. */
static void env_set_user(struct action_spec *spec, const char *name, const char *value)
{
	static const char *const refused[] = {"HOME", "SINGULARITY_SHELL", "SINGULARITY_APPNAME", NULL};
	char **slot = strcmp(name, "PATH") == 0		  ? &spec->path
		      : strcmp(name, "PREPEND_PATH") == 0 ? &spec->prepend_path
		      : strcmp(name, "APPEND_PATH") == 0  ? &spec->append_path
							  : NULL;

	if (!env_is_identifier(name)) {
		log_warning("Ignoring environment variable with the invalid name \"%s\"", name);
		return;
	}
	if (env_is_in(name, refused)) {
		log_warning("Overriding %s environment variable with %s%s is not permitted", name, USER_PREFIX, name);
		return;
	}
	if (slot) {
		free(*slot);
		*slot = strdup(value);
		return;
	}
	strlist_set_env(&spec->user_env, name, value);
}

static void env_set_user_item(struct action_spec *spec, const char *item)
{
	const char *equals = strchr(item, '=');
	cleanup_ptr char *name = strndup(item, equals ? (size_t)(equals - item) : strlen(item));

	env_set_user(spec, name, equals ? equals + 1 : "");
}

static void env_take_host(char **environ_, bool cleanenv, struct action_spec *spec)
{
	for (; *environ_; environ_++) {
		const char *equals = strchr(*environ_, '=');
		cleanup_ptr char *name = equals ? strndup(*environ_, (size_t)(equals - *environ_)) : NULL;

		if (!name)
			continue;
		if (strncmp(name, USER_PREFIX, strlen(USER_PREFIX)) == 0 && name[strlen(USER_PREFIX)])
			env_set_user(spec, name + strlen(USER_PREFIX), equals + 1);
		else if (env_passes(name, cleanenv))
			strlist_add(&spec->host_env, *environ_);
	}
	if (cleanenv)
		strlist_set_env(&spec->host_env, "LANG", "C");
}

/* A shell whose variables are those of the caller, but not exported: what is exported in the end, the file has set. */
static void env_start_shell(char **environ_, const char *image, const struct strlist *args, struct shell *shell)
{
	for (; *environ_; environ_++)
		if (strchr(*environ_, '='))
			strlist_add(&shell->locals, *environ_);
	strlist_set_env(&shell->locals, "SINGULARITY_IMAGE", image);
	for (size_t i = 0; i < args->count; i++)
		strlist_add(&shell->params, args->items[i]);
	shell->export_all = true;
}

static int env_take_file(const char *path, char **environ_, const char *image, const struct strlist *args,
			 struct action_spec *spec, struct err *err)
{
	static const char *const dropped[] = {"EUID", "GID", "HOME", "IFS", "OPTIND", "PWD", "UID", NULL};
	struct shell shell = {.name = "singularity"};
	cleanup_ptr char *text = NULL;
	int result = script_read_file(path, &text);

	if (result < 0)
		return err_sys(err, -result, "cannot read environment file %s", path);
	env_start_shell(environ_, image, args, &shell);
	result = shell_eval_script(&shell, text, err);
	for (size_t i = 0; result == 0 && i < shell.env.count; i++) {
		cleanup_ptr char *name = strndup(shell.env.items[i], strcspn(shell.env.items[i], "="));

		if (name && !env_is_in(name, dropped))
			env_set_user_item(spec, shell.env.items[i]);
	}
	/* echo is a command like any other. */
	if (result == 0 && shell.said.count)
		result = SHELL_EVAL_NEEDS_SHELL;
	shell_fini(&shell);
	if (result > 0)
		return err_set(err, ERR_SYSTEM, EINVAL,
			       "cannot use environment file %s: it may set variables only, not run commands", path);
	return result < 0 ? err_wrap(err, "environment file %s", path) : 0;
}

static const char *env_command_name(enum cli_command command)
{
	switch ((unsigned int)command) {
	case CLI_RUN:
		return "run";
	case CLI_SHELL:
		return "shell";
	case CLI_TEST:
		return "test";
	default:
		return "exec";
	}
}

static void env_set_fixed(const struct cli_request *request, const struct env_inputs *in, struct action_spec *spec)
{
	const struct cli_action *action = &request->action;
	const char *path = getenv("PATH");
	cleanup_ptr char *binds = strdup("");

	for (size_t i = 0; i < action->bind.count; i++) {
		char *longer = NULL;

		if (asprintf(&longer, "%s%s%s", binds, i ? "," : "", action->bind.items[i]) < 0)
			break;
		free(binds);
		binds = longer;
	}
	strlist_set_env(&spec->fixed_env, "SINGULARITY_CONTAINER", in->image_path);
	strlist_set_env(&spec->fixed_env, "SINGULARITY_NAME", in->image_name);
	strlist_set_env(&spec->fixed_env, "SINGULARITY_BIND", binds ? binds : "");
	strlist_set_env(&spec->fixed_env, "SINGULARITY_COMMAND", env_command_name(request->command));
	strlist_set_env(&spec->fixed_env, "SINGULARITY_ENVIRONMENT", "/.singularity.d/env/91-environment.sh");
	strlist_set_env(&spec->fixed_env, "HOME", in->home);
	strlist_addf(&spec->fixed_env, "USER_PATH=%s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		     path ? path : "");
	if (action->app)
		strlist_set_env(&spec->fixed_env, "SINGULARITY_APPNAME", action->app);
	if (action->shell)
		strlist_set_env(&spec->fixed_env, "SINGULARITY_SHELL", action->shell);
	if (action->no_eval || action->compat)
		strlist_set_env(&spec->fixed_env, "SINGULARITY_NO_EVAL", "1");
}

int env_fill_spec(const struct cli_request *request, char **environ_, const struct env_inputs *in,
		  struct action_spec *spec, struct err *err)
{
	const struct cli_action *action = &request->action;
	int result = 0;

	env_take_host(environ_, action->cleanenv || action->containall || action->compat, spec);
	/* The first file given wins over none, later ones over earlier ones. */
	for (size_t i = 0; result == 0 && i < action->env_file.count; i++)
		result = env_take_file(action->env_file.items[i], environ_, in->image_path, &action->args, spec, err);
	if (result < 0)
		return result;
	for (size_t i = 0; i < action->env.count; i++)
		env_set_user_item(spec, action->env.items[i]);
	env_set_fixed(request, in, spec);
	spec->no_eval = action->no_eval || action->compat;
	spec->app = action->app ? strdup(action->app) : NULL;
	spec->shell = action->shell ? strdup(action->shell) : NULL;
	return 0;
}
