/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses with http or https, taken apart and put together. Nothing else is an URL here. See RFC 3986. */
#ifndef FRONTEND_REGISTRY_URL_H
#define FRONTEND_REGISTRY_URL_H

#include <stdbool.h>

#include "ipc/err.h"

/* url_is_valid() - an http(s) URL with a host, a proper port and neither blanks nor control characters. */
bool url_is_valid(const char *url);
bool url_is_https(const char *url);
bool url_has_user(const char *url);

/* url_get_origin() - "scheme://host:port" in lower case, port always there: owned. url_get_host() - the host alone, without port
 * and brackets: owned. url_without_query() - for messages: what follows "?" may be a secret, and so may user and password before the
 * host. NULL when @url is not valid, or without memory. */
char *url_get_origin(const char *url);
char *url_get_host(const char *url);
char *url_without_query(const char *url);

/* url_resolve() - where a redirect from @url to @location (absolute or relative) leads: *@out owned. -EPROTO for what is not
 * http(s), has a user name in it, or leads from https to http. */
int url_resolve(const char *url, const char *location, char **out, struct err *err);

/* url_escape() - @text percent-encoded for one part of a path or query; owned, NULL without memory. */
char *url_escape(const char *text);

/* url_host_is_local() - localhost or below it, a loopback address, or one of RFC 1918 or fc00::/7? url_host_is_inner_address()
 * - an address literal that is of such a kind or link-local? */
bool url_host_is_local(const char *host);
bool url_host_is_inner_address(const char *host);

#endif
