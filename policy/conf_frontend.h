/* SPDX-License-Identifier: BSD-3-Clause */
/* singularity.conf as the frontend takes it: all directives, from any file, and none that this version cannot honour. */
#ifndef POLICY_CONF_FRONTEND_H
#define POLICY_CONF_FRONTEND_H

#include "policy/conf.h"
#include "policy/directives_frontend.h"

enum conf_rootcaps { CONF_ROOTCAPS_FULL, CONF_ROOTCAPS_FILE, CONF_ROOTCAPS_NO };

#define MEMBER_STRING(name, member, default_value) const char *member; /* NULL: unset */

/* The members of struct conf have their own names here; as a whole they are what the policy takes. */
struct conf_frontend {
	union {
		struct conf enforced;
		struct {
			CONF_ENFORCED(MEMBER_BOOL, MEMBER_UINT, MEMBER_LIST, MEMBER_ENUM)
		};
	};
	CONF_FRONTEND(MEMBER_BOOL, MEMBER_UINT, MEMBER_STRING, MEMBER_LIST, MEMBER_ENUM)
};

/* conf_frontend_init() - every directive at its default, lists included. */
void conf_frontend_init(struct conf_frontend *conf);

/* conf_frontend_parse() - as conf_parse(), all directives. A list that the text does not mention is empty. */
int conf_frontend_parse(const char *bytes, size_t len, struct conf_frontend *conf, struct err *err);

/* conf_frontend_load() - read and parse the file at @path: O_NOFOLLOW, regular. */
int conf_frontend_load(const char *path, struct conf_frontend *conf, struct err *err);

/* conf_frontend_check() - refuse directives whose feature this version lacks when they are not at their default,
 * so that no setting is ever ignored. Returns 0 or -EOPNOTSUPP with @err naming the directive. */
int conf_frontend_check(const struct conf_frontend *conf, struct err *err);

#endif
