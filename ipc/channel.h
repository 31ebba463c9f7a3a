/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One record from the frontend to the starter: AF_UNIX/SOCK_SEQPACKET, payload = magic and version, descriptors =
 * the sealed memfd with the LaunchRequest followed by the descriptors the plan refers to.
 */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/err.h"
#include "ipc/limits.h"

#define CHANNEL_FD 3 /* where the starter finds its end */
#define CHANNEL_MAGIC 0x53494e47u
#define CHANNEL_VERSION 1
#define CHANNEL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* The record's payload. */
struct channel_head {
	uint32_t magic, version, count; /* of the descriptors after the message */
};

/* channel_map_sealed() - map the sealed memfd @fd (borrowed) read-only after checking that it is one, that all seals are
 * set and that it holds at most @max bytes. *@out (munmap(2) by the caller) is NULL for an empty one. */
int channel_map_sealed(int fd, size_t max, const void **out, size_t *len, struct err *err);

struct channel_record {
	int message_fd; /* owned, -1 if none */
	uint32_t count;
	int fds[PLAN_MAX_FDS]; /* owned, close-on-exec */
};

/* channel_receive() - read exactly one record from @fd (borrowed) within PLAN_RECORD_DEADLINE_MS, then shut it. Refuses
 * another socket type, truncated data or control, a surplus of descriptors, a second record, and a sender whose
 * SCM_CREDENTIALS differ from @uid or @pid (rules R1 to R3 of the threat model in README). */
int channel_receive(int fd, uid_t uid, pid_t pid, struct channel_record *out, struct err *err);

#endif
