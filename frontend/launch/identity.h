/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of /etc that say who and where the container is: passwd, group, resolv.conf, hosts, hostname. */
#ifndef FRONTEND_LAUNCH_IDENTITY_H
#define FRONTEND_LAUNCH_IDENTITY_H

#include "frontend/launch/plan_build.h"

/* identity_add_files() - add those that configuration and request want. Needs builder->home. Returns 0 or a negative errno with @err. */
int identity_add_files(struct builder *builder, struct err *err);

#endif
