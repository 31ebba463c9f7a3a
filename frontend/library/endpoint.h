/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A remote of remote.yaml and the services it names. A token belongs to the services of its remote and goes to no other; a remote
 * with https names no service with http; where the administrator made one exclusive, no other library is talked to.
 */
#ifndef FRONTEND_LIBRARY_ENDPOINT_H
#define FRONTEND_LIBRARY_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "frontend/registry/http.h"
#include "frontend/settings/remote.h"
#include "ipc/err.h"

#define ENDPOINT_SERVICES_BYTES_MAX ((size_t)256 * 1024)

struct endpoint_service {
	char *name; /* "library", "keyserver", "builder", "token", "consent" or what else there is; lower case */
	char *uri;  /* http(s)://host[:port][/path], no slash at the end */
};

/* All members owned. */
struct endpoint_services {
	size_t count;
	struct endpoint_service *items; /* by name, ascending */
	char *registry_uri;             /* of the OCI registry behind the library; NULL: none named */
};

/* endpoint_parse_services() - read the JSON that a remote serves. Services whose address is not http(s), or http where @insecure is
 * false, are refused. @out is filled on success only: endpoint_services_fini(). Pure. */
int endpoint_parse_services(const char *json, size_t size, bool insecure, struct endpoint_services *out, struct err *err);
void endpoint_services_fini(struct endpoint_services *services);

/* endpoint_find_service() - address of the service @name; NULL if there is none. */
const char *endpoint_find_service(const struct endpoint_services *services, const char *name);

struct endpoint {
	struct http *http;
	struct remote_config config; /* merged */
	struct remote *remote;       /* in config */
	char *url;                   /* of the remote's web pages */
	bool is_known;               /* services were asked for */
	struct endpoint_services services;
};

#define ENDPOINT_INIT {.http = NULL}

/* endpoint_open() - the remote called @name (NULL: the default) of the user's remote.yaml at @path (NULL: the usual one). */
int endpoint_open(const char *path, const char *name, struct endpoint *endpoint, struct err *err);
void endpoint_close(struct endpoint *endpoint);

/* endpoint_discover() - fill @endpoint->services, from remote-cache in the user's directory when that is younger than 30 days. */
int endpoint_discover(struct endpoint *endpoint, struct err *err);

/* endpoint_get_uri() - address of the service @name, discovered if need be; borrowed. */
int endpoint_get_uri(struct endpoint *endpoint, const char *name, const char **out, struct err *err);

/* endpoint_choose_library() - which library: @uri as given by the user (NULL: that of the remote) and, where it belongs to the
 * remote, the remote's token. *@base and *@token owned, *@token NULL for none. */
int endpoint_choose_library(struct endpoint *endpoint, const char *uri, char **base, char **token, struct err *err);

/* endpoint_verify_token() - does the remote's token service take @token? -EACCES if not. */
int endpoint_verify_token(struct endpoint *endpoint, const char *token, struct err *err);

#endif
