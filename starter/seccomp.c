/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: installing filters that others compiled, and the one of our own that lets package managers believe they are
 * root with a single id mapped. That one is a lie to the payload, not a boundary. Runs last before exec.
 */
#include "starter/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "ipc/channel.h"
#include "starter/stage.h"

#define FILTER_MAX_BYTES (BPF_MAXINSNS * sizeof(struct sock_filter))

static int seccomp_load(const struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, (struct sock_filter *)(uintptr_t)code};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__)
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#else
#error "seccomp: name the audit architecture of this machine"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define FAKE(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), RETURN(SECCOMP_RET_ERRNO | 0)

/* Success without effect. setresuid and its kin too: in a single map every other id is EINVAL. mknod only of devices:
 * the type is in the mode, and fifos and files the kernel does allow. */
static const struct sock_filter emulate_root[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
	RETURN(SECCOMP_RET_ALLOW),
	LOAD(nr),
	FAKE(SYS_fchownat),
	FAKE(SYS_fchown),
#ifdef SYS_chown
	FAKE(SYS_chown),
	FAKE(SYS_lchown),
#endif
	FAKE(SYS_setuid),
	FAKE(SYS_setgid),
	FAKE(SYS_setreuid),
	FAKE(SYS_setregid),
	FAKE(SYS_setresuid),
	FAKE(SYS_setresgid),
	FAKE(SYS_setfsuid),
	FAKE(SYS_setfsgid),
	FAKE(SYS_setgroups),
	FAKE(SYS_capset),
#ifdef SYS_mknod
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mknod, 0, 5),
	LOAD(args[1]),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, S_IFMT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, S_IFCHR, 1, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, S_IFBLK, 0, 6),
	RETURN(SECCOMP_RET_ERRNO | 0),
#endif
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mknodat, 0, 4),
	LOAD(args[2]),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, S_IFMT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, S_IFCHR, 2, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, S_IFBLK, 1, 0),
	RETURN(SECCOMP_RET_ALLOW),
	RETURN(SECCOMP_RET_ERRNO | 0),
};

static int seccomp_load_fd(int fd, struct err *err)
{
	const void *code;
	size_t bytes;
	int result = channel_map_sealed(fd, FILTER_MAX_BYTES, &code, &bytes, err);

	if (result < 0)
		return result;
	if (!code || bytes % sizeof(struct sock_filter) != 0)
		return err_set(err, ERR_PROTOCOL, EPROTO, "the seccomp filter has an odd size");
	result = seccomp_load(code, bytes / sizeof(struct sock_filter));
	(void)munmap((void *)(uintptr_t)code, bytes);
	return result < 0 ? err_sys(err, -result, "cannot load the seccomp profile") : 0;
}

int seccomp_install(const struct stage *stage, struct err *err)
{
	const struct plan_process *process = &stage->plan->process;
	int result = 0;

	if (process->emulate_root)
		result = seccomp_load(emulate_root, sizeof(emulate_root) / sizeof(emulate_root[0]));
	if (result < 0)
		return err_sys(err, -result, "cannot load the root emulation");
	if (process->seccomp_fd != PLAN_NO_FD)
		result = seccomp_load_fd(stage->record->fds[process->seccomp_fd], err);
	return result;
}
