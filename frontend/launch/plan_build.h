/* SPDX-License-Identifier: BSD-3-Clause */
/* Request + image + host + configuration → launch plan and the descriptors it refers to. */
#ifndef FRONTEND_LAUNCH_PLAN_BUILD_H
#define FRONTEND_LAUNCH_PLAN_BUILD_H

#include "frontend/cli.h"
#include "frontend/image/image.h"
#include "frontend/launch/host.h"
#include "frontend/launch/ladder.h"
#include "ipc/plan.h"
#include "policy/conf_frontend.h"

/* The plan's only windows onto the file system, so that a test can put a fixed host behind them. Negative errno on failure;
 * descriptors and strings are owned by the caller. */
struct plan_view {
	int (*open_path)(const char *path, int *out_fd, bool *is_dir); /* O_PATH */
	char *(*resolve)(const char *path);                            /* realpath(3) */
	int (*make_dir)(const char *path, mode_t mode);                /* one that is there already is as good */
	int (*open_installed)(const char *name, int *out_fd, struct err *err);
	int (*open_program)(const char *name, const char *search_path, int *out_fd);
	int (*find_subids)(const struct host *host, const char *file, struct plan_extent *out, struct err *err);
	int (*read_map)(const char *which, struct plan_extent *extents, uint32_t *count, struct err *err);
	char *(*find_nested)(void); /* as install_find_nested() */
};

extern const struct plan_view plan_view_host;

struct builder {
	const struct cli_request *request;
	const struct conf_frontend *conf;
	const struct host *host;
	const struct image *image;
	const struct plan_view *view;
	bool suid_installed;
	bool image_temporary;  /* unpacked for this launch alone */
	uint8_t forced[LADDER_COUNT]; /* by SINGULARITY_RUNG; see ladder_parse_forced() */
	const char *session;   /* borrowed; the confined flow's directory, which the caller removes; NULL in other flows */
	uint64_t granted_caps; /* of the caller, by capability.json; read where configuration or request ask for it */
	/* results */
	struct plan *plan;
	uint32_t fd_count;
	int fds[PLAN_MAX_FDS]; /* owned */
	bool contained;
	char *home;            /* owned; in the container */
	char *passwd, *group;  /* owned; lines for the action program to add; NULL: none */
	struct image extra[PLAN_MAX_FS]; /* overlays and image binds; their descriptors are in fds */
};

/* plan_build() - fill builder->plan. What it refers to is opened by builder->view; same inputs, same plan. Returns 0 or a negative errno with @err. */
int plan_build(struct builder *builder, struct err *err);

/* plan_build_flow() - which flow this launch takes. Pure. */
int plan_build_flow(const struct builder *builder, enum plan_flow *out, struct err *err);

/* plan_build_open_program() - the external program @name along the search path for this caller. 0 or a negative errno. */
int plan_build_open_program(const struct builder *builder, const char *name, int *out_fd);

/* plan_build_add_fd() - hand @fd over to the plan (consumed, also after failure); *@out is its index. */
int plan_build_add_fd_consume(struct builder *builder, int fd, int32_t *out, struct err *err);

#endif
