/* SPDX-License-Identifier: BSD-3-Clause */
/* getpwuid(3) of a static program would load the image's name service modules, which need the libc they were built with. The
 * functions that read a given file are free of that. */
#include "frontend/launch/name_service.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>

#include "ipc/cleanup.h"

/* "+" and "-" lines refer to NIS; libc reads them as accounts with the id 0. */
static bool is_account_name(const char *name)
{
	return name[0] != '\0' && name[0] != '+' && name[0] != '-';
}

static const struct passwd *find_user(const char *path, uid_t uid)
{
	cleanup_file FILE *file = fopen(path, "re");
	const struct passwd *entry;

	while (file && (entry = fgetpwent(file)) != NULL)
		if (entry->pw_uid == uid && is_account_name(entry->pw_name))
			return entry;
	return NULL;
}

static const struct group *find_group(const char *path, gid_t gid)
{
	cleanup_file FILE *file = fopen(path, "re");
	const struct group *entry;

	while (file && (entry = fgetgrent(file)) != NULL)
		if (entry->gr_gid == gid && is_account_name(entry->gr_name))
			return entry;
	return NULL;
}

const struct passwd *name_service_find_user(uid_t uid)
{
	return find_user("/etc/passwd", uid);
}

const struct group *name_service_find_group(gid_t gid)
{
	return find_group("/etc/group", gid);
}
