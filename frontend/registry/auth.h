/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a registry wants to know who we are: its challenge, and the answer to it. Basic credentials and tokens; tokens are got from
 * the realm that the challenge names, which must be https and no inner address unless it is as the registry itself is.
 * See RFC 9110, 11.3, and the token authentication of the distribution project.
 */
#ifndef FRONTEND_REGISTRY_AUTH_H
#define FRONTEND_REGISTRY_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "frontend/registry/docker_config.h"
#include "frontend/registry/http.h"
#include "ipc/err.h"

struct auth_challenge {
	char *scheme; /* owned, lower case */
	char *realm, *service, *scope; /* owned; NULL when not there */
};

/* auth_parse_challenges() - read the value @header of a WWW-Authenticate, which may hold several. *@out owned, *@count of them:
 * auth_free_challenges(). What is malformed ends the list. Returns -ENOMEM only. */
int auth_parse_challenges(const char *header, struct auth_challenge **out, size_t *count);
void auth_free_challenges(struct auth_challenge *challenges, size_t count);

/* auth_check_realm() - may credentials for the registry at @registry_url be sent to @realm? -EPROTO when not. */
int auth_check_realm(const char *realm, const char *registry_url, struct err *err);

/* auth_make_basic() - value of an Authorization header; owned, NULL without memory. */
char *auth_make_basic(const char *username, const char *password);

/* auth_answer() - the value of the Authorization header (*@out owned) that answers the challenges of the 401 @response of the
 * registry at @registry_url. @scopes: what we want to do, separated by blanks; a scope that the challenge names is asked for as
 * well. *@out is NULL when nothing is known that could be an answer. Talks to the realm where one is named. */
int auth_answer(struct http *http, const struct http_response *response, const char *registry_url, const char *scopes,
		const struct credentials *credentials, char **out, struct err *err);

#endif
