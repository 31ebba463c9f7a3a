/* SPDX-License-Identifier: BSD-3-Clause */
/* nodes DIRECTORY…: as far as one may, take the restrictions off the mounts and open the device nodes in the directories. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MS_REMOUNT_BIND (32 | 4096)

static int opened;

static void try_nodes(int argc, char **argv, const char *when)
{
	static const char *const names[] = {"zero", "null", "disk"};
	char path[512];

	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			int fd;

			(void)snprintf(path, sizeof(path), "%s/%s", argv[i], names[k]);
			fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
			if (fd >= 0) {
				printf("OPENED %s %s\n", path, when);
				opened = 1;
				(void)close(fd);
			} else if (errno == ENOENT) {
				printf("MISSING %s\n", path);
				opened = 1;
			}
		}
}

/* Both interfaces, on the root and on the directories themselves. */
static void clear(int argc, char **argv)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY};

	for (int i = 0; i < argc; i++) {
		const char *path = i ? argv[i] : "/";

		(void)syscall(SYS_mount_setattr, AT_FDCWD, path, 0x8000 /* AT_RECURSIVE */, &attr, sizeof(attr));
		attr.attr_clr = MOUNT_ATTR_NODEV;
		(void)syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attr, sizeof(attr));
		(void)syscall(SYS_mount, "none", path, NULL, MS_REMOUNT_BIND, NULL);
		(void)syscall(SYS_mount, path, path, NULL, 4096 | 16384 /* bind, recursive */, NULL);
		(void)syscall(SYS_mount, "none", path, NULL, MS_REMOUNT_BIND, NULL);
	}
}

int main(int argc, char **argv)
{
	try_nodes(argc, argv, "at once");
	clear(argc, argv);
	try_nodes(argc, argv, "after clearing");
	if (unshare(CLONE_NEWNS) == 0) {
		clear(argc, argv);
		try_nodes(argc, argv, "in a mount namespace of its own");
	}
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
		clear(argc, argv);
		try_nodes(argc, argv, "in a user namespace of its own");
	}
	if (!opened)
		printf("none opened\n");
	return opened;
}
