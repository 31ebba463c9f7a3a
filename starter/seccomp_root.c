/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the filter that lets package managers believe they are root with a single id mapped. It is a lie to the payload, not
 * a boundary. Must not: be part of the setuid flavour. Runs after no_new_privs is set.
 */
#include "starter/seccomp_root.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "starter/seccomp.h"

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

int seccomp_root_install(struct err *err)
{
	int result = seccomp_load(emulate_root, sizeof(emulate_root) / sizeof(emulate_root[0]));

	return result < 0 ? err_sys(err, -result, "cannot load the root emulation") : 0;
}
