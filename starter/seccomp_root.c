/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the filter that lets package managers believe they are root with a single id mapped. It is a lie to the payload, not
 * a boundary. Must not: be part of the setuid flavour. Runs after no_new_privs is set.
 */
#include "starter/seccomp_root.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include "starter/seccomp.h"

#define FAKE(number) IS((number), 0, 1), RETURN(SECCOMP_RET_ERRNO | 0)
/* Only devices: fifos and files the kernel does allow. The type is in the argument number @mode. */
#define FAKE_MKNOD(number, mode) \
	IS((number), 0, 6), LOAD(args[mode]), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, S_IFMT), \
	IS(S_IFCHR, 1, 0), IS(S_IFBLK, 0, 1), RETURN(SECCOMP_RET_ERRNO | 0), RETURN(SECCOMP_RET_ALLOW)

/* Success without effect. setresuid and its kin too: in a single map every other id is EINVAL. x86-64 has two more ways in:
 * x32 by a bit in the number, i386 with numbers of its own, old 16-bit calls included. */
/* clang-format off */
static const struct sock_filter emulate_root[] = {
	LOAD(arch),
#ifdef __x86_64__
	IS(AUDIT_ARCH_I386, 0, 68),
	LOAD(nr),
	FAKE(16), FAKE(182), FAKE(95), FAKE(198), FAKE(212), FAKE(207), FAKE(298), /* lchown, chown, fchown, …32, fchownat */
	FAKE(23), FAKE(46), FAKE(70), FAKE(71), FAKE(164), FAKE(170), FAKE(138), FAKE(139), FAKE(81), /* set…id, setgroups */
	FAKE(213), FAKE(214), FAKE(203), FAKE(204), FAKE(208), FAKE(210), FAKE(215), FAKE(216), FAKE(206), /* …32 */
	FAKE(185), FAKE_MKNOD(14, 1), FAKE_MKNOD(297, 2), RETURN(SECCOMP_RET_ALLOW), /* capset, mknod, mknodat */
#endif
	IS(SECCOMP_ARCH, 1, 0),
	RETURN(SECCOMP_RET_ALLOW),
	LOAD(nr),
#ifdef __x86_64__
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)__X32_SYSCALL_BIT),
#endif
	FAKE(SYS_fchownat), FAKE(SYS_fchown), FAKE(SYS_setuid), FAKE(SYS_setgid), FAKE(SYS_setreuid), FAKE(SYS_setregid),
	FAKE(SYS_setresuid), FAKE(SYS_setresgid), FAKE(SYS_setfsuid), FAKE(SYS_setfsgid), FAKE(SYS_setgroups), FAKE(SYS_capset),
#ifdef SYS_chown
	FAKE(SYS_chown), FAKE(SYS_lchown), FAKE_MKNOD(SYS_mknod, 1),
#endif
	FAKE_MKNOD(SYS_mknodat, 2), RETURN(SECCOMP_RET_ALLOW),
};
/* clang-format on */

int seccomp_root_install(struct err *err)
{
	int result = seccomp_load(emulate_root, sizeof(emulate_root) / sizeof(emulate_root[0]));

	return result < 0 ? err_sys(err, -result, "cannot load the root emulation") : 0;
}
