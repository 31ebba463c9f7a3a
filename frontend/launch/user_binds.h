/* SPDX-License-Identifier: BSD-3-Clause */
/* --bind and --mount. */
#ifndef FRONTEND_LAUNCH_USER_BINDS_H
#define FRONTEND_LAUNCH_USER_BINDS_H

#include "frontend/launch/plan_build.h"

/* user_binds_add_all() - every bind of the request, in its order. Returns 0 or a negative errno with @err. */
int user_binds_add_all(struct builder *builder, struct err *err);

#endif
