/* SPDX-License-Identifier: BSD-3-Clause */
/* The processes that a PID namespace needs: the monitor outside, the shim `sinit` as pid 1 inside. */
#ifndef STARTER_INIT_H
#define STARTER_INIT_H

#include "ipc/err.h"

/* init_fork() - after unshare(CLONE_NEWPID): returns 0 in the child, pid 1. The caller drops everything, forwards signals
 * and ends as the child does; it does not return. */
int init_fork(struct err *err);

/* init_follow_monitor() - in pid 1, after the last change of credentials (each clears it): die when the monitor dies. */
int init_follow_monitor(struct err *err);

/* init_shim() - fork the payload's process and stay as `sinit`: reap, forward signals, end when the payload ends with its status
 * (128+N for signal N). Returns 0 in the payload's process only. */
int init_shim(struct err *err);

/* init_end_as() - end as a child with the wait status @status did: with its exit status, or by its signal. */
_Noreturn void init_end_as(int status);

#endif
