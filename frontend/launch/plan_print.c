/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/plan_print.h"

#include <jansson.h>
#include <stdlib.h>

#include "ipc/cleanup.h"
#include "ipc/plan.h"

static const char *const flows[] = {"", "setuid", "user namespace", "fakeroot", "root", "nested root"};
static const char *const types[] = {"", "directory", "squashfs", "ext3"};
static const char *const methods[] = {"", "bind", "kernel", "fuse"};
static const char *const maps[] = {"", "none", "self", "newuidmap", "direct"};
static const char *const kinds[] = {"", "bind", "proc", "sys", "devpts", "mqueue", "dir", "file", "link", "image"};

static json_t *print_text(const struct plan *plan, plan_text_t ref)
{
	const char *text = plan_get_text(plan, ref);

	return text ? json_string(text) : json_null();
}

static json_t *print_extents(const struct plan_extent *extents, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++)
		(void)json_array_append_new(list, json_pack("[I,I,I]", (json_int_t)extents[i].inside,
							    (json_int_t)extents[i].outside,
							    (json_int_t)extents[i].count));
	return list;
}

static json_t *print_images(const struct plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->fs_count; i++)
		(void)json_array_append_new(
			list, json_pack("{s:s,s:s,s:o,s:I,s:I,s:b}", "type", types[plan->fs[i].type], "method",
					methods[plan->fs[i].method], "path", print_text(plan, plan->fs[i].path), "offset",
					(json_int_t)plan->fs[i].offset_bytes, "size", (json_int_t)plan->fs[i].size_bytes,
					"writable", (int)plan->fs[i].writable));
	return list;
}

static json_t *print_mounts(const struct plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->mount_count; i++)
		(void)json_array_append_new(
			list, json_pack("{s:s,s:o,s:o,s:b,s:b,s:b}", "kind", kinds[plan->mounts[i].kind], "source",
					print_text(plan, plan->mounts[i].source), "target",
					print_text(plan, plan->mounts[i].target), "readonly",
					(plan->mounts[i].attrs & PLAN_ATTR_RDONLY) != 0, "nosuid",
					(plan->mounts[i].attrs & PLAN_ATTR_NOSUID) != 0, "nodev",
					(plan->mounts[i].attrs & PLAN_ATTR_NODEV) != 0));
	return list;
}

static json_t *print_plan(const struct plan *plan)
{
	return json_pack("{s:s,s:{s:b,s:b,s:b,s:b,s:s},s:o,s:o,s:o,s:{s:b,s:b},s:o,s:{s:I,s:b,s:b}}", "flow",
			 flows[plan->flow], "namespaces", "pid", (int)plan->ns_pid, "ipc", (int)plan->ns_ipc, "uts",
			 (int)plan->ns_uts, "net", (int)plan->ns_net, "user", maps[plan->idmap.method], "uid_map",
			 print_extents(plan->idmap.uid, plan->idmap.uid_count), "gid_map",
			 print_extents(plan->idmap.gid, plan->idmap.gid_count), "images", print_images(plan), "root",
			 "writable", (int)plan->root_writable, "writable_tmpfs", (int)plan->writable_tmpfs, "mounts",
			 print_mounts(plan), "process", "capabilities", (json_int_t)plan->process.caps, "no_new_privs",
			 (int)plan->process.no_new_privs, "emulate_root", (int)plan->process.emulate_root);
}

void plan_print_json(const struct plan *plan, FILE *out)
{
	json_t *object = print_plan(plan);

	(void)json_dumpf(object, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	(void)fputc('\n', out);
	json_decref(object);
}

void plan_print_text(const struct plan *plan, FILE *out)
{
	(void)fprintf(out, "flow: %s\nnamespaces: mount%s%s%s%s%s%s\n", flows[plan->flow],
		      plan->idmap.method == PLAN_IDMAP_NONE ? "" : " user by ",
		      plan->idmap.method == PLAN_IDMAP_NONE ? "" : maps[plan->idmap.method], plan->ns_pid ? " pid" : "",
		      plan->ns_ipc ? " ipc" : "", plan->ns_uts ? " uts" : "", plan->ns_net ? " net" : "");
	for (uint32_t i = 0; i < plan->fs_count; i++)
		(void)fprintf(out, "image: %s by %s%s\n", types[plan->fs[i].type], methods[plan->fs[i].method],
			      plan->fs[i].writable ? ", writable" : "");
	for (uint32_t i = 0; i < plan->mount_count; i++) {
		const struct plan_mount *mount = &plan->mounts[i];
		const char *source = plan_get_text(plan, mount->source);

		(void)fprintf(out, "%s: %s%s%s%s\n", kinds[mount->kind], source ? source : "", source ? " -> " : "",
			      plan_get_text(plan, mount->target), mount->attrs & PLAN_ATTR_RDONLY ? " (ro)" : "");
	}
	(void)fprintf(out, "capabilities: 0x%llx\nno_new_privs: %s\n", (unsigned long long)plan->process.caps,
		      plan->process.no_new_privs ? "yes" : "no");
}
