/* SPDX-License-Identifier: BSD-3-Clause */
/* System calls that libc lacks. The only file that refers to syscall(2). */
#ifndef STARTER_SYS_H
#define STARTER_SYS_H

#include <stdint.h>

/* openat2(2) with @resolve = RESOLVE_*. Returns a descriptor, or -1 with errno. */
int sys_openat2(int dir_fd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/* pivot_root(2) */
int sys_pivot_root(const char *new_root, const char *put_old);

/* capget(2), capset(2) of the calling thread, as 64-bit masks. */
int sys_capget(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable);
int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable);

/* exit(2), not exit_group(2): the only end that strict seccomp allows. */
_Noreturn void sys_exit_thread(int status);

#endif
