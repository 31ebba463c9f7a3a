/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attacker COMMAND…: run COMMAND again and again, and while it becomes the starter and the payload try to get into every process of it,
 * as the user who started it. Success against a process of the starter is a breach; the frontend and the payload are the user's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAUNCHES 40

static unsigned int tries, breaches;

static void read_name(pid_t pid, char name[32])
{
	char path[64];
	ssize_t n = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, name, 31);
	name[n > 0 ? n : 0] = '\0';
	(void)close(fd);
}

static bool is_guarded(pid_t pid)
{
	char name[32];

	read_name(pid, name);
	return strncmp(name, "starter-suid", 12) == 0 || strncmp(name, "sinit", 5) == 0;
}

static bool try_open(pid_t pid, const char *file, int flags)
{
	char path[64];
	char byte;
	int fd;
	bool got;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* A process that has just ended can be opened and has nothing to read. */
	got = flags & O_PATH || strncmp(file, "ns/", 3) == 0 || read(fd, &byte, 1) != 0;
	(void)close(fd);
	return got;
}

static bool try_read(pid_t pid)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};

	return process_vm_readv(pid, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT;
}

/* Traced, the next set-user-id program would run without privilege, and the attack would be over: not often, and let go at once. */
static bool try_trace(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return false;
	(void)ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	(void)waitpid(pid, NULL, __WALL);
	(void)ptrace(PTRACE_DETACH, pid, 0, 0);
	return true;
}

static void attack(pid_t pid)
{
	static const struct {
		const char *file;
		int flags;
	} files[] = {{"mem", O_RDWR}, {"mem", O_RDONLY}, {"environ", O_RDONLY}, {"maps", O_RDONLY}, {"auxv", O_RDONLY},
		     {"root", O_PATH}, {"cwd", O_PATH}, {"exe", O_PATH}, {"ns/mnt", O_RDONLY}, {"fd/3", O_PATH}, {"fd/4", O_PATH}};
	bool guarded;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		guarded = is_guarded(pid);
		tries += guarded;
		if (try_open(pid, files[i].file, files[i].flags) && guarded && is_guarded(pid)) {
			breaches++;
			printf("BREACH /proc/%d/%s opened\n", pid, files[i].file);
		}
	}
	guarded = is_guarded(pid);
	if (try_read(pid) && guarded && is_guarded(pid)) {
		breaches++;
		printf("BREACH process_vm_readv of %d\n", pid);
	}
	guarded = is_guarded(pid);
	if (guarded && try_trace(pid) && is_guarded(pid)) {
		breaches++;
		printf("BREACH PTRACE_SEIZE of %d\n", pid);
	}
}

static void attack_children(pid_t pid)
{
	char path[64], list[1024];
	ssize_t n;
	int fd;

	attack(pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, list, sizeof(list) - 1);
	(void)close(fd);
	list[n > 0 ? n : 0] = '\0';
	for (char *at = list, *end; (fd = (int)strtol(at, &end, 10)) > 0; at = end)
		attack_children(fd);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	for (int i = 0; i < LAUNCHES; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			(void)execv(argv[1], argv + 1);
			_exit(126);
		}
		while (waitpid(pid, &status, WNOHANG) == 0)
			attack_children(pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			printf("launch %d: status %x\n", i, (unsigned int)status);
	}
	printf("%u attacks on the starter, %u breaches\n", tries, breaches);
	return breaches || tries < LAUNCHES ? 1 : 0;
}
