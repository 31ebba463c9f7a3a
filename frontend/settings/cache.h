/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Images and layers that were fetched before: one file for each, named by what it holds, in a directory for its type. A file
 * appears whole, by rename. Whoever fills an entry holds its lock, so that the others of the node wait instead of doing the same
 * work; a lock that is taken away wrongly costs that work, and never a wrong entry.
 *
 * Everything half-done has a name that begins with tmp_ and tells its owner, by whose death it may be removed. So a process may be
 * killed at any point. All directories are ours alone.
 */
#ifndef FRONTEND_SETTINGS_CACHE_H
#define FRONTEND_SETTINGS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/err.h"

enum cache_type {
	CACHE_LIBRARY,
	CACHE_OCI_TMP, /* images converted from OCI; key: digest of the manifest */
	CACHE_SHUB,
	CACHE_ORAS, /* key: digest of the layer */
	CACHE_NET,
	CACHE_OCI_SIF,
	CACHE_BLOB, /* layers; key: digest. On disk an OCI image layout */
	CACHE_TYPES,
};

struct cache;
struct cache_entry;

/* cache_type_name() - "oci-tmp". cache_type_find() - the type called @name; -1 if there is none. */
const char *cache_type_name(enum cache_type type);
int cache_type_find(const char *name);

/* cache_open() - the cache of this user: SINGULARITY_CACHEDIR/cache, else cache in the user's directory. Makes it, and takes away
 * what dead processes left half-done. With @disabled, or after a warning where it cannot be used, *@out is NULL and the result 0:
 * then there is no cache. *@out owned: cache_close(). */
int cache_open(bool disabled, struct cache **out, struct err *err);
void cache_close(struct cache *cache);

/* cache_get_path() - its directory; borrowed. */
const char *cache_get_path(const struct cache *cache);

/* cache_find() - *@path (owned) of the entry @key, NULL when there is none. Keys hold no slash and do not begin with a dot. */
int cache_find(struct cache *cache, enum cache_type type, const char *key, char **path, struct err *err);

/* cache_get() - either *@path (owned) of the entry @key, or the right to fill it: *@entry (owned), to be committed or abandoned.
 * Where another process fills it already, waits for that and says so once, naming @what. */
int cache_get(struct cache *cache, enum cache_type type, const char *key, const char *what, char **path,
	      struct cache_entry **entry, struct err *err);

/* cache_entry_fd() - the empty file to fill, readable and writable; belongs to the entry. */
int cache_entry_fd(const struct cache_entry *entry);

/* cache_entry_commit() - consumes @entry: it is found from now on, at *@path (owned; may be NULL). After failure it is abandoned. */
int cache_entry_commit_consume(struct cache_entry *entry, char **path, struct err *err);

/* cache_entry_abandon() - consumes @entry (may be NULL): nothing is left of it. */
void cache_entry_abandon_consume(struct cache_entry *entry);

/* cache_abandon_all() - for the end of the process by a signal: remove the files of all entries that are being filled. No other
 * function may be called after it. */
void cache_abandon_all(void);

/* cache_remove() - the entry @key, which turned out to be damaged. */
void cache_remove(struct cache *cache, enum cache_type type, const char *key);

/* What references resolved to when they were asked for last: small texts, with the time of their writing. */
/* cache_note() - remember @text for @name (any bytes). Failure is not worth a word: it is asked for again. */
void cache_note(struct cache *cache, const char *name, const char *text);

/* cache_recall() - *@text (owned) for @name and its *@age_seconds; NULL when nothing is known. */
void cache_recall(struct cache *cache, const char *name, char **text, int64_t *age_seconds);

struct cache_item {
	enum cache_type type;
	char *name;
	uint64_t size;
	int64_t modified; /* Unix seconds */
};

/* cache_list() - all entries of the types in @types (a bit for each). *@items owned: cache_list_free(). */
int cache_list(struct cache *cache, unsigned int types, struct cache_item **items, size_t *count, struct err *err);
void cache_list_free(struct cache_item *items, size_t count);

/* cache_remove_item() - -errno with @err. */
int cache_remove_item(struct cache *cache, const struct cache_item *item, struct err *err);

/* cache_forget() - all notes. */
void cache_forget(struct cache *cache);

#endif
