/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/plan_encode.h"

#include <errno.h>
#include <stdlib.h>

#include "ipc/launch.pb-c.h"
#include "ipc/plan.h"
#include "ipc/plan_plain.h"

/* The message refers to these; texts and numbers are borrowed from the plan. */
struct encode_space {
	Ipc__LaunchRequest request;
	Ipc__IdMap idmap;
	Ipc__Plain plain;
	Ipc__Process process;
	Ipc__Extent uid[PLAN_MAX_EXTENTS], gid[PLAN_MAX_EXTENTS];
	Ipc__Extent *uid_list[PLAN_MAX_EXTENTS], *gid_list[PLAN_MAX_EXTENTS];
	Ipc__FileSystem fs[PLAN_MAX_FS], *fs_list[PLAN_MAX_FS];
	Ipc__Mount mounts[PLAN_MAX_MOUNTS], *mount_list[PLAN_MAX_MOUNTS];
	uint32_t groups[PLAN_MAX_GROUPS], overlay[PLAN_MAX_OVERLAYS];
	int32_t pass_fd[PLAN_MAX_PASS];
};

static void encode_extents(const struct plan_extent *from, uint32_t count, Ipc__Extent *to, Ipc__Extent **list)
{
	for (uint32_t i = 0; i < count; i++) {
		ipc__extent__init(&to[i]);
		to[i].inside = from[i].inside;
		to[i].outside = from[i].outside;
		to[i].count = from[i].count;
		list[i] = &to[i];
	}
}

static void encode_idmap(const struct plan_idmap *map, struct encode_space *space)
{
	Ipc__IdMap *to = &space->idmap;

	ipc__id_map__init(to);
	to->method = map->method;
	to->newuidmap_fd = map->newuidmap_fd;
	to->newgidmap_fd = map->newgidmap_fd;
	to->keep_groups = map->keep_groups;
	encode_extents(map->uid, map->uid_count, space->uid, space->uid_list);
	encode_extents(map->gid, map->gid_count, space->gid, space->gid_list);
	to->n_uid = map->uid_count;
	to->uid = space->uid_list;
	to->n_gid = map->gid_count;
	to->gid = space->gid_list;
	space->plain.idmap = to;
}

static void encode_fs(const struct plan *plan, struct encode_space *space)
{
	for (uint32_t i = 0; i < plan->fs_count; i++) {
		const struct plan_fs *fs = &plan->fs[i];
		Ipc__FileSystem *to = &space->fs[i];

		ipc__file_system__init(to);
		to->type = fs->type;
		to->container = fs->container;
		to->method = fs->method;
		to->fd = fs->fd;
		to->server_fd = fs->server_fd;
		to->go_fd = fs->go_fd;
		to->path_text = fs->path;
		to->offset_bytes = fs->offset_bytes;
		to->size_bytes = fs->size_bytes;
		to->writable = fs->writable;
		space->fs_list[i] = to;
	}
	space->request.n_fs = plan->fs_count;
	space->request.fs = space->fs_list;
}

static void encode_mounts(const struct plan *plan, struct encode_space *space)
{
	for (uint32_t i = 0; i < plan->mount_count; i++) {
		const struct plan_mount *mount = &plan->mounts[i];
		Ipc__Mount *to = &space->mounts[i];

		ipc__mount__init(to);
		to->kind = mount->kind;
		to->origin = mount->origin;
		to->on_fail = mount->on_fail;
		to->attrs = mount->attrs;
		to->mode = mount->mode;
		to->source_fd = mount->source_fd;
		to->source_text = mount->source;
		to->target_text = mount->target;
		to->link_text = mount->link;
		to->fs = mount->fs;
		to->target_is_file = mount->target_is_file;
		space->mount_list[i] = to;
	}
	space->request.n_mounts = plan->mount_count;
	space->request.mounts = space->mount_list;
}

static void encode_process(const struct plan_process *process, struct encode_space *space)
{
	Ipc__Process *to = &space->process;

	ipc__process__init(to);
	to->seccomp_fd = process->seccomp_fd;
	to->lsm = process->lsm;
	to->label_text = process->label;
	to->action_fd = process->action_fd;
	to->spec_fd = process->spec_fd;
	for (uint32_t i = 0; i < process->pass_count; i++)
		space->pass_fd[i] = process->pass_fd[i];
	to->n_pass_fd = process->pass_count;
	to->pass_fd = space->pass_fd;
	space->request.process = to;
}

/* Absent where the setuid starter, which knows no field of it, could take the plan. */
static void encode_plain(const struct plan *plan, struct encode_space *space)
{
	const struct plan_process *process = &plan->process;
	Ipc__Plain *to = &space->plain;

	if (plan->flow == PLAN_FLOW_SETUID && plan_check_neutral(plan, NULL) == 0)
		return;
	ipc__plain__init(to);
	encode_idmap(&plan->idmap, space);
	to->set_ids = process->set_ids;
	to->uid = process->uid;
	to->gid = process->gid;
	for (uint32_t i = 0; i < process->group_count; i++)
		space->groups[i] = process->groups[i];
	to->n_groups = process->group_count;
	to->groups = space->groups;
	to->caps = process->caps;
	to->no_new_privs = process->no_new_privs;
	to->emulate_root = process->emulate_root;
	to->allow_setuid_files = plan->allow_setuid_files;
	to->fuse_overlayfs_fd = plan->fuse_overlayfs_fd;
	to->rungs = plan->rungs;
	to->session_text = plan->session;
	space->request.plain = to;
}

static void encode_head(const struct plan *plan, struct encode_space *space)
{
	Ipc__LaunchRequest *to = &space->request;

	to->version = plan->version;
	to->flow = plan->flow;
	to->message_level = plan->message_level;
	to->dry_run = plan->dry_run;
	to->ns_pid = plan->ns_pid;
	to->ns_ipc = plan->ns_ipc;
	to->ns_uts = plan->ns_uts;
	to->ns_net = plan->ns_net;
	to->hostname_text = plan->hostname;
	to->init = plan->init;
	to->propagation_private = plan->propagation_private;
	to->session_ramfs = plan->session_ramfs;
	to->session_bytes = plan->session_bytes;
	to->root_writable = plan->root_writable;
	to->writable_tmpfs = plan->writable_tmpfs;
	for (uint32_t i = 0; i < plan->overlay_count; i++)
		space->overlay[i] = plan->overlay[i];
	to->n_overlay = plan->overlay_count;
	to->overlay = space->overlay;
	to->layers = plan->layers;
	to->loop_max = plan->loop_max;
	to->text.len = plan->text_bytes;
	to->text.data = (uint8_t *)(uintptr_t)plan->text;
}

int plan_encode(const struct plan *plan, uint8_t **out, size_t *len, struct err *err)
{
	struct encode_space *space = calloc(1, sizeof(*space));
	size_t size;

	if (!space)
		return err_sys(err, ENOMEM, "cannot encode the launch request");
	ipc__launch_request__init(&space->request);
	encode_head(plan, space);
	encode_plain(plan, space);
	encode_fs(plan, space);
	encode_mounts(plan, space);
	encode_process(&plan->process, space);
	size = ipc__launch_request__get_packed_size(&space->request);
	*out = size <= PLAN_MESSAGE_MAX ? malloc(size) : NULL;
	if (*out)
		*len = ipc__launch_request__pack(&space->request, *out);
	free(space);
	if (size > PLAN_MESSAGE_MAX)
		return err_set(err, ERR_SYSTEM, E2BIG, "cannot send this launch: too many binds, or paths too long");
	return *out ? 0 : err_sys(err, ENOMEM, "cannot encode the launch request");
}
