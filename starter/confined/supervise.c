/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the life of a confined container: start the payload under ptrace(2), serve its stops, pass signals on, end as it
 * ends. Must not: run as anybody else than the payload; hold a privilege that it has not. The plain flavour only.
 *
 * No isolation: what is translated are names, by good will of the kernel's tracing and as long as the payload plays along. The
 * supervisor stays as long as the payload; when it dies, for whatever reason, everything in the container dies
 * (PTRACE_O_EXITKILL).
 */
#include "starter/confined/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/cleanup.h"
#include "ipc/log.h"
#include "ipc/plan.h"
#include "starter/confined/calls.h"
#include "starter/confined/filter.h"
#include "starter/confined/path.h"
#include "starter/confined/tracee.h"
#include "starter/confined/view.h"
#include "starter/exec.h"
#include "starter/init.h"
#include "starter/privs.h"
#include "starter/seccomp.h"
#include "starter/seccomp_root.h"
#include "starter/stage.h"

#define SUPERVISE_OPTIONS                                                                          \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK |  \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)
#define SYSCALL_STOP (SIGTRAP | 0x80)

static struct path_table table;
static volatile pid_t payload;

/* ---- stops -------------------------------------------------------------------------------------------------------- */

static void supervise_resume(const struct tracee *tracee, int signal_number)
{
	bool wait_for_return = tracee->state == TRACEE_CALLING || tracee->state == TRACEE_MAPPING ||
			       tracee->state == TRACEE_OPENING;

	/* Failure means that it was killed meanwhile, and waitpid(2) will say so. */
	(void)ptrace(wait_for_return ? PTRACE_SYSCALL : PTRACE_CONT, tracee->tid, NULL,
		     (long)signal_number);
}

static void supervise_call(struct tracee *tracee)
{
	(void)calls_handle(tracee);
	supervise_resume(tracee, 0);
}

static void supervise_return(struct tracee *tracee)
{
	if (tracee->state == TRACEE_MAPPING)
		(void)tracee_end_map(tracee);
	else if (tracee->state == TRACEE_OPENING)
		(void)tracee_step_dumpable(tracee);
	else if (tracee->state == TRACEE_CALLING)
		(void)tracee_put_back(tracee);
	if (tracee->changes_ids)
		(void)tracee_begin_dumpable(tracee);
	supervise_resume(tracee, 0);
}

/* The child may have stopped before we hear of it here. */
static void supervise_birth(struct tracee *parent)
{
	unsigned long number = 0;
	struct tracee *child;

	if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &number) == 0) {
		child = tracee_find((pid_t)number);
		if (!child)
			child = tracee_add((pid_t)number, TRACEE_RUNNING);
		if (!child || tracee_inherit(child, parent) < 0)
			(void)kill((pid_t)number, SIGKILL);
		else if (child->state == TRACEE_EARLY) {
			child->state = TRACEE_RUNNING;
			supervise_resume(child, 0);
		}
	}
	supervise_resume(parent, 0);
}

/* The thread that called execve(2) goes on under the number of its process. */
static void supervise_exec(struct tracee *tracee)
{
	unsigned long former = 0;
	struct tracee *caller;

	(void)ptrace(PTRACE_GETEVENTMSG, tracee->tid, NULL, &former);
	caller = tracee_find((pid_t)former);
	if (caller && caller != tracee) {
		char *exe = ptr_take(caller->next_exe);

		tracee_remove(caller);
		free(tracee->next_exe);
		tracee->next_exe = exe;
	}
	if (tracee_renew(tracee) < 0)
		(void)kill(tracee->tid, SIGKILL);
	supervise_resume(tracee, 0);
}

/* Stopped from the keyboard or by kill(2): leave it so, and let our own shell see its job, which is us, stop as well. */
static void supervise_group_stop(const struct tracee *tracee)
{
	(void)ptrace(PTRACE_LISTEN, tracee->tid, NULL, NULL);
	if (tracee->tid != payload)
		return;
	(void)raise(SIGSTOP);
	(void)kill(payload, SIGCONT);
}

static void supervise_event_stop(struct tracee *tracee, int signal_number)
{
	if (signal_number == SIGSTOP || signal_number == SIGTSTP || signal_number == SIGTTIN ||
	    signal_number == SIGTTOU)
		supervise_group_stop(tracee);
	else if (tracee->space)
		supervise_resume(tracee, 0);
	else
		tracee->state = TRACEE_EARLY;
}

static void supervise_stop(struct tracee *tracee, int status)
{
	int signal_number = WSTOPSIG(status);

	if (signal_number == SYSCALL_STOP) {
		supervise_return(tracee);
		return;
	}
	switch (status >> 16) {
	case 0: /* a signal on its way to it */
		if (tracee->state == TRACEE_OPENING)
			(void)tracee_cancel_dumpable(tracee);
		supervise_resume(tracee, signal_number);
		break;
	case PTRACE_EVENT_SECCOMP:
		supervise_call(tracee);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		supervise_birth(tracee);
		break;
	case PTRACE_EVENT_EXEC:
		supervise_exec(tracee);
		break;
	case PTRACE_EVENT_STOP:
		supervise_event_stop(tracee, signal_number);
		break;
	default:
		supervise_resume(tracee, 0);
		break;
	}
}

/* Until the payload is gone; its wait status. */
static int supervise_loop(void)
{
	for (;;) {
		struct tracee *tracee;
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return 255 << 8;
		tracee = tracee_find(tid);
		if (WIFSTOPPED(status)) {
			if (!tracee)
				tracee = tracee_add(tid, TRACEE_EARLY);
			if (tracee)
				supervise_stop(tracee, status);
			continue;
		}
		if (tid == payload)
			return status;
		if (tracee)
			tracee_remove(tracee);
	}
}

/* ---- start -------------------------------------------------------------------------------------------------------- */

/* Signals from the keyboard reach the whole foreground group by themselves and are not sent twice. */
static void supervise_forward(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (info->si_code != SI_KERNEL)
		(void)kill(payload, number);
	errno = saved;
}

static void supervise_catch_signals(void)
{
	struct sigaction action = {.sa_sigaction = supervise_forward, .sa_flags = SA_SIGINFO};

	(void)sigfillset(&action.sa_mask);
	for (int number = 1; number < NSIG; number++)
		if (number != SIGCHLD && number != SIGSEGV && number != SIGBUS &&
		    number != SIGILL && number != SIGFPE && number != SIGABRT &&
		    number != SIGTRAP && number != SIGSYS)
			(void)sigaction(number, &action,
					NULL); /* KILL, STOP and libc's own refuse: no matter */
}

static void supervise_let_go_signals(void)
{
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
}

static int supervise_find_loader(char *out, size_t size, struct err *err)
{
	ssize_t length = readlink("/proc/self/exe", out, size - 1);
	char *slash;

	out[length > 0 ? length : 0] = '\0';
	slash = strrchr(out, '/');
	if (!slash || (size_t)(slash - out) + sizeof("/path-loader") > size)
		return err_sys(err, ENOENT, "cannot find path-loader beside the starter");
	memcpy(slash, "/path-loader", sizeof("/path-loader"));
	return access(out, X_OK) < 0 ? err_sys(err, errno, "cannot use %s", out) : 0;
}

/* Waits until it is traced: a filter that has no tracer makes every call of the table fail. */
_Noreturn static void supervise_child(const struct stage *stage, int go_fd, bool fake_root)
{
	struct err err = ERR_INIT;
	char byte;
	int result;

	supervise_let_go_signals();
	if (read(go_fd, &byte, 1) != 1)
		_exit(255);
	result = chdir(table.entries[0].host) < 0
			 ? err_sys(&err, errno, "cannot enter %s", table.entries[0].host)
			 : 0;
	if (result == 0 && stage->plan->process.emulate_root)
		result = seccomp_root_install(&err);
	if (result == 0)
		result = filter_install(fake_root, &err);
	if (result == 0)
		result = seccomp_install_profile(stage, &err);
	if (result == 0)
		result = exec_action(stage, &err);
	log_fatal("%s", err.message);
	_exit(result < 0 ? 255 : 0);
}

static int supervise_seize(pid_t child, struct err *err)
{
	struct tracee *tracee = tracee_add(child, TRACEE_RUNNING);

	if (!tracee || tracee_inherit(tracee, NULL) < 0)
		return err_sys(err, ENOMEM, "cannot start the payload");
	if (ptrace(PTRACE_SEIZE, child, NULL, SUPERVISE_OPTIONS) < 0)
		return err_sys(err, errno,
			       "cannot trace the payload, which is how a container runs where "
			       "mounts are refused: "
			       "inside another container of that kind, by "
			       "kernel.yama.ptrace_scope, or by a filter");
	return 0;
}

static int supervise_start(const struct stage *stage, bool fake_root, struct err *err)
{
	cleanup_fd int go_fd = -1;
	int ends[2], result;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	child = fork();
	if (child == 0) {
		(void)close(ends[1]);
		supervise_child(stage, ends[0], fake_root);
	}
	if (child < 0)
		return err_sys(err, errno, "cannot fork the payload");
	/* Descriptors of the record are the payload's; stdio stays, so that a reader sees its end with ours. */
	go_fd = ends[1] == 3 ? 3 : dup3(ends[1], 3, O_CLOEXEC);
	if (close_range(4, ~0U, 0) < 0 || go_fd != 3)
		return err_sys(err, errno, "cannot close what is the payload's");
	payload = child;
	result = supervise_seize(child, err);
	if (result == 0 && write(go_fd, "", 1) != 1)
		result = err_sys(err, errno, "cannot start the payload");
	return result;
}

int confined_run(struct stage *stage, struct err *err)
{
	static char loader[PATH_MAX];
	static struct calls_setup setup;
	const struct plan_process *process = &stage->plan->process;
	struct plan_process dropped;
	int result = supervise_find_loader(loader, sizeof(loader), err);

	if (result == 0)
		result = view_build(stage, &table, err);
	if (result < 0)
		return result;
	setup = (struct calls_setup){&table, loader, process->emulate_root && getuid() != 0};
	if (stage->plan->dry_run)
		_exit(0);
	dropped = *process;
	dropped.emulate_root = false; /* that is for the payload alone */
	privs_drop(&dropped);
	calls_init(&setup);
	supervise_catch_signals();
	result = supervise_start(stage, setup.fake_root, err);
	if (result < 0)
		return result;
	init_end_as(supervise_loop());
}
