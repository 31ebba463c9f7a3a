/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of capabilities(7) and the grants of capability.json. Nothing here asks the kernel or the name service. */
#ifndef POLICY_CAPABILITY_H
#define POLICY_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

#define CAPABILITY_LAST 40u /* CAP_CHECKPOINT_RESTORE */
#define CAPABILITY_ALL ((UINT64_C(1) << (CAPABILITY_LAST + 1)) - 1)
#define CAPABILITY_GRANTS_MAX (256 * 1024) /* bytes of capability.json */
#define CAPABILITY_LIST_MAX 1024           /* room for the names of all, joined by commas */
#define CAPABILITY_NAME_MAX 256            /* bytes of a user's or group's name there */

/* capability_get_name() - "CAP_CHOWN" for 0; NULL above CAPABILITY_LAST. */
const char *capability_get_name(unsigned int number);

/* capability_find() - the number that the @length bytes of @name stand for, in any case, with or without "CAP_". */
bool capability_find(const char *name, size_t length, unsigned int *number);

/* capability_parse_list() - the mask of comma-separated names; "all" is every one. A name that is none is warned of and left out,
 * as in SingularityCE. Returns 0, or -EINVAL with @err for one of more than CAPABILITY_NAME_MAX bytes. */
int capability_parse_list(const char *text, uint64_t *mask, struct err *err);

/* capability_format_list() - names of @mask joined by commas in @out (@size bytes, at least 1). False if it did not fit. */
bool capability_format_list(uint64_t mask, char *out, size_t size);

/* Whose grants are asked for; all texts borrowed. */
struct capability_subject {
	const char *user;          /* NULL: no user of that name */
	const char *const *groups; /* the caller's group and supplementary groups */
	size_t group_count;
};

/* capability_parse_grants() - what the @len bytes of capability.json grant @subject: the user's own and all groups' united.
 * No bytes at all grant nothing. Strict: unknown or repeated keys, unknown capabilities and trailing text are errors.
 * Pure. Returns 0, or -EINVAL with @err; @mask is written on success only. */
int capability_parse_grants(const char *bytes, size_t len, const struct capability_subject *subject, uint64_t *mask,
			    struct err *err);

/* capability_load_grants() - the same of the file at @path: O_NOFOLLOW, regular. Frontend only. */
int capability_load_grants(const char *path, const struct capability_subject *subject, uint64_t *mask, struct err *err);

#endif
