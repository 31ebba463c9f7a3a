/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stepper count|kill|fail K ERRNO COMMAND…: run COMMAND under ptrace and count the system calls of every process in it. At the
 * Kth: kill the process that makes it, or make the call fail with ERRNO without being done. Then let go, and see that everything ends.
 * Root's tracing does not take the setuid bit away. "fail" counts only what the starter does, up to the action program.
 * Exit status: that of COMMAND (128 + N after a signal); 125 when something is left after two seconds; 124 after a minute.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <elf.h>
#include <linux/ptrace.h>

#define OPTIONS                                                                                                        \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
	 PTRACE_O_EXITKILL)
#define LEFTOVER_MS 2000
#define DEADLINE_MS 60000
#define TRACEES_MAX 4096

enum mode { MODE_COUNT, MODE_KILL, MODE_FAIL };

static struct {
	enum mode mode;
	long wanted, count;
	int error;
	pid_t main_pid, failing; /* failing: its call was replaced, the result is due at the exit stop */
	int main_status;
	bool done; /* the kill or the failure has happened */
	pid_t pids[TRACEES_MAX];
	size_t pid_count;
	int64_t end_ms;
} run;

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

_Noreturn static void die(const char *what)
{
	perror(what);
	_exit(126);
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < run.pid_count; i++)
		if (run.pids[i] == pid)
			run.pids[i--] = run.pids[--run.pid_count];
}

static void remember(pid_t pid)
{
	forget(pid);
	if (run.pid_count < TRACEES_MAX)
		run.pids[run.pid_count++] = pid;
}

static bool is_starter(pid_t pid)
{
	char path[64], name[32] = "";
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	(void)!fgets(name, sizeof(name), file);
	(void)fclose(file);
	return strncmp(name, "starter", 7) == 0;
}

#if defined(__x86_64__)
static void replace_call(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) == 0) {
		regs.orig_rax = (unsigned long)-1;
		(void)ptrace(PTRACE_SETREGS, pid, 0, &regs);
	}
}

static void set_result(pid_t pid, long value)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) == 0) {
		regs.rax = (unsigned long)value;
		(void)ptrace(PTRACE_SETREGS, pid, 0, &regs);
	}
}
#elif defined(__aarch64__)
static void replace_call(pid_t pid)
{
	int number = -1;
	struct iovec part = {&number, sizeof(number)};

	(void)ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part);
}

static void set_result(pid_t pid, long value)
{
	struct user_regs_struct regs;
	struct iovec part = {&regs, sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part) == 0) {
		regs.regs[0] = (unsigned long)value;
		(void)ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part);
	}
}
#else
#error "stepper: say how a system call is replaced on this machine"
#endif

static void at_call(pid_t pid)
{
	struct __ptrace_syscall_info info;
	bool entry = ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY;

	if (!entry) {
		if (run.failing == pid) {
			set_result(pid, -run.error);
			run.failing = 0;
		}
		return;
	}
	if (run.done || (run.mode == MODE_FAIL && !is_starter(pid)))
		return;
	if (++run.count != run.wanted)
		return;
	run.done = run.mode != MODE_COUNT;
	if (run.mode == MODE_KILL) {
		(void)kill(pid, SIGKILL);
	} else if (run.mode == MODE_FAIL) {
		(void)fprintf(stderr, "failed call %llu\n", (unsigned long long)info.entry.nr);
		replace_call(pid);
		run.failing = pid;
	}
}

/* Everybody else goes on without us, as if nobody had looked. */
static void let_go(void)
{
	for (size_t i = 0; i < run.pid_count; i++)
		(void)ptrace(PTRACE_DETACH, run.pids[i], 0, 0);
}

static void one_stop(pid_t pid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	remember(pid);
	if (signal == (SIGTRAP | 0x80)) {
		at_call(pid);
		signal = 0;
	} else if (event) {
		/* A new tracee's first stop and group stops carry no signal to hand on. */
		signal = 0;
	} else if (signal == SIGSTOP || signal == SIGTRAP) {
		signal = 0;
	}
	(void)ptrace(run.mode == MODE_KILL && run.done ? PTRACE_DETACH : PTRACE_SYSCALL, pid, 0, signal);
}

static void follow(void)
{
	int64_t killed_ms = 0;

	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL); /* ends with EINTR at each tick */

		if (pid < 0 && errno == ECHILD)
			return;
		if (now_ms() > run.end_ms || (killed_ms && now_ms() > killed_ms + LEFTOVER_MS)) {
			let_go();
			_exit(killed_ms ? 125 : 124);
		}
		if (pid <= 0)
			continue;
		if (WIFSTOPPED(status)) {
			one_stop(pid, status);
		} else {
			forget(pid);
			if (pid == run.main_pid) {
				run.main_status = status;
				/* What outlives the launch must end by itself, and soon. */
				killed_ms = now_ms();
			}
		}
		if (run.done && run.mode == MODE_KILL && !killed_ms)
			killed_ms = now_ms();
	}
}

_Noreturn static void child(char **command)
{
	(void)raise(SIGSTOP);
	(void)execvp(command[0], command);
	die("exec");
}

static void at_tick(int number)
{
	(void)number;
}

int main(int argc, char **argv)
{
	const struct sigaction wake = {.sa_handler = at_tick};
	const struct itimerval tick = {{0, 50000}, {0, 50000}};
	int status;

	if (argc < 5)
		return 2;
	run.mode = strcmp(argv[1], "kill") == 0 ? MODE_KILL : strcmp(argv[1], "fail") == 0 ? MODE_FAIL : MODE_COUNT;
	run.wanted = run.mode == MODE_COUNT ? -1 : atol(argv[2]);
	run.error = atoi(argv[3]);
	run.end_ms = now_ms() + DEADLINE_MS;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		die("subreaper");
	run.main_pid = fork();
	if (run.main_pid == 0)
		child(argv + 4);
	if (waitpid(run.main_pid, &status, WUNTRACED) < 0 || !WIFSTOPPED(status))
		die("the command did not start");
	if (ptrace(PTRACE_SEIZE, run.main_pid, 0, OPTIONS) < 0)
		(void)kill(run.main_pid, SIGKILL), die("PTRACE_SEIZE");
	(void)kill(run.main_pid, SIGCONT);
	(void)ptrace(PTRACE_INTERRUPT, run.main_pid, 0, 0);
	(void)sigaction(SIGALRM, &wake, NULL);
	(void)setitimer(ITIMER_REAL, &tick, NULL);
	follow();
	if (run.mode == MODE_COUNT || (run.mode == MODE_FAIL && !run.done))
		(void)fprintf(stderr, "calls %ld\n", run.count);
	return WIFSIGNALED(run.main_status) ? 128 + WTERMSIG(run.main_status) : WEXITSTATUS(run.main_status);
}
