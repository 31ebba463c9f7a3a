/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_NAMESPACES_H
#define STARTER_NAMESPACES_H

#include "ipc/err.h"

struct stage;

/* namespaces_enter() - leave the caller's mount namespace and those the plan asks for; bring up "lo", set the host name. With a
 * PID namespace this returns in its first process only: the calling process stays outside as the monitor. */
int namespaces_enter(struct stage *stage, struct err *err);

#endif
