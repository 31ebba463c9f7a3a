/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/tmp_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/settings/install.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define DIR_PREFIX "rootfs-"
#define LOCK_NAME "lock"
#define TREE_NAME "root"
#define MAKE_ATTEMPTS 3

static sigset_t mask_before;
static struct sigaction child_before;

/* ---- removal ------------------------------------------------------------------------------------------------------ */

static int sandbox_remove_at(int parent_fd, const char *name);

static int sandbox_empty(int dir_fd)
{
	cleanup_dir DIR *dir = fdopendir(dir_fd);
	const struct dirent *entry;
	int result = 0;

	if (!dir) {
		(void)close(dir_fd);
		return -errno;
	}
	while ((entry = readdir(dir))) {
		int one;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		one = sandbox_remove_at(dirfd(dir), entry->d_name);
		result = result == 0 ? one : result;
	}
	return result;
}

/* Directories of an image may deny their owner; a mount in the way is left alone by unlinkat(2). */
static int sandbox_remove_at(int parent_fd, const char *name)
{
	int fd, result = 0;

	if (unlinkat(parent_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		(void)fchmod(fd, 0700);
	else if (errno == EACCES && fchmodat(parent_fd, name, 0700, 0) == 0)
		fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = sandbox_empty(fd);
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && result == 0)
		result = -errno;
	return result;
}

/* The tree first: as long as the lock file is there, a reaper can finish what a kill has interrupted. */
static int sandbox_remove_dir(int base_fd, const char *name)
{
	cleanup_fd int dir_fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int result = dir_fd < 0 ? 0 : sandbox_remove_at(dir_fd, TREE_NAME);

	return result < 0 ? result : sandbox_remove_at(base_fd, name);
}

void tmp_sandbox_remove(struct tmp_sandbox *sandbox)
{
	int result;

	if (!sandbox->dir)
		return;
	result = sandbox_remove_dir(AT_FDCWD, sandbox->dir);
	if (result < 0)
		log_warning("cannot remove %s: %s", sandbox->dir, strerror(-result));
	if (sandbox->lock_fd >= 0)
		(void)close(sandbox->lock_fd);
	free(sandbox->dir);
	free(sandbox->root);
	*sandbox = (struct tmp_sandbox)TMP_SANDBOX_INIT;
}

/* A directory without a lock file is one that is being made this very moment, or was left by a kill between two calls. */
static void sandbox_reap_one(int base_fd, const char *name)
{
	cleanup_fd int dir_fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int lock_fd = dir_fd < 0 ? -1 : openat(dir_fd, LOCK_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (lock_fd < 0 || fstat(dir_fd, &st) < 0 || st.st_uid != geteuid() || flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	log_verbose("Removing the temporary sandbox %s of a launch that is gone", name);
	(void)sandbox_remove_dir(base_fd, name);
}

void tmp_sandbox_reap(const char *base)
{
	cleanup_dir DIR *dir = opendir(base);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, DIR_PREFIX, strlen(DIR_PREFIX)) == 0)
			sandbox_reap_one(dirfd(dir), entry->d_name);
}

/* ---- making ------------------------------------------------------------------------------------------------------- */

static void sandbox_block_signals(void)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &mask_before);
	/* A caller that ignores SIGCHLD would have our children reaped unseen. */
	(void)sigaction(SIGCHLD, &plain, &child_before);
}

static void sandbox_restore_signals(void)
{
	(void)sigaction(SIGCHLD, &child_before, NULL);
	(void)sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

/* Wait for @child; what we are sent goes on to it, but for keyboard signals, which it has already. */
static int sandbox_wait(pid_t child)
{
	int status = 255 << 8;
	sigset_t all;
	siginfo_t info;

	(void)sigfillset(&all);
	for (;;) {
		pid_t pid = waitpid(child, &status, WNOHANG | WUNTRACED);

		if (pid < 0)
			return 255 << 8;
		if (pid == child && !WIFSTOPPED(status))
			return status;
		if (pid == child) {
			/* Our shell must see its job stop as well. */
			(void)raise(SIGSTOP);
			(void)kill(child, SIGCONT);
			continue;
		}
		if (sigwaitinfo(&all, &info) > 0 && info.si_signo != SIGCHLD && info.si_code != SI_KERNEL)
			(void)kill(child, info.si_signo);
	}
}

static void sandbox_exec_imager(const struct image *image, const struct image_partition *root, const char *dest)
{
	char program[] = "imager", verb[] = "extract-image", fd_option[] = "--fd", offset_option[] = "--offset",
	     size_option[] = "--size", squash[] = "--squash-ids", numbers[3][24], *copy = strdup(dest);
	char *argv[] = {program,     verb,       fd_option, numbers[0], offset_option, numbers[1],
			size_option, numbers[2], copy,      NULL,	NULL};
	cleanup_fd int program_fd = -1;
	struct err err = ERR_INIT;

	(void)snprintf(numbers[0], sizeof(numbers[0]), "%d", image->fd);
	(void)snprintf(numbers[1], sizeof(numbers[1]), "%llu", (unsigned long long)root->offset_bytes);
	(void)snprintf(numbers[2], sizeof(numbers[2]), "%llu", (unsigned long long)root->size_bytes);
	if (geteuid() != 0) {
		argv[8] = squash;
		argv[9] = copy;
	}
	(void)fcntl(image->fd, F_SETFD, 0);
	if (copy && install_open_program("imager", &program_fd, &err) == 0)
		(void)execveat(program_fd, "", argv, environ, AT_EMPTY_PATH);
	_exit(255);
}

static int sandbox_unpack(const struct image *image, const struct image_partition *root, const char *dest, struct err *err)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return err_sys(err, errno, "cannot start the imager");
	if (child == 0) {
		/* Half a tree is of no use to anybody: unpacking ends with us. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		sandbox_restore_signals();
		sandbox_exec_imager(image, root, dest);
	}
	status = sandbox_wait(child);
	if (status == 0)
		return 0;
	if (WIFSIGNALED(status))
		return err_set(err, ERR_SYSTEM, EINTR, "cannot unpack %s: interrupted by signal %d", image->path,
			       WTERMSIG(status));
	return err_set(err, ERR_IMAGE, EIO, "cannot unpack %s to %s", image->path, dest);
}

/* One directory with its lock held. -EAGAIN: somebody's reaper was faster. */
static int sandbox_make_dir(const char *base, struct tmp_sandbox *out, struct err *err)
{
	cleanup_ptr char *lock = NULL;

	if (asprintf(&out->dir, "%s/" DIR_PREFIX "XXXXXX", base) < 0) {
		out->dir = NULL;
		return err_sys(err, ENOMEM, "cannot make a temporary sandbox");
	}
	if (!mkdtemp(out->dir)) {
		int errnum = errno;

		free(ptr_take(out->dir));
		return err_sys(err, errnum, "cannot make a temporary sandbox in %s", base);
	}
	if (asprintf(&lock, "%s/" LOCK_NAME, out->dir) < 0 || asprintf(&out->root, "%s/" TREE_NAME, out->dir) < 0)
		return err_sys(err, ENOMEM, "cannot make a temporary sandbox");
	out->lock_fd = open(lock, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out->lock_fd < 0 || flock(out->lock_fd, LOCK_EX | LOCK_NB) < 0 || mkdir(out->root, 0700) < 0)
		return err_sys(err, errno == EWOULDBLOCK || errno == ENOENT ? EAGAIN : errno, "cannot make %s", out->root);
	return 0;
}

static int sandbox_prepare(const char *base, struct tmp_sandbox *out, struct err *err)
{
	int result = -EAGAIN;

	for (int i = 0; result == -EAGAIN && i < MAKE_ATTEMPTS; i++) {
		result = sandbox_make_dir(base, out, err);
		if (result < 0)
			tmp_sandbox_remove(out);
	}
	return result;
}

/* A directory that the command line names must be there. One from the environment may be the outer container's, and not exist here. */
static int sandbox_find_base(const char *base, char **out, struct err *err)
{
	const char *inherited = getenv("SINGULARITY_TMPDIR"), *plain = getenv("TMPDIR");
	bool given = base && !(inherited && strcmp(base, inherited) == 0);
	const char *wanted = base ? base : plain && plain[0] ? plain : "/tmp";

	*out = realpath(wanted, NULL);
	if (!*out && !given && strcmp(wanted, "/tmp") != 0) {
		log_info("Temporary directory %s of the environment is not there: using /tmp", wanted);
		*out = realpath("/tmp", NULL);
	}
	return *out ? 0 : err_sys(err, errno, "cannot use temporary directory %s", wanted);
}

int tmp_sandbox_make(const struct image *image, const char *base, struct tmp_sandbox *out, struct err *err)
{
	const struct image_partition *root = image ? image_get_root(image) : NULL;
	cleanup_ptr char *whole = NULL;
	int result;

	*out = (struct tmp_sandbox)TMP_SANDBOX_INIT;
	out->unpacked = image != NULL;
	result = sandbox_find_base(base, &whole, err);
	if (result < 0)
		return result;
	tmp_sandbox_reap(whole);
	sandbox_block_signals();
	if (image)
		log_info("Converting SIF file to temporary sandbox...");
	result = sandbox_prepare(whole, out, err);
	if (result == 0 && image)
		result = sandbox_unpack(image, root, out->root, err);
	if (result < 0) {
		tmp_sandbox_remove(out);
		sandbox_restore_signals();
	}
	return result;
}

/* ---- the parent that stays ---------------------------------------------------------------------------------------- */

_Noreturn static void sandbox_end_as(int status)
{
	const struct rlimit no_core = {0, 0};
	sigset_t none;

	(void)fflush(NULL);
	if (WIFSIGNALED(status)) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)signal(WTERMSIG(status), SIG_DFL);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)raise(WTERMSIG(status));
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

int tmp_sandbox_fork(struct tmp_sandbox *sandbox, struct err *err)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return err_sys(err, errno, "cannot fork the launch");
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)close(fd_take(&sandbox->lock_fd));
		sandbox_restore_signals();
		return 0;
	}
	status = sandbox_wait(child);
	if (sandbox->unpacked)
		log_info("Cleaning up image temporary dir(s)...");
	tmp_sandbox_remove(sandbox);
	sandbox_end_as(status);
}
