/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>

#include "ipc/plan.h"
#include "ipc/plan_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(16) char arena[PLAN_DECODE_ARENA_BYTES];
	static struct plan plan;
	struct err err = ERR_INIT;

	if (plan_decode(data, size, arena, sizeof(arena), &plan, &err) == 0)
		(void)plan_check(&plan, 8, &err);
	return 0;
}
