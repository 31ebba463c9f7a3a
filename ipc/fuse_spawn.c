/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the process behind an image served by FUSE. Must not: give it a descriptor beyond its image and its connection. Runs
 * in the plain starter, and in the frontend for the setuid one, which runs no program.
 */
#include "ipc/fuse_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/plan.h"

#define ARG_MAX_BYTES 24

_Noreturn static void fuse_spawn_exec(const struct fuse_spawn *what, int go_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	char text[7][ARG_MAX_BYTES];
	const char *argv[] = {"squashfs-server", "--image-fd", text[0], "--fuse-fd", text[1],
			"--go-fd",	   text[2],	 "--offset",  text[3],	   "--size",
			text[4],	   "--uid",	 text[5],     "--gid",	   text[6],
			NULL};
	char *envp[] = {NULL};

	/* The caller's pipes must see their end when the payload ends, not when the server does. */
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0)
		_exit(255);
	(void)snprintf(text[0], ARG_MAX_BYTES, "%d", what->image_fd);
	(void)snprintf(text[1], ARG_MAX_BYTES, "%d", what->fuse_fd);
	(void)snprintf(text[2], ARG_MAX_BYTES, "%d", go_fd);
	(void)snprintf(text[3], ARG_MAX_BYTES, "%llu", (unsigned long long)what->fs->offset_bytes);
	(void)snprintf(text[4], ARG_MAX_BYTES, "%llu", (unsigned long long)what->fs->size_bytes);
	(void)snprintf(text[5], ARG_MAX_BYTES, "%u", getuid());
	(void)snprintf(text[6], ARG_MAX_BYTES, "%u", getgid());
	if (!what->squash)
		argv[11] = NULL; /* only with one id mapped do all files belong to the caller, whatever the image says */
	if (what->drop)
		what->drop();
	/* It starts while we mount, and reads no request before the byte on go_fd; end of file there ends it. */
	(void)fcntl(go_fd, F_SETFD, 0);
	(void)fcntl(what->image_fd, F_SETFD, 0);
	(void)fcntl(what->fuse_fd, F_SETFD, 0);
	(void)execveat(what->server_fd, "", (char *const *)(uintptr_t)argv, envp, AT_EMPTY_PATH);
	_exit(255);
}

/* Forked twice: the payload takes our pid and must not inherit a child it does not know. */
static int fuse_spawn_fork(const struct fuse_spawn *what, const int go[2], struct err *err)
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
			fuse_spawn_exec(what, go[0]);
		_exit(child < 0 ? 255 : 0);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "cannot wait for the image's file server");
	return status == 0 ? 0
			   : err_set(err, ERR_SYSTEM, EAGAIN, "cannot fork the image's file server");
}

int fuse_spawn_server(const struct fuse_spawn *what, int *out_go_fd, struct err *err)
{
	int go[2], result;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) < 0)
		return err_sys(err, errno, "cannot make a socket");
	result = fuse_spawn_fork(what, go, err);
	(void)close(go[0]);
	if (result < 0)
		(void)close(go[1]);
	else
		*out_go_fd = go[1];
	return result;
}
