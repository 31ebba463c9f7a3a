/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: what a path of the container means on the host, and back. Must not: make a system call, be taken for a
 * boundary: a process may change its memory after we have read the path. Runs in the supervisor, on every call that names a file.
 */
#include "starter/confined/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REST_MAX (2 * PATH_MAX)

static bool path_lies_in(const char *path, const char *dir, size_t length)
{
	return strncmp(path, dir, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* "/" is "" in here, so that prefixes need no special case. */
static const char *path_bare(const char *path)
{
	return path[0] == '/' && path[1] == '\0' ? "" : path;
}

static int path_set_entry(struct path_entry *entry, const char *guest, const char *host,
			  bool readonly, struct err *err)
{
	*entry = (struct path_entry){.guest = strdup(path_bare(guest)),
				     .host = strdup(path_bare(host)),
				     .readonly = readonly};
	if (!entry->guest || !entry->host) {
		free(entry->guest);
		free(entry->host);
		return err_sys(err, ENOMEM, "cannot note a path of the container");
	}
	entry->guest_length = strlen(entry->guest);
	entry->host_length = strlen(entry->host);
	return 0;
}

int path_table_init(struct path_table *table, const char *host, bool readonly, struct err *err)
{
	table->count = 1;
	return path_set_entry(&table->entries[0], "/", host, readonly, err);
}

void path_table_fini(struct path_table *table)
{
	for (uint32_t i = 0; i < table->count; i++) {
		free(table->entries[i].guest);
		free(table->entries[i].host);
	}
	table->count = 0;
}

int path_table_add(struct path_table *table, const char *guest, const char *host, bool readonly,
		   struct err *err)
{
	size_t length = strlen(path_bare(guest));
	uint32_t kept = 1;

	if (length == 0)
		return err_set(err, ERR_SYSTEM, EINVAL,
			       "nothing can be put over / of the container");
	for (uint32_t i = 1; i < table->count; i++) {
		if (path_lies_in(table->entries[i].guest, guest, length)) {
			free(table->entries[i].guest);
			free(table->entries[i].host);
			continue;
		}
		table->entries[kept++] = table->entries[i];
	}
	table->count = kept;
	if (kept == PATH_ENTRIES_MAX)
		return err_set(err, ERR_SYSTEM, E2BIG, "more than %d binds", PATH_ENTRIES_MAX);
	if (path_set_entry(&table->entries[kept], guest, host, readonly, err) < 0)
		return -ENOMEM;
	table->count++;
	return 0;
}

static int path_join(char *out, size_t size, const char *first, size_t first_length,
		     const char *second)
{
	size_t length = strlen(second);

	if (first_length + length + 1 > size)
		return -ENAMETOOLONG;
	memcpy(out, first, first_length);
	memcpy(out + first_length, second, length + 1);
	if (out[0] == '\0')
		memcpy(out, "/", 2);
	return 0;
}

static const struct path_entry *path_find(const struct path_table *table, const char *guest)
{
	const struct path_entry *best = &table->entries[0];

	for (uint32_t i = 1; i < table->count; i++) {
		const struct path_entry *entry = &table->entries[i];

		if (entry->guest_length > best->guest_length &&
		    path_lies_in(guest, entry->guest, entry->guest_length))
			best = entry;
	}
	return best;
}

int path_to_host(const struct path_table *table, const char *guest, char *host, size_t size,
		 const struct path_entry **entry)
{
	const char *bare = path_bare(guest);

	*entry = path_find(table, bare);
	return path_join(host, size, (*entry)->host, (*entry)->host_length,
			 bare + (*entry)->guest_length);
}

/* Several entries may hold the path, and it may be hidden by one that does not: what counts is that the way back leads here. */
bool path_to_guest(const struct path_table *table, const char *host, char *guest, size_t size)
{
	const char *bare = path_bare(host);
	size_t best_length = 0;
	bool found = false;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct path_entry *entry = &table->entries[i];
		const struct path_entry *holder;
		char name[PATH_MAX];

		if ((found && entry->host_length < best_length) ||
		    !path_lies_in(bare, entry->host, entry->host_length))
			continue;
		if (path_join(name, sizeof(name), entry->guest, entry->guest_length,
			      bare + entry->host_length) < 0)
			continue;
		holder = path_find(table, path_bare(name));
		if (holder != entry || strlen(name) >= size)
			continue;
		memcpy(guest, name, strlen(name) + 1);
		best_length = entry->host_length;
		found = true;
	}
	return found;
}

/* ---- resolution --------------------------------------------------------------------------------------------------- */

/* guest is "" for the root while a path is walked. */
struct walk {
	const struct path_table *table;
	const struct path_view *view;
	struct path_result *out;
	size_t length;       /* of out->guest */
	char rest[REST_MAX]; /* what is still to be walked */
	unsigned int links;
	bool checked; /* what guest names is known to be a directory */
};

static void path_pop(struct walk *walk)
{
	while (walk->length > 0 && walk->out->guest[--walk->length] != '/')
		;
	walk->out->guest[walk->length] = '\0';
}

/* "file/.." is ENOTDIR and "nothing/.." ENOENT: only the kernel knows which. A link text never ends in a dot that is a link. */
static int path_walk_up(struct walk *walk)
{
	char dot[PATH_MAX], link[1];
	ssize_t length;

	if (!walk->checked) {
		const struct path_entry *entry;

		if (path_to_host(walk->table, walk->out->guest, dot, sizeof(dot) - 2, &entry) < 0)
			return -ENAMETOOLONG;
		strcat(dot, "/.");
		length = walk->view->read_link(walk->view->context, dot, false, link, sizeof(link));
		if (length == -ENOTDIR || length == -ENOENT || length == -EACCES ||
		    length == -ENAMETOOLONG)
			return (int)length;
	}
	path_pop(walk);
	walk->checked = true;
	return 0;
}

/* Put the text of a link before the rest. */
static int path_splice(struct walk *walk, const char *rest, const char *link, size_t length)
{
	size_t rest_length = strlen(rest);

	if (length + rest_length + 1 > sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + length, rest, rest_length + 1);
	memcpy(walk->rest, link, length);
	return 0;
}

/* The component just added is a link to be followed: go back and walk its text. Returns 1: it was none. */
static int path_follow(struct walk *walk, const char *rest, bool last)
{
	char host[PATH_MAX], link[PATH_MAX];
	const struct path_entry *entry;
	ssize_t length;

	if (path_to_host(walk->table, walk->out->guest, host, sizeof(host), &entry) < 0)
		return -ENAMETOOLONG;
	if (entry != walk->table->entries && entry->guest_length == walk->length)
		return 1; /* something is put here: it covers what the image has */
	length = walk->view->read_link(walk->view->context, host, last, link, sizeof(link));
	if (length < 0)
		return 1;
	if (length == 0)
		return -ENOENT;
	if ((size_t)length == sizeof(link))
		return -ENAMETOOLONG;
	if (++walk->links > PATH_LINKS_MAX)
		return -ELOOP;
	if (path_splice(walk, rest, link, (size_t)length) < 0)
		return -ENAMETOOLONG;
	path_pop(walk);
	walk->checked = true; /* it held the link */
	if (link[0] == '/')
		walk->out->guest[walk->length = 0] = '\0';
	return 0;
}

/* One name; *@next is what comes after it in walk->rest. */
static int path_walk_name(struct walk *walk, const char **next, size_t length, bool follow)
{
	const char *name = *next, *rest = name + length;
	bool slash = *rest == '/', last = rest[strspn(rest, "/")] == '\0';
	int result = 1;

	*next = rest;
	if (length > NAME_MAX || walk->length + 1 + length >= sizeof(walk->out->guest))
		return -ENAMETOOLONG;
	walk->out->guest[walk->length] = '/';
	memcpy(walk->out->guest + walk->length + 1, name, length);
	walk->length += length + 1;
	walk->out->guest[walk->length] = '\0';
	walk->checked = false;
	if (!last || slash || follow)
		result = path_follow(walk, rest, last && !slash);
	if (result == 0)
		*next = walk->rest;
	return result < 0 ? result : 0;
}

static int path_finish(struct walk *walk, bool slash)
{
	struct path_result *out = walk->out;
	int result = path_to_host(walk->table, out->guest, out->host, sizeof(out->host) - 1,
				  &out->entry);

	if (result < 0)
		return result;
	if (walk->length == 0)
		memcpy(out->guest, "/", 2);
	/* A slash or a dot at the end asks for a directory, and the kernel is to see that. */
	if (slash && strcmp(out->host, "/") != 0)
		strcat(out->host, "/");
	return 0;
}

int path_resolve(const struct path_table *table, const struct path_view *view, const char *base,
		 const char *path, bool follow, struct path_result *out)
{
	static struct walk walk; /* large, and there is one thread */
	const char *at = walk.rest, *start = path[0] == '/' ? "" : path_bare(base);
	bool slash = false;
	int result = 0;

	walk.table = table;
	walk.view = view;
	walk.out = out;
	walk.links = 0;
	walk.checked = true;
	walk.length = strlen(start);
	if (path[0] == '\0')
		return -ENOENT;
	if (strlen(path) >= PATH_MAX || walk.length >= sizeof(out->guest))
		return -ENAMETOOLONG;
	memcpy(walk.rest, path, strlen(path) + 1);
	memcpy(out->guest, start, walk.length + 1);
	while (result == 0) {
		size_t slashes = strspn(at, "/"), length = strcspn(at + slashes, "/");

		at += slashes;
		if (length == 0) {
			slash = slash || slashes > 0;
			break;
		}
		slash = length == 1 && at[0] == '.';
		if (slash)
			at += 1;
		else if (length == 2 && at[0] == '.' && at[1] == '.') {
			at += 2;
			result = path_walk_up(&walk);
		} else {
			result = path_walk_name(&walk, &at, length, follow);
		}
	}
	return result < 0 ? result : path_finish(&walk, slash);
}
