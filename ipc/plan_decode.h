/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of a LaunchRequest (ipc/launch.proto) → plan, or fatal. */
#ifndef IPC_PLAN_DECODE_H
#define IPC_PLAN_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

struct plan;

/* plan_decode() - decode @len bytes into @plan, whose texts beyond text_bytes are left as they are. No memory is reserved, no system
 * call made. Unknown fields, a field that is missing or there twice, numbers out of range and counts over their cap are refused.
 * The caller runs plan_check() on the result. Returns 0 or -EPROTO with @err. */
int plan_decode(const uint8_t *bytes, size_t len, struct plan *plan, struct err *err);

#endif
