/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/shell_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/action/shell_word.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"

#define SHELL_PATH "/bin/sh"
#define FILE_MAX (1024 * 1024)
#define OUTPUT_MAX (1024 * 1024)
#define GLOB_MAX 4096
#define GLOB_DEPTH_MAX 16

int shell_host_read(const char *path, char **out)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup_ptr char *text = NULL;
	struct stat st;
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > FILE_MAX)
		return -EFBIG;
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

static bool host_test(char op, const char *path)
{
	struct stat st;
	bool link = op == 'L' || op == 'h';

	if (op == 'r' || op == 'w' || op == 'x')
		return access(path, op == 'r' ? R_OK : op == 'w' ? W_OK : X_OK) == 0;
	if ((link ? lstat(path, &st) : stat(path, &st)) < 0)
		return false;
	switch (op) {
	case 'f':
		return S_ISREG(st.st_mode);
	case 'd':
		return S_ISDIR(st.st_mode);
	case 'L':
	case 'h':
		return S_ISLNK(st.st_mode);
	case 'p':
		return S_ISFIFO(st.st_mode);
	case 'S':
		return S_ISSOCK(st.st_mode);
	case 'b':
		return S_ISBLK(st.st_mode);
	case 'c':
		return S_ISCHR(st.st_mode);
	case 's':
		return st.st_size > 0;
	default:
		return true;
	}
}

/* ---- names ---- */

static int host_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* @done is a directory with its slash (or empty), @pattern what is to be matched below it. */
static int host_glob_below(const char *done, const char *pattern, int depth, struct strlist *out)
{
	size_t length = strcspn(pattern, "/"), rest = length + strspn(pattern + length, "/");
	cleanup_ptr char *part = strndup(pattern, length);
	struct dirent **names = NULL;
	int count, result = part ? 0 : -ENOMEM;

	if (result < 0 || depth > GLOB_DEPTH_MAX || out->count > GLOB_MAX)
		return result < 0 ? result : -E2BIG;
	if (length == 0) { /* the root, or a slash at the end */
		cleanup_ptr char *path = NULL;

		if (asprintf(&path, "%s%.*s", done, (int)rest, pattern) < 0)
			return -ENOMEM;
		if (pattern[rest])
			return host_glob_below(path, pattern + rest, depth + 1, out);
		if (host_test('d', done))
			strlist_add(out, done);
		return 0;
	}
	count = scandir(*done ? done : ".", &names, NULL, host_compare);
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		cleanup_ptr char *path = NULL;
		bool hidden = name[0] == '.' && part[0] != '.';

		if (result == 0 && !hidden && word_matches(part, name, strlen(name))) {
			if (asprintf(&path, "%s%s%s", done, name, rest > length ? "/" : "") < 0)
				result = -ENOMEM;
			else if (rest == length)
				strlist_add(out, path);
			else if (pattern[rest])
				result = host_glob_below(path, pattern + rest, depth + 1, out);
			else if (host_test('d', path))
				strlist_add(out, path);
		}
		free(names[i]);
	}
	free(names);
	return result;
}

static int host_glob(const char *pattern, struct strlist *out)
{
	return host_glob_below("", pattern, 0, out);
}

/* ---- the image's shell ---- */

/* Start /bin/sh -c @code, its arguments and environment from @shell; @keep_fd (or -1) is inherited, @close_fd not. */
static pid_t host_start(const struct shell *shell, const struct strlist *env, const char *code, int output_fd,
			int close_fd)
{
	cleanup_ptr char **argv = NULL, **envp = strlist_to_argv(env);
	struct strlist args = {0, NULL};
	pid_t child;

	strlist_add(&args, SHELL_PATH);
	strlist_add(&args, "-c");
	strlist_add(&args, code);
	strlist_add(&args, shell->name ? shell->name : "sh");
	for (size_t i = 0; i < shell->params.count; i++)
		strlist_add(&args, shell->params.items[i]);
	argv = strlist_to_argv(&args);
	child = fork();
	if (child == 0) {
		(void)close(close_fd);
		if (output_fd >= 0 && dup2(output_fd, STDOUT_FILENO) < 0)
			_exit(127);
		(void)execve(SHELL_PATH, argv, envp);
		_exit(127);
	}
	strlist_fini(&args);
	return child;
}

static int host_read_output(int fd, char **out)
{
	cleanup_ptr char *text = malloc(OUTPUT_MAX + 1);
	size_t used = 0;
	ssize_t n = 1;

	while (text && n > 0 && used < OUTPUT_MAX) {
		n = read(fd, text + used, OUTPUT_MAX - used);
		if (n < 0 && errno == EINTR)
			n = 1;
		else
			used += n > 0 ? (size_t)n : 0;
	}
	if (!text)
		return -ENOMEM;
	text[used] = '\0';
	*out = ptr_take(text);
	return used == OUTPUT_MAX ? -E2BIG : 0;
}

static int host_wait(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* $(command): the shell also sees what is not exported, as a subshell would. */
static int host_run(struct shell *shell, const char *command, char **out, int *status)
{
	struct strlist env = {0, NULL};
	int ends[2], result;
	pid_t child;

	if (access(SHELL_PATH, X_OK) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	for (size_t i = 0; i < shell->env.count; i++)
		strlist_add(&env, shell->env.items[i]);
	for (size_t i = 0; i < shell->locals.count; i++)
		strlist_add(&env, shell->locals.items[i]);
	child = host_start(shell, &env, command, ends[1], ends[0]);
	strlist_fini(&env);
	(void)close(ends[1]);
	result = child < 0 ? -EAGAIN : host_read_output(ends[0], out);
	(void)close(ends[0]);
	if (child > 0)
		*status = host_wait(child);
	return result;
}

_Noreturn void shell_host_dump(int fd)
{
	for (char **item = environ; *item; item++) {
		size_t length = strlen(*item) + 1, done = 0;

		while (done < length) {
			ssize_t n = write(fd, *item + done, length - done);

			if (n <= 0)
				_exit(1);
			done += (size_t)n;
		}
	}
	_exit(0);
}

/* Names that shells set on their own account. */
static bool host_is_shells_own(const char *item)
{
	static const char *const names[] = {"_=", "SHLVL=", "PWD=", "OLDPWD="};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(item, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static bool host_take_dump(int fd, struct strlist *env)
{
	cleanup_file FILE *stream = fdopen(fd, "r");
	cleanup_ptr char *item = NULL;
	struct strlist taken = {0, NULL};
	size_t size = 0;

	while (stream && getdelim(&item, &size, '\0', stream) > 0)
		if (!host_is_shells_own(item) && strchr(item, '='))
			strlist_add(&taken, item);
	if (!stream)
		(void)close(fd);
	if (taken.count == 0)
		return false;
	strlist_fini(env);
	*env = taken;
	return true;
}

/* What is not exported goes in as assignments, for a script that reads what one before it has set. */
static char *host_source_text(const struct shell *shell, const char *code, int self_fd, int dump_fd)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < shell->locals.count; i++) {
		const char *item = shell->locals.items[i], *equals = strchr(item, '=');

		(void)fprintf(out, "%.*s='", (int)(equals - item), item);
		for (const char *at = equals + 1; *at; at++)
			(void)fputs(*at == '\'' ? "'\\''" : (char[2]){*at, '\0'}, out);
		(void)fputs("'\n", out);
	}
	(void)fprintf(out, "%s\nexec /proc/self/fd/%d --dump-env %d\n", code, self_fd, dump_fd);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* The shell ends by becoming this program (through /proc: the file is not in the container), which tells its environment. */
int shell_host_source(struct shell *shell, const char *code, const char *what, int *status, struct err *err)
{
	cleanup_fd int self_fd = open("/proc/self/exe", O_RDONLY);
	cleanup_ptr char *text = NULL;
	int ends[2], errnum = errno, exit_status;
	pid_t child;
	bool told;

	if (access(SHELL_PATH, X_OK) < 0)
		return err_set(err, ERR_IMAGE, ENOENT, "cannot evaluate %s: it needs a shell, and the image has no %s", what,
			       SHELL_PATH);
	if (self_fd < 0)
		return err_sys(err, errnum, "cannot evaluate %s: it needs a shell, and that needs /proc", what);
	if (pipe2(ends, 0) < 0)
		return err_sys(err, errno, "cannot evaluate %s", what);
	text = host_source_text(shell, code, self_fd, ends[1]);
	child = text ? host_start(shell, &shell->env, text, -1, ends[0]) : -1;
	errnum = errno;
	(void)close(ends[1]);
	told = host_take_dump(ends[0], &shell->env);
	if (child < 0)
		return err_sys(err, errnum, "cannot evaluate %s", what);
	exit_status = host_wait(child);
	*status = told ? -1 : exit_status;
	return 0;
}

void shell_host_say(struct shell *shell)
{
	for (size_t i = 0; i < shell->said.count; i++) {
		FILE *to = shell->said.items[i][0] == '2' ? stderr : stdout;

		(void)fprintf(to, "%s\n", shell->said.items[i] + 1);
		(void)fflush(to);
	}
	strlist_fini(&shell->said);
}

const struct shell_host shell_host_container = {host_run, shell_host_read, host_test, host_glob};
