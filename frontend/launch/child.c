/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/settings/install.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"

static sigset_t mask_before;
static struct sigaction child_before;

void child_block_signals(void)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &mask_before);
	/* A caller that ignores SIGCHLD would have our children reaped unseen. */
	(void)sigaction(SIGCHLD, &plain, &child_before);
}

void child_restore_signals(void)
{
	(void)sigaction(SIGCHLD, &child_before, NULL);
	(void)sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

int child_wait(pid_t child)
{
	int status = 255 << 8;
	sigset_t all;
	siginfo_t info;

	(void)sigfillset(&all);
	for (;;) {
		pid_t pid = waitpid(child, &status, WNOHANG | WUNTRACED);

		if (pid < 0)
			return 255 << 8;
		if (pid == child && !WIFSTOPPED(status))
			return status;
		if (pid == child) {
			/* Our shell must see its job stop as well. */
			(void)raise(SIGSTOP);
			(void)kill(child, SIGCONT);
			continue;
		}
		if (sigwaitinfo(&all, &info) > 0 && info.si_signo != SIGCHLD && info.si_code != SI_KERNEL)
			(void)kill(child, info.si_signo);
	}
}

_Noreturn void child_end_as(int status)
{
	const struct rlimit no_core = {0, 0};
	sigset_t none;

	(void)fflush(NULL);
	if (WIFSIGNALED(status)) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)signal(WTERMSIG(status), SIG_DFL);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)raise(WTERMSIG(status));
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

static void exec_imager(const struct strlist *words, int stdout_fd)
{
	cleanup_ptr char **argv = strlist_to_argv(words);
	cleanup_fd int program_fd = -1;
	struct err err = ERR_INIT;

	/* What it makes half is of no use to anybody: it ends with us. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	child_restore_signals();
	if ((stdout_fd < 0 || dup2(stdout_fd, STDOUT_FILENO) >= 0) && install_open_program("imager", &program_fd, &err) == 0)
		(void)execveat(program_fd, "", argv, environ, AT_EMPTY_PATH);
	_exit(255);
}

int child_run_imager(const struct strlist *words, int stdout_fd, int *status, struct err *err)
{
	pid_t child = fork();

	if (child < 0)
		return err_sys(err, errno, "cannot start the imager");
	if (child == 0)
		exec_imager(words, stdout_fd);
	*status = child_wait(child);
	return 0;
}
