/* SPDX-License-Identifier: BSD-3-Clause */
/* Every field of a valid message, changed in every way the wire format knows, one at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/launch.pb-c.h"
#include "tests/hostile/driver.h"

#define MESSAGE_MAX (256 * 1024)
#define DEPTH_MAX 4

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_GROUP = 3, WIRE_FIXED32 = 5 };

struct bytes {
	uint8_t *at;
	size_t length;
};

struct field {
	const ProtobufCFieldDescriptor *type;
	uint32_t number;
	uint64_t value;      /* WIRE_VARINT */
	const uint8_t *data; /* WIRE_BYTES */
	size_t length;
};

/* The walk counts places; at the wanted one it applies its change. */
struct mutation {
	size_t wanted, at;
	char name[96];
};

static void put_varint(struct bytes *out, uint64_t value)
{
	do {
		out->at[out->length++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
}

static void put_bytes(struct bytes *out, uint32_t number, const uint8_t *data, size_t length)
{
	put_varint(out, (uint64_t)number << 3 | WIRE_BYTES);
	put_varint(out, length);
	memcpy(out->at + out->length, data, length);
	out->length += length;
}

static void put_field(struct bytes *out, const struct field *field)
{
	if (field->data) {
		put_bytes(out, field->number, field->data, field->length);
		return;
	}
	put_varint(out, (uint64_t)field->number << 3 | WIRE_VARINT);
	put_varint(out, field->value);
}

static uint64_t take_varint(const uint8_t **at)
{
	uint64_t value = 0;
	unsigned int shift = 0;

	do
		value |= (uint64_t)(**at & 0x7f) << shift;
	while (shift += 7, *(*at)++ & 0x80);
	return value;
}

static bool is_wanted(struct mutation *mutation, const char *message, const char *field, const char *change, uint64_t value)
{
	if (mutation->at++ != mutation->wanted)
		return false;
	(void)snprintf(mutation->name, sizeof(mutation->name), "%s.%s %s %llu", message, field, change,
		       (unsigned long long)value);
	return true;
}

/* What is out of range for one field is a neighbour for another. sint32 -1 is 1 on the wire. */
static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 8, 16, 255, 4095, 06755, 65536, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
				  0x100000000, INT64_MAX, UINT64_MAX};

static bool mutate_varint(struct bytes *out, const struct field *field, const char *message, struct mutation *mutation)
{
	const char *name = field->type->name;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct field changed = *field;

		changed.value = values[i];
		if (values[i] != field->value && is_wanted(mutation, message, name, "=", values[i])) {
			put_field(out, &changed);
			return true;
		}
	}
	if (is_wanted(mutation, message, name, "endless", 0)) {
		put_varint(out, (uint64_t)field->number << 3);
		memset(out->at + out->length, 0xff, 16);
		out->length += 16;
		return true;
	}
	return false;
}

/* Texts and packed lists: lost, cut, longer than any cap, all ones. */
static bool mutate_bytes(struct bytes *out, const struct field *field, const char *message, struct mutation *mutation)
{
	static uint8_t long_data[100 * 1024];
	const char *name = field->type->name;

	if (is_wanted(mutation, message, name, "emptied", 0))
		put_bytes(out, field->number, field->data, 0);
	else if (field->length && is_wanted(mutation, message, name, "cut", 0))
		put_bytes(out, field->number, field->data, field->length - 1);
	else if (is_wanted(mutation, message, name, "of zeros", sizeof(long_data)))
		put_bytes(out, field->number, (const uint8_t *)memset(long_data, 0, sizeof(long_data)), sizeof(long_data));
	else if (is_wanted(mutation, message, name, "of ones", 1024))
		put_bytes(out, field->number, (const uint8_t *)memset(long_data, 0xff, 1024), 1024);
	else if (is_wanted(mutation, message, name, "claims a length of", UINT32_MAX)) {
		put_varint(out, (uint64_t)field->number << 3 | WIRE_BYTES);
		put_varint(out, UINT32_MAX);
	} else {
		return false;
	}
	return true;
}

/* Changes that any field can suffer. */
static bool mutate_any(struct bytes *out, const struct field *field, const char *message, struct mutation *mutation)
{
	static const enum wire other[] = {WIRE_FIXED64, WIRE_GROUP, WIRE_FIXED32, (enum wire)6, (enum wire)7};
	const char *name = field->type->name;

	if (is_wanted(mutation, message, name, "dropped", 0))
		return true;
	if (is_wanted(mutation, message, name, "twice", 0)) {
		put_field(out, field);
		put_field(out, field);
		return true;
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (is_wanted(mutation, message, name, "of wire type", other[i])) {
			put_varint(out, (uint64_t)field->number << 3 | other[i]);
			memset(out->at + out->length, 1, 8);
			out->length += 8;
			return true;
		}
	if (is_wanted(mutation, message, name, "400 times", 0)) {
		for (int i = 0; i < 400; i++)
			put_field(out, field);
		return true;
	}
	return false;
}

static bool mutate_end(struct bytes *out, const char *message, struct mutation *mutation)
{
	static const uint32_t unknown[] = {0, 40, 62, 63, 64, 1000, (1u << 29) - 1};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct field field = {NULL, unknown[i], 1, NULL, 0};

		if (is_wanted(mutation, message, "unknown", "number", unknown[i])) {
			put_field(out, &field);
			return true;
		}
	}
	return false;
}

static void rewrite(const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end, struct bytes *out,
		    struct mutation *mutation, int depth)
{
	static uint8_t inner[DEPTH_MAX][MESSAGE_MAX];

	while (at < end) {
		uint64_t key = take_varint(&at);
		struct field field = {protobuf_c_message_descriptor_get_field(type, (unsigned int)(key >> 3)),
				      (uint32_t)(key >> 3), 0, NULL, 0};
		bool done;

		if ((key & 7) == WIRE_VARINT) {
			field.value = take_varint(&at);
			done = mutate_varint(out, &field, type->short_name, mutation);
		} else {
			field.length = take_varint(&at);
			field.data = at;
			at += field.length;
			done = field.type->type != PROTOBUF_C_TYPE_MESSAGE &&
			       mutate_bytes(out, &field, type->short_name, mutation);
		}
		done = done || mutate_any(out, &field, type->short_name, mutation);
		if (!done && field.data && field.type->type == PROTOBUF_C_TYPE_MESSAGE) {
			struct bytes nested = {inner[depth], 0};

			rewrite(field.type->descriptor, field.data, field.data + field.length, &nested, mutation, depth + 1);
			put_bytes(out, field.number, nested.at, nested.length);
		} else if (!done) {
			put_field(out, &field);
		}
	}
	(void)mutate_end(out, type->short_name, mutation);
}

static struct mutation mutation;
static uint8_t changed[MESSAGE_MAX * 2];

static void mutate_and_launch(struct attempt *attempt, intptr_t wanted)
{
	struct bytes out = {changed, 0};

	base_full(attempt);
	encode(attempt);
	mutation = (struct mutation){.wanted = (size_t)wanted};
	rewrite(&ipc__launch_request__descriptor, attempt->bytes, attempt->bytes + attempt->length, &out, &mutation, 0);
	attempt->bytes = out.at;
	attempt->length = out.length;
	launch_bytes(attempt);
}

/* The names of all changes, from a message of our own. */
static size_t name_mutation(const struct attempt *sample, size_t wanted, char name[96])
{
	struct bytes out = {changed, 0};

	mutation = (struct mutation){.wanted = wanted, .name = "end"};
	rewrite(&ipc__launch_request__descriptor, sample->bytes, sample->bytes + sample->length, &out, &mutation, 0);
	memcpy(name, mutation.name, 96);
	return mutation.at;
}

void attack_fields(void)
{
	static struct attempt sample;
	size_t step = getenv("HOSTILE_LONG") ? 1 : 2, first = step == 1 ? 0 : (size_t)getpid() % 2, count;
	char name[96];

	base_full(&sample);
	encode(&sample);
	count = name_mutation(&sample, SIZE_MAX, name);
	/* Half of them by turns, unless there is time for all. */
	for (size_t i = first; i < count; i += step) {
		(void)name_mutation(&sample, i, name);
		run_attempt(name, MAY_RUN, NULL, mutate_and_launch, (intptr_t)i);
	}
}
