/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of a LaunchRequest (ipc/launch.proto) → plan, or fatal. */
#ifndef IPC_PLAN_DECODE_H
#define IPC_PLAN_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

struct plan;

enum decode_type { DECODE_BOOL, DECODE_U32, DECODE_S32, DECODE_U64, DECODE_BYTES, DECODE_MESSAGE };

/* The tables that a message is read by: those of plan_decode.c, and of plan_plain.c. */
struct decode_table;

/* One field. It must be there once, unless it is a list; a list, and bytes, hold at most @max, counted at @count_offset. Offsets are
 * into the struct that the message fills. */
struct decode_field {
	uint32_t number;
	enum decode_type type;
	size_t offset, count_offset, stride;
	uint32_t max;
	const struct decode_table *message;
};

struct decode_table {
	const struct decode_field *fields;
	size_t count;
};

#define DECODE_SIZE(holder, member) sizeof(((struct holder *)0)->member)
#define DECODE_ONE(holder, number, type, member) {number, type, offsetof(struct holder, member), 0, 0, 0, NULL}
#define DECODE_MANY(holder, number, type, member, counter, max, message)  \
	{number, type, offsetof(struct holder, member), offsetof(struct holder, counter), DECODE_SIZE(holder, member[0]), max, message}
#define DECODE_SUB(holder, number, member, message)  \
	{number, DECODE_MESSAGE, offsetof(struct holder, member), 0, 0, 0, message}
#define DECODE_TABLE(name, fields) static const struct decode_table name = {fields, sizeof(fields) / sizeof(fields[0])}

/* The part that only flows of the plain starter have. The setuid starter has an empty table in its place, so that every field of it is
 * unknown there, and the members of struct plan that it would fill stay 0: no code of that starter looks at them. */
extern const struct decode_table plan_plain_table;

/* plan_decode() - decode @len bytes into @plan, whose texts beyond text_bytes are left as they are. No memory is reserved, no system
 * call made. Unknown fields, a field that is missing or there twice, numbers out of range and counts over their cap are refused.
 * The caller runs plan_check() on the result. Returns 0 or -EPROTO with @err. */
int plan_decode(const uint8_t *bytes, size_t len, struct plan *plan, struct err *err);

#endif
