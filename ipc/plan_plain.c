/* SPDX-License-Identifier: BSD-3-Clause */
/* Responsible for: the form of what only flows of the plain starter ask for. Must not: be part of the setuid starter. */
#include <errno.h>

#include "ipc/plan.h"

#define CHECK(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return err_set(err, ERR_PROTOCOL, EPROTO, __VA_ARGS__);                    \
	} while (0)

static int plan_check_idmap(const struct plan *plan, enum plan_slot *slots, uint32_t count, struct err *err)
{
	const struct plan_idmap *map = &plan->idmap;
	bool own = plan->flow == PLAN_FLOW_USERNS || plan->flow == PLAN_FLOW_FAKEROOT;
	bool tool = map->method == PLAN_IDMAP_TOOL;

	CHECK(map->method >= PLAN_IDMAP_NONE && map->method <= PLAN_IDMAP_DIRECT, "unknown id map method");
	CHECK(own == (map->method != PLAN_IDMAP_NONE), "the id map does not fit the flow");
	CHECK(own ? map->uid_count > 0 && map->gid_count > 0 : !map->uid_count && !map->gid_count,
	      "the id map has no lines, or lines without a namespace");
	CHECK(map->uid_count <= PLAN_MAX_EXTENTS && map->gid_count <= PLAN_MAX_EXTENTS, "too many lines in an id map");
	CHECK(tool == (map->newuidmap_fd != PLAN_NO_FD) && tool == (map->newgidmap_fd != PLAN_NO_FD),
	      "the id map programs do not fit");
	if (plan_claim_optional(slots, count, map->newuidmap_fd, PLAN_SLOT_PROGRAM, err) < 0)
		return -EPROTO;
	return plan_claim_optional(slots, count, map->newgidmap_fd, PLAN_SLOT_PROGRAM, err);
}

int plan_check_plain(const struct plan *plan, enum plan_slot *slots, uint32_t count, struct err *err)
{
	const struct plan_process *process = &plan->process;

	CHECK(process->group_count <= PLAN_MAX_GROUPS, "too many groups");
	CHECK(process->uid < UINT32_MAX - 1 && process->gid < UINT32_MAX - 1, "an id is out of range");
	CHECK(!process->set_ids || plan->flow == PLAN_FLOW_ROOT || plan->flow == PLAN_FLOW_NESTED_ROOT,
	      "only root changes ids");
	CHECK(!process->emulate_root || process->no_new_privs, "root emulation needs no_new_privs");
	CHECK((plan->rungs & ~PLAN_RUNGS_ALL) == 0, "unknown rungs");
	CHECK(((plan->layers & PLAN_LAYER_FUSE_OVERLAY) != 0) == (plan->fuse_overlayfs_fd != PLAN_NO_FD),
	      "the program of the FUSE overlay does not fit");
	CHECK(plan_has_text(plan, plan->session) && (plan->session != 0) == (plan->flow == PLAN_FLOW_CONFINED),
	      "a session directory does not fit the flow");
	if (plan_check_idmap(plan, slots, count, err) < 0)
		return -EPROTO;
	return plan_claim_optional(slots, count, plan->fuse_overlayfs_fd, PLAN_SLOT_PROGRAM, err);
}
