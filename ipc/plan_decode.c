/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: bytes → struct plan, with every count capped before it is used. Must not: make a system call (the parse child
 * could not), judge what the plan means. Runs in the parse child in the setuid flavour.
 */
#include "ipc/plan_decode.h"

#include <errno.h>
#include <string.h>

#include "ipc/launch.pb-c.h"
#include "ipc/plan.h"

#define BAD(err, ...) err_set(err, ERR_PROTOCOL, EPROTO, __VA_ARGS__)
#define ARENA_ALIGN 16
#define SCAN_DEPTH_MAX 4 /* the schema nests three messages; none is recursive */

struct arena {
	uint8_t *base;
	size_t size, used;
};

static void *arena_alloc(void *data, size_t size)
{
	struct arena *arena = data;
	size_t need = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	void *out = arena->base + arena->used;

	if (need < size || need > arena->size - arena->used)
		return NULL;
	arena->used += need;
	return out;
}

static void arena_free(void *data, void *pointer)
{
	(void)data;
	(void)pointer; /* the arena goes as a whole */
}

static int scan_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && *at < end; shift += 7) {
		uint8_t byte = *(*at)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = value;
			return 0;
		}
	}
	return -EPROTO;
}

static int scan_message(const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end, int depth);

/* One field's value; descends into messages. */
static int scan_value(const ProtobufCFieldDescriptor *field, uint64_t wire, const uint8_t **at, const uint8_t *end,
		      int depth)
{
	uint64_t number;

	if (wire == 0)
		return scan_varint(at, end, &number);
	if (wire != 2 || scan_varint(at, end, &number) < 0 || number > (uint64_t)(end - *at))
		return -EPROTO; /* the schema has no fixed-size fields and no groups */
	*at += number;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return scan_message(field->descriptor, *at - number, *at, depth + 1);
	return 0;
}

/* protobuf takes the last of several singular fields, merges messages and keeps what it does not know: a request that uses any
 * of that was not written by our frontend. */
static int scan_message(const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end, int depth)
{
	uint64_t seen = 0, key;

	if (depth > SCAN_DEPTH_MAX)
		return -EPROTO;
	while (at < end) {
		const ProtobufCFieldDescriptor *field;
		uint64_t bit;

		if (scan_varint(&at, end, &key) < 0 || key >> 3 == 0 || key >> 3 > 63)
			return -EPROTO;
		field = protobuf_c_message_descriptor_get_field(type, (unsigned int)(key >> 3));
		bit = UINT64_C(1) << (key >> 3);
		if (!field || (field->label != PROTOBUF_C_LABEL_REPEATED && seen & bit))
			return -EPROTO;
		seen |= bit;
		if (scan_value(field, key & 7, &at, end, depth) < 0)
			return -EPROTO;
	}
	return 0;
}

static int decode_extents(Ipc__Extent *const *from, size_t count, struct plan_extent *to, uint32_t *to_count)
{
	if (count > PLAN_MAX_EXTENTS)
		return -EPROTO;
	for (size_t i = 0; i < count; i++)
		to[i] = (struct plan_extent){from[i]->inside, from[i]->outside, from[i]->count};
	*to_count = (uint32_t)count;
	return 0;
}

static int decode_idmap(const Ipc__IdMap *from, struct plan_idmap *to)
{
	if (!from)
		return -EPROTO;
	to->method = (enum plan_idmap_method)from->method;
	to->newuidmap_fd = from->newuidmap_fd;
	to->newgidmap_fd = from->newgidmap_fd;
	to->keep_groups = from->keep_groups;
	if (decode_extents(from->uid, from->n_uid, to->uid, &to->uid_count) < 0)
		return -EPROTO;
	return decode_extents(from->gid, from->n_gid, to->gid, &to->gid_count);
}

static int decode_fs(const Ipc__LaunchRequest *from, struct plan *plan)
{
	if (from->n_fs > PLAN_MAX_FS)
		return -EPROTO;
	for (size_t i = 0; i < from->n_fs; i++) {
		const Ipc__FileSystem *fs = from->fs[i];

		plan->fs[i] = (struct plan_fs){
			.type = (enum plan_fs_type)fs->type,
			.container = (enum plan_container)fs->container,
			.method = (enum plan_fs_method)fs->method,
			.fd = fs->fd,
			.server_fd = fs->server_fd,
			.path = fs->path_text,
			.offset_bytes = fs->offset_bytes,
			.size_bytes = fs->size_bytes,
			.writable = fs->writable,
		};
	}
	plan->fs_count = (uint32_t)from->n_fs;
	return 0;
}

static int decode_mounts(const Ipc__LaunchRequest *from, struct plan *plan)
{
	if (from->n_mounts > PLAN_MAX_MOUNTS)
		return -EPROTO;
	for (size_t i = 0; i < from->n_mounts; i++) {
		const Ipc__Mount *mount = from->mounts[i];

		plan->mounts[i] = (struct plan_mount){
			.kind = (enum plan_mount_kind)mount->kind,
			.origin = (enum plan_origin)mount->origin,
			.on_fail = (enum plan_on_fail)mount->on_fail,
			.attrs = mount->attrs,
			.mode = mount->mode,
			.source_fd = mount->source_fd,
			.source = mount->source_text,
			.target = mount->target_text,
			.link = mount->link_text,
			.fs = mount->fs,
			.target_is_file = mount->target_is_file,
		};
	}
	plan->mount_count = (uint32_t)from->n_mounts;
	return 0;
}

static int decode_process(const Ipc__Process *from, struct plan_process *to)
{
	if (!from || from->n_groups > PLAN_MAX_GROUPS || from->n_pass_fd > PLAN_MAX_PASS)
		return -EPROTO;
	to->set_ids = from->set_ids;
	to->uid = from->uid;
	to->gid = from->gid;
	for (size_t i = 0; i < from->n_groups; i++)
		to->groups[i] = from->groups[i];
	to->group_count = (uint32_t)from->n_groups;
	to->caps = from->caps;
	to->no_new_privs = from->no_new_privs;
	to->emulate_root = from->emulate_root;
	to->seccomp_fd = from->seccomp_fd;
	to->lsm = (enum plan_lsm)from->lsm;
	to->label = from->label_text;
	to->action_fd = from->action_fd;
	to->spec_fd = from->spec_fd;
	for (size_t i = 0; i < from->n_pass_fd; i++)
		to->pass_fd[i] = from->pass_fd[i];
	to->pass_count = (uint32_t)from->n_pass_fd;
	return 0;
}

static int decode_head(const Ipc__LaunchRequest *from, struct plan *to)
{
	if (from->n_overlay > PLAN_MAX_OVERLAYS || from->text.len < 1 || from->text.len > PLAN_TEXT_MAX)
		return -EPROTO;
	to->version = from->version;
	to->flow = (enum plan_flow)from->flow;
	to->message_level = from->message_level;
	to->dry_run = from->dry_run;
	to->ns_pid = from->ns_pid;
	to->ns_ipc = from->ns_ipc;
	to->ns_uts = from->ns_uts;
	to->ns_net = from->ns_net;
	to->hostname = from->hostname_text;
	to->init = (enum plan_init)from->init;
	to->propagation_private = from->propagation_private;
	to->session_ramfs = from->session_ramfs;
	to->session_bytes = from->session_bytes;
	to->allow_setuid_files = from->allow_setuid_files;
	to->root_writable = from->root_writable;
	to->writable_tmpfs = from->writable_tmpfs;
	for (size_t i = 0; i < from->n_overlay; i++)
		to->overlay[i] = from->overlay[i];
	to->overlay_count = (uint32_t)from->n_overlay;
	to->layers = from->layers;
	to->fuse_overlayfs_fd = from->fuse_overlayfs_fd;
	to->loop_max = from->loop_max;
	to->loop_shared = from->loop_shared;
	memcpy(to->text, from->text.data, from->text.len);
	to->text_bytes = (uint32_t)from->text.len;
	return 0;
}

int plan_decode(const uint8_t *bytes, size_t len, void *arena, size_t arena_bytes, struct plan *plan, struct err *err)
{
	struct arena space = {arena, arena_bytes, 0};
	ProtobufCAllocator allocator = {arena_alloc, arena_free, &space};
	const Ipc__LaunchRequest *request;

	if (!bytes || len == 0 || len > PLAN_MESSAGE_MAX)
		return BAD(err, "the launch request is empty or too long");
	if (scan_message(&ipc__launch_request__descriptor, bytes, bytes + len, 0) < 0)
		return BAD(err, "the launch request has fields that this starter does not know, or one twice");
	request = ipc__launch_request__unpack(&allocator, len, bytes);
	if (!request)
		return BAD(err, "the launch request cannot be decoded");
	if (request->version != PLAN_VERSION)
		return BAD(err, "the launch request has version %u, this starter speaks %u", request->version,
			   PLAN_VERSION);
	if (decode_head(request, plan) < 0 || decode_idmap(request->idmap, &plan->idmap) < 0 ||
	    decode_fs(request, plan) < 0 || decode_mounts(request, plan) < 0 ||
	    decode_process(request->process, &plan->process) < 0)
		return BAD(err, "a part of the launch request is missing or over its cap");
	return 0;
}
