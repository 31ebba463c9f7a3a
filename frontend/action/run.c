/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/action/read_ahead.h"
#include "frontend/action/shell_host.h"
#include "frontend/image/arch.h"
#include "frontend/pack/elf_read.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define META "/.singularity.d"
#define SHELL_PATH "/bin/sh"
#define STATUS_NOTHING_TO_RUN 1

static int run_list(const struct strlist *args, struct shell *shell, struct err *err);

static bool run_is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int run_find(const char *name, const struct strlist *env, char **out)
{
	const char *path = strlist_get_env(env, "PATH");
	int result = -ENOENT;

	if (strchr(name, '/')) {
		*out = strdup(name);
		return *out ? 0 : -ENOMEM;
	}
	while (path && *path && *name) {
		size_t n = strcspn(path, ":");
		char *candidate = NULL;
		struct stat st;

		if (asprintf(&candidate, "%.*s/%s", n ? (int)n : 1, n ? path : ".", name) < 0)
			return -ENOMEM;
		if (run_is_program(candidate)) {
			*out = candidate;
			return 0;
		}
		if (stat(candidate, &st) == 0 && S_ISREG(st.st_mode))
			result = -EACCES;
		free(candidate);
		path += n + (path[n] ? 1 : 0);
	}
	return result;
}

/* False when @path is no ELF file that we can look into. */
static bool run_read_elf(const char *path, struct elf_facts *facts)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *bytes;
	bool known;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return false;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return false;
	known = elf_read(bytes, (size_t)st.st_size, facts) == 0;
	(void)munmap(bytes, (size_t)st.st_size);
	return known;
}

static int run_fail(const char *path, int errnum, struct err *err)
{
	static struct elf_facts facts;
	bool elf = errnum != EACCES && run_read_elf(path, &facts);

	if (errnum == ENOEXEC && elf && !arch_can_run(facts.arch, arch_get_host()))
		return err_set(err, ERR_IMAGE, errnum, "%s: image targets '%s', cannot run on '%s'", path, facts.arch,
			       arch_get_host());
	if (errnum == ENOENT && access(path, F_OK) < 0)
		return err_set(err, ERR_IMAGE, errnum, "stat %s: no such file or directory", path);
	if (errnum == ENOENT && elf && facts.loader[0])
		return err_set(err, ERR_IMAGE, errnum,
			       "exec %s failed: a shared library is likely missing in the image: there is no loader %s",
			       path, facts.loader);
	if (errnum == ENOENT)
		return err_set(err, ERR_IMAGE, errnum, "exec %s failed: the interpreter its first line names is missing in the image",
			       path);
	return err_sys(err, errnum, "exec %s failed", path);
}

/* The result of a script that we ran ourselves: 0 when a shell has to, else as run_payload(), the status one higher. */
static int run_natively(const char *path, const struct strlist *args, struct shell *shell, struct err *err)
{
	struct shell inner = {.name = path, .host = shell->host};
	struct strlist command = {0, NULL};
	cleanup_ptr char *text = NULL;
	int result = shell_host_read(path, &text);

	if (result < 0)
		return 0;
	for (size_t i = 0; i < shell->env.count; i++)
		strlist_add(&inner.env, shell->env.items[i]);
	for (size_t i = 1; i < args->count; i++)
		strlist_add(&inner.params, args->items[i]);
	result = shell_eval_script(&inner, text, err);
	shell_host_say(&inner);
	switch (result) {
	case SHELL_EVAL_EXEC:
		command = inner.exec;
		inner.exec = (struct strlist){0, NULL};
		result = run_list(&command, &inner, err);
		strlist_fini(&command);
		result = result < 0 ? result : result + 1;
		break;
	case 0:
	case SHELL_EVAL_EXIT:
		result = inner.status + 1;
		break;
	default:
		result = 0;
	}
	shell_fini(&inner);
	return result;
}

/* Made from an OCI image: entry point, command and arguments, which we can put together without a shell; and when there is no
 * shell, whatever we understand. */
static bool run_is_ours(const char *path)
{
	cleanup_ptr char *text = NULL;

	if (shell_host_read(path, &text) < 0)
		return false;
	if (strncmp(text, "#!/bin/sh\n", 10) == 0 && strstr(text, "\nOCI_ENTRYPOINT=") && strstr(text, "\nOCI_CMD="))
		return true;
	return access(SHELL_PATH, X_OK) < 0 && strncmp(text, "\177ELF", 4) != 0 &&
	       (strncmp(text, "#!", 2) != 0 || strncmp(text, "#!/bin/sh", 9) == 0);
}

/* What the kernel does not know is a script for /bin/sh, as in a shell. */
static int run_through_shell(const char *path, const struct strlist *args, struct shell *shell)
{
	struct strlist retry = {0, NULL};
	cleanup_ptr char **argv = NULL, **envp = strlist_to_argv(&shell->env);
	int errnum;

	strlist_add(&retry, SHELL_PATH);
	strlist_add(&retry, path);
	for (size_t i = 1; i < args->count; i++)
		strlist_add(&retry, args->items[i]);
	argv = strlist_to_argv(&retry);
	(void)execve(SHELL_PATH, argv, envp);
	errnum = errno;
	strlist_fini(&retry);
	return errnum;
}

static int run_list(const struct strlist *args, struct shell *shell, struct err *err)
{
	cleanup_ptr char **argv = strlist_to_argv(args), **envp = strlist_to_argv(&shell->env);
	cleanup_ptr char *path = NULL;
	const char *name = args->count ? args->items[0] : "";
	int found = run_find(name, &shell->env, &path), errnum, result;

	if (found == -EACCES)
		return err_set(err, ERR_IMAGE, EACCES, "\"%s\": permission denied", name);
	if (found < 0)
		return err_set(err, ERR_IMAGE, ENOENT, "\"%s\": executable file not found in $PATH", name);
	read_ahead_program(path);
	(void)execve(path, argv, envp);
	errnum = errno;
	if ((errnum == ENOEXEC || errnum == ENOENT) && run_is_ours(path)) {
		result = run_natively(path, args, shell, err);
		if (result != 0)
			return result < 0 ? result : result - 1;
	}
	if (errnum == ENOEXEC) {
		static struct elf_facts facts;

		if (!run_read_elf(path, &facts) && run_through_shell(path, args, shell) == ENOENT)
			return err_set(err, ERR_IMAGE, ENOENT, "cannot run %s: it needs a shell, and the image has no %s", path,
				       SHELL_PATH);
	}
	return run_fail(path, errnum, err);
}

/* @program followed by the user's arguments. */
static int run_with_args(const char *program, const struct action_spec *spec, struct shell *shell, struct err *err)
{
	struct strlist args = {0, NULL};
	int result = 0;

	strlist_add(&args, program);
	for (size_t i = 0; i < spec->args.count; i++)
		strlist_add(&args, spec->args.items[i]);
	if (run_is_ours(program))
		result = run_natively(program, &args, shell, err);
	result = result > 0 ? result - 1 : result < 0 ? result : run_list(&args, shell, err);
	strlist_fini(&args);
	return result;
}

static int run_app_script(const struct action_spec *spec, const char *file, struct shell *shell, struct err *err)
{
	cleanup_ptr char *path = NULL;

	if (asprintf(&path, "/scif/apps/%s/scif/%s", spec->app, file) < 0)
		return err_sys(err, ENOMEM, "cannot find app %s", spec->app);
	if (access(path, X_OK) == 0)
		return run_with_args(path, spec, shell, err);
	if (strcmp(file, "test") == 0)
		log_error("No tests for contained app: %s", spec->app);
	else
		log_error("No Singularity %s for contained app: %s", file, spec->app);
	return STATUS_NOTHING_TO_RUN;
}

static int run_script(const struct action_spec *spec, struct shell *shell, struct err *err)
{
	if (spec->app)
		return run_app_script(spec, "runscript", shell, err);
	if (access(META "/runscript", X_OK) == 0)
		return run_with_args(META "/runscript", spec, shell, err);
	if (access("/singularity", X_OK) == 0)
		return run_with_args("/singularity", spec, shell, err);
	if (access(SHELL_PATH, X_OK) == 0) {
		log_info("No runscript found in container, executing %s", SHELL_PATH);
		return run_with_args(SHELL_PATH, spec, shell, err);
	}
	log_error("No runscript and no %s executable found in container, aborting", SHELL_PATH);
	return STATUS_NOTHING_TO_RUN;
}

static int run_test(const struct action_spec *spec, struct shell *shell, struct err *err)
{
	if (spec->app)
		return run_app_script(spec, "test", shell, err);
	if (access(META "/test", X_OK) == 0)
		return run_with_args(META "/test", spec, shell, err);
	log_info("No test script found in container, exiting");
	return 0;
}

static int run_shell(const struct action_spec *spec, struct shell *shell, struct err *err)
{
	struct strlist args = {0, NULL};
	bool chosen = spec->shell && run_is_program(spec->shell), bash = !chosen && run_is_program("/bin/bash");
	const char *program = chosen ? spec->shell : bash ? "/bin/bash" : SHELL_PATH;
	int result;

	if (!chosen && !run_is_program(program)) {
		log_error("%s does not exist in container", SHELL_PATH);
		return STATUS_NOTHING_TO_RUN;
	}
	if (spec->shell && !chosen)
		log_warning("%s is no executable in the container, using %s", spec->shell, program);
	strlist_set_env(&shell->env, "SHELL", program);
	strlist_add(&args, program);
	if (bash)
		strlist_add(&args, "--norc");
	result = run_list(&args, shell, err);
	strlist_fini(&args);
	return result;
}

int run_payload(const struct action_spec *spec, struct shell *shell, struct err *err)
{
	switch ((unsigned int)spec->command) {
	case CLI_EXEC:
		return run_list(&spec->args, shell, err);
	case CLI_RUN:
		return run_script(spec, shell, err);
	case CLI_TEST:
		return run_test(spec, shell, err);
	case CLI_SHELL:
		return run_shell(spec, shell, err);
	default:
		return err_set(err, ERR_PROTOCOL, EPROTO, "the action program does not know this command");
	}
}
