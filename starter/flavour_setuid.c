/* SPDX-License-Identifier: BSD-3-Clause */
#include "starter/flavour.h"

#include <errno.h>

#include "starter/idmap.h"
#include "starter/stage.h"

const bool flavour_is_setuid = true;

/* The code that makes user namespaces is not in this program; the policy has refused such a plan before. */
int idmap_enter(struct stage *stage, struct err *err)
{
	if (stage->plan->idmap.method != PLAN_IDMAP_NONE)
		return err_set(err, ERR_DENIED, EPERM, "the setuid starter makes no user namespace");
	return 0;
}
