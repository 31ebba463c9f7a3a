/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the hostile suites run inside: it says who it is and what it holds. Without an argument it stands in for the action program and
 * looks for anything that a setuid launch must never give; with "report" it prints all of it for a comparison.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FD_MAX 1024
#define GROUPS_MAX 256

struct sets {
	uint64_t effective, permitted, inheritable, bounding, ambient;
};

static void read_sets(struct sets *sets)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};

	memset(sets, 0, sizeof(*sets));
	(void)syscall(SYS_capget, &header, data);
	sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	for (int cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			sets->bounding |= UINT64_C(1) << cap;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			sets->ambient |= UINT64_C(1) << cap;
	}
}

static void print_ids(void)
{
	gid_t groups[GROUPS_MAX];
	int count = getgroups(GROUPS_MAX, groups);
	uid_t r, e, s;
	gid_t rg, eg, sg;

	(void)getresuid(&r, &e, &s);
	(void)getresgid(&rg, &eg, &sg);
	printf("IDS %u %u %u %u %u %u :", r, e, s, rg, eg, sg);
	for (int i = 0; i < count; i++)
		printf(" %u", groups[i]);
	printf("\n");
}

static void breach(const char *what, const char *detail)
{
	printf("BREACH %s: %s\n", what, detail);
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw" */
static void check_mount(char *line)
{
	static const char *const kernel_fs[] = {"proc",	   "sysfs",   "devpts", "mqueue", "cgroup", "cgroup2",
						"securityfs", "debugfs", "tracefs", "bpf", "pstore", "configfs",
						"fusectl", "binfmt_misc", "efivarfs", "devtmpfs", "hugetlbfs"};
	char point[1024], options[1024], type[64], *dash = strstr(line, " - ");

	if (!dash || sscanf(line, "%*s %*s %*s %*s %1023s %1023s", point, options) != 2 ||
	    sscanf(dash, " - %63s", type) != 1)
		return;
	for (size_t i = 0; i < sizeof(kernel_fs) / sizeof(kernel_fs[0]); i++)
		if (strcmp(type, kernel_fs[i]) == 0)
			return;
	if (strstr(line, " shared:"))
		breach("a mount is shared with the host", line);
	if (!strstr(options, "nosuid"))
		breach("a mount without nosuid", line);
	if (!strstr(options, "nodev") && strncmp(point, "/dev", 4) != 0)
		breach("a mount without nodev", line);
}

static void check_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		check_mount(line);
	}
	if (file)
		(void)fclose(file);
}

static void check(void)
{
	struct sets sets;
	char text[64];

	read_sets(&sets);
	if (sets.effective | sets.permitted | sets.inheritable | sets.bounding | sets.ambient)
		breach("capabilities", "a set is not empty");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		breach("no_new_privs", "not set");
	if (setuid(0) == 0)
		breach("ids", "root could be regained");
	for (int fd = 4; fd < FD_MAX; fd++)
		if (fcntl(fd, F_GETFD) >= 0) {
			(void)snprintf(text, sizeof(text), "%d", fd);
			breach("an open descriptor", text);
		}
	if (access("/.inside", F_OK) != 0)
		breach("root", "this is not the image");
	check_mounts();
}

static void print_descriptors(void)
{
	char link[64], target[1024];

	for (int fd = 0; fd < FD_MAX; fd++) {
		ssize_t length;

		if (fcntl(fd, F_GETFD) < 0)
			continue;
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		length = readlink(link, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		if (strncmp(target, "pipe:", 5) == 0)
			target[4] = '\0';
		printf("fd %d %s\n", fd, target);
	}
}

static void print_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], point[1024], options[1024], type[64];

	while (file && fgets(line, sizeof(line), file)) {
		const char *dash = strstr(line, " - ");

		if (dash && sscanf(line, "%*s %*s %*s %*s %1023s %1023s", point, options) == 2 &&
		    sscanf(dash, " - %63s", type) == 1)
			printf("mount %s %s %s%s\n", point, type, options, strstr(line, " shared:") ? " SHARED" : "");
	}
	if (file)
		(void)fclose(file);
}

/* What the kernel itself says of a mount: needs no /proc. */
static void print_restrictions(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) == 0)
		printf("restricted %s%s%s%s\n", path, fs.f_flag & ST_RDONLY ? " ro" : "", fs.f_flag & ST_NOSUID ? " nosuid" : "",
		       fs.f_flag & ST_NODEV ? " nodev" : "");
}

static void report(void)
{
	struct sets sets;
	char cwd[4096];

	print_ids();
	read_sets(&sets);
	printf("caps %016llx %016llx %016llx %016llx %016llx\n", (unsigned long long)sets.effective,
	       (unsigned long long)sets.permitted, (unsigned long long)sets.inheritable,
	       (unsigned long long)sets.bounding, (unsigned long long)sets.ambient);
	printf("no_new_privs %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("seccomp %d\n", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : strerror(errno));
	print_restrictions("/");
	print_restrictions("/mnt");
	print_descriptors();
	print_mounts();
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "report") == 0) {
		report();
		return 0;
	}
	printf("PAYLOAD\n");
	print_ids();
	check();
	return 0;
}
