/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * singularity.conf as a struct: one member per row of policy/directives.h, named as the directive with blanks turned into
 * underscores. Flat, no heap, so that the setuid starter can hold one.
 */
#ifndef POLICY_CONF_H
#define POLICY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

#define CONF_TEXT_MAX (64 * 1024) /* bytes of the file, and of all values together */
#define CONF_LIST_MAX 128         /* items of one list directive */
#define CONF_CHOICES_MAX 4
#define CONF_ROWS_MAX 64

struct conf_list {
	size_t count;
	const char *items[CONF_LIST_MAX]; /* into conf.text */
};

enum conf_dev { CONF_DEV_NO, CONF_DEV_YES, CONF_DEV_MINIMAL };
enum conf_overlay { CONF_OVERLAY_NO, CONF_OVERLAY_YES, CONF_OVERLAY_TRY };
enum conf_memfs { CONF_MEMFS_TMPFS, CONF_MEMFS_RAMFS };

#include "policy/directives.h"

#define MEMBER_BOOL(name, member, default_value) bool member;
#define MEMBER_UINT(name, member, default_value) uint32_t member;
#define MEMBER_LIST(name, member, default_value) struct conf_list member;
#define MEMBER_ENUM(name, member, default_value, ...) int member; /* one of the enums above */

struct conf {
	CONF_ENFORCED(MEMBER_BOOL, MEMBER_UINT, MEMBER_LIST, MEMBER_ENUM)
	size_t text_used;
	char text[CONF_TEXT_MAX];
};

enum conf_type { CONF_TYPE_BOOL, CONF_TYPE_UINT, CONF_TYPE_STRING, CONF_TYPE_LIST, CONF_TYPE_ENUM };

/* A directive: its member lies @offset bytes behind the beginning of a struct conf, or of a struct that begins with one. */
struct conf_row {
	const char *name;
	enum conf_type type;
	size_t offset;
	struct {
		const char *text;
		int value;
	} choices[CONF_CHOICES_MAX];
};

#define CONF_ROW(holder, name, type, member, ...) {name, type, offsetof(struct holder, member), {__VA_ARGS__}}
#define CONF_ROW_BOOL(holder, name, member) CONF_ROW(holder, name, CONF_TYPE_BOOL, member, {"yes", 1}, {"no", 0})

/* conf_init() - every directive at its default, but lists empty. */
void conf_init(struct conf *conf);

/* conf_parse() - parse @len bytes of singularity.conf into @conf. Returns 0, or -EINVAL with @err naming line and directive. Pure. */
int conf_parse(const char *bytes, size_t len, struct conf *conf, struct err *err);

/* conf_parse_rows() - the part of it for other @rows, at most CONF_ROWS_MAX; changes nothing else. */
int conf_parse_rows(const char *bytes, size_t len, const struct conf_row *rows, size_t count, struct conf *conf, struct err *err);

#endif
