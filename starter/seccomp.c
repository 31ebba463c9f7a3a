/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: installing the filter that the frontend compiled. Must not: look into it: it only ever takes rights away, from the
 * payload. Runs last before exec.
 */
#include "starter/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "ipc/channel.h"
#include "starter/stage.h"

#define FILTER_MAX_BYTES (BPF_MAXINSNS * sizeof(struct sock_filter))

int seccomp_load(const struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, (struct sock_filter *)(uintptr_t)code};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
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
