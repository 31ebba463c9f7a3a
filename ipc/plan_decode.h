/* SPDX-License-Identifier: BSD-3-Clause */
/* Protobuf-c bytes → plan, or fatal. The only user of the generated types in the starter. */
#ifndef IPC_PLAN_DECODE_H
#define IPC_PLAN_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

struct plan;

/* Bytes of scratch memory that plan_decode() needs at most for a message of PLAN_MESSAGE_MAX. */
#define PLAN_DECODE_ARENA_BYTES (4 * 1024 * 1024)

/* plan_decode() - decode @len bytes into @plan. All memory comes from @arena (@arena_bytes, zeroed or not); nothing is
 * kept there. No system call. Unknown fields, unknown enum values, duplicate singular fields, a wrong version and counts
 * over their cap are refused. The caller runs plan_check() on the result. Returns 0 or -EPROTO with @err. */
int plan_decode(const uint8_t *bytes, size_t len, void *arena, size_t arena_bytes, struct plan *plan, struct err *err);

#endif
