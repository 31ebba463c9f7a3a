/* SPDX-License-Identifier: BSD-3-Clause */
/* Responsible for: the form of what only flows of the plain starter ask for. Must not: be part of the setuid starter. */
#include "ipc/plan_plain.h"

#include <errno.h>
#include <stddef.h>

#include "ipc/plan.h"
#include "ipc/plan_decode.h"

#define CHECK(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return err_set(err, ERR_PROTOCOL, EPROTO, __VA_ARGS__);                    \
	} while (0)

static const struct decode_field extent_fields[] = {
	DECODE_ONE(plan_extent, 1, DECODE_U32, inside),
	DECODE_ONE(plan_extent, 2, DECODE_U32, outside),
	DECODE_ONE(plan_extent, 3, DECODE_U32, count),
};
DECODE_TABLE(extent_table, extent_fields);

static const struct decode_field idmap_fields[] = {
	DECODE_ONE(plan_idmap, 1, DECODE_U32, method),
	DECODE_MANY(plan_idmap, 2, DECODE_MESSAGE, uid, uid_count, PLAN_MAX_EXTENTS, &extent_table),
	DECODE_MANY(plan_idmap, 3, DECODE_MESSAGE, gid, gid_count, PLAN_MAX_EXTENTS, &extent_table),
	DECODE_ONE(plan_idmap, 4, DECODE_S32, newuidmap_fd),
	DECODE_ONE(plan_idmap, 5, DECODE_S32, newgidmap_fd),
	DECODE_ONE(plan_idmap, 6, DECODE_BOOL, keep_groups),
};
DECODE_TABLE(idmap_table, idmap_fields);

static const struct decode_field plain_fields[] = {
	DECODE_SUB(plan, 1, idmap, &idmap_table),
	DECODE_ONE(plan, 2, DECODE_BOOL, process.set_ids),
	DECODE_ONE(plan, 3, DECODE_U32, process.uid),
	DECODE_ONE(plan, 4, DECODE_U32, process.gid),
	DECODE_MANY(plan, 5, DECODE_U32, process.groups, process.group_count, PLAN_MAX_GROUPS, NULL),
	DECODE_ONE(plan, 6, DECODE_U64, process.caps),
	DECODE_ONE(plan, 7, DECODE_BOOL, process.no_new_privs),
	DECODE_ONE(plan, 8, DECODE_BOOL, process.emulate_root),
	DECODE_ONE(plan, 9, DECODE_BOOL, allow_setuid_files),
	DECODE_ONE(plan, 10, DECODE_S32, fuse_overlayfs_fd),
	DECODE_ONE(plan, 11, DECODE_U32, rungs),
	DECODE_ONE(plan, 12, DECODE_U32, session),
};
const struct decode_table plan_plain_table = {plain_fields, sizeof(plain_fields) / sizeof(plain_fields[0])};

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

int plan_check_neutral(const struct plan *plan, struct err *err)
{
	const struct plan_process *process = &plan->process;
	const struct plan_idmap *map = &plan->idmap;

	CHECK(map->method == PLAN_IDMAP_NONE && !map->uid_count && !map->gid_count && !map->keep_groups &&
		      map->newuidmap_fd == PLAN_NO_FD && map->newgidmap_fd == PLAN_NO_FD,
	      "the setuid starter makes no user namespace");
	CHECK(!process->set_ids && !process->uid && !process->gid && !process->group_count && !process->caps &&
		      process->no_new_privs && !process->emulate_root && !plan->allow_setuid_files,
	      "ids, capabilities, new privileges and setuid files need root");
	CHECK(plan->fuse_overlayfs_fd == PLAN_NO_FD && !(plan->layers & PLAN_LAYER_FUSE_OVERLAY) && !plan->session,
	      "fuse-overlayfs and the confined flow are not for the setuid starter");
	CHECK(plan->rungs == PLAN_RUNGS_ALL, "the setuid starter has no choice of rungs");
	return 0;
}

int plan_check_plain(const struct plan *plan, enum plan_slot *slots, uint32_t count, struct err *err)
{
	const struct plan_process *process = &plan->process;

	if (plan->flow == PLAN_FLOW_SETUID)
		return plan_check_neutral(plan, err);
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
