/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow without namespaces and mounts: what can be asked of it, and what it says. */
#ifndef FRONTEND_LAUNCH_CONFINED_H
#define FRONTEND_LAUNCH_CONFINED_H

#include "frontend/launch/plan_build.h"

/* confined_check_request() - refuse what the caller asks for and this flow cannot give: isolation is never dropped in silence (rule
 * R23). Pure. Returns 0, or -EPERM with @err. */
int confined_check_request(const struct builder *builder, struct err *err);

/* confined_explain() - the one warning: why, how, what is lost, what to change. */
void confined_explain(const struct host *host);

#endif
