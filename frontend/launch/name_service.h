/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's names of users and groups. Two files implement it, and the Makefile links one: name_service_libc.c asks all sources
 * the host is configured for (sssd, LDAP), whose modules libc loads; name_service_files.c, for the static programs that go into
 * images, reads /etc/passwd and /etc/group and loads nothing. */
#ifndef FRONTEND_LAUNCH_NAME_SERVICE_H
#define FRONTEND_LAUNCH_NAME_SERVICE_H

#include <sys/types.h>

struct passwd;
struct group;

/* name_service_find_user() - the account of @uid; NULL if none is known. Borrowed, until the next call. See getpwuid(3). */
const struct passwd *name_service_find_user(uid_t uid);

/* name_service_find_group() - the group @gid; NULL if none is known. Borrowed, until the next call. See getgrgid(3). */
const struct group *name_service_find_group(gid_t gid);

#endif
