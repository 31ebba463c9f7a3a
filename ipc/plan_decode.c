/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: bytes → struct plan, by one table per message of ipc/launch.proto. Must not: make a system call (the parse child
 * could not), reserve memory, judge what the plan means. Runs in the parse child in the setuid flavour.
 *
 * A decoder of our own, and not protobuf-c's, because the privileged program needs less and wants it stricter: protobuf takes the last of
 * several singular fields, merges messages, keeps what it does not know and allocates. The frontend encodes with protobuf-c.
 */
#include "ipc/plan_decode.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "ipc/plan.h"

#define BAD(err, ...) err_set(err, ERR_PROTOCOL, EPROTO, __VA_ARGS__)

enum decode_type { TYPE_BOOL, TYPE_U32, TYPE_S32, TYPE_U64, TYPE_BYTES, TYPE_MESSAGE };
enum decode_wire { WIRE_VARINT = 0, WIRE_LENGTH = 2 };

struct decode_table;

/* One field. It must be there once, unless it is a list; a list, and bytes, hold at most @max, counted at @count_offset. Offsets are into the struct that the message fills. */
struct decode_field {
	uint32_t number;
	enum decode_type type;
	size_t offset, count_offset, stride;
	uint32_t max;
	const struct decode_table *message;
};

struct decode_table {
	const struct decode_field *fields;
	size_t count;
};

#define SIZE(holder, member) sizeof(((struct holder *)0)->member)
#define ONE(holder, number, type, member) {number, type, offsetof(struct holder, member), 0, 0, 0, NULL}
#define MANY(holder, number, type, member, counter, max, message)                                                      \
	{number, type, offsetof(struct holder, member), offsetof(struct holder, counter), SIZE(holder, member[0]), max, message}
#define SUB(holder, number, member, message)                                                                           \
	{number, TYPE_MESSAGE, offsetof(struct holder, member), 0, 0, 0, message}
#define TABLE(name, fields) static const struct decode_table name = {fields, sizeof(fields) / sizeof(fields[0])}

static const struct decode_field extent_fields[] = {
	ONE(plan_extent, 1, TYPE_U32, inside),
	ONE(plan_extent, 2, TYPE_U32, outside),
	ONE(plan_extent, 3, TYPE_U32, count),
};
TABLE(extent_table, extent_fields);

static const struct decode_field idmap_fields[] = {
	ONE(plan_idmap, 1, TYPE_U32, method),
	MANY(plan_idmap, 2, TYPE_MESSAGE, uid, uid_count, PLAN_MAX_EXTENTS, &extent_table),
	MANY(plan_idmap, 3, TYPE_MESSAGE, gid, gid_count, PLAN_MAX_EXTENTS, &extent_table),
	ONE(plan_idmap, 4, TYPE_S32, newuidmap_fd),
	ONE(plan_idmap, 5, TYPE_S32, newgidmap_fd),
	ONE(plan_idmap, 6, TYPE_BOOL, keep_groups),
};
TABLE(idmap_table, idmap_fields);

static const struct decode_field fs_fields[] = {
	ONE(plan_fs, 1, TYPE_U32, type),
	ONE(plan_fs, 2, TYPE_U32, container),
	ONE(plan_fs, 3, TYPE_U32, method),
	ONE(plan_fs, 4, TYPE_S32, fd),
	ONE(plan_fs, 5, TYPE_S32, server_fd),
	ONE(plan_fs, 6, TYPE_U32, path),
	ONE(plan_fs, 7, TYPE_U64, offset_bytes),
	ONE(plan_fs, 8, TYPE_U64, size_bytes),
	ONE(plan_fs, 9, TYPE_BOOL, writable),
	ONE(plan_fs, 10, TYPE_S32, go_fd),
};
TABLE(fs_table, fs_fields);

static const struct decode_field mount_fields[] = {
	ONE(plan_mount, 1, TYPE_U32, kind),
	ONE(plan_mount, 2, TYPE_U32, origin),
	ONE(plan_mount, 3, TYPE_U32, on_fail),
	ONE(plan_mount, 4, TYPE_U32, attrs),
	ONE(plan_mount, 5, TYPE_U32, mode),
	ONE(plan_mount, 6, TYPE_S32, source_fd),
	ONE(plan_mount, 7, TYPE_U32, source),
	ONE(plan_mount, 8, TYPE_U32, target),
	ONE(plan_mount, 9, TYPE_U32, link),
	ONE(plan_mount, 10, TYPE_S32, fs),
	ONE(plan_mount, 11, TYPE_BOOL, target_is_file),
};
TABLE(mount_table, mount_fields);

static const struct decode_field process_fields[] = {
	ONE(plan_process, 1, TYPE_BOOL, set_ids),
	ONE(plan_process, 2, TYPE_U32, uid),
	ONE(plan_process, 3, TYPE_U32, gid),
	MANY(plan_process, 4, TYPE_U32, groups, group_count, PLAN_MAX_GROUPS, NULL),
	ONE(plan_process, 5, TYPE_U64, caps),
	ONE(plan_process, 6, TYPE_BOOL, no_new_privs),
	ONE(plan_process, 7, TYPE_BOOL, emulate_root),
	ONE(plan_process, 8, TYPE_S32, seccomp_fd),
	ONE(plan_process, 9, TYPE_U32, lsm),
	ONE(plan_process, 10, TYPE_U32, label),
	ONE(plan_process, 11, TYPE_S32, action_fd),
	ONE(plan_process, 12, TYPE_S32, spec_fd),
	MANY(plan_process, 13, TYPE_S32, pass_fd, pass_count, PLAN_MAX_PASS, NULL),
};
TABLE(process_table, process_fields);

static const struct decode_field plan_fields[] = {
	ONE(plan, 1, TYPE_U32, version),
	ONE(plan, 2, TYPE_U32, flow),
	ONE(plan, 3, TYPE_S32, message_level),
	ONE(plan, 4, TYPE_BOOL, dry_run),
	ONE(plan, 5, TYPE_BOOL, ns_pid),
	ONE(plan, 6, TYPE_BOOL, ns_ipc),
	ONE(plan, 7, TYPE_BOOL, ns_uts),
	ONE(plan, 8, TYPE_BOOL, ns_net),
	ONE(plan, 9, TYPE_U32, hostname),
	ONE(plan, 10, TYPE_U32, init),
	SUB(plan, 11, idmap, &idmap_table),
	ONE(plan, 12, TYPE_BOOL, propagation_private),
	ONE(plan, 13, TYPE_BOOL, session_ramfs),
	ONE(plan, 14, TYPE_U64, session_bytes),
	MANY(plan, 15, TYPE_MESSAGE, fs, fs_count, PLAN_MAX_FS, &fs_table),
	ONE(plan, 16, TYPE_BOOL, allow_setuid_files),
	ONE(plan, 17, TYPE_BOOL, root_writable),
	ONE(plan, 18, TYPE_BOOL, writable_tmpfs),
	MANY(plan, 19, TYPE_U32, overlay, overlay_count, PLAN_MAX_OVERLAYS, NULL),
	ONE(plan, 20, TYPE_U32, layers),
	ONE(plan, 21, TYPE_S32, fuse_overlayfs_fd),
	ONE(plan, 27, TYPE_U32, rungs),
	ONE(plan, 22, TYPE_U32, loop_max),
	ONE(plan, 23, TYPE_BOOL, loop_shared),
	MANY(plan, 24, TYPE_MESSAGE, mounts, mount_count, PLAN_MAX_MOUNTS, &mount_table),
	SUB(plan, 25, process, &process_table),
	MANY(plan, 26, TYPE_BYTES, text, text_bytes, PLAN_TEXT_MAX, NULL),
	ONE(plan, 28, TYPE_U32, session),
};
TABLE(plan_table, plan_fields);

/* A piece of the message that is still to be read. */
struct decode_span {
	const uint8_t *at, *end;
};

static bool decode_varint(struct decode_span *in, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && in->at < in->end; shift += 7) {
		uint8_t byte = *in->at++;

		if (shift == 63 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = value;
			return true;
		}
	}
	return false;
}

static bool decode_length(struct decode_span *in, struct decode_span *out)
{
	uint64_t length;

	if (!decode_varint(in, &length) || length > (uint64_t)(in->end - in->at))
		return false;
	*out = (struct decode_span){in->at, in->at + length};
	in->at += length;
	return true;
}

static bool decode_number(enum decode_type type, struct decode_span *in, void *out)
{
	uint64_t value;
	uint32_t half;

	if (!decode_varint(in, &value) || (type == TYPE_BOOL && value > 1) || (type != TYPE_U64 && value > UINT32_MAX))
		return false;
	half = (uint32_t)value;
	if (type == TYPE_S32) /* zigzag */
		half = (half >> 1) ^ (0 - (half & 1));
	if (type == TYPE_BOOL)
		*(bool *)out = value == 1;
	else if (type == TYPE_U64)
		memcpy(out, &value, sizeof(value));
	else
		memcpy(out, &half, sizeof(half)); /* an enum, an int32_t, a uint32_t */
	return true;
}

static bool decode_message(const struct decode_table *table, struct decode_span in, void *out);

/* One message of a list, a packed list of numbers, or bytes. */
static bool decode_list(const struct decode_field *field, struct decode_span in, char *holder)
{
	char *list = holder + field->offset;
	uint32_t *count = (uint32_t *)(void *)(holder + field->count_offset);

	if (field->type == TYPE_MESSAGE)
		return *count < field->max && decode_message(field->message, in, list + field->stride * (*count)++);
	if (field->type == TYPE_BYTES) {
		*count = (uint32_t)(in.end - in.at);
		if (*count > field->max)
			return false;
		memcpy(list, in.at, *count);
		return true;
	}
	while (in.at < in.end)
		if (*count == field->max || !decode_number(field->type, &in, list + field->stride * (*count)++))
			return false;
	return true;
}

static bool decode_field(const struct decode_field *field, uint64_t wire, struct decode_span *in, char *holder)
{
	struct decode_span part;

	if (field->type != TYPE_MESSAGE && field->max == 0)
		return wire == WIRE_VARINT && decode_number(field->type, in, holder + field->offset);
	if (wire != WIRE_LENGTH || !decode_length(in, &part))
		return false;
	return field->max ? decode_list(field, part, holder) : decode_message(field->message, part, holder + field->offset);
}

/* Recursion ends with the tables: none reaches itself. */
static bool decode_message(const struct decode_table *table, struct decode_span in, void *out)
{
	uint64_t seen = 0, key;

	while (in.at < in.end) {
		size_t i = 0;

		if (!decode_varint(&in, &key))
			return false;
		while (i < table->count && table->fields[i].number != key >> 3)
			i++;
		if (i == table->count || !decode_field(&table->fields[i], key & 7, &in, out))
			return false;
		/* Lists of messages come in several parts, everything else comes once. */
		if (seen >> i & 1 && !(table->fields[i].max && table->fields[i].type == TYPE_MESSAGE))
			return false;
		seen |= UINT64_C(1) << i;
	}
	for (size_t i = 0; i < table->count; i++)
		if ((table->fields[i].max == 0 || table->fields[i].type == TYPE_BYTES) && !(seen >> i & 1))
			return false;
	return true;
}

int plan_decode(const uint8_t *bytes, size_t len, struct plan *plan, struct err *err)
{
	if (!bytes || len == 0 || len > PLAN_MESSAGE_MAX)
		return BAD(err, "the launch request is empty or too long");
	memset(plan, 0, offsetof(struct plan, text));
	if (!decode_message(&plan_table, (struct decode_span){bytes, bytes + len}, plan))
		return BAD(err, "the launch request cannot be decoded: frontend and starter may be of different versions");
	return 0;
}
