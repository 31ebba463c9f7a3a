/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: waiting, forwarding signals, ending with the right status. Must not: hold a privilege or a descriptor beyond
 * stdio and the lifeline. The monitor runs as the caller outside, the shim as the payload inside.
 */
#include "starter/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "starter/privs.h"
#include "starter/seccomp.h"

/* The monitor holds the writing end: when it is gone, so is the monitor. */
static int lifeline_fd = -1;

static void init_set_signals(bool block)
{
	sigset_t set;

	(void)(block ? sigfillset(&set) : sigemptyset(&set));
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
}

/* One signal: keyboard signals reach the whole foreground group by themselves and are not sent twice. */
static void init_forward(pid_t child, const siginfo_t *info)
{
	if (info->si_signo == SIGCHLD || info->si_code == SI_KERNEL)
		return;
	(void)kill(child, info->si_signo);
}

/* A child stopped from the keyboard: its shell must see its job, which is us, stop as well. */
static void init_stop_with(pid_t child)
{
	(void)raise(SIGSTOP);
	(void)kill(child, SIGCONT);
}

/* The number of @child is free only when it is reaped, here, at the end: no signal can reach another process (rule R31).
 * Reap until @child is gone; *@status is its wait status. */
static void init_wait(pid_t child, bool follow_stop, int *status)
{
	sigset_t all;
	siginfo_t info;

	(void)sigfillset(&all);
	for (;;) {
		pid_t pid = waitpid(-1, status, WNOHANG | (follow_stop ? WUNTRACED : 0));

		if (pid == child && WIFSTOPPED(*status))
			init_stop_with(child);
		else if (pid == child)
			return;
		if (pid < 0 && errno == ECHILD) {
			*status = 255 << 8;
			return;
		}
		if (pid == 0 && sigwaitinfo(&all, &info) > 0)
			init_forward(child, &info);
	}
}

/* The caller's shell must see the signal that ended the payload; without a core dump of ours. */
_Noreturn void init_end_as(int status)
{
	const struct rlimit no_core = {0, 0};

	if (WIFSIGNALED(status)) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)signal(WTERMSIG(status), SIG_DFL);
		init_set_signals(false);
		(void)raise(WTERMSIG(status));
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

int init_fork(struct err *err)
{
	int lifeline[2], status = 0;
	pid_t child;

	if (pipe2(lifeline, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	init_set_signals(true);
	child = fork();
	if (child < 0) {
		init_set_signals(false);
		return err_sys(err, errno, "cannot fork into the PID namespace");
	}
	if (child == 0) {
		(void)close(lifeline[1]);
		lifeline_fd = lifeline[0];
		init_set_signals(false);
		return 0;
	}
	privs_drop_all();
	/* Keep stdio and the lifeline, nothing else: not the images, not the sources. */
	if (dup3(lifeline[1], 3, O_CLOEXEC) < 0 && lifeline[1] != 3)
		_exit(255);
	(void)close_range(4, ~0U, 0);
	seccomp_confine_waiter();
	init_wait(child, true, &status);
	init_end_as(status);
}

int init_follow_monitor(struct err *err)
{
	struct pollfd poll_fd = {.fd = lifeline_fd, .events = 0};

	if (lifeline_fd < 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(err, errno, "cannot follow the monitor");
	if (poll(&poll_fd, 1, 0) > 0)
		_exit(255); /* it died before the signal was set */
	return 0;
}

int init_shim(struct err *err)
{
	int status = 0;
	pid_t child;

	init_set_signals(true);
	(void)prctl(PR_SET_NAME, "sinit", 0, 0, 0); /* before the payload can look; its exec sets its own */
	child = fork();
	if (child < 0)
		return err_sys(err, errno, "cannot fork the payload");
	if (child == 0) {
		init_set_signals(false);
		return 0;
	}
	(void)close_range(3, ~0U, 0);
	seccomp_confine_waiter();
	init_wait(child, false, &status);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}
