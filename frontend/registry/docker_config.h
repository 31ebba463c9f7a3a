/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Credentials of registries: docker-config.json in Docker's format, and the programs docker-credential-NAME that it names.
 * ~/.docker/config.json is not read. See docker-login(1).
 */
#ifndef FRONTEND_REGISTRY_DOCKER_CONFIG_H
#define FRONTEND_REGISTRY_DOCKER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "frontend/strlist.h"
#include "ipc/err.h"

#define DOCKER_CONFIG_BYTES_MAX ((size_t)1024 * 1024)

/* All owned; NULL: not known. */
struct credentials {
	char *username, *password;
	char *identity_token; /* a token of the realm is got for it */
	char *registry_token; /* sent as it is */
};

#define CREDENTIALS_INIT {.username = NULL}

void credentials_fini(struct credentials *credentials);

/* docker_config_get_path() - the user's own file, or @authfile when not NULL; *@out owned. */
int docker_config_get_path(const char *authfile, char **out, struct err *err);

/* docker_config_parse() - what the @size bytes of @text say about @repository ("" or path) of @registry (host[:port]): into *@out,
 * and the name of the program to ask instead into *@helper (owned; NULL: none). Keys: registry/repository and what is above it,
 * registry, the same with https:// and /v1/, for the hub https://index.docker.io/v1/. */
int docker_config_parse(const char *text, size_t size, const char *registry, const char *repository, struct credentials *out,
			char **helper, struct err *err);

/* docker_config_find() - credentials for @repository of @registry out of @authfile, which must be readable, or the user's own file
 * (@authfile NULL), which need not be there. Nothing found is a success with empty credentials. */
int docker_config_find(const char *authfile, const char *registry, const char *repository, struct credentials *out,
		       struct err *err);

/* docker_config_store(), docker_config_erase() - write to the same file (made with mode 0600, replaced as a whole), or give to the
 * program that it names. @name: registry[/repository]. docker_config_erase() returns -ENOENT when there was nothing. */
int docker_config_store(const char *authfile, const char *name, const char *username, const char *password, struct err *err);
int docker_config_erase(const char *authfile, const char *name, struct err *err);

/* docker_config_list() - names in the file, of programs too. */
int docker_config_list(const char *authfile, struct strlist *out, struct err *err);

#endif
