/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/name_service.h"

#include <grp.h>
#include <pwd.h>

const struct passwd *name_service_find_user(uid_t uid)
{
	return getpwuid(uid);
}

const struct group *name_service_find_group(gid_t gid)
{
	return getgrgid(gid);
}
