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

enum decode_wire { WIRE_VARINT = 0, WIRE_LENGTH = 2 };

static const struct decode_field fs_fields[] = {
	DECODE_ONE(plan_fs, 1, DECODE_U32, type),
	DECODE_ONE(plan_fs, 2, DECODE_U32, container),
	DECODE_ONE(plan_fs, 3, DECODE_U32, method),
	DECODE_ONE(plan_fs, 4, DECODE_S32, fd),
	DECODE_ONE(plan_fs, 5, DECODE_S32, server_fd),
	DECODE_ONE(plan_fs, 6, DECODE_U32, path),
	DECODE_ONE(plan_fs, 7, DECODE_U64, offset_bytes),
	DECODE_ONE(plan_fs, 8, DECODE_U64, size_bytes),
	DECODE_ONE(plan_fs, 9, DECODE_BOOL, writable),
	DECODE_ONE(plan_fs, 10, DECODE_S32, go_fd),
};
DECODE_TABLE(fs_table, fs_fields);

static const struct decode_field mount_fields[] = {
	DECODE_ONE(plan_mount, 1, DECODE_U32, kind),
	DECODE_ONE(plan_mount, 2, DECODE_U32, origin),
	DECODE_ONE(plan_mount, 3, DECODE_U32, on_fail),
	DECODE_ONE(plan_mount, 4, DECODE_U32, attrs),
	DECODE_ONE(plan_mount, 5, DECODE_U32, mode),
	DECODE_ONE(plan_mount, 6, DECODE_S32, source_fd),
	DECODE_ONE(plan_mount, 7, DECODE_U32, source),
	DECODE_ONE(plan_mount, 8, DECODE_U32, target),
	DECODE_ONE(plan_mount, 9, DECODE_U32, link),
	DECODE_ONE(plan_mount, 10, DECODE_S32, fs),
	DECODE_ONE(plan_mount, 11, DECODE_BOOL, target_is_file),
};
DECODE_TABLE(mount_table, mount_fields);

static const struct decode_field process_fields[] = {
	DECODE_ONE(plan_process, 8, DECODE_S32, seccomp_fd),
	DECODE_ONE(plan_process, 9, DECODE_U32, lsm),
	DECODE_ONE(plan_process, 10, DECODE_U32, label),
	DECODE_ONE(plan_process, 11, DECODE_S32, action_fd),
	DECODE_ONE(plan_process, 12, DECODE_S32, spec_fd),
	DECODE_MANY(plan_process, 13, DECODE_S32, pass_fd, pass_count, PLAN_MAX_PASS, NULL),
};
DECODE_TABLE(process_table, process_fields);

static const struct decode_field plan_fields[] = {
	DECODE_ONE(plan, 1, DECODE_U32, version),
	DECODE_ONE(plan, 2, DECODE_U32, flow),
	DECODE_ONE(plan, 3, DECODE_S32, message_level),
	DECODE_ONE(plan, 4, DECODE_BOOL, dry_run),
	DECODE_ONE(plan, 5, DECODE_BOOL, ns_pid),
	DECODE_ONE(plan, 6, DECODE_BOOL, ns_ipc),
	DECODE_ONE(plan, 7, DECODE_BOOL, ns_uts),
	DECODE_ONE(plan, 8, DECODE_BOOL, ns_net),
	DECODE_ONE(plan, 9, DECODE_U32, hostname),
	DECODE_ONE(plan, 10, DECODE_U32, init),
	DECODE_ONE(plan, 12, DECODE_BOOL, propagation_private),
	DECODE_ONE(plan, 13, DECODE_BOOL, session_ramfs),
	DECODE_ONE(plan, 14, DECODE_U64, session_bytes),
	DECODE_MANY(plan, 15, DECODE_MESSAGE, fs, fs_count, PLAN_MAX_FS, &fs_table),
	DECODE_ONE(plan, 17, DECODE_BOOL, root_writable),
	DECODE_ONE(plan, 18, DECODE_BOOL, writable_tmpfs),
	DECODE_MANY(plan, 19, DECODE_U32, overlay, overlay_count, PLAN_MAX_OVERLAYS, NULL),
	DECODE_ONE(plan, 20, DECODE_U32, layers),
	DECODE_ONE(plan, 22, DECODE_U32, loop_max),
	DECODE_MANY(plan, 24, DECODE_MESSAGE, mounts, mount_count, PLAN_MAX_MOUNTS, &mount_table),
	DECODE_SUB(plan, 25, process, &process_table),
	DECODE_MANY(plan, 26, DECODE_BYTES, text, text_bytes, PLAN_TEXT_MAX, NULL),
	{29, DECODE_MESSAGE, 0, 0, 0, 0, &plan_plain_table}, /* fills the plan itself */
};
DECODE_TABLE(plan_table, plan_fields);

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

	if (!decode_varint(in, &value) || (type == DECODE_BOOL && value > 1) || (type != DECODE_U64 && value > UINT32_MAX))
		return false;
	half = (uint32_t)value;
	if (type == DECODE_S32) /* zigzag */
		half = (half >> 1) ^ (0 - (half & 1));
	if (type == DECODE_BOOL)
		*(bool *)out = value == 1;
	else if (type == DECODE_U64)
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

	if (field->type == DECODE_MESSAGE)
		return *count < field->max && decode_message(field->message, in, list + field->stride * (*count)++);
	if (field->type == DECODE_BYTES) {
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

	if (field->type != DECODE_MESSAGE && field->max == 0)
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
		if (seen >> i & 1 && !(table->fields[i].max && table->fields[i].type == DECODE_MESSAGE))
			return false;
		seen |= UINT64_C(1) << i;
	}
	for (size_t i = 0; i < table->count; i++)
		if ((table->fields[i].max == 0 || table->fields[i].type == DECODE_BYTES) && !(seen >> i & 1) &&
		    table->fields[i].message != &plan_plain_table)
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
