/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/target.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/cleanup.h"
#include "ipc/log.h"

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

/* What the signal handler removes. Set before the handlers are, cleared after they are gone. */
static char pending[4096];
static volatile sig_atomic_t pending_is_directory;

/* Only calls that are safe in a handler. A tree cannot be removed with those alone, so rm(1) does it. */
static void remove_and_die(int number)
{
	if (pending_is_directory) {
		pid_t child = _Fork();

		if (child == 0) {
			(void)execl("/bin/rm", "rm", "-rf", "--", pending, (char *)NULL);
			_exit(127);
		}
		if (child > 0)
			(void)waitpid(child, NULL, 0);
	} else {
		(void)unlink(pending);
	}
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void catch_signals(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(end_signals) / sizeof(end_signals[0]); i++)
		(void)sigaddset(&action.sa_mask, end_signals[i]);
	for (size_t i = 0; i < sizeof(end_signals) / sizeof(end_signals[0]); i++)
		(void)sigaction(end_signals[i], &action, NULL);
}

static bool ask(const char *path)
{
	cleanup_ptr char *line = NULL;
	size_t size = 0;

	(void)fprintf(stderr, "Build target '%s' already exists and will be deleted during the build process. Do you want to continue? [y/N] ",
		      path);
	return getline(&line, &size, stdin) > 0 && (line[0] == 'y' || line[0] == 'Y');
}

static bool is_sandbox_or_empty(const char *path)
{
	cleanup_ptr char *marker = NULL;
	struct stat st;

	if (asprintf(&marker, "%s/.singularity.d", path) < 0) {
		marker = NULL;
		return false;
	}
	if (lstat(marker, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	cleanup_dir DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	}
	return dir != NULL;
}

int target_check(const char *path, bool force, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "cannot build %s", path);
	/* Never a home directory or the like, whatever --force says. */
	if (S_ISDIR(st.st_mode) && !is_sandbox_or_empty(path))
		return err_set(err, ERR_USAGE, EEXIST, "build target '%s' is a directory that is not a sandbox: not replacing it",
			       path);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return err_set(err, ERR_USAGE, EEXIST, "build target '%s' is neither a file nor a directory", path);
	if (force || (isatty(STDIN_FILENO) && ask(path)))
		return 0;
	return err_set(err, ERR_USAGE, EEXIST,
		       "build target '%s' already exists. Use --force if you want to overwrite it", path);
}

static char *name_temporary(const char *path)
{
	size_t len = strlen(path);
	size_t start;
	char *name = NULL;

	while (len > 1 && path[len - 1] == '/')
		len--;
	start = len;
	while (start > 0 && path[start - 1] != '/')
		start--;
	if (asprintf(&name, "%.*s.%.*s.XXXXXX", (int)start, path, (int)(len - start), path + start) < 0)
		return NULL;
	return name;
}

int target_open(const char *path, bool is_directory, struct target *target, struct err *err)
{
	mode_t mask;

	*target = (struct target){.path = path, .is_directory = is_directory, .fd = -1};
	target->temporary = name_temporary(path);
	if (!target->temporary)
		return err_sys(err, ENOMEM, "cannot make %s", path);
	if (strlen(target->temporary) >= sizeof(pending))
		return err_sys(err, ENAMETOOLONG, "cannot make %s", path);
	if (is_directory) {
		if (mkdtemp(target->temporary))
			target->fd = open(target->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else {
		target->fd = mkostemp(target->temporary, O_CLOEXEC);
	}
	if (target->fd < 0) {
		int errnum = errno;

		free(target->temporary);
		target->temporary = NULL;
		return err_sys(err, errnum, "cannot make %s", path);
	}
	memcpy(pending, target->temporary, strlen(target->temporary) + 1);
	pending_is_directory = is_directory;
	catch_signals(remove_and_die);
	mask = umask(0);
	(void)umask(mask);
	(void)fchmod(target->fd, 0755 & ~mask);
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	(void)st;
	(void)flag;
	(void)walk;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

/* A directory without write permission holds on to its entries even for its owner. */
static int open_up(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	(void)walk;
	if ((flag == FTW_D || flag == FTW_DNR) && (st->st_mode & 0700) != 0700)
		(void)chmod(path, 0700);
	return 0;
}

int target_remove_tree(const char *path)
{
	if (geteuid() != 0)
		(void)nftw(path, open_up, 32, FTW_PHYS);
	return nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS) < 0 ? -errno : 0;
}

/* rename(2) puts a directory only over an empty one: swap the two and remove the old one under the temporary name. */
static int replace(struct target *target, struct err *err)
{
	struct stat st;
	bool exists = lstat(target->path, &st) == 0;

	if (!exists || (!target->is_directory && !S_ISDIR(st.st_mode))) {
		if (rename(target->temporary, target->path) < 0)
			return err_sys(err, errno, "cannot put %s in place", target->path);
		return 0;
	}
	if (renameat2(AT_FDCWD, target->temporary, AT_FDCWD, target->path, RENAME_EXCHANGE) < 0)
		return err_sys(err, errno, "cannot replace %s", target->path);
	if (S_ISDIR(st.st_mode) ? target_remove_tree(target->temporary) < 0 : unlink(target->temporary) < 0)
		log_warning("cannot remove what was replaced: %s is left", target->temporary);
	return 0;
}

int target_commit(struct target *target, struct err *err)
{
	int rc;

	if (!target->is_directory && fsync(target->fd) < 0)
		return err_sys(err, errno, "cannot write %s to disk", target->path);
	rc = replace(target, err);
	if (rc < 0)
		return rc;
	catch_signals(SIG_DFL);
	free(target->temporary);
	target->temporary = NULL;
	return 0;
}

void target_close(struct target *target)
{
	if (target->fd >= 0)
		(void)close(target->fd);
	if (target->temporary) {
		if (target->is_directory)
			(void)target_remove_tree(target->temporary);
		else
			(void)unlink(target->temporary);
		catch_signals(SIG_DFL);
	}
	free(target->temporary);
	*target = (struct target)TARGET_INIT;
}
