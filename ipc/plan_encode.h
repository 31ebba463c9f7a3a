/* SPDX-License-Identifier: BSD-3-Clause */
/* Plan → protobuf-c bytes. Frontend only. */
#ifndef IPC_PLAN_ENCODE_H
#define IPC_PLAN_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

struct plan;

/* plan_encode() - encode @plan; *@out (owned, free(3)) holds *@len bytes, at most PLAN_MESSAGE_MAX.
 * Returns 0, -E2BIG or -ENOMEM with @err. */
int plan_encode(const struct plan *plan, uint8_t **out, size_t *len, struct err *err);

#endif
