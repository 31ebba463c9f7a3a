/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the last step. Must not: look at what the payload runs; that is in the spec, which the action program reads
 * with the payload's rights inside the container. Runs after privs_drop().
 */
#include "starter/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/cleanup_fd.h"
#include "starter/sanitize.h"
#include "starter/stage.h"
#include "starter/sys.h"

#define SPEC_FD CHANNEL_FD

int exec_set_label(const struct stage *stage, struct err *err)
{
	const struct plan_process *process = &stage->plan->process;
	const char *label = plan_get_text(stage->plan, process->label);
	cleanup_fd int proc_fd = -1, fd = -1;
	char text[PLAN_PATH_MAX];
	struct statfs fs;
	int length;

	if (process->lsm == PLAN_LSM_NONE)
		return 0;
	/* The host's, as "/" is still; an entry that something else covers is refused. */
	proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (proc_fd >= 0 && fstatfs(proc_fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		fd = sys_openat2(proc_fd, "thread-self/attr/exec", O_RDWR | O_CLOEXEC, 0,
				 RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, ENOENT, "cannot set a security label: no trusted /proc");
	length = snprintf(text, sizeof(text), "%s%s", process->lsm == PLAN_LSM_APPARMOR ? "exec " : "",
			  label ? label : "");
	if (length < 0 || (size_t)length >= sizeof(text))
		return err_set(err, ERR_SYSTEM, ENAMETOOLONG, "the security label is too long");
	if (write(fd, text, (size_t)length) != length)
		return err_sys(err, errno, "cannot set the security label");
	/* Not compared: the kernel may spell a label in another way. It is empty until one is set. */
	if (pread(fd, text, sizeof(text), 0) <= 0)
		return err_set(err, ERR_SYSTEM, EIO, "the security label was not taken");
	return 0;
}

/* Move everything above the wanted numbers first, so that no descriptor overwrites one still needed. */
static int exec_arrange(const struct stage *stage, int *action_fd)
{
	const struct plan_process *process = &stage->plan->process;
	const int *fds = stage->record->fds;
	int moved[1 + PLAN_ACCOUNT_FDS + PLAN_MAX_PASS] = {fds[process->spec_fd]}, count = 1, first_free;

	for (int i = 0; i < PLAN_ACCOUNT_FDS; i++)
		moved[count++] = stage->account_fd[i];
	for (uint32_t i = 0; i < process->pass_count; i++)
		moved[count++] = fds[process->pass_fd[i]];
	first_free = SPEC_FD + count;
	*action_fd = fcntl(fds[process->action_fd], F_DUPFD_CLOEXEC, first_free);
	if (*action_fd < 0)
		return -errno;
	for (int i = 0; i < count; i++)
		if (moved[i] >= 0 && (moved[i] = fcntl(moved[i], F_DUPFD_CLOEXEC, first_free)) < 0)
			return -errno;
	if (close_range(SPEC_FD, (unsigned int)first_free - 1, 0) < 0)
		return -errno;
	for (int i = 0; i < count; i++)
		if (moved[i] >= 0 && dup2(moved[i], SPEC_FD + i) < 0)
			return -errno;
	return close_range((unsigned int)first_free, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

int exec_action(const struct stage *stage, struct err *err)
{
	char name[] = "action", *argv[] = {name, NULL}, *envp[] = {NULL};
	int action_fd, result = exec_arrange(stage, &action_fd);

	if (result < 0)
		return err_sys(err, -result, "cannot arrange the descriptors");
	sanitize_restore();
	(void)execveat(action_fd, "", argv, envp, AT_EMPTY_PATH);
	return err_sys(err, errno, "cannot start the action program");
}
