/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/sif/overlay_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/image/bytes.h"
#include "frontend/pack/target.h"
#include "frontend/settings/configuration.h"
#include "frontend/settings/program.h"
#include "ipc/cleanup.h"

#define OUTPUT_BYTES 512
#define LARGE_ID 65535 /* programs that serve the overlay may know 16 bits of an owner */

/* ---- the program ---- */

static int open_mke2fs(int *out_fd, struct err *err)
{
	static struct conf_frontend conf;
	const char *path;
	int rc = configuration_load(getenv("SINGULARITY_CONFIG_FILE"), &conf, err);

	if (rc < 0)
		return rc;
	path = getuid() == 0 ? conf.root_search_path : conf.user_search_path;
	if (program_open("mke2fs", path, out_fd) == 0 || program_open("mkfs.ext3", path, out_fd) == 0)
		return 0;
	return err_set(err, ERR_SYSTEM, ENOENT, "cannot make an overlay: mke2fs is not in %s: install e2fsprogs, or name its "
		       "directory in \"%s search path\" of singularity.conf", path ? path : "the search path",
		       getuid() == 0 ? "root" : "user");
}

int overlay_fs_check(struct err *err)
{
	cleanup_fd int fd = -1;

	return open_mke2fs(&fd, err);
}

static void exec_mke2fs(int program_fd, int fd, int output_fd, const char *dir, bool sparse)
{
	char name[] = "mke2fs", quiet[] = "-q", force[] = "-F", type[] = "-t", ext3[] = "ext3", extended[] = "-E",
	     discard[] = "discard", keep[] = "nodiscard", populate[] = "-d", image[64];
	cleanup_ptr char *root = strdup(dir);
	/* Discarding would give the reserved blocks back. */
	char *argv[] = {name, quiet, force, type, ext3, extended, sparse ? discard : keep, populate, root, image, NULL};
	sigset_t none;

	(void)snprintf(image, sizeof(image), "/proc/self/fd/%d", fd);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* A script in its place is read by the name of its descriptor, which must be open for that. */
	if (!root || dup2(output_fd, STDOUT_FILENO) < 0 || dup2(output_fd, STDERR_FILENO) < 0 || fcntl(fd, F_SETFD, 0) < 0 ||
	    fcntl(program_fd, F_SETFD, 0) < 0)
		_exit(127);
	(void)execveat(program_fd, "", argv, environ, AT_EMPTY_PATH);
	(void)dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(127);
}

/* The last line that it said. */
static int explain(int status, int output_fd, struct err *err)
{
	char text[OUTPUT_BYTES + 1] = "";
	off_t end = lseek(output_fd, 0, SEEK_END);
	ssize_t got = bytes_read_at(output_fd, text, OUTPUT_BYTES, end > OUTPUT_BYTES ? (uint64_t)(end - OUTPUT_BYTES) : 0);
	char *line;

	text[got > 0 ? got : 0] = '\0';
	while (got > 0 && text[got - 1] == '\n')
		text[--got] = '\0';
	line = strrchr(text, '\n');
	return err_set(err, ERR_SYSTEM, EIO, "cannot make the ext3 file system: mke2fs ended with %s %d%s%s",
		       WIFEXITED(status) ? "status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
		       *text ? ": " : "", line ? line + 1 : text);
}

static int run_mke2fs(int fd, const char *dir, bool sparse, struct err *err)
{
	cleanup_fd int program_fd = -1, output_fd = memfd_create("mke2fs", MFD_CLOEXEC);
	int status, rc;
	pid_t child;

	if (output_fd < 0)
		return err_sys(err, errno, "cannot start mke2fs");
	rc = open_mke2fs(&program_fd, err);
	if (rc < 0)
		return rc;
	child = fork();
	if (child < 0)
		return err_sys(err, errno, "cannot start mke2fs");
	if (child == 0)
		exec_mke2fs(program_fd, fd, output_fd, dir, sparse);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(err, errno, "cannot wait for mke2fs");
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : explain(status, output_fd, err);
}

/* ---- what is in it ---- */

/* "a/b" below @top_fd, with the directories on the way. */
static int make_dirs(int top_fd, const char *path, mode_t mode, struct err *err)
{
	cleanup_fd int fd = openat(top_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *rest = path;

	while (fd >= 0 && *(rest += strspn(rest, "/"))) {
		char name[NAME_MAX + 1];
		size_t len = strcspn(rest, "/");
		int next;

		if (len > NAME_MAX || (len == 2 && memcmp(rest, "..", 2) == 0))
			return err_set(err, ERR_USAGE, EINVAL, "cannot make the directory %s in an overlay", path);
		memcpy(name, rest, len);
		name[len] = '\0';
		rest += len;
		if (mkdirat(fd, name, mode) < 0 && errno != EEXIST)
			return err_sys(err, errno, "cannot make the directory %s", path);
		next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		(void)close(fd);
		fd = next;
	}
	return fd < 0 ? err_sys(err, errno, "cannot make the directory %s", path) : 0;
}

static int fill(const char *top, const struct strlist *dirs, struct err *err)
{
	mode_t mode = getuid() > LARGE_ID || getgid() > LARGE_ID ? 0777 : 0755;
	cleanup_fd int top_fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC), upper_fd = -1;
	int rc;

	if (top_fd < 0)
		return err_sys(err, errno, "cannot open %s", top);
	rc = make_dirs(top_fd, "upper", mode, err);
	if (rc == 0)
		rc = make_dirs(top_fd, "work", mode, err);
	if (rc < 0)
		return rc;
	upper_fd = openat(top_fd, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper_fd < 0)
		return err_sys(err, errno, "cannot open %s/upper", top);
	for (size_t i = 0; i < dirs->count && rc == 0; i++)
		rc = make_dirs(upper_fd, dirs->items[i], mode, err);
	return rc;
}

/* A directory that mke2fs copies. */
static int make_layout(const struct strlist *dirs, char **out, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	cleanup_ptr char *top = NULL;
	mode_t mask;
	int rc;

	if (asprintf(&top, "%s/overlay-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0) {
		top = NULL;
		return err_sys(err, ENOMEM, "cannot make an overlay");
	}
	if (!mkdtemp(top))
		return err_sys(err, errno, "cannot make the temporary directory %s", top);
	/* The modes are those of the overlay, whatever the caller has for files of his own. */
	mask = umask(0);
	rc = chmod(top, 0755) < 0 ? err_sys(err, errno, "cannot make the temporary directory %s", top) : fill(top, dirs, err);
	(void)umask(mask);
	if (rc < 0)
		(void)target_remove_tree(top);
	else
		*out = ptr_take(top);
	return rc;
}

int overlay_fs_make(int fd, const struct overlay_fs_options *options, struct err *err)
{
	cleanup_ptr char *layout = NULL;
	int rc;

	if (ftruncate(fd, (off_t)options->size_bytes) < 0)
		return err_sys(err, errno, "cannot make an overlay of %llu MiB", (unsigned long long)options->size_bytes >> 20);
	rc = options->sparse ? 0 : posix_fallocate(fd, 0, (off_t)options->size_bytes);
	if (rc != 0)
		return err_sys(err, rc, "cannot make an overlay of %llu MiB", (unsigned long long)options->size_bytes >> 20);
	rc = make_layout(&options->dirs, &layout, err);
	if (rc < 0)
		return rc;
	rc = run_mke2fs(fd, layout, options->sparse, err);
	(void)target_remove_tree(layout);
	return rc;
}
