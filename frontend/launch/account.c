/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/account.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/launch/name_service.h"

/* A line has seven fields and one end: what would add more of them stays out. */
static const char *account_field(const char *text, const char *instead)
{
	return strpbrk(text, ":\n") ? instead : text;
}

char *account_make_passwd(const struct host *host, const char *home)
{
	char *line;

	if (asprintf(&line, "%s:x:%u:%u:%s:%s:%s\n", account_field(host->name, "user"), host->uid, host->gid,
		     account_field(host->gecos, ""), account_field(home, "/"), account_field(host->shell, "/bin/sh")) < 0)
		return NULL;
	return line;
}

static void account_add_group(FILE *out, const struct host *host, gid_t gid)
{
	const struct group *group = name_service_find_group(gid);
	const char *user = account_field(host->name, "user");

	if (group)
		(void)fprintf(out, "%s:x:%u:%s\n", group->gr_name, gid, user);
	else
		(void)fprintf(out, "g%u:x:%u:%s\n", gid, gid, user);
}

char *account_make_group(const struct host *host)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	account_add_group(out, host, host->gid);
	for (uint32_t i = 0; i < host->group_count; i++)
		if (host->groups[i] != host->gid)
			account_add_group(out, host, host->groups[i]);
	return fclose(out) == 0 ? text : NULL;
}
