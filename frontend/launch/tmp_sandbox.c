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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/launch/child.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define LOCK_NAME "lock"
#define MAKE_ATTEMPTS 3

/* Directories of both kinds; what is kept in them. */
static const struct kind {
	const char *prefix, *name;
} unpacked_kind = {"rootfs-", "root"}, fetched_kind = {"singularity-action-pull-", "image"};

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
	int result = dir_fd < 0 ? 0 : sandbox_remove_at(dir_fd, unpacked_kind.name);

	if (result == 0 && dir_fd >= 0)
		result = sandbox_remove_at(dir_fd, fetched_kind.name);
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
		if (strncmp(entry->d_name, unpacked_kind.prefix, strlen(unpacked_kind.prefix)) == 0 ||
		    strncmp(entry->d_name, fetched_kind.prefix, strlen(fetched_kind.prefix)) == 0)
			sandbox_reap_one(dirfd(dir), entry->d_name);
}

/* ---- making ------------------------------------------------------------------------------------------------------- */

static void sandbox_fill_words(const struct image *image, const struct image_partition *root, const char *dest,
			       struct strlist *words)
{
	strlist_add(words, "imager");
	strlist_add(words, "extract-image");
	strlist_add(words, "--fd");
	strlist_addf(words, "%d", image->fd);
	strlist_add(words, "--offset");
	strlist_addf(words, "%llu", (unsigned long long)root->offset_bytes);
	strlist_add(words, "--size");
	strlist_addf(words, "%llu", (unsigned long long)root->size_bytes);
	if (geteuid() != 0)
		strlist_add(words, "--squash-ids");
	strlist_add(words, dest);
}

static int sandbox_unpack(const struct image *image, const struct image_partition *root, const char *dest, struct err *err)
{
	struct strlist words = {0, NULL};
	int status, result;

	sandbox_fill_words(image, root, dest, &words);
	(void)fcntl(image->fd, F_SETFD, 0);
	result = child_run_imager(&words, -1, &status, err);
	(void)fcntl(image->fd, F_SETFD, FD_CLOEXEC);
	strlist_fini(&words);
	if (result < 0 || status == 0)
		return result;
	if (WIFSIGNALED(status))
		return err_set(err, ERR_SYSTEM, EINTR, "cannot unpack %s: interrupted by signal %d", image->path,
			       WTERMSIG(status));
	return err_set(err, ERR_IMAGE, EIO, "cannot unpack %s to %s", image->path, dest);
}

/* One directory with its lock held. -EAGAIN: somebody's reaper was faster. */
static int sandbox_make_dir(const char *base, const struct kind *kind, struct tmp_sandbox *out, struct err *err)
{
	cleanup_ptr char *lock = NULL;

	if (asprintf(&out->dir, "%s/%sXXXXXX", base, kind->prefix) < 0) {
		out->dir = NULL;
		return err_sys(err, ENOMEM, "cannot make a temporary sandbox");
	}
	if (!mkdtemp(out->dir)) {
		int errnum = errno;

		free(ptr_take(out->dir));
		return err_sys(err, errnum, "cannot make a temporary sandbox in %s", base);
	}
	if (asprintf(&lock, "%s/" LOCK_NAME, out->dir) < 0 || asprintf(&out->root, "%s/%s", out->dir, kind->name) < 0)
		return err_sys(err, ENOMEM, "cannot make a temporary sandbox");
	out->lock_fd = open(lock, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out->lock_fd < 0 || flock(out->lock_fd, LOCK_EX | LOCK_NB) < 0 ||
	    (kind == &unpacked_kind && mkdir(out->root, 0700) < 0))
		return err_sys(err, errno == EWOULDBLOCK || errno == ENOENT ? EAGAIN : errno, "cannot make %s", out->root);
	return 0;
}

static int sandbox_prepare(const char *base, const struct kind *kind, struct tmp_sandbox *out, struct err *err)
{
	int result = -EAGAIN;

	for (int i = 0; result == -EAGAIN && i < MAKE_ATTEMPTS; i++) {
		result = sandbox_make_dir(base, kind, out, err);
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

/* With signals blocked from here on, also after failure. */
static int sandbox_begin(const char *base, const struct kind *kind, struct tmp_sandbox *out, struct err *err)
{
	cleanup_ptr char *whole = NULL;
	int result;

	*out = (struct tmp_sandbox)TMP_SANDBOX_INIT;
	child_block_signals();
	result = sandbox_find_base(base, &whole, err);
	if (result < 0)
		return result;
	tmp_sandbox_reap(whole);
	return sandbox_prepare(whole, kind, out, err);
}

int tmp_sandbox_make(const struct image *image, const char *base, struct tmp_sandbox *out, struct err *err)
{
	int result;

	if (image)
		log_info("Converting SIF file to temporary sandbox...");
	result = sandbox_begin(base, &unpacked_kind, out, err);
	out->unpacked = image != NULL;
	if (result == 0 && image)
		result = sandbox_unpack(image, image_get_root(image), out->root, err);
	if (result < 0) {
		tmp_sandbox_remove(out);
		child_restore_signals();
	}
	return result;
}

int tmp_sandbox_make_place(const char *base, struct tmp_sandbox *out, struct err *err)
{
	int result = sandbox_begin(base, &fetched_kind, out, err);

	if (result < 0)
		child_restore_signals();
	return result;
}

/* ---- the parent that stays ---------------------------------------------------------------------------------------- */

int tmp_sandbox_fork(struct tmp_sandbox *sandbox, struct err *err)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return err_sys(err, errno, "cannot fork the launch");
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)close(fd_take(&sandbox->lock_fd));
		child_restore_signals();
		return 0;
	}
	status = child_wait(child);
	if (sandbox->unpacked)
		log_info("Cleaning up image temporary dir(s)...");
	tmp_sandbox_remove(sandbox);
	child_end_as(status);
}
