/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/script.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/action/read_ahead.h"
#include "frontend/action/shell_host.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define ENV_DIR "/.singularity.d/env"
#define LIBS_DIR "/.singularity.d/libs"
#define NEST_BIN "/.singularity.d/nest/bin"
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PROMPT "Singularity> "

/* For images from before 99-runtimevars.sh: the user's paths, the whole one winning. */
static const char runtime_variables[] =
	"[ -z \"${SING_USER_DEFINED_PREPEND_PATH:-}\" ] || PATH=$SING_USER_DEFINED_PREPEND_PATH:$PATH\n"
	"[ -z \"${SING_USER_DEFINED_APPEND_PATH:-}\" ] || PATH=$PATH:$SING_USER_DEFINED_APPEND_PATH\n"
	"[ -z \"${SING_USER_DEFINED_PATH:-}\" ] || PATH=$SING_USER_DEFINED_PATH\n"
	"unset SING_USER_DEFINED_PREPEND_PATH SING_USER_DEFINED_APPEND_PATH SING_USER_DEFINED_PATH\n"
	"export PATH\n";

int script_read_file(const char *path, char **out)
{
	return shell_host_read(path, out);
}

static int script_run_shell(struct shell *shell, const char *code, const char *what, int *status, struct err *err)
{
	log_debug("%s needs the image's shell", what);
	return shell_host_source(shell, code, what, status, err);
}

static int script_run_file(const char *path, struct shell *shell, int *status, struct err *err)
{
	cleanup_ptr char *text = NULL, *code = NULL;
	int result = script_read_file(path, &text);

	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return err_sys(err, -result, "cannot read %s", path);
	result = shell_eval_script(shell, text, err);
	if (result == SHELL_EVAL_EXIT)
		*status = shell->status;
	shell_host_say(shell);
	/* Too much for us may be just right for a shell. */
	if (result != SHELL_EVAL_NEEDS_SHELL && result != SHELL_EVAL_EXEC && result != -E2BIG)
		return result < 0 ? err_wrap(err, "%s", path) : 0;
	if (asprintf(&code, ". '%s'", path) < 0)
		return err_sys(err, ENOMEM, "cannot evaluate %s", path);
	return script_run_shell(shell, code, path, status, err);
}

static bool script_path_has(const char *path, const char *entry, size_t length)
{
	while (*path) {
		size_t n = strcspn(path, ":");

		if (n == length && strncmp(path, entry, n) == 0)
			return true;
		path += n + (path[n] ? 1 : 0);
	}
	return false;
}

/* OCI images may set a PATH without the places where our tools live. */
static void script_complete_path(struct strlist *env)
{
	const char *entry = DEFAULT_PATH;

	while (*entry) {
		size_t n = strcspn(entry, ":");
		const char *path = strlist_get_env(env, "PATH");
		cleanup_ptr char *longer = NULL;

		if (!path || !*path)
			strlist_set_env(env, "PATH", DEFAULT_PATH);
		else if (!script_path_has(path, entry, n) && asprintf(&longer, "%s:%.*s", path, (int)n, entry) >= 0)
			strlist_set_env(env, "PATH", longer);
		entry += n + (entry[n] ? 1 : 0);
	}
}

static void script_set_exported(struct shell *shell, const char *name, const char *value)
{
	strlist_unset_env(&shell->locals, name);
	strlist_set_env(&shell->env, name, value);
}

/* The value of the shell's double quotes, or as it is. */
static int script_inject(const struct action_spec *spec, const char *name, const char *text, struct shell *shell,
			 struct err *err)
{
	cleanup_ptr char *value = NULL, *code = NULL;
	int status = -1, result = spec->no_eval ? 0 : shell_eval_value(shell, text, &value, err);

	if (result < 0)
		return err_wrap(err, "variable %s", name);
	if (result == 0) {
		script_set_exported(shell, name, spec->no_eval ? text : value);
		return 0;
	}
	if (asprintf(&code, "export %s=\"%s\"", name, text) < 0)
		return err_sys(err, ENOMEM, "cannot evaluate variable %s", name);
	result = script_run_shell(shell, code, name, &status, err);
	if (result == 0 && status >= 0)
		result = err_set(err, ERR_SYSTEM, EINVAL, "cannot evaluate variable %s: its shell ended with status %d",
				 name, status);
	return result;
}

static int script_inject_user(const struct action_spec *spec, struct shell *shell, struct err *err)
{
	const struct {
		const char *name, *value;
	} paths[] = {{"SING_USER_DEFINED_PATH", spec->path},
		     {"SING_USER_DEFINED_PREPEND_PATH", spec->prepend_path},
		     {"SING_USER_DEFINED_APPEND_PATH", spec->append_path}};
	int result = 0;

	for (size_t i = 0; result == 0 && i < spec->user_env.count; i++) {
		const char *item = spec->user_env.items[i], *equals = strchr(item, '=');
		cleanup_ptr char *name = equals ? strndup(item, (size_t)(equals - item)) : NULL;

		if (name)
			result = script_inject(spec, name, equals + 1, shell, err);
	}
	for (size_t i = 0; result == 0 && i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i].value)
			result = script_inject(spec, paths[i].name, paths[i].value, shell, err);
	return result;
}

static void script_add_libs(struct shell *shell)
{
	const char *value = shell_get(shell, "LD_LIBRARY_PATH");
	cleanup_ptr char *whole = NULL;

	if (value && script_path_has(value, LIBS_DIR, strlen(LIBS_DIR)))
		return;
	if (asprintf(&whole, "%s%s" LIBS_DIR, value ? value : "", value && *value ? ":" : "") >= 0)
		script_set_exported(shell, "LD_LIBRARY_PATH", whole);
}

/* Behind all that the image and the user have: a singularity of the image's own comes first. */
static void script_add_nest(struct shell *shell)
{
	const char *path = shell_get(shell, "PATH");
	cleanup_ptr char *whole = NULL;

	if (asprintf(&whole, "%s%s" NEST_BIN, path ? path : "", path && *path ? ":" : "") >= 0)
		script_set_exported(shell, "PATH", whole);
}

/* Values of the image win over those of the host; an empty one hides the host's. */
static void script_restore_host(const struct action_spec *spec, struct strlist *env)
{
	for (size_t i = 0; i < spec->host_env.count; i++) {
		const char *item = spec->host_env.items[i], *equals = strchr(item, '=');
		cleanup_ptr char *name = equals ? strndup(item, (size_t)(equals - item)) : NULL;
		const char *value = name ? strlist_get_env(env, name) : NULL;

		if (!value && equals)
			strlist_add(env, item);
		else if (value && !*value)
			strlist_unset_env(env, name);
	}
}

static int script_select(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 3 && strcmp(entry->d_name + length - 3, ".sh") == 0;
}

static int script_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void script_set_fixed(const struct action_spec *spec, struct shell *shell)
{
	for (size_t i = 0; i < spec->fixed_env.count; i++) {
		const char *item = spec->fixed_env.items[i], *equals = strchr(item, '=');
		cleanup_ptr char *name = equals ? strndup(item, (size_t)(equals - item)) : NULL;

		if (name)
			script_set_exported(shell, name, equals + 1);
	}
}

static void script_read_ahead(const char *directory, struct dirent **names, int count)
{
	for (int i = 0; i < count; i++) {
		cleanup_ptr char *path = NULL;

		if (asprintf(&path, "%s/%s", directory, names[i]->d_name) < 0)
			path = NULL;
		else
			read_ahead_file(path);
	}
}

/* The scripts, and the user's values where they belong; those are in before anything of the name 99-r…. */
static int script_run_all(const char *root, const struct action_spec *spec, struct shell *shell, int *status,
			  struct err *err)
{
	cleanup_ptr char *directory = NULL, *old = NULL;
	struct dirent **names = NULL;
	bool injected = false;
	int count, result = 0;

	if (asprintf(&directory, "%s" ENV_DIR, root) < 0 || asprintf(&old, "%s/environment", root) < 0)
		return err_sys(err, ENOMEM, "cannot evaluate the environment");
	count = scandir(directory, &names, script_select, script_compare);
	if (count < 0)
		result = script_run_file(old, shell, status, err);
	script_read_ahead(directory, names, count);
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		cleanup_ptr char *path = NULL;

		if (result == 0 && *status < 0 && !injected && strcmp(name, "99-base.sh") > 0) {
			injected = true;
			result = script_inject_user(spec, shell, err);
		}
		if (strcmp(name, "90-environment.sh") == 0 && !shell_get(shell, "PATH"))
			script_set_exported(shell, "PATH", DEFAULT_PATH);
		if (asprintf(&path, "%s/%s", directory, name) < 0)
			result = -ENOMEM;
		if (result == 0 && *status < 0)
			result = script_run_file(path, shell, status, err);
		if (strcmp(name, "10-docker2singularity.sh") == 0)
			script_complete_path(&shell->env);
		free(names[i]);
	}
	free(names);
	if (result == 0 && *status < 0 && !injected)
		result = script_inject_user(spec, shell, err);
	return result;
}

static int script_apply_paths(struct shell *shell, struct err *err)
{
	int result = 0;

	if (shell_get(shell, "SING_USER_DEFINED_PATH") || shell_get(shell, "SING_USER_DEFINED_PREPEND_PATH") ||
	    shell_get(shell, "SING_USER_DEFINED_APPEND_PATH"))
		result = shell_eval_script(shell, runtime_variables, err);
	if (!strlist_get_env(&shell->env, "PATH"))
		script_set_exported(shell, "PATH", DEFAULT_PATH);
	return result;
}

/* bash reads its start-up files after it got its environment; its prompt is put back once. */
static void script_set_prompt(struct shell *shell)
{
	const char *prompt = strlist_get_env(&shell->env, "PS1");

	if (!prompt)
		script_set_exported(shell, "PS1", PROMPT);
	if (!strlist_get_env(&shell->env, "PROMPT_COMMAND") && (!prompt || strcmp(prompt, PROMPT) == 0))
		script_set_exported(shell, "PROMPT_COMMAND", "PS1=\"" PROMPT "\"; unset PROMPT_COMMAND");
}

int script_build_env_at(const char *root, const struct shell_host *host, const struct action_spec *spec,
			struct shell *shell, int *status, struct err *err)
{
	int result;

	*status = -1;
	shell->host = host;
	script_set_exported(shell, "PATH", DEFAULT_PATH);
	script_set_fixed(spec, shell);
	result = script_run_all(root, spec, shell, status, err);
	if (result == 0)
		result = script_apply_paths(shell, err);
	if (result < 0 || *status >= 0)
		return result;
	script_set_fixed(spec, shell);
	script_add_libs(shell);
	if (spec->nest)
		script_add_nest(shell);
	script_set_prompt(shell);
	script_restore_host(spec, &shell->env);
	return 0;
}

int script_build_env(const struct action_spec *spec, struct shell *shell, int *status, struct err *err)
{
	return script_build_env_at("", &shell_host_container, spec, shell, status, err);
}
