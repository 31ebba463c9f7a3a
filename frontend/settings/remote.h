/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remote endpoints and who is logged in where: remote.yaml of the user, of the administrator, and the two merged. Tokens are in
 * here and nowhere else; nothing prints them. Files appear whole, by rename.
 */
#ifndef FRONTEND_SETTINGS_REMOTE_H
#define FRONTEND_SETTINGS_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/err.h"

#define REMOTE_DEFAULT_NAME "SylabsCloud"
#define REMOTE_DEFAULT_URI "cloud.sylabs.io"

struct remote_keyserver {
	char *uri;
	bool skip;     /* not asked: the administrator took the endpoint's own one out */
	bool external; /* not named by the endpoint's services */
	bool insecure;
};

struct remote {
	char *name;
	char *uri;   /* host[:port][/path], without scheme */
	char *token; /* NULL: logged out */
	bool is_system, is_exclusive, is_insecure;
	size_t keyserver_count;
	struct remote_keyserver *keyservers;
};

struct remote_credential {
	char *uri;  /* docker://host, https://host, ... */
	char *auth; /* "Basic ..." or "Bearer ..."; NULL: kept elsewhere */
	bool insecure;
};

/* All members owned. */
struct remote_config {
	bool is_system; /* the administrator's file: entries may be exclusive */
	char *active;   /* name of the default; NULL: none */
	size_t count, credential_count;
	struct remote *remotes; /* by name, ascending */
	struct remote_credential *credentials;
};

#define REMOTE_CONFIG_INIT {.active = NULL}

/* remote_parse() - read the @size bytes of a remote.yaml. An unknown key, a key twice or a value of another kind is an error. The
 * empty file has no remotes. @out is filled on success only: remote_config_fini(). Pure. */
int remote_parse(const char *bytes, size_t size, struct remote_config *out, struct err *err);

/* remote_format() - the text of a file that parses to @config; *@out owned. */
int remote_format(const struct remote_config *config, char **out, size_t *size, struct err *err);

/* remote_system_path(), remote_user_path() - where the files are (owned). */
int remote_system_path(char **out, struct err *err);
int remote_user_path(char **out, struct err *err);

/* remote_load() - read @path, which must not be a link; a file that is not there has no remotes. A file of the user that others can
 * read gets the mode 0600. */
int remote_load(const char *path, bool is_system, struct remote_config *out, struct err *err);

/* remote_load_merged() - the user's file (@path, NULL: the usual one) with the administrator's remotes in it. Where neither exists,
 * the built-in default is the only one. */
int remote_load_merged(const char *path, struct remote_config *out, struct err *err);

/* remote_save() - put @config at @path (mode 0600, of the administrator's file 0644). The old file stays when this fails. */
int remote_save(const char *path, const struct remote_config *config, struct err *err);
void remote_config_fini(struct remote_config *config);

/* remote_merge() - add the remotes of the administrator's @system to @config. -EEXIST when the user has one of that name. An
 * exclusive one becomes the default. */
int remote_merge(struct remote_config *config, const struct remote_config *system, struct err *err);

/* remote_find() - the remote called @name, the default with NULL; borrowed. -ENOENT with @err. */
int remote_find(struct remote_config *config, const char *name, struct remote **out, struct err *err);

/* remote_add() - a new one; @uri as a user writes it, with or without scheme. -EEXIST when the name is taken. */
int remote_add(struct remote_config *config, const char *name, const char *uri, bool insecure, struct err *err);

/* remote_remove() - -EPERM for one of the administrator's in the user's file. */
int remote_remove(struct remote_config *config, const char *name, struct err *err);

/* remote_use() - make @name the default; with @exclusive the only one that users may have. */
int remote_use(struct remote_config *config, const char *name, bool exclusive, struct err *err);

/* remote_set_token() - NULL: none. */
int remote_set_token(struct remote *remote, const char *token, struct err *err);

/* remote_check_token() - is @token fit for a header: not empty, without blanks and control characters? */
int remote_check_token(const char *token, struct err *err);

/* remote_make_url() - "https://host/path" of @remote, http:// for an insecure one; owned. */
int remote_make_url(const struct remote *remote, char **out, struct err *err);

/* remote_add_keyserver() - at place @order (1 is the first; 0: the last). -EEXIST when it is there. */
int remote_add_keyserver(struct remote *remote, const char *uri, size_t order, bool insecure, struct err *err);
int remote_remove_keyserver(struct remote *remote, const char *uri, struct err *err);

/* remote_note_login() - the user's file (@path, NULL: the usual one) says from now on that there is a login for @uri; @auth NULL:
 * credentials are kept elsewhere. remote_note_logout() takes it out again; *@found (may be NULL): was there one? */
int remote_note_login(const char *path, const char *uri, const char *auth, bool insecure, struct err *err);
int remote_note_logout(const char *path, const char *uri, bool *found, struct err *err);

#endif
