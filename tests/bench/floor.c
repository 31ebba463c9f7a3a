/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bare calls that no container start can do without, then exec.
 *   floor DIRECTORY COMMAND…        as a user: user and mount namespace, bind, pivot_root
 *   floor IMAGE OFFSET COMMAND…     as root: mount namespace, loop device, the kernel's squashfs, pivot_root
 */
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int bad = fd < 0 || write(fd, text, strlen(text)) < 0;

	if (fd >= 0)
		(void)close(fd);
	return bad;
}

static int map_self(uid_t uid, gid_t gid)
{
	char map[64];

	(void)put("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	if (put("/proc/self/gid_map", map))
		return -1;
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	return put("/proc/self/uid_map", map) ? -1 : 0;
}

static int mount_directory(const char *path)
{
	return mount(path, "/mnt", NULL, MS_BIND | MS_REC, NULL);
}

/* Another start may take the free device between the two calls. */
static int mount_image(const char *path, const char *offset)
{
	struct loop_config config = {.block_size = 0};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop, number;
	int image = open(path, O_RDONLY | O_CLOEXEC);
	char device[32];

	config.fd = (__u32)image;
	config.info.lo_offset = strtoull(offset, NULL, 10);
	config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
	do {
		number = ioctl(control, LOOP_CTL_GET_FREE);
		(void)snprintf(device, sizeof(device), "/dev/loop%d", number);
		loop = open(device, O_RDONLY | O_CLOEXEC);
		if (number < 0 || loop < 0)
			return -1;
	} while (ioctl(loop, LOOP_CONFIGURE, &config) < 0 && close(loop) == 0);
	return mount(device, "/mnt", "squashfs", MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
}

int main(int argc, char **argv)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	struct stat status;
	int is_image;

	if (argc < 3 || stat(argv[1], &status) < 0)
		return 1;
	is_image = S_ISREG(status.st_mode);
	if (unshare(is_image ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 2;
	if (!is_image && map_self(uid, gid) < 0)
		return 3;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    (is_image ? mount_image(argv[1], argv[2]) : mount_directory(argv[1])) < 0 || chdir("/mnt") < 0 ||
	    syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		return 4;
	argv += is_image ? 3 : 2;
	(void)execv(argv[0], argv);
	return 5;
}
