/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/seccomp_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/cleanup.h"

#define FAIL(err, ...) err_set(err, ERR_SYSTEM, EINVAL, __VA_ARGS__)

static void seccomp_filter_exec_compiler(int program_fd, const char *profile, int out_fd,
					 uint64_t caps)
{
	char number[16], mask[24], name[] = "imager", verb[] = "seccomp-compile",
				   option[] = "--caps";
	char *path = strdup(profile);
	char *argv[] = {name, verb, option, mask, path, number, NULL};

	(void)snprintf(number, sizeof(number), "%d", out_fd);
	(void)snprintf(mask, sizeof(mask), "0x%llx", (unsigned long long)caps);
	(void)fcntl(out_fd, F_SETFD, 0);
	(void)execveat(program_fd, "", argv, environ, AT_EMPTY_PATH);
	_exit(255);
}

int seccomp_filter_add(struct builder *builder, const char *path, struct err *err)
{
	cleanup_fd int program_fd = -1;
	int fd = memfd_create("seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING), status;
	pid_t child;

	if (fd < 0)
		return err_sys(err, errno, "cannot make memory for the seccomp profile");
	if (plan_build_add_fd_consume(builder, fd, &builder->plan->process.seccomp_fd, err) < 0 ||
	    builder->view->open_installed("imager", &program_fd, err) < 0)
		return -EINVAL;
	child = fork();
	if (child == 0)
		seccomp_filter_exec_compiler(program_fd, path, fd, builder->plan->process.caps);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return err_sys(err, errno, "cannot compile the seccomp profile");
	if (status != 0)
		return FAIL(err, "cannot use seccomp profile %s", path);
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(err, errno, "cannot seal the seccomp profile");
	return 0;
}
