/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/plan_print.h"

#include <jansson.h>
#include <stdlib.h>

#include "ipc/cleanup.h"
#include "ipc/plan.h"

static const char *const flows[] = {"", "setuid", "user namespace", "fakeroot", "root", "nested root", "confined"};
static const char *const types[] = {"", "directory", "squashfs", "ext3"};
static const char *const containers[] = {"", "sif", "squashfs", "extfs", "dir"};
static const char *const methods[] = {"", "bind", "kernel", "fuse"};
static const char *const maps[] = {"", "none", "self", "newuidmap", "direct"};
static const char *const kinds[] = {"", "bind", "proc", "sys", "devpts", "mqueue", "dir", "file", "link", "image",
				    "passwd", "group"};
static const char *const origins[] = {"",     "dev", "hostfs",  "bind path", "proc",   "sys",  "home",
				      "home given", "tmp", "scratch", "generated", "resolv", "user", "cwd", "outer"};
static const char *const fails[] = {"", "fatal", "warn", "silent", "optional"};
static const char *const lsms[] = {"", "none", "selinux", "apparmor"};

static const struct {
	uint32_t bit;
	const char *name;
} attrs[] = {{PLAN_ATTR_RDONLY, "ro"}, {PLAN_ATTR_NOSUID, "nosuid"}, {PLAN_ATTR_NODEV, "nodev"}, {PLAN_ATTR_NOEXEC, "noexec"}},
  layers[] = {{PLAN_LAYER_OVERLAY, "overlay"}, {PLAN_LAYER_FUSE_OVERLAY, "fuse-overlay"}, {PLAN_LAYER_UNDERLAY, "underlay"}};

const char *plan_print_flow(unsigned int flow)
{
	return flows[flow];
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- JSON --------------------------------------------------------------------------------------------------------- */

static json_t *json_of_text(const struct plan *plan, plan_text_t ref)
{
	const char *text = plan_get_text(plan, ref);

	return text ? json_string(text) : json_null();
}

static json_t *json_of_extents(const struct plan_extent *extents, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++)
		(void)json_array_append_new(list, json_pack("[I,I,I]", (json_int_t)extents[i].inside,
							    (json_int_t)extents[i].outside,
							    (json_int_t)extents[i].count));
	return list;
}

static json_t *json_of_images(const struct plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->fs_count; i++)
		(void)json_array_append_new(
			list, json_pack("{s:s,s:s,s:s,s:o,s:I,s:I,s:b}", "type", types[plan->fs[i].type], "container",
					containers[plan->fs[i].container], "method", methods[plan->fs[i].method], "path",
					json_of_text(plan, plan->fs[i].path), "offset",
					(json_int_t)plan->fs[i].offset_bytes, "size", (json_int_t)plan->fs[i].size_bytes,
					"writable", (int)plan->fs[i].writable));
	return list;
}

static json_t *json_of_attrs(uint32_t set)
{
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT(attrs); i++)
		if (set & attrs[i].bit)
			(void)json_array_append_new(list, json_string(attrs[i].name));
	return list;
}

static json_t *json_of_layers(uint32_t set)
{
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT(layers); i++)
		if (set & layers[i].bit)
			(void)json_array_append_new(list, json_string(layers[i].name));
	return list;
}

static json_t *json_of_mounts(const struct plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->mount_count; i++) {
		const struct plan_mount *mount = &plan->mounts[i];

		(void)json_array_append_new(list, json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:s}", "kind", kinds[mount->kind],
							    "origin", origins[mount->origin], "source",
							    json_of_text(plan, mount->source), "target",
							    json_of_text(plan, mount->target), "link",
							    json_of_text(plan, mount->link), "attributes",
							    json_of_attrs(mount->attrs), "on_fail",
							    fails[mount->on_fail]));
	}
	return list;
}

static json_t *json_of_overlays(const struct plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->overlay_count; i++)
		(void)json_array_append_new(list, json_integer(plan->overlay[i]));
	return list;
}

static json_t *json_of_namespaces(const struct plan *plan)
{
	return json_pack("{s:b,s:b,s:b,s:b,s:s,s:o,s:o,s:o,s:s}", "pid", (int)plan->ns_pid, "ipc", (int)plan->ns_ipc,
			 "uts", (int)plan->ns_uts, "net", (int)plan->ns_net, "user", maps[plan->idmap.method], "uid_map",
			 json_of_extents(plan->idmap.uid, plan->idmap.uid_count), "gid_map",
			 json_of_extents(plan->idmap.gid, plan->idmap.gid_count), "hostname",
			 json_of_text(plan, plan->hostname), "init", plan->init == PLAN_INIT_SHIM ? "sinit" : "none");
}

static json_t *json_of_process(const struct plan *plan)
{
	const struct plan_process *process = &plan->process;

	return json_pack("{s:I,s:b,s:b,s:b,s:s,s:o,s:I}", "capabilities", (json_int_t)process->caps, "no_new_privs",
			 (int)process->no_new_privs, "emulate_root", (int)process->emulate_root, "seccomp",
			 (int)(process->seccomp_fd != PLAN_NO_FD), "security_module", lsms[process->lsm], "label",
			 json_of_text(plan, process->label), "inherited_descriptors", (json_int_t)process->pass_count);
}

static json_t *json_of_plan(const struct plan *plan)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:{s:b,s:b,s:o},s:o,s:o}", "flow", flows[plan->flow], "namespaces",
			 json_of_namespaces(plan), "images", json_of_images(plan), "overlays", json_of_overlays(plan),
			 "root", "writable", (int)plan->root_writable, "writable_tmpfs", (int)plan->writable_tmpfs,
			 "layers", json_of_layers(plan->layers), "mounts", json_of_mounts(plan), "process",
			 json_of_process(plan));
}

void plan_print_json(const struct plan *plan, FILE *out)
{
	json_t *object = json_of_plan(plan);

	(void)json_dumpf(object, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	(void)fputc('\n', out);
	json_decref(object);
}

/* ---- text --------------------------------------------------------------------------------------------------------- */

static void print_extents(const char *name, const struct plan_extent *extents, uint32_t count, FILE *out)
{
	for (uint32_t i = 0; i < count; i++)
		(void)fprintf(out, "%s: %u is %u outside, %u id%s\n", name, extents[i].inside, extents[i].outside,
			      extents[i].count, extents[i].count == 1 ? "" : "s");
}

static void print_namespaces(const struct plan *plan, FILE *out)
{
	bool user = plan->idmap.method != PLAN_IDMAP_NONE;

	(void)fprintf(out, "flow: %s\nnamespaces: mount%s%s%s%s%s%s\n", flows[plan->flow], user ? " user by " : "",
		      user ? maps[plan->idmap.method] : "", plan->ns_pid ? " pid" : "", plan->ns_ipc ? " ipc" : "",
		      plan->ns_uts ? " uts" : "", plan->ns_net ? " net" : "");
	print_extents("uid", plan->idmap.uid, plan->idmap.uid_count, out);
	print_extents("gid", plan->idmap.gid, plan->idmap.gid_count, out);
	if (plan->hostname)
		(void)fprintf(out, "host name: %s\n", plan_get_text(plan, plan->hostname));
	if (plan->init == PLAN_INIT_SHIM)
		(void)fprintf(out, "pid 1: sinit\n");
}

static void print_images(const struct plan *plan, FILE *out)
{
	for (uint32_t i = 0; i < plan->fs_count; i++) {
		const struct plan_fs *fs = &plan->fs[i];

		(void)fprintf(out, "image %u: %s in %s by %s, %llu bytes at %llu%s\n", i, types[fs->type],
			      containers[fs->container], methods[fs->method], (unsigned long long)fs->size_bytes,
			      (unsigned long long)fs->offset_bytes, fs->writable ? ", writable" : "");
	}
	for (uint32_t i = 0; i < plan->overlay_count; i++)
		(void)fprintf(out, "overlay: image %u\n", plan->overlay[i]);
	(void)fprintf(out, "root: %s", plan->root_writable     ? "writable"
				       : plan->writable_tmpfs ? "writable, changes are discarded"
							      : "read-only");
	for (size_t i = 0; i < COUNT(layers); i++)
		if (plan->layers & layers[i].bit)
			(void)fprintf(out, ", %s", layers[i].name);
	(void)fprintf(out, "\nsession: %s of %llu bytes, %s\n", plan->session_ramfs ? "ramfs" : "tmpfs",
		      (unsigned long long)plan->session_bytes, plan->propagation_private ? "private" : "slave");
}

static void print_mount(const struct plan *plan, const struct plan_mount *mount, FILE *out)
{
	const char *source = plan_get_text(plan, mount->source), *link = plan_get_text(plan, mount->link);
	const char *comma = "";

	(void)fprintf(out, "%s: %s%s%s", kinds[mount->kind], source ? source : "", source ? " -> " : "",
		      plan_get_text(plan, mount->target));
	if (link)
		(void)fprintf(out, " is %s", link);
	if (mount->kind == PLAN_MOUNT_SESSION_DIR || plan_is_file(mount))
		(void)fprintf(out, " mode %04o", mount->mode);
	(void)fprintf(out, " (");
	for (size_t i = 0; i < COUNT(attrs); i++)
		if (mount->attrs & attrs[i].bit) {
			(void)fprintf(out, "%s%s", comma, attrs[i].name);
			comma = ",";
		}
	(void)fprintf(out, ") by %s, %s\n", origins[mount->origin], fails[mount->on_fail]);
}

static void print_process(const struct plan *plan, FILE *out)
{
	const struct plan_process *process = &plan->process;

	if (process->set_ids)
		(void)fprintf(out, "ids: %u:%u and %u groups\n", process->uid, process->gid, process->group_count);
	(void)fprintf(out, "capabilities: 0x%llx\nno_new_privs: %s\n", (unsigned long long)process->caps,
		      process->no_new_privs ? "yes" : "no");
	if (process->emulate_root)
		(void)fprintf(out, "changes of owner are pretended\n");
	if (process->seccomp_fd != PLAN_NO_FD)
		(void)fprintf(out, "seccomp: a profile\n");
	if (process->lsm != PLAN_LSM_NONE)
		(void)fprintf(out, "%s: %s\n", lsms[process->lsm], plan_get_text(plan, process->label));
}

void plan_print_text(const struct plan *plan, FILE *out)
{
	print_namespaces(plan, out);
	print_images(plan, out);
	for (uint32_t i = 0; i < plan->mount_count; i++)
		print_mount(plan, &plan->mounts[i], out);
	print_process(plan, out);
}
