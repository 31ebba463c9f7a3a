/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/script.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/action/shell_eval.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define ENV_DIR "/.singularity.d/env"
#define LIBS_DIR "/.singularity.d/libs"
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define FILE_MAX (1024 * 1024)
#define PROMPT "Singularity> "

int script_read_file(const char *path, char **out)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup_ptr char *text = NULL;
	struct stat st;
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return -EINVAL;
	text = malloc((size_t)st.st_size + 1);
	while (text && used < (size_t)st.st_size && n > 0) {
		n = read(fd, text + used, (size_t)st.st_size - used);
		used += n > 0 ? (size_t)n : 0;
	}
	if (!text || n < 0)
		return text ? -errno : -ENOMEM;
	text[used] = '\0';
	*out = ptr_take(text);
	return 0;
}

_Noreturn void script_dump_env(int fd)
{
	for (char **item = environ; *item; item++) {
		size_t length = strlen(*item) + 1;

		if (write(fd, *item, length) != (ssize_t)length)
			_exit(1);
	}
	_exit(0);
}

static void script_take_dump(int fd, struct strlist *env)
{
	cleanup_file FILE *stream = fdopen(fd, "r");
	cleanup_ptr char *item = NULL;
	size_t size = 0;

	strlist_fini(env);
	while (stream && getdelim(&item, &size, '\0', stream) > 0)
		if (strncmp(item, "_=", 2) != 0 && strncmp(item, "SHLVL=", 6) != 0 && strncmp(item, "PWD=", 4) != 0 &&
		    strncmp(item, "OLDPWD=", 7) != 0)
			strlist_add(env, item);
}

/* Let the image's shell run @code, then come back to ourselves (through /proc: the file is not in the container) to write
 * the environment as it is then. */
static int script_run_shell(const char *code, const char *what, struct strlist *env, struct err *err)
{
	cleanup_ptr char **envp = NULL;
	char command[128], dash_c[] = "-c", shell[] = "/bin/sh";
	cleanup_ptr char *text = NULL;
	int out[2], status, self_fd = open("/proc/self/exe", O_RDONLY);
	pid_t child;

	if (self_fd < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot evaluate %s: /proc is not mounted", what);
	if (access(shell, X_OK) < 0)
		return err_set(err, ERR_IMAGE, ENOENT, "cannot evaluate %s: it needs a shell, and the image has no /bin/sh",
			       what);
	if (pipe2(out, 0) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	(void)snprintf(command, sizeof(command), "\nexec /proc/self/fd/%d --dump-env %d", self_fd, out[1]);
	if (asprintf(&text, "set -a\n%s%s", code, command) < 0)
		return err_sys(err, ENOMEM, "cannot evaluate %s", what);
	envp = strlist_to_argv(env);
	child = fork();
	if (child == 0) {
		char *argv[] = {shell, dash_c, text, NULL};

		(void)close(out[0]);
		(void)execve(shell, argv, envp);
		_exit(127);
	}
	(void)close(out[1]);
	(void)close(self_fd);
	if (child > 0)
		script_take_dump(out[0], env);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return err_sys(err, errno, "cannot run the image's shell");
	return status == 0 ? 0 : err_set(err, ERR_IMAGE, EINVAL, "cannot evaluate %s: its shell failed", what);
}

/* Ours, in every image we and our predecessors build: known without a shell. */
static bool script_is_builtin(const char *name, const struct action_spec *spec)
{
	return strcmp(name, "01-base.sh") == 0 || strcmp(name, "99-base.sh") == 0 ||
	       strcmp(name, "99-runtimevars.sh") == 0 || (strcmp(name, "95-apps.sh") == 0 && !spec->app);
}

static int script_run_file(const char *path, struct strlist *env, struct err *err)
{
	cleanup_ptr char *text = NULL, *code = NULL;
	int result = script_read_file(path, &text);

	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return err_sys(err, -result, "cannot read %s", path);
	result = shell_eval_script(text, env, err);
	if (result != SHELL_EVAL_NEEDS_SHELL)
		return result < 0 ? err_wrap(err, "%s", path) : 0;
	log_debug("%s needs the image's shell", path);
	if (asprintf(&code, ". '%s'", path) < 0)
		return err_sys(err, ENOMEM, "cannot evaluate %s", path);
	return script_run_shell(code, path, env, err);
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

static int script_inject_user(const struct action_spec *spec, struct strlist *env, struct err *err)
{
	for (size_t i = 0; i < spec->user_env.count; i++) {
		const char *item = spec->user_env.items[i], *equals = strchr(item, '=');
		cleanup_ptr char *name = strndup(item, (size_t)(equals - item)), *value = NULL, *code = NULL;
		int result = spec->no_eval ? 0 : shell_eval_value(equals + 1, env, &value, err);

		if (result < 0)
			return err_wrap(err, "%s", name);
		if (result == 0) {
			strlist_set_env(env, name, spec->no_eval ? equals + 1 : value);
			continue;
		}
		if (asprintf(&code, "%s=\"%s\"", name, equals + 1) < 0 ||
		    script_run_shell(code, name, env, err) < 0)
			return err_wrap(err, "variable %s", name);
	}
	return 0;
}

static void script_apply_paths(const struct action_spec *spec, struct strlist *env)
{
	const char *path = spec->path ? spec->path : strlist_get_env(env, "PATH");
	cleanup_ptr char *whole = NULL;

	if (!path)
		path = DEFAULT_PATH;
	if (!spec->path && asprintf(&whole, "%s%s%s%s%s", spec->prepend_path ? spec->prepend_path : "",
				    spec->prepend_path ? ":" : "", path, spec->append_path ? ":" : "",
				    spec->append_path ? spec->append_path : "") < 0)
		return;
	strlist_set_env(env, "PATH", whole ? whole : path);
}

static void script_add_libs(struct strlist *env)
{
	const char *value = strlist_get_env(env, "LD_LIBRARY_PATH");
	cleanup_ptr char *whole = NULL;

	if (value && script_path_has(value, LIBS_DIR, strlen(LIBS_DIR)))
		return;
	if (asprintf(&whole, "%s%s" LIBS_DIR, value ? value : "", value && *value ? ":" : "") >= 0)
		strlist_set_env(env, "LD_LIBRARY_PATH", whole);
}

/* Values of the image win over those of the host; an empty one hides the host's. */
static void script_restore_host(const struct action_spec *spec, struct strlist *env)
{
	for (size_t i = 0; i < spec->host_env.count; i++) {
		const char *item = spec->host_env.items[i], *equals = strchr(item, '=');
		cleanup_ptr char *name = strndup(item, (size_t)(equals - item));
		const char *value = strlist_get_env(env, name);

		if (!value)
			strlist_add(env, item);
		else if (!*value)
			strlist_unset_env(env, name);
	}
}

static int script_select(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 3 && strcmp(entry->d_name + length - 3, ".sh") == 0;
}

static int script_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int script_run_one(const struct action_spec *spec, const char *name, struct strlist *env, struct err *err)
{
	cleanup_ptr char *path = NULL;
	int result;

	if (script_is_builtin(name, spec))
		return 0;
	if (asprintf(&path, ENV_DIR "/%s", name) < 0)
		return err_sys(err, ENOMEM, "cannot evaluate %s", name);
	result = script_run_file(path, env, err);
	if (result == 0 && strcmp(name, "10-docker2singularity.sh") == 0)
		script_complete_path(env);
	return result;
}

static int script_run_all(const struct action_spec *spec, struct strlist *env, struct err *err)
{
	struct dirent **names = NULL;
	int count = scandir(ENV_DIR, &names, script_select, script_compare), result = 0;

	if (count < 0)
		return access("/environment", R_OK) == 0 ? script_run_file("/environment", env, err) : 0;
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = script_run_one(spec, names[i]->d_name, env, err);
		free(names[i]);
	}
	free(names);
	return result;
}

int script_build_env(const struct action_spec *spec, struct strlist *env, struct err *err)
{
	int result;

	strlist_set_env(env, "PATH", DEFAULT_PATH);
	for (size_t i = 0; i < spec->fixed_env.count; i++)
		strlist_add(env, spec->fixed_env.items[i]);
	result = script_run_all(spec, env, err);
	if (result == 0)
		result = script_inject_user(spec, env, err);
	if (result < 0)
		return result;
	for (size_t i = 0; i < spec->fixed_env.count; i++) {
		const char *item = spec->fixed_env.items[i], *equals = strchr(item, '=');
		cleanup_ptr char *name = strndup(item, (size_t)(equals - item));

		strlist_set_env(env, name, equals + 1);
	}
	script_apply_paths(spec, env);
	script_add_libs(env);
	if (!strlist_get_env(env, "PS1"))
		strlist_set_env(env, "PS1", PROMPT);
	script_restore_host(spec, env);
	return 0;
}
