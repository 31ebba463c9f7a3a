/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the processes behind FUSE images. Must not: give a server any privilege or descriptor beyond its image and
 * its connection. Runs between the user namespace and the mount namespace.
 */
#include "starter/fuse_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "starter/flavour.h"
#include "starter/privs.h"
#include "starter/stage.h"

#define ARG_MAX_BYTES 24

_Noreturn static void fuse_server_exec(const struct stage *stage, const struct plan_fs *fs,
				       int fuse_fd, int go_fd)
{
	int image_fd = stage->record->fds[fs->fd], null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	char text[7][ARG_MAX_BYTES];
	const char *argv[] = {"squashfs-server", "--image-fd", text[0], "--fuse-fd", text[1],
			"--go-fd",	   text[2],	 "--offset",  text[3],	   "--size",
			text[4],	   "--uid",	 text[5],     "--gid",	   text[6],
			NULL};
	char *envp[] = {NULL};

	/* The caller's pipes must see their end when the payload ends, not when the server does. */
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0)
		_exit(255);
	(void)snprintf(text[0], ARG_MAX_BYTES, "%d", image_fd);
	(void)snprintf(text[1], ARG_MAX_BYTES, "%d", fuse_fd);
	(void)snprintf(text[2], ARG_MAX_BYTES, "%d", go_fd);
	(void)snprintf(text[3], ARG_MAX_BYTES, "%llu", (unsigned long long)fs->offset_bytes);
	(void)snprintf(text[4], ARG_MAX_BYTES, "%llu", (unsigned long long)fs->size_bytes);
	(void)snprintf(text[5], ARG_MAX_BYTES, "%u", getuid());
	(void)snprintf(text[6], ARG_MAX_BYTES, "%u", getgid());
	if (stage->plan->idmap.method != PLAN_IDMAP_SELF)
		argv[11] = NULL; /* only with one id mapped do all files belong to the caller, whatever the image says */
	privs_drop_all();
	/* It starts while we mount, and reads no request before the byte on go_fd; end of file there ends it. */
	(void)fcntl(go_fd, F_SETFD, 0);
	(void)fcntl(image_fd, F_SETFD, 0);
	(void)fcntl(fuse_fd, F_SETFD, 0);
	(void)execveat(stage->record->fds[fs->server_fd], "",
		       (char *const *)(uintptr_t)argv, envp, AT_EMPTY_PATH);
	_exit(255);
}

/* Forked twice: the payload takes our pid and must not inherit a child it does not know. */
static int fuse_server_fork(const struct stage *stage, const struct plan_fs *fs, int fuse_fd,
			    const int go[2], struct err *err)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return err_sys(err, errno, "cannot fork the image's file server");
	if (child == 0) {
		(void)close(go[1]);
		if (setsid() < 0)
			_exit(255);
		child = fork();
		if (child == 0)
			fuse_server_exec(stage, fs, fuse_fd, go[0]);
		_exit(child < 0 ? 255 : 0);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "cannot wait for the image's file server");
	return status == 0 ? 0
			   : err_set(err, ERR_SYSTEM, EAGAIN, "cannot fork the image's file server");
}

static int fuse_server_start(struct stage *stage, uint32_t index, struct err *err)
{
	cleanup_fd int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int go[2], result;

	if (fuse_fd < 0 && !flavour_is_setuid) /* the node that an outer container of ours handed down */
		fuse_fd = open("/.singularity.d/outer/fuse", O_RDWR | O_CLOEXEC);
	if (fuse_fd < 0)
		return err_sys(err, errno, "cannot open /dev/fuse");
	if (pipe2(go, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	result = fuse_server_fork(stage, &stage->plan->fs[index], fuse_fd, go, err);
	if (result < 0) {
		(void)close(go[0]);
		(void)close(go[1]);
		return result;
	}
	/* The reading end stays until our exec, so that the byte for a server that gave up raises no SIGPIPE. */
	stage->go_fd[index] = go[1];
	stage->fuse_fd[index] = fd_take(&fuse_fd);
	return 0;
}

int fuse_server_start_all(struct stage *stage, struct err *err)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < stage->plan->fs_count; i++)
		if (stage->plan->fs[i].method == PLAN_METHOD_FUSE && stage->plan->fs[i].type == PLAN_FS_SQUASHFS)
			result = fuse_server_start(stage, i, err);
	return result;
}
