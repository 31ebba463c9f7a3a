/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_SECCOMP_H
#define STARTER_SECCOMP_H

#include "ipc/err.h"

struct stage;

/* seccomp_install() - the plan's filters, last before exec: root emulation, then the caller's compiled profile. Needs
 * no_new_privs, or CAP_SYS_ADMIN. See seccomp(2). */
int seccomp_install(const struct stage *stage, struct err *err);

#endif
