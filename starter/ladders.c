/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: what is tried in which order where an outer container may refuse the first. Must not: be part of the setuid flavour,
 * which has no choice. Runs while the tree is built.
 */
#include "starter/ladders.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "ipc/log.h"
#include "starter/binds.h"
#include "starter/fuse_program.h"
#include "starter/layer.h"
#include "starter/layer_points.h"
#include "starter/mnt.h"
#include "starter/mnt_legacy.h"
#include "starter/rung.h"
#include "starter/stage.h"
#include "starter/underlay.h"

/* What an attempt needs to know about the mount. */
struct ladders_mount {
	const struct stage *stage;
	const struct plan_mount *mount;
	int source_fd, target_fd;
	bool refused; /* a fresh one was tried before */
};

static int ladders_try_fresh(void *context, struct err *err)
{
	struct ladders_mount *at = context;

	at->refused = true;
	return mnt_attach_fs(at->mount->kind == PLAN_MOUNT_PROC ? "proc" : "sysfs", NULL, at->mount->attrs, PRIVS_MOUNT,
			     at->target_fd, NULL, err);
}

/* A fresh one is refused below a masked one: then the outer tree is shown instead, if the plan has it. */
static int ladders_try_outer(void *context, struct err *err)
{
	const struct ladders_mount *at = context;

	if (at->source_fd < 0)
		return at->refused ? -err->errnum : err_set(err, ERR_SYSTEM, ENOENT, "the source is not there");
	if (at->refused && at->mount->kind == PLAN_MOUNT_PROC)
		log_warning("A fresh /proc is refused here (%s): the container's /proc shows the outer processes",
			    strerror(err->errnum));
	return mnt_attach_tree(at->source_fd, at->mount->attrs, at->target_fd, NULL, err);
}

int ladders_mount_kernel_fs(const struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	static const struct rung ladders[2][2] = {
		{{PLAN_RUNG_PROC_FRESH, "fresh", ladders_try_fresh}, {PLAN_RUNG_PROC_BIND, "bind", ladders_try_outer}},
		{{PLAN_RUNG_SYS_FRESH, "fresh", ladders_try_fresh}, {PLAN_RUNG_SYS_BIND, "bind", ladders_try_outer}}};
	struct ladders_mount at = {stage, &stage->plan->mounts[index], stage->source_fd[index], target_fd, false};
	bool sys = at.mount->kind == PLAN_MOUNT_SYS;

	return rung_climb(sys ? "sys" : "proc", ladders[sys], 2, stage->plan->rungs, &at, err);
}

/* Refused where the tty group is not mapped in this user namespace. */
static int ladders_try_tty(void *context, struct err *err)
{
	const struct ladders_mount *at = context;

	return binds_mount_devpts(at->mount->attrs, true, at->target_fd, err);
}

static int ladders_try_plain(void *context, struct err *err)
{
	const struct ladders_mount *at = context;

	return binds_mount_devpts(at->mount->attrs, false, at->target_fd, err);
}

int ladders_mount_devpts(const struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	static const struct rung ladder[] = {{PLAN_RUNG_DEVPTS_TTY, "tty", ladders_try_tty},
					     {PLAN_RUNG_DEVPTS_PLAIN, "plain", ladders_try_plain}};
	struct ladders_mount at = {stage, &stage->plan->mounts[index], -1, target_fd, false};

	return rung_climb("devpts", ladder, 2, stage->plan->rungs, &at, err);
}

struct ladders_layer {
	struct stage *stage;
	int target_fd;
};

/* One id is mapped: make the missing mount points before the merge, since the kernel lets nobody create in directories of unmapped owners. */
static void ladders_fill_upper(const struct stage *stage, const struct layer_dirs *dirs)
{
	if (dirs->own_upper && stage->plan->idmap.method == PLAN_IDMAP_SELF)
		layer_points_make(stage, dirs->upper);
}

static int ladders_mount_overlay(struct stage *stage, const struct layer_dirs *dirs, int target_fd, struct err *err)
{
	ladders_fill_upper(stage, dirs);
	return layer_mount_overlay(stage, dirs, target_fd, err);
}

static int ladders_mount_program(struct stage *stage, const struct layer_dirs *dirs, int target_fd, struct err *err)
{
	ladders_fill_upper(stage, dirs);
	return fuse_program_mount_overlay(stage, dirs, target_fd, err);
}

static int ladders_try_overlay(void *context, struct err *err)
{
	const struct ladders_layer *at = context;

	return layer_merge(at->stage, ladders_mount_overlay, at->target_fd, err);
}

static int ladders_try_program(void *context, struct err *err)
{
	const struct ladders_layer *at = context;

	return layer_merge(at->stage, ladders_mount_program, at->target_fd, err);
}

static int ladders_try_underlay(void *context, struct err *err)
{
	const struct ladders_layer *at = context;

	return underlay_build(at->stage, at->target_fd, err);
}

int ladders_make_layer(struct stage *stage, uint32_t layers, int target_fd, struct err *err)
{
	static const struct rung ladder[] = {{PLAN_LAYER_OVERLAY, "overlay", ladders_try_overlay},
					     {PLAN_LAYER_FUSE_OVERLAY, "fuse-overlayfs", ladders_try_program},
					     {PLAN_LAYER_UNDERLAY, "underlay", ladders_try_underlay}};
	struct ladders_layer at = {stage, target_fd};

	return rung_climb("layer", ladder, sizeof(ladder) / sizeof(ladder[0]), layers, &at, err);
}

static int ladders_try_pivot(void *context, struct err *err)
{
	(void)context;
	return mnt_pivot(err);
}

int ladders_set_root(const struct stage *stage, struct err *err)
{
	static const struct rung ladder[] = {{PLAN_RUNG_PIVOT, "pivot", ladders_try_pivot},
					     {PLAN_RUNG_MOVE, "move", mnt_legacy_set_root}};

	return rung_climb("pivot", ladder, 2, stage->plan->rungs, NULL, err);
}
