/* SPDX-License-Identifier: BSD-3-Clause */
/* Responsible for: making a plan. Runs in the frontend; the starter does not link it. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "ipc/plan.h"

void plan_init(struct plan *plan)
{
	/* Texts are read up to text_bytes only: their pages stay untouched. */
	memset(plan, 0, offsetof(struct plan, text));
	plan->text[0] = '\0';
	plan->version = PLAN_VERSION;
	plan->init = PLAN_INIT_NONE;
	plan->idmap.method = PLAN_IDMAP_NONE;
	plan->idmap.newuidmap_fd = plan->idmap.newgidmap_fd = PLAN_NO_FD;
	plan->rungs = PLAN_RUNGS_ALL;
	plan->fuse_overlayfs_fd = PLAN_NO_FD;
	plan->process.seccomp_fd = plan->process.action_fd = plan->process.spec_fd = PLAN_NO_FD;
	plan->process.lsm = PLAN_LSM_NONE;
	plan->text_bytes = 1;
}

int plan_add_text(struct plan *plan, const char *text, plan_text_t *out, struct err *err)
{
	size_t length = text ? strlen(text) + 1 : 0;

	if (!text) {
		*out = 0;
		return 0;
	}
	if (length > PLAN_TEXT_MAX - plan->text_bytes)
		return err_set(err, ERR_SYSTEM, E2BIG, "cannot plan this launch: its paths are too long together");
	memcpy(plan->text + plan->text_bytes, text, length);
	*out = plan->text_bytes;
	plan->text_bytes += (uint32_t)length;
	return 0;
}
