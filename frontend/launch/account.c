/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/account.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/launch/name_service.h"
#include "ipc/cleanup.h"

static const char default_passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
				     "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
static const char default_group[] = "root:x:0:\nnogroup:x:65534:\n";

/* The numeric third field of a line; -1 if it is none. */
static long account_line_id(const char *line, size_t length)
{
	const char *end = line + length, *at = memchr(line, ':', length);
	char *stop;
	long id;

	at = at ? memchr(at + 1, ':', (size_t)(end - at - 1)) : NULL;
	if (!at || at + 1 >= end)
		return -1;
	id = strtol(at + 1, &stop, 10);
	return stop > at + 1 ? id : -1;
}

/* The last field: of passwd, the shell. */
static const char *account_line_shell(const char *line, size_t length, size_t *shell_length)
{
	const char *colon = memrchr(line, ':', length);

	*shell_length = colon ? (size_t)(line + length - colon - 1) : 0;
	return colon ? colon + 1 : NULL;
}

/* A line has seven fields and one end: what would add more of them stays out. */
static const char *account_field(const char *text, const char *instead)
{
	return strpbrk(text, ":\n") ? instead : text;
}

char *account_make_passwd(const struct host *host, const char *template, const char *home)
{
	const char *line = template ? template : default_passwd, *shell = host->shell;
	size_t size, shell_length = strlen(shell);
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	while (*line) {
		size_t length = strcspn(line, "\n");

		if (account_line_id(line, length) == (long)host->uid)
			shell = account_line_shell(line, length, &shell_length);
		else if (length)
			(void)fprintf(out, "%.*s\n", (int)length, line);
		line += length + (line[length] ? 1 : 0);
	}
	(void)fprintf(out, "%s:x:%u:%u:%s:%s:%.*s\n", account_field(host->name, "user"), host->uid, host->gid,
		      account_field(host->gecos, ""), account_field(home, "/"), (int)shell_length, shell);
	return fclose(out) == 0 ? text : NULL;
}

static bool account_has_group(const char *text, gid_t gid)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (account_line_id(text, length) == (long)gid)
			return true;
		text += length + (text[length] ? 1 : 0);
	}
	return false;
}

static void account_add_group(FILE *out, const struct host *host, gid_t gid)
{
	const struct group *group = name_service_find_group(gid);

	if (group)
		(void)fprintf(out, "%s:x:%u:%s\n", group->gr_name, gid, host->name);
	else
		(void)fprintf(out, "g%u:x:%u:%s\n", gid, gid, host->name);
}

char *account_make_group(const struct host *host, const char *template)
{
	const char *base = template ? template : default_group;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	(void)fputs(base, out);
	if (base[0] && base[strlen(base) - 1] != '\n')
		(void)fputc('\n', out);
	if (!account_has_group(base, host->gid))
		account_add_group(out, host, host->gid);
	for (uint32_t i = 0; i < host->group_count; i++)
		if (host->groups[i] != host->gid && !account_has_group(base, host->groups[i]))
			account_add_group(out, host, host->groups[i]);
	return fclose(out) == 0 ? text : NULL;
}
