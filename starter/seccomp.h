/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_SECCOMP_H
#define STARTER_SECCOMP_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

struct stage;

#if defined(__x86_64__)
#define SECCOMP_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SECCOMP_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define SECCOMP_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__)
#define SECCOMP_ARCH AUDIT_ARCH_PPC64LE
#else
#error "seccomp: name the audit architecture of this machine"
#endif

/* Words of a filter: a field of struct seccomp_data into the accumulator, the verdict, a jump over so many of the next words. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define IS(number, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), (yes), (no))

/* seccomp_load() - install @count instructions @code for this process and all after it. Needs no_new_privs, or CAP_SYS_ADMIN.
 * Returns 0 or a negative errno. See seccomp(2). */
int seccomp_load(const struct sock_filter *code, size_t count);

/* seccomp_confine_waiter() - from now on this process, which never execs, may wait, send signals and end (rule R36). Sets no_new_privs. */
void seccomp_confine_waiter(void);

/* seccomp_install_profile() - the caller's compiled profile, if the plan has one; last before exec. */
int seccomp_install_profile(const struct stage *stage, struct err *err);

#endif
