/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: installing filters: the one that the frontend compiled, last before exec, which only ever takes rights away from
 * the payload, so that nobody looks into it; and our own, for the processes that stay.
 */
#include "starter/seccomp.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ipc/channel.h"
#include "starter/privs.h"
#include "starter/stage.h"

#define FILTER_MAX_BYTES (BPF_MAXINSNS * sizeof(struct sock_filter))

int seccomp_load(const struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, (struct sock_filter *)(uintptr_t)code};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}

#define ALLOW(number) IS((number), 0, 1), RETURN(SECCOMP_RET_ALLOW)

/* Numbers of x32 have a bit that none of these has. */
static const struct sock_filter waiter[] = {
	LOAD(arch),
	IS(SECCOMP_ARCH, 1, 0),
	RETURN(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	ALLOW(SYS_wait4),
	ALLOW(SYS_rt_sigtimedwait),
	ALLOW(SYS_rt_sigprocmask),
	ALLOW(SYS_rt_sigaction),
	ALLOW(SYS_restart_syscall),
	ALLOW(SYS_kill),
	ALLOW(SYS_tgkill), /* raise(3), with the two below */
	ALLOW(SYS_getpid),
	ALLOW(SYS_gettid),
	ALLOW(SYS_prlimit64),
	ALLOW(SYS_exit_group),
	RETURN(SECCOMP_RET_ERRNO | EPERM),
};

void seccomp_confine_waiter(void)
{
	privs_set_no_new_privs();
	if (seccomp_load(waiter, sizeof(waiter) / sizeof(waiter[0])) < 0)
		privs_fail("no filter for the waiting process");
}

int seccomp_install_profile(const struct stage *stage, struct err *err)
{
	int32_t slot = stage->plan->process.seccomp_fd;
	const void *code;
	size_t bytes;
	int result;

	if (slot == PLAN_NO_FD)
		return 0;
	result = channel_map_sealed(stage->record->fds[slot], FILTER_MAX_BYTES, &code, &bytes, err);
	if (result < 0)
		return result;
	if (!code || bytes % sizeof(struct sock_filter) != 0)
		return err_set(err, ERR_PROTOCOL, EPROTO, "the seccomp filter has an odd size");
	result = seccomp_load(code, bytes / sizeof(struct sock_filter));
	return result < 0 ? err_sys(err, -result, "cannot load the seccomp profile") : 0;
}
