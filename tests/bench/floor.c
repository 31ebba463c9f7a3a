/* SPDX-License-Identifier: BSD-3-Clause */
/* The bare calls that no container start can do without: floor DIRECTORY COMMAND…: user namespace, bind, pivot_root, exec. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
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

int main(int argc, char **argv)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (argc < 3)
		return 1;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 2;
	(void)put("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	if (put("/proc/self/gid_map", map))
		return 3;
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	if (put("/proc/self/uid_map", map) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount(argv[1], "/mnt", NULL, MS_BIND | MS_REC, NULL) < 0 || chdir("/mnt") < 0 ||
	    syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		return 4;
	(void)execv(argv[2], argv + 2);
	return 5;
}
