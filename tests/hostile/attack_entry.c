/* SPDX-License-Identifier: BSD-3-Clause */
/* A valid request by a process in an invalid state: what execve(2) inherits. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/channel_send.h"
#include "tests/hostile/driver.h"

static void send_base(struct attempt *attempt, bool full)
{
	struct err err = ERR_INIT;
	int channel_fd;

	if (full)
		base_full(attempt);
	else
		base_bare(attempt);
	encode(attempt);
	attempt->message_fd = make_memory(attempt->bytes, attempt->length, true);
	if (channel_send_plan(attempt->message_fd, attempt->fds, attempt->fd_count, &channel_fd, &err) < 0)
		give_up(err.message);
	if (channel_fd == CHANNEL_FD)
		(void)fcntl(channel_fd, F_SETFD, 0);
	else if (dup2(channel_fd, CHANNEL_FD) < 0)
		give_up("dup2");
}

static void no_arguments(struct attempt *attempt, intptr_t argument)
{
	char *empty[] = {NULL};

	(void)argument;
	send_base(attempt, false);
	(void)syscall(SYS_execve, scene.starter, NULL, empty);
	(void)execve(scene.starter, empty, empty);
	give_up("exec");
}

static void huge_environment(struct attempt *attempt, intptr_t argument)
{
	static char block[100 * 1024];
	char name[] = "starter", *argv[] = {name, NULL}, *envp[16];
	struct rlimit stack = {64 << 20, 64 << 20};

	(void)argument;
	(void)setrlimit(RLIMIT_STACK, &stack);
	send_base(attempt, false);
	memset(block, 'A', sizeof(block) - 1);
	for (size_t i = 0; i < 15; i++)
		envp[i] = block;
	envp[15] = NULL;
	(void)execve(scene.starter, argv, envp);
	give_up("exec");
}

/* Nothing of it may have an effect: no file of the caller's appears, no text of a tunable. */
static void bad_environment(struct attempt *attempt, intptr_t argument)
{
	char name[] = "starter", *argv[] = {name, NULL}, output[600], debug[640];
	char *envp[] = {(char[]){"LD_PRELOAD=/tmp/evil.so"}, (char[]){"LD_LIBRARY_PATH=/tmp"}, (char[]){"LD_AUDIT=/tmp/evil.so"},
			(char[]){"LD_DEBUG=all"}, debug, (char[]){"LD_SHOW_AUXV=1"}, (char[]){"LD_BIND_NOW=1"},
			(char[]){"GLIBC_TUNABLES=glibc.malloc.perturb=255:glibc.malloc.check=3"}, (char[]){"MALLOC_CHECK_=3"},
			(char[]){"MALLOC_PERTURB_=255"}, (char[]){"GCONV_PATH=/tmp"}, (char[]){"TMPDIR=/tmp"},
			(char[]){"LOCPATH=/tmp"}, (char[]){"NLSPATH=/tmp"}, (char[]){"RES_OPTIONS=debug"},
			(char[]){"SINGULARITY_MESSAGELEVEL=5"}, (char[]){"PATH=/tmp"}, (char[]){"=x"}, (char[]){"no-equals-sign"}, NULL};

	(void)argument;
	(void)snprintf(output, sizeof(output), "%s/user/ld-debug", scene.work);
	(void)snprintf(debug, sizeof(debug), "LD_DEBUG_OUTPUT=%s", output);
	send_base(attempt, false);
	(void)execve(scene.starter, argv, envp);
	give_up("exec");
}

static void closed_stdio(struct attempt *attempt, intptr_t mask)
{
	send_base(attempt, true);
	for (int fd = 0; fd < 3; fd++)
		if (mask & 1 << fd)
			(void)close(fd);
	exec_starter(-1);
}

static void limited(struct attempt *attempt, int resource, rlim_t value)
{
	struct rlimit limit = {value, value};

	send_base(attempt, true);
	if (setrlimit((__rlimit_resource_t)resource, &limit) < 0)
		give_up("setrlimit");
	exec_starter(-1);
}

static void few_descriptors(struct attempt *attempt, intptr_t value) { limited(attempt, RLIMIT_NOFILE, (rlim_t)value); }
static void no_processes(struct attempt *attempt, intptr_t value) { limited(attempt, RLIMIT_NPROC, (rlim_t)value); }
static void no_file_size(struct attempt *attempt, intptr_t value) { limited(attempt, RLIMIT_FSIZE, (rlim_t)value); }
static void little_memory(struct attempt *attempt, intptr_t value) { limited(attempt, RLIMIT_AS, (rlim_t)value); }
static void little_stack(struct attempt *attempt, intptr_t value) { limited(attempt, RLIMIT_STACK, (rlim_t)value); }
static void little_data(struct attempt *attempt, intptr_t value) { limited(attempt, RLIMIT_DATA, (rlim_t)value); }
static void no_lock(struct attempt *attempt, intptr_t value) { limited(attempt, RLIMIT_MEMLOCK, (rlim_t)value); }
static void no_time(struct attempt *attempt, intptr_t value) { limited(attempt, RLIMIT_CPU, (rlim_t)value); }

/* The soft limit alone is raised again. */
static void soft_limits(struct attempt *attempt, intptr_t argument)
{
	struct rlimit files, size;

	(void)argument;
	send_base(attempt, true);
	(void)getrlimit(RLIMIT_NOFILE, &files);
	(void)getrlimit(RLIMIT_FSIZE, &size);
	files.rlim_cur = 5;
	size.rlim_cur = 0;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_FSIZE, &size) < 0)
		give_up("setrlimit");
	exec_starter(-1);
}

static void pending_alarm(struct attempt *attempt, intptr_t microseconds)
{
	const struct itimerval timer = {{0, microseconds}, {0, microseconds}};

	send_base(attempt, true);
	(void)signal(SIGALRM, SIG_IGN);
	(void)setitimer(ITIMER_REAL, &timer, NULL);
	exec_starter(-1);
}

static void odd_signals(struct attempt *attempt, intptr_t ignore)
{
	sigset_t all;

	send_base(attempt, true);
	for (int number = 1; ignore && number < 65; number++)
		(void)signal(number, SIG_IGN);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	exec_starter(-1);
}

static void odd_umask(struct attempt *attempt, intptr_t mask)
{
	send_base(attempt, true);
	(void)umask((mode_t)mask);
	exec_starter(-1);
}

static void deleted_directory(struct attempt *attempt, intptr_t argument)
{
	char path[512];

	(void)argument;
	(void)snprintf(path, sizeof(path), "%s/user/gone", scene.work);
	if (mkdir(path, 0700) < 0 || chdir(path) < 0 || rmdir(path) < 0)
		give_up("a deleted directory");
	send_base(attempt, true);
	exec_starter(-1);
}

static void odd_personality(struct attempt *attempt, intptr_t persona)
{
	send_base(attempt, true);
	if (personality((unsigned long)persona) < 0)
		give_up("personality");
	exec_starter(-1);
}

static void open_descriptors(struct attempt *attempt, intptr_t argument)
{
	(void)argument;
	send_base(attempt, true);
	for (int i = 0; i < 200; i++)
		if (open("/", O_RDONLY) < 0) /* not close-on-exec */
			break;
	exec_starter(-1);
}

/* no_new_privs in the caller: the setuid bit has no effect, and the starter must not take its caller's rights for root's. */
static void no_new_privs(struct attempt *attempt, intptr_t argument)
{
	(void)argument;
	send_base(attempt, false);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up("no_new_privs");
	exec_starter(-1);
}

void attack_entry(void)
{
	static const struct {
		const char *name;
		step run;
		intptr_t argument;
		enum expectation expectation;
	} attacks[] = {
		{"no arguments", no_arguments, 0, MAY_RUN}, /* newer kernels put an empty one there */
		{"a huge environment", huge_environment, 0, MUST_RUN},
		{"an environment for loaders and allocators", bad_environment, 0, MUST_RUN},
		{"RLIMIT_FSIZE 0", no_file_size, 0, MUST_REFUSE},
		{"RLIMIT_NPROC 0", no_processes, 0, MUST_REFUSE},
		{"RLIMIT_AS 1 MiB", little_memory, 1 << 20, MUST_REFUSE},
		{"RLIMIT_AS 2 MiB", little_memory, 2 << 20, MAY_RUN},
		{"RLIMIT_AS 4 MiB", little_memory, 4 << 20, MAY_RUN},
		{"RLIMIT_DATA 64 KiB", little_data, 1 << 16, MAY_RUN},
		{"RLIMIT_STACK 64 KiB", little_stack, 1 << 16, MAY_RUN},
		{"RLIMIT_STACK unlimited", little_stack, -1, MAY_RUN},
		{"RLIMIT_MEMLOCK 0", no_lock, 0, MAY_RUN},
		{"RLIMIT_CPU 0", no_time, 0, MAY_RUN},
		{"low soft limits", soft_limits, 0, MUST_RUN},
		{"an alarm every 200 us", pending_alarm, 200, MUST_RUN},
		{"an alarm every 20 us", pending_alarm, 20, MAY_RUN},
		{"all signals blocked", odd_signals, 0, MUST_RUN},
		{"all signals blocked and ignored", odd_signals, 1, MUST_RUN},
		{"umask 0", odd_umask, 0, MUST_RUN},
		{"umask 0777", odd_umask, 0777, MUST_RUN},
		{"a deleted working directory", deleted_directory, 0, MUST_RUN},
		{"no address randomization", odd_personality, ADDR_NO_RANDOMIZE, MUST_RUN},
		{"readable is executable", odd_personality, READ_IMPLIES_EXEC, MUST_RUN},
		{"200 open directories", open_descriptors, 0, MUST_RUN},
		{"no_new_privs before the starter", no_new_privs, 0, MUST_REFUSE},
	};
	char name[64];

	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		run_attempt(attacks[i].name, attacks[i].expectation, NULL, attacks[i].run, attacks[i].argument);
	/* Without a descriptor to complain on there is only the status to look at. */
	for (intptr_t mask = 1; mask < 8; mask++) {
		(void)snprintf(name, sizeof(name), "closed stdio, mask %d", (int)mask);
		run_attempt(name, mask & 6 ? MAY_RUN : MUST_RUN, NULL, closed_stdio, mask);
	}
	for (intptr_t limit = 3; limit <= 64; limit++) {
		(void)snprintf(name, sizeof(name), "RLIMIT_NOFILE %d", (int)limit);
		run_attempt(name, MUST_REFUSE, NULL, few_descriptors, limit);
	}
}
