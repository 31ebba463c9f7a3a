/* SPDX-License-Identifier: BSD-3-Clause */
/* The caller's own directories: home, /tmp and /var/tmp, scratch, the working directory; of the host, or empty when contained. */
#ifndef FRONTEND_LAUNCH_USER_DIRS_H
#define FRONTEND_LAUNCH_USER_DIRS_H

#include "frontend/launch/plan_build.h"

/* Each adds its mounts to the plan. They return 0 or a negative errno with @err. */
int user_dirs_add_home(struct builder *builder, struct err *err); /* also decides builder->home */
int user_dirs_add_tmp(struct builder *builder, struct err *err);
int user_dirs_add_scratch(struct builder *builder, struct err *err);
int user_dirs_add_cwd(
	struct builder *builder,
	struct err *err); /* after all others: not where one of them shows it already */

#endif
