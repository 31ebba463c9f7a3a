/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "ipc/launch.pb-c.h"
#include "ipc/plan.h"
#include "ipc/plan_decode.h"

/* What our decoder takes, protobuf-c must take as well: ours is only ever stricter. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plan plan;
	Ipc__LaunchRequest *request;
	struct err err = ERR_INIT;

	if (plan_decode(data, size, &plan, &err) < 0)
		return 0;
	request = ipc__launch_request__unpack(NULL, size, data);
	if (!request || request->n_mounts != plan.mount_count || request->text.len != plan.text_bytes ||
	    (request->plain ? request->plain->caps : 0) != plan.process.caps || request->process->action_fd != plan.process.action_fd)
		abort();
	ipc__launch_request__free_unpacked(request, NULL);
	(void)plan_check(&plan, 8, &err);
	return 0;
}
