/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the text of singularity.conf → struct conf. Must not: open files, allocate, repair. Runs in the frontend and, on
 * the root-owned file, in the setuid starter before anything is decided.
 */
#include "policy/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ROW_BOOL(name, member, default_value) CONF_ROW_BOOL(conf, name, member),
#define ROW_UINT(name, member, default_value) CONF_ROW(conf, name, CONF_TYPE_UINT, member, {NULL, 0}),
#define ROW_LIST(name, member, default_value) CONF_ROW(conf, name, CONF_TYPE_LIST, member, {NULL, 0}),
#define ROW_ENUM(name, member, default_value, ...) CONF_ROW(conf, name, CONF_TYPE_ENUM, member, __VA_ARGS__),
static const struct conf_row enforced[] = {CONF_ENFORCED(ROW_BOOL, ROW_UINT, ROW_LIST, ROW_ENUM)};

/* A piece of the file: not terminated. */
struct span {
	const char *at;
	size_t length;
};

static struct span span_trim(struct span s)
{
	while (s.length && isspace((unsigned char)s.at[0])) {
		s.at++;
		s.length--;
	}
	while (s.length && isspace((unsigned char)s.at[s.length - 1]))
		s.length--;
	return s;
}

static bool span_is(struct span s, const char *text)
{
	return strlen(text) == s.length && memcmp(s.at, text, s.length) == 0;
}

static void *conf_member(struct conf *conf, const struct conf_row *row)
{
	return (char *)conf + row->offset;
}

static const char *conf_keep(struct conf *conf, struct span value)
{
	char *kept = conf->text + conf->text_used;

	if (value.length >= sizeof(conf->text) - conf->text_used)
		return NULL;
	memcpy(kept, value.at, value.length);
	kept[value.length] = '\0';
	conf->text_used += value.length + 1;
	return kept;
}

static int conf_add_item(struct conf *conf, struct conf_list *list, struct span item, struct err *err)
{
	item = span_trim(item);
	if (item.length == 0)
		return 0;
	if (list->count == CONF_LIST_MAX)
		return err_set(err, ERR_SYSTEM, EINVAL, "a directive has more than %d values", CONF_LIST_MAX);
	list->items[list->count] = conf_keep(conf, item);
	if (!list->items[list->count])
		return err_set(err, ERR_SYSTEM, EINVAL, "singularity.conf is too long");
	list->count++;
	return 0;
}

static int conf_add_items(struct conf *conf, struct conf_list *list, struct span value, struct err *err)
{
	int result = 0;

	while (result == 0 && value.length) {
		const char *comma = memchr(value.at, ',', value.length);
		size_t length = comma ? (size_t)(comma - value.at) : value.length;

		result = conf_add_item(conf, list, (struct span){value.at, length}, err);
		length += comma ? 1 : 0;
		value.at += length;
		value.length -= length;
	}
	return result;
}

static struct span conf_first(struct span value)
{
	const char *comma = memchr(value.at, ',', value.length);

	if (comma)
		value.length = (size_t)(comma - value.at);
	return span_trim(value);
}

static int conf_set_choice(struct conf *conf, const struct conf_row *row, struct span value, struct err *err)
{
	for (size_t i = 0; i < CONF_CHOICES_MAX && row->choices[i].text; i++)
		if (span_is(value, row->choices[i].text)) {
			if (row->type == CONF_TYPE_BOOL)
				*(bool *)conf_member(conf, row) = row->choices[i].value;
			else
				*(int *)conf_member(conf, row) = row->choices[i].value;
			return 0;
		}
	return err_set(err, ERR_SYSTEM, EINVAL, "value authorized for directive \"%s\" are [%s %s%s%s]", row->name,
		       row->choices[0].text, row->choices[1].text, row->choices[2].text ? " " : "",
		       row->choices[2].text ? row->choices[2].text : "");
}

static int conf_set_number(struct conf *conf, const struct conf_row *row, struct span value, struct err *err)
{
	char text[32], *end;
	unsigned long long number;

	if (value.length >= sizeof(text) || !isdigit((unsigned char)value.at[0]))
		return err_set(err, ERR_SYSTEM, EINVAL, "the value of directive \"%s\" is not a number", row->name);
	memcpy(text, value.at, value.length);
	text[value.length] = '\0';
	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || *end || number > UINT32_MAX)
		return err_set(err, ERR_SYSTEM, EINVAL, "the value of directive \"%s\" is not a number", row->name);
	*(uint32_t *)conf_member(conf, row) = (uint32_t)number;
	return 0;
}

static int conf_set(struct conf *conf, const struct conf_row *row, struct span value, struct err *err)
{
	const char *kept;

	switch (row->type) {
	case CONF_TYPE_LIST:
		return conf_add_items(conf, conf_member(conf, row), value, err);
	case CONF_TYPE_BOOL:
	case CONF_TYPE_ENUM:
		return conf_set_choice(conf, row, conf_first(value), err);
	case CONF_TYPE_UINT:
		return conf_set_number(conf, row, conf_first(value), err);
	case CONF_TYPE_STRING:
		kept = conf_keep(conf, conf_first(value));
		if (!kept)
			return err_set(err, ERR_SYSTEM, EINVAL, "singularity.conf is too long");
		*(const char **)conf_member(conf, row) = kept;
		return 0;
	}
	return err_set(err, ERR_BUG, EINVAL, "directive %s", row->name);
}

#define SET(name, member, default_value, ...) conf->member = default_value;
#define SET_LIST(name, member, default_value)

void conf_init(struct conf *conf)
{
	memset(conf, 0, offsetof(struct conf, text));
	CONF_ENFORCED(SET, SET, SET_LIST, SET)
}

static bool conf_split(struct span line, struct span *key, struct span *value)
{
	const char *equals = line.length ? memchr(line.at, '=', line.length) : NULL;

	if (!equals)
		return false;
	*key = span_trim((struct span){line.at, (size_t)(equals - line.at)});
	*value = span_trim((struct span){equals + 1, line.length - (size_t)(equals + 1 - line.at)});
	for (size_t i = 0; i < key->length; i++)
		if (!isalpha((unsigned char)key->at[i]) && !strchr(" \t_-", key->at[i]))
			return false;
	return key->length > 0 && value->length > 0;
}

/* Of a scalar the first value counts, wherever it stands. Unknown directives are ignored, as in SingularityCE. */
static int conf_parse_line(struct conf *conf, struct span line, const struct conf_row *rows, size_t count, bool *seen,
			   struct err *err)
{
	struct span key, value;

	if (!conf_split(line, &key, &value))
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!span_is(key, rows[i].name))
			continue;
		if (seen[i] && rows[i].type != CONF_TYPE_LIST)
			return 0;
		seen[i] = true;
		return conf_set(conf, &rows[i], value, err);
	}
	return 0;
}

int conf_parse_rows(const char *bytes, size_t len, const struct conf_row *rows, size_t count, struct conf *conf, struct err *err)
{
	bool seen[CONF_ROWS_MAX] = {false};

	for (unsigned int number = 1; len; number++) {
		const char *newline = memchr(bytes, '\n', len);
		size_t length = newline ? (size_t)(newline - bytes) : len;

		if (conf_parse_line(conf, (struct span){bytes, length}, rows, count, seen, err) < 0)
			return err_wrap(err, "line %u", number);
		length += newline ? 1 : 0;
		bytes += length;
		len -= length;
	}
	return 0;
}

int conf_parse(const char *bytes, size_t len, struct conf *conf, struct err *err)
{
	conf_init(conf);
	/* Every value is shorter than its line, so all of them fit into conf->text. */
	if (len >= CONF_TEXT_MAX || (len && memchr(bytes, '\0', len)))
		return err_set(err, ERR_SYSTEM, EINVAL, "singularity.conf is too long or holds a NUL byte");
	return conf_parse_rows(bytes, len, enforced, sizeof(enforced) / sizeof(enforced[0]), conf, err);
}
