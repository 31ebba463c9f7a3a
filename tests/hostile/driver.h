/* SPDX-License-Identifier: BSD-3-Clause */
/* A hostile caller of the setuid starter. Every attempt is one process: it becomes the caller, prepares a record, executes the starter;
 * the driver looks at what came of it. */
#ifndef TESTS_HOSTILE_DRIVER_H
#define TESTS_HOSTILE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/plan.h"

struct scene {
	const char *starter; /* the installed setuid starter */
	const char *work;    /* directory: box/ (an image of the caller), payload, data.sqfs, canary/ (root's), user/ (the caller's) */
	uid_t uid;
	gid_t gid;
};

extern struct scene scene;

/* What an attempt is made of; a hostile caller may leave out or change any step. */
struct attempt {
	struct plan plan;
	int fds[512];
	uint32_t fd_count;
	uint8_t *bytes; /* encoded plan */
	size_t length;
	int message_fd;
};

/* Slots of attempt.fds in the order base_full() fills them. */
enum slot_index { SLOT_IMAGE, SLOT_ACTION, SLOT_SPEC, SLOT_BIND, SLOT_CONTENT, SLOT_DATA, SLOT_PROC, SLOT_DEV, SLOT_COUNT };

enum expectation {
	MUST_REFUSE, /* no payload, a FATAL line and 255, or death before exec */
	MAY_RUN,     /* the same, or a payload that finds nothing it should not have */
	MUST_RUN,    /* the attack is not one: proves that the base is valid */
};

typedef void (*step)(struct attempt *attempt, intptr_t argument);

/* run_attempt() - one launch: @as_root before the process becomes the caller (may be NULL), @as_caller ends in launch(). */
void run_attempt(const char *name, enum expectation expectation, step as_root, step as_caller, intptr_t argument);

/* Building blocks for steps; they end the process when they cannot do their work. */
_Noreturn void give_up(const char *what);
int add_fd(struct attempt *attempt, int fd);
plan_text_t add_text(struct attempt *attempt, const char *text);
int open_work(const char *name, int flags);
int make_memory(const void *bytes, size_t length, bool sealed);
struct plan_mount *add_mount(struct attempt *attempt, enum plan_mount_kind kind, enum plan_origin origin, const char *target);
void base_bare(struct attempt *attempt);
void base_full(struct attempt *attempt);
void encode(struct attempt *attempt);
_Noreturn void launch(struct attempt *attempt); /* encode, send, exec */
_Noreturn void launch_bytes(struct attempt *attempt);
void send_record(int socket_fd, const void *head, size_t head_length, const int *fds, uint32_t count);
_Noreturn void exec_starter(int channel_fd);

/* The groups of attacks. */
void attack_plans(void);
void attack_fields(void);
void attack_kinds(void);
void attack_records(void);
void attack_senders(void);
void attack_entry(void);
void attack_served(void);
void attack_bound(void);
void attack_denied(void);

#endif
