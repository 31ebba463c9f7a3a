/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_SECCOMP_H
#define STARTER_SECCOMP_H

#include <stddef.h>

#include "ipc/err.h"

struct sock_filter;
struct stage;

/* seccomp_load() - install @count instructions @code for this process and all after it. Needs no_new_privs, or CAP_SYS_ADMIN.
 * Returns 0 or a negative errno. See seccomp(2). */
int seccomp_load(const struct sock_filter *code, size_t count);

/* seccomp_install_profile() - the caller's compiled profile, if the plan has one; last before exec. */
int seccomp_install_profile(const struct stage *stage, struct err *err);

#endif
