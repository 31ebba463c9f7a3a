/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuse_mount SERVER IMAGE MOUNTPOINT OFFSET SIZE [ARGUMENT...]: mounts as the starter does, runs SERVER on the connection, and
 * ends with the server's status. For tests; run by root in a mount namespace of the test's choice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 32

static int fail(const char *what)
{
	(void)fprintf(stderr, "fuse_mount: %s: %s\n", what, strerror(errno));
	return 100;
}

static void serve(char **argv, int image_fd, int fuse_fd)
{
	char image[16], fuse[16];
	char *args[ARGS_MAX] = {argv[1], "--image-fd", image, "--fuse-fd", fuse, "--offset", argv[4], "--size", argv[5]};

	(void)snprintf(image, sizeof(image), "%d", image_fd);
	(void)snprintf(fuse, sizeof(fuse), "%d", fuse_fd);
	for (int i = 9, from = 6; argv[from] && i < ARGS_MAX - 1; i++, from++)
		args[i] = argv[from];
	(void)execv(argv[1], args);
	_exit(fail(argv[1]));
}

int main(int argc, char **argv)
{
	char options[128];
	int image_fd, fuse_fd, status;
	pid_t child;

	if (argc < 6)
		return 100;
	image_fd = open(argv[2], O_RDONLY);
	fuse_fd = open("/dev/fuse", O_RDWR);
	if (image_fd < 0 || fuse_fd < 0)
		return fail("cannot open the image or /dev/fuse");
	(void)snprintf(options, sizeof(options),
		       "fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other", fuse_fd);
	if (mount("squashfs-server", argv[3], "fuse", MS_NOSUID | MS_NODEV | MS_RDONLY, options) < 0)
		return fail("cannot mount");
	child = fork();
	if (child < 0)
		return fail("cannot fork");
	if (child == 0)
		serve(argv, image_fd, fuse_fd);
	/* Ours would keep the connection alive after the server's end. */
	(void)close(fuse_fd);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return fail("cannot wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}
