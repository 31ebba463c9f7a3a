/* SPDX-License-Identifier: BSD-3-Clause */
/* A process that waits for a child as if it were the child itself: signals go on to it, and its end becomes ours. */
#ifndef FRONTEND_LAUNCH_CHILD_H
#define FRONTEND_LAUNCH_CHILD_H

#include <sys/types.h>

#include "ipc/err.h"

/* child_block_signals() - block all: from here on child_wait() takes them. child_restore_signals() - as they were before. */
void child_block_signals(void);
void child_restore_signals(void);

/* child_wait() - wait for @child; what we are sent goes on to it, but for keyboard signals, which it has already. When it stops, so do
 * we. Signals must be blocked. Returns the status of waitpid(2). */
int child_wait(pid_t child);

/* child_end_as() - end this process as the child with the waitpid(2) @status ended. */
_Noreturn void child_end_as(int status);

struct strlist;

/* child_run_imager() - run the imager with the arguments @words and wait for it. @stdout_fd (borrowed; -1: ours) is its standard output.
 * It is killed with us. Signals must be blocked. *@status as of waitpid(2). */
int child_run_imager(const struct strlist *words, int stdout_fd, int *status, struct err *err);

#endif
