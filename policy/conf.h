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

struct conf_list {
	size_t count;
	const char *items[CONF_LIST_MAX]; /* into conf.text */
};

enum conf_dev { CONF_DEV_NO, CONF_DEV_YES, CONF_DEV_MINIMAL };
enum conf_overlay { CONF_OVERLAY_NO, CONF_OVERLAY_YES, CONF_OVERLAY_TRY };
enum conf_memfs { CONF_MEMFS_TMPFS, CONF_MEMFS_RAMFS };
enum conf_rootcaps { CONF_ROOTCAPS_FULL, CONF_ROOTCAPS_FILE, CONF_ROOTCAPS_NO };

#include "policy/directives.h"

#define MEMBER_BOOL(name, member, default_value) bool member;
#define MEMBER_UINT(name, member, default_value) uint32_t member;
#define MEMBER_STRING(name, member, default_value) const char *member; /* NULL: unset */
#define MEMBER_LIST(name, member, default_value) struct conf_list member;
#define MEMBER_ENUM(name, member, default_value, ...) int member; /* one of the enums above */

struct conf {
	CONF_DIRECTIVES(MEMBER_BOOL, MEMBER_UINT, MEMBER_STRING, MEMBER_LIST, MEMBER_ENUM)
	size_t text_used;
	char text[CONF_TEXT_MAX];
};

/* conf_init() - every directive at its default; list defaults included. */
void conf_init(struct conf *conf);

/* conf_parse() - parse @len bytes of singularity.conf into @conf. A list that the file does not mention is empty.
 * Returns 0, or -EINVAL with @err naming line and directive. Pure. */
int conf_parse(const char *bytes, size_t len, struct conf *conf, struct err *err);

/* conf_check_supported() - refuse directives whose feature this version lacks when they are not at their default,
 * so that no setting is ever ignored. Returns 0 or -EOPNOTSUPP with @err naming the directive. */
int conf_check_supported(const struct conf *conf, struct err *err);

#endif
