/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/hand_down.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frontend/launch/mount_list.h"
#include "frontend/launch/outer.h"
#include "frontend/launch/plan_print.h"
#include "ipc/cleanup.h"

#define ATTRS (MOUNT_LIST_ATTRS | PLAN_ATTR_RDONLY)

/* Nobody is told when the image has no place for it. */
static enum plan_on_fail hand_down_rule(const struct builder *builder)
{
	return builder->request->action.nest ? PLAN_FAIL_SILENT : PLAN_FAIL_OPTIONAL;
}

static int hand_down_add_fuse(struct builder *builder, struct err *err)
{
	return mount_list_add_bind(builder, PLAN_ORIGIN_OUTER, hand_down_rule(builder), "/dev/fuse", OUTER_DIR "/fuse",
				   PLAN_ATTR_NOSUID, err);
}

/* In a user namespace a fresh proc is allowed only where one is fully visible: this one nobody covers. It shows the processes
 * that /proc shows, and nothing where the administrator or the caller wants no /proc. */
static int hand_down_add_proc(struct builder *builder, struct err *err)
{
	uint32_t attrs = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV | PLAN_ATTR_NOEXEC;
	struct plan_mount *mount;

	if (!builder->conf->mount_proc || mount_list_is_off(builder, "proc"))
		return 0;
	if (builder->plan->ns_pid) {
		if (mount_list_new(builder, PLAN_MOUNT_PROC, PLAN_ORIGIN_OUTER, hand_down_rule(builder), OUTER_DIR "/proc",
				   &mount, err) < 0)
			return -E2BIG;
		mount->attrs = attrs;
		return 0;
	}
	/* The setuid starter binds a proc file system to /proc and nowhere else. */
	if (mount_list_is_setuid(builder))
		return 0;
	return mount_list_add_bind(builder, PLAN_ORIGIN_OUTER, hand_down_rule(builder), "/proc", OUTER_DIR "/proc", attrs, err);
}

static int hand_down_add_image(struct builder *builder, const struct image_partition *root, struct outer_facts *facts,
			       struct err *err)
{
	struct plan_mount *mount;

	if (!root || builder->plan->fs[0].writable || outer_identify(builder->image, root, &facts->image) < 0)
		return 0;
	facts->has_image = true;
	if (mount_list_new(builder, PLAN_MOUNT_IMAGE, PLAN_ORIGIN_OUTER, hand_down_rule(builder), OUTER_DIR "/image", &mount,
			   err) < 0)
		return -E2BIG;
	mount->fs = 0;
	mount->attrs = ATTRS;
	return plan_add_text(builder->plan, "/", &mount->link, err);
}

static uint32_t hand_down_count_ids(const struct builder *builder)
{
	const struct plan_idmap *map = &builder->plan->idmap;
	struct plan_extent inherited[PLAN_MAX_EXTENTS];
	const struct plan_extent *extents = map->uid;
	uint32_t count = map->uid_count;
	uint64_t ids = 0;
	struct err err = ERR_INIT;

	if (map->method == PLAN_IDMAP_NONE) {
		if (builder->view->read_map("uid_map", inherited, &count, &err) < 0)
			return 0;
		extents = inherited;
	}
	for (uint32_t i = 0; i < count; i++)
		ids += extents[i].count;
	return ids > UINT32_MAX ? UINT32_MAX : (uint32_t)ids;
}

static int hand_down_add_facts(struct builder *builder, struct outer_facts *facts, struct err *err)
{
	struct plan_mount *mount;
	char text[OUTER_FACTS_MAX];

	(void)snprintf(facts->flow, sizeof(facts->flow), "%s", plan_print_flow(builder->plan->flow));
	facts->id_count = hand_down_count_ids(builder);
	if (outer_format(facts, text, sizeof(text)) < 0)
		return err_set(err, ERR_BUG, E2BIG, "the facts for containers inside are too long");
	if (mount_list_add_file(builder, OUTER_DIR "/facts", text, err) < 0)
		return -E2BIG;
	mount = &builder->plan->mounts[builder->plan->mount_count - 1];
	mount->origin = PLAN_ORIGIN_OUTER;
	mount->on_fail = hand_down_rule(builder);
	mount->attrs = ATTRS;
	return 0;
}

static int hand_down_add_nest(struct builder *builder, struct err *err)
{
	cleanup_ptr char *tree = builder->view->find_nested();

	if (!builder->request->action.nest)
		return 0;
	if (!builder->conf->user_bind_control)
		return err_set(err, ERR_DENIED, EPERM, "--nest is not allowed (user bind control = no)");
	if (!tree)
		return err_set(err, ERR_SYSTEM, ENOENT,
			       "--nest: this installation has no programs for use inside images (make dist-nested installs them)");
	return mount_list_add_bind(builder, PLAN_ORIGIN_OUTER, PLAN_FAIL_FATAL, tree, HAND_DOWN_NEST_DIR, ATTRS, err);
}

int hand_down_add(struct builder *builder, struct err *err)
{
	const struct image_partition *root = builder->image->kind == IMAGE_SANDBOX ? NULL : image_get_root(builder->image);
	struct outer_facts facts = {.has_image = false};
	int result = hand_down_add_nest(builder, err);

	/* What is handed down serves mounts, and those who were refused them have none to offer. */
	if (builder->plan->flow == PLAN_FLOW_CONFINED)
		return result;
	if (result == 0)
		result = hand_down_add_fuse(builder, err);
	if (result == 0)
		result = hand_down_add_proc(builder, err);
	if (result == 0)
		result = hand_down_add_image(builder, root, &facts, err);
	return result < 0 ? result : hand_down_add_facts(builder, &facts, err);
}
