/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/spec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/strlist.h"
#include "ipc/cleanup.h"

/* One row per member: its tag and where it lives. */
enum spec_type { TYPE_TEXT, TYPE_LIST, TYPE_BOOL, TYPE_U32, TYPE_U64, TYPE_INT };

static const struct {
	char tag;
	enum spec_type type;
	size_t offset;
} fields[] = {
#define FIELD(tag, type, member) {tag, type, offsetof(struct action_spec, member)}
	FIELD('c', TYPE_U32, command),       FIELD('a', TYPE_LIST, args),
	FIELD('h', TYPE_LIST, host_env),     FIELD('u', TYPE_LIST, user_env),
	FIELD('f', TYPE_LIST, fixed_env),    FIELD('p', TYPE_TEXT, path),
	FIELD('<', TYPE_TEXT, prepend_path), FIELD('>', TYPE_TEXT, append_path),
	FIELD('A', TYPE_TEXT, app),	     FIELD('s', TYPE_TEXT, shell),
	FIELD('w', TYPE_TEXT, cwd),	     FIELD('H', TYPE_TEXT, home),
	FIELD('P', TYPE_TEXT, passwd),	     FIELD('G', TYPE_TEXT, group),
	FIELD('W', TYPE_BOOL, cwd_required), FIELD('n', TYPE_BOOL, no_eval),
	FIELD('N', TYPE_BOOL, nest),	     FIELD('r', TYPE_BOOL, read_ahead),
	FIELD('m', TYPE_U32, umask),	     FIELD('k', TYPE_BOOL, has_stack),
	FIELD('K', TYPE_U64, stack_soft),    FIELD('i', TYPE_U64, ignored_signals),
	FIELD('b', TYPE_U64, blocked_signals), FIELD('l', TYPE_INT, message_level),
#undef FIELD
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))
#define TAG_PASS 'd'
#define TAG_ARGUMENT 'a'
#define PASS_NUMBER_MAX 1048576 /* above the kernel's default ceiling of RLIMIT_NOFILE there is nothing to restore */

static void spec_write_field(FILE *out, const struct action_spec *spec, size_t index)
{
	const void *member = (const char *)spec + fields[index].offset;
	char tag = fields[index].tag;

	switch (fields[index].type) {
	case TYPE_TEXT:
		if (*(char *const *)member)
			(void)fprintf(out, "%c%s%c", tag, *(char *const *)member, 0);
		break;
	case TYPE_LIST:
		for (size_t i = 0; i < ((const struct strlist *)member)->count; i++)
			(void)fprintf(out, "%c%s%c", tag, ((const struct strlist *)member)->items[i], 0);
		break;
	case TYPE_BOOL:
		(void)fprintf(out, "%c%d%c", tag, *(const bool *)member, 0);
		break;
	case TYPE_U32:
		(void)fprintf(out, "%c%" PRIu32 "%c", tag, *(const uint32_t *)member, 0);
		break;
	case TYPE_U64:
		(void)fprintf(out, "%c%" PRIu64 "%c", tag, *(const uint64_t *)member, 0);
		break;
	case TYPE_INT:
		(void)fprintf(out, "%c%d%c", tag, *(const int *)member, 0);
		break;
	}
}

int spec_encode(const struct action_spec *spec, char **out, size_t *len, struct err *err)
{
	cleanup_file FILE *stream = open_memstream(out, len);
	bool failed;

	if (!stream)
		return err_sys(err, errno, "cannot encode the action");
	for (size_t i = 0; i < FIELDS; i++)
		spec_write_field(stream, spec, i);
	for (uint32_t i = 0; i < spec->pass_count; i++)
		(void)fprintf(stream, "%c%d%c", TAG_PASS, spec->pass_number[i], 0);
	failed = ferror(stream) != 0 || fflush(stream) != 0;
	return failed ? err_sys(err, ENOMEM, "cannot encode the action") : 0;
}

static int spec_parse_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno || end == text || *end || *text == '-' || *out > max ? -EPROTO : 0;
}

static int spec_parse_int(const char *text, int *out)
{
	uint64_t number = 0;
	int result = spec_parse_number(text + (*text == '-' ? 1 : 0), INT32_MAX, &number);

	*out = *text == '-' ? -(int)number : (int)number;
	return result;
}

static bool spec_has_pass(const struct action_spec *spec, int number)
{
	for (uint32_t i = 0; i < spec->pass_count; i++)
		if (spec->pass_number[i] == number)
			return true;
	return false;
}

static int spec_read_field(struct action_spec *spec, size_t index, const char *value)
{
	void *member = (char *)spec + fields[index].offset;
	uint64_t number = 0;
	int result = 0;

	switch (fields[index].type) {
	case TYPE_TEXT:
		free(*(char **)member);
		*(char **)member = strdup(value);
		return *(char **)member ? 0 : -ENOMEM;
	case TYPE_LIST:
		if (fields[index].tag != TAG_ARGUMENT && (!strchr(value, '=') || *value == '='))
			return -EPROTO;
		strlist_add(member, value);
		return 0;
	case TYPE_BOOL:
		result = spec_parse_number(value, 1, &number);
		*(bool *)member = number == 1;
		return result;
	case TYPE_U32:
		result = spec_parse_number(value, UINT32_MAX, &number);
		*(uint32_t *)member = (uint32_t)number;
		return result;
	case TYPE_U64:
		return spec_parse_number(value, UINT64_MAX, member);
	case TYPE_INT:
		return spec_parse_int(value, member);
	}
	return -EPROTO;
}

static int spec_read_record(struct action_spec *spec, const char *record)
{
	uint64_t number;

	if (record[0] == TAG_PASS) {
		if (spec->pass_count == SPEC_PASS_MAX || spec_parse_number(record + 1, PASS_NUMBER_MAX, &number) < 0 ||
		    number < 3 || spec_has_pass(spec, (int)number))
			return -EPROTO;
		spec->pass_number[spec->pass_count++] = (int)number;
		return 0;
	}
	for (size_t i = 0; i < FIELDS; i++)
		if (fields[i].tag == record[0])
			return spec_read_field(spec, i, record + 1);
	return -EPROTO;
}

int spec_decode(const char *bytes, size_t len, struct action_spec *spec, struct err *err)
{
	memset(spec, 0, sizeof(*spec));
	if (len == 0 || bytes[len - 1] != '\0')
		return err_set(err, ERR_PROTOCOL, EPROTO, "the action is not terminated");
	for (size_t at = 0; at < len; at += strlen(bytes + at) + 1)
		if (spec_read_record(spec, bytes + at) < 0)
			return err_set(err, ERR_PROTOCOL, EPROTO, "the action has an unknown or damaged record");
	return 0;
}

void spec_fini(struct action_spec *spec)
{
	for (size_t i = 0; i < FIELDS; i++) {
		void *member = (char *)spec + fields[i].offset;

		if (fields[i].type == TYPE_TEXT)
			free(*(char **)member);
		else if (fields[i].type == TYPE_LIST)
			strlist_fini(member);
	}
	memset(spec, 0, sizeof(*spec));
}
