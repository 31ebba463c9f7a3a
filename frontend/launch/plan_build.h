/* SPDX-License-Identifier: BSD-3-Clause */
/* Request + image + host + configuration → launch plan and the descriptors it refers to. */
#ifndef FRONTEND_LAUNCH_PLAN_BUILD_H
#define FRONTEND_LAUNCH_PLAN_BUILD_H

#include "frontend/cli.h"
#include "frontend/image/image.h"
#include "frontend/launch/host.h"
#include "ipc/plan.h"
#include "policy/conf.h"

struct builder {
	const struct cli_request *request;
	const struct conf *conf;
	const struct host *host;
	const struct image *image;
	bool suid_installed;
	/* results */
	struct plan *plan;
	uint32_t fd_count;
	int fds[PLAN_MAX_FDS]; /* owned */
	bool contained;
	char *home;            /* owned; in the container */
	struct image extra[PLAN_MAX_FS]; /* overlays and image binds; their descriptors are in fds */
};

/* plan_build() - fill builder->plan. Opens what the plan refers to, as the caller. Returns 0 or a negative errno with @err. */
int plan_build(struct builder *builder, struct err *err);

/* plan_build_flow() - which flow this launch takes. Pure. */
int plan_build_flow(const struct builder *builder, enum plan_flow *out, struct err *err);

/* plan_build_add_fd() - hand @fd over to the plan (consumed, also after failure); *@out is its index. */
int plan_build_add_fd_consume(struct builder *builder, int fd, int32_t *out, struct err *err);

#endif
