/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IPC_PLAN_PLAIN_H
#define IPC_PLAN_PLAIN_H

#include "ipc/err.h"

struct plan;

/* plan_check_neutral() - does @plan ask for nothing of what the setuid starter has no code for? Then none of it is in the message.
 * Returns 0 or -EPROTO with @err. */
int plan_check_neutral(const struct plan *plan, struct err *err);

#endif
