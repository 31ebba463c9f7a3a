/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuse_mount SERVER IMAGE TARGET [OFFSET SIZE [OPTION…]]: mount an image as the starter does and leave its server running.
 * Prints the server's pid and the microseconds from its exec to the first answer. With TARGET "-" nothing is attached and the
 * server's status becomes ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ARGUMENTS_MAX 32

static void fail(const char *what)
{
	(void)fprintf(stderr, "fuse_mount: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

static void option(int fs_fd, const char *key, const char *value)
{
	if (fsconfig(fs_fd, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0) < 0)
		fail(key);
}

static int mount_fuse(int fuse_fd)
{
	int fs_fd = fsopen("fuse", FSOPEN_CLOEXEC), mount_fd;
	char number[16];

	if (fs_fd < 0)
		fail("open the fuse file system");
	(void)snprintf(number, sizeof(number), "%d", fuse_fd);
	option(fs_fd, "source", "squashfs-server");
	option(fs_fd, "ro", NULL);
	option(fs_fd, "fd", number);
	option(fs_fd, "rootmode", "40000");
	(void)snprintf(number, sizeof(number), "%u", getuid());
	option(fs_fd, "user_id", number);
	(void)snprintf(number, sizeof(number), "%u", getgid());
	option(fs_fd, "group_id", number);
	option(fs_fd, "default_permissions", NULL);
	option(fs_fd, "allow_other", NULL);
	if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		fail("create the file system");
	mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
	if (mount_fd < 0)
		fail("mount");
	return mount_fd;
}

static pid_t start_server(char **argv, int argc, int image_fd, int fuse_fd, const char *offset, const char *size)
{
	char image[16], fuse[16];
	const char *arguments[ARGUMENTS_MAX] = {argv[1],  "--image-fd", image,	  "--fuse-fd", fuse,
						"--offset", offset,	"--size", size};
	pid_t child = fork();

	if (child != 0)
		return child;
	(void)snprintf(image, sizeof(image), "%d", image_fd);
	(void)snprintf(fuse, sizeof(fuse), "%d", fuse_fd);
	for (int i = 6; i < argc && i < ARGUMENTS_MAX - 4; i++)
		arguments[i + 3] = argv[i];
	(void)execv(argv[1], (char *const *)(void *)arguments);
	_exit(127);
}

static long elapsed_us(const struct timespec *start)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000000 + (now.tv_nsec - start->tv_nsec) / 1000;
}

int main(int argc, char **argv)
{
	char size[24];
	struct statvfs space;
	struct stat status;
	struct timespec start;
	int image_fd, fuse_fd, mount_fd, result;
	pid_t server;

	if (argc < 4)
		return 2;
	image_fd = open(argv[2], O_RDONLY);
	fuse_fd = open("/dev/fuse", O_RDWR);
	if (image_fd < 0 || fuse_fd < 0 || fstat(image_fd, &status) < 0)
		fail("open the image or /dev/fuse");
	(void)snprintf(size, sizeof(size), "%lld", (long long)status.st_size);
	mount_fd = mount_fuse(fuse_fd);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	server = start_server(argv, argc, image_fd, fuse_fd, argc > 4 ? argv[4] : "0", argc > 5 ? argv[5] : size);
	(void)close(fuse_fd);
	if (strcmp(argv[3], "-") == 0) {
		(void)close(mount_fd);
		if (waitpid(server, &result, 0) < 0 || !WIFEXITED(result))
			return 1;
		return WEXITSTATUS(result);
	}
	/* Waits for the server's answer; after a server that gave up it fails. */
	if (fstatvfs(mount_fd, &space) < 0)
		fail("use the mount");
	(void)printf("%d %ld\n", server, elapsed_us(&start));
	if (move_mount(mount_fd, "", AT_FDCWD, argv[3], MOVE_MOUNT_F_EMPTY_PATH) < 0)
		fail("attach the mount");
	return 0;
}
