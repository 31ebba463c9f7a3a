/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/run.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "frontend/strlist.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define META "/.singularity.d"

static bool run_is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The container's PATH, not ours. *@out owned. */
static int run_find(const char *name, const struct strlist *env, char **out)
{
	const char *path = strlist_get_env(env, "PATH");

	if (strchr(name, '/')) {
		*out = strdup(name);
		return 0;
	}
	while (path && *path) {
		size_t n = strcspn(path, ":");
		char *candidate = NULL;

		if (asprintf(&candidate, "%.*s/%s", n ? (int)n : 1, n ? path : ".", name) < 0)
			return -ENOMEM;
		if (run_is_program(candidate)) {
			*out = candidate;
			return 0;
		}
		free(candidate);
		path += n + (path[n] ? 1 : 0);
	}
	return -ENOENT;
}

static bool run_is_foreign(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr header;
#if defined(__x86_64__)
	const Elf64_Half ours = EM_X86_64, also = EM_386;
#elif defined(__aarch64__)
	const Elf64_Half ours = EM_AARCH64, also = EM_ARM;
#else
	const Elf64_Half ours = EM_NONE, also = EM_NONE;
#endif

	return fd >= 0 && read(fd, &header, sizeof(header)) == (ssize_t)sizeof(header) &&
	       memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && ours != EM_NONE && header.e_machine != ours &&
	       header.e_machine != also;
}

static int run_exec_failed(const char *name, const char *path, int errnum, struct err *err)
{
	struct utsname host;

	if (errnum == ENOEXEC && run_is_foreign(path) && uname(&host) == 0)
		return err_set(err, ERR_IMAGE, errnum, "image targets another architecture, cannot run %s on '%s'", name,
			       host.machine);
	if (errnum == ENOENT && access(path, F_OK) == 0)
		return err_set(err, ERR_IMAGE, errnum,
			       "exec %s failed: its interpreter or a shared library loader is missing in the image",
			       path);
	if (errnum == ENOENT)
		return err_set(err, ERR_IMAGE, errnum, "stat %s: no such file or directory", path);
	return err_sys(err, errnum, "exec %s failed", path);
}

static int run_exec(const struct strlist *args, const struct strlist *env, struct err *err)
{
	cleanup_ptr char **argv = strlist_to_argv(args), **envp = strlist_to_argv(env), **retry = NULL;
	cleanup_ptr char *path = NULL;
	int errnum;

	if (args->count == 0 || run_find(args->items[0], env, &path) < 0)
		return err_set(err, ERR_IMAGE, ENOENT, "\"%s\": executable file not found in $PATH",
			       args->count ? args->items[0] : "");
	(void)execve(path, argv, envp);
	errnum = errno;
	if (errnum == ENOEXEC && !run_is_foreign(path)) {
		struct strlist shell = {0, NULL};

		strlist_add(&shell, "/bin/sh");
		strlist_add(&shell, path);
		for (size_t i = 1; i < args->count; i++)
			strlist_add(&shell, args->items[i]);
		retry = strlist_to_argv(&shell);
		(void)execve("/bin/sh", retry, envp);
		strlist_fini(&shell);
	}
	return run_exec_failed(args->items[0], path, errnum, err);
}

/* @program followed by the user's arguments. */
static int run_with_args(const char *program, const char *option, const struct action_spec *spec,
			 const struct strlist *env, struct err *err)
{
	struct strlist args = {0, NULL};

	strlist_add(&args, program);
	if (option)
		strlist_add(&args, option);
	for (size_t i = 0; i < spec->args.count; i++)
		strlist_add(&args, spec->args.items[i]);
	return run_exec(&args, env, err);
}

static int run_app_path(const struct action_spec *spec, const char *file, char **out, struct err *err)
{
	cleanup_ptr char *root = NULL;

	if (asprintf(&root, "/scif/apps/%s", spec->app) < 0 || asprintf(out, "%s/scif/%s", root, file) < 0)
		return err_sys(err, ENOMEM, "cannot find app %s", spec->app);
	if (access(root, F_OK) < 0)
		return err_set(err, ERR_IMAGE, ENOENT, "could not locate app %s in the container", spec->app);
	return 0;
}

static int run_script(const struct action_spec *spec, const struct strlist *env, const char *file, struct err *err)
{
	cleanup_ptr char *path = NULL;

	if (spec->app) {
		if (run_app_path(spec, file, &path, err) < 0)
			return -ENOENT;
		if (access(path, X_OK) < 0)
			return err_set(err, ERR_IMAGE, ENOENT, "no %s found for app %s", file, spec->app);
	} else if (asprintf(&path, META "/%s", file) < 0) {
		return err_sys(err, ENOMEM, "cannot run %s", file);
	}
	if (access(path, X_OK) == 0)
		return run_with_args(path, NULL, spec, env, err);
	if (strcmp(file, "test") == 0) {
		log_info("No test script found in container, exiting");
		return 0;
	}
	if (access("/singularity", X_OK) == 0)
		return run_with_args("/singularity", NULL, spec, env, err);
	log_info("No runscript found in container, executing /bin/sh");
	return run_with_args("/bin/sh", NULL, spec, env, err);
}

static int run_shell(const struct action_spec *spec, struct strlist *env, struct err *err)
{
	struct strlist args = {0, NULL};
	bool bash = !spec->shell && run_is_program("/bin/bash");
	const char *shell = spec->shell && run_is_program(spec->shell) ? spec->shell : bash ? "/bin/bash" : "/bin/sh";

	if (spec->shell && !run_is_program(spec->shell))
		log_warning("%s is not an executable in the container, using %s", spec->shell, shell);
	if (!run_is_program(shell))
		return err_set(err, ERR_IMAGE, ENOENT, "the image has no shell: %s is missing", shell);
	strlist_set_env(env, "SHELL", shell);
	strlist_add(&args, shell);
	if (bash)
		strlist_add(&args, "--norc");
	return run_exec(&args, env, err);
}

int run_payload(const struct action_spec *spec, struct strlist *env, struct err *err)
{
	switch ((unsigned int)spec->command) {
	case CLI_EXEC:
		return run_exec(&spec->args, env, err);
	case CLI_RUN:
		return run_script(spec, env, "runscript", err);
	case CLI_TEST:
		return run_script(spec, env, "test", err);
	case CLI_SHELL:
		return run_shell(spec, env, err);
	default:
		return err_set(err, ERR_PROTOCOL, EPROTO, "the action program does not know this command");
	}
}
