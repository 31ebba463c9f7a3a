/* SPDX-License-Identifier: BSD-3-Clause */
/* `singularity doctor`: where we run, which rung of each ladder a launch takes here and why not a better one, and what would help. */
#ifndef FRONTEND_DOCTOR_H
#define FRONTEND_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "frontend/cli.h"
#include "frontend/launch/engine.h"
#include "frontend/launch/host.h"
#include "frontend/launch/ladder.h"
#include "ipc/err.h"

enum doctor_state {
	DOCTOR_OK,        /* tried, or nothing forbids it */
	DOCTOR_REJECTED,  /* by a fact, or by the kernel when it was tried */
	DOCTOR_NOT_TRIED, /* only the launch itself would show */
};

struct doctor_rung {
	enum doctor_state state;
	int errnum; /* why it is rejected; 0: it is not */
	char reason[256];
};

struct doctor_ladder {
	struct doctor_rung rungs[LADDER_RUNGS_MAX];
	int used;           /* index; -1: none works */
	const char *advice; /* what would help to a better rung; NULL: nothing known */
	char package[64];   /* room for an advice to install one */
};

#define DOCTOR_NAMESPACES 7

struct doctor_namespace {
	const char *name; /* as in /proc/self/ns */
	ino_t inode;      /* 0: this kernel does not have it */
	bool first;       /* the one that the kernel started with */
};

struct doctor {
	struct host host;
	struct engine_facts facts;
	enum engine_kind engine;
	char engine_reason[ENGINE_REASON_MAX];
	struct doctor_namespace namespaces[DOCTOR_NAMESPACES];
	long max_user_namespaces; /* -1: unknown */
	int more_levels;          /* of user namespaces, found by making them */
	unsigned long long max_processes, max_files; /* soft limits; ULLONG_MAX: none */
	struct doctor_ladder ladders[LADDER_COUNT];
	bool can_launch;
};

/* doctor_run() - examine and print, as text or with --json. Returns the exit status, 0 if a container can be launched at all, else 1;
 * or a negative errno with @err. */
int doctor_run(const struct cli_request *request, struct err *err);

/* doctor_print_text(), doctor_print_json() - see singularity(1) for the schema. @colour: the output is a terminal. */
void doctor_print_text(const struct doctor *doctor, bool colour, FILE *out);
void doctor_print_json(const struct doctor *doctor, FILE *out);

#endif
