/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_SECCOMP_ROOT_H
#define STARTER_SECCOMP_ROOT_H

#include "ipc/err.h"

/* seccomp_root_install() - success without effect for chown(2), mknod(2) of devices, setuid(2) and their kin, for this process
 * and all after it. Needs no_new_privs. See seccomp(2). */
int seccomp_root_install(struct err *err);

#endif
