/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_RECORD_H
#define STARTER_RECORD_H

#include <stdint.h>

#include "ipc/err.h"
#include "ipc/limits.h"

struct plan;

/* The one request: the checked plan and the descriptors it refers to. Lives as long as the process. */
struct record {
	struct plan *plan; /* this process's own copy */
	uint32_t fd_count;
	int fds[PLAN_MAX_FDS]; /* owned, close-on-exec */
};

/* record_receive() - take the record from CHANNEL_FD and decode it, in the setuid flavour in a child that has dropped every
 * privilege and may only read, write and exit (rule R4). Closes the channel. */
int record_receive(struct record *record, struct err *err);

#endif
