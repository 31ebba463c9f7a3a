/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ipc/cleanup.h"

/* Parts, as pointers into the text. */
struct parts {
	bool https;
	const char *user; /* NULL: none */
	const char *host; /* with brackets */
	size_t host_len;
	const char *port; /* NULL: none */
	size_t port_len;
	const char *rest; /* path, query and fragment */
};

static bool has_bad_bytes(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c <= ' ' || *c >= 127 || *c == '\\')
			return true;
	return false;
}

static bool port_is_valid(const char *port, size_t len)
{
	return len > 0 && len <= 5 && strspn(port, "0123456789") >= len && atoi(port) > 0 && atoi(port) <= 65535;
}

static bool host_is_valid(const char *host, size_t len)
{
	if (len == 0 || len > 255)
		return false;
	if (host[0] == '[')
		return host[len - 1] == ']' && strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2;
	return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") >= len;
}

static bool take_apart(const char *url, struct parts *out)
{
	struct parts parts = {.https = strncasecmp(url, "https://", 8) == 0};
	const char *authority, *end, *at = NULL, *colon;

	if (has_bad_bytes(url) || (!parts.https && strncasecmp(url, "http://", 7) != 0))
		return false;
	authority = url + (parts.https ? 8 : 7);
	end = authority + strcspn(authority, "/?#");
	for (const char *c = authority; c < end; c++)
		if (*c == '@')
			at = c;
	if (at)
		parts.user = authority;
	parts.host = at ? at + 1 : authority;
	colon = parts.host;
	if (*colon == '[')
		while (colon < end && *colon != ']')
			colon++;
	while (colon < end && *colon != ':')
		colon++;
	parts.host_len = (size_t)(colon - parts.host);
	if (colon < end) {
		parts.port = colon + 1;
		parts.port_len = (size_t)(end - parts.port);
		if (!port_is_valid(parts.port, parts.port_len))
			return false;
	}
	parts.rest = end;
	*out = parts;
	return host_is_valid(parts.host, parts.host_len);
}

bool url_is_valid(const char *url)
{
	struct parts parts;

	return take_apart(url, &parts);
}

bool url_is_https(const char *url)
{
	struct parts parts;

	return take_apart(url, &parts) && parts.https;
}

bool url_has_user(const char *url)
{
	struct parts parts;

	return take_apart(url, &parts) && parts.user;
}

char *url_get_origin(const char *url)
{
	struct parts parts;
	char *origin = NULL;

	if (!take_apart(url, &parts))
		return NULL;
	/* The number, so that :080 is :80. */
	if (asprintf(&origin, "%s://%.*s:%d", parts.https ? "https" : "http", (int)parts.host_len, parts.host,
		     parts.port ? atoi(parts.port) : parts.https ? 443 : 80) < 0)
		return NULL;
	for (char *c = origin; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return origin;
}

char *url_get_host(const char *url)
{
	struct parts parts;

	if (!take_apart(url, &parts))
		return NULL;
	if (parts.host[0] == '[')
		return strndup(parts.host + 1, parts.host_len - 2);
	return strndup(parts.host, parts.host_len);
}

char *url_without_query(const char *url)
{
	struct parts parts;
	char *text = NULL;

	if (!take_apart(url, &parts))
		return NULL;
	if (asprintf(&text, "%s://%.*s", parts.https ? "https" : "http",
		     (int)((size_t)(parts.rest - parts.host) + strcspn(parts.rest, "?#")), parts.host) < 0)
		return NULL;
	return text;
}

static bool names_host(const char *location)
{
	return strncmp(location, "//", 2) == 0 || location[strcspn(location, ":/?#")] == ':';
}

/* The new address without checks; NULL without memory. */
static char *join(const char *url, const struct parts *parts, const char *location)
{
	const char *path_end = parts->rest + strcspn(parts->rest, "?#");
	const char *keep_to;
	char *joined = NULL;

	if (names_host(location) && location[0] != '/')
		return strdup(location);
	if (names_host(location)) {
		if (asprintf(&joined, "%s:%s", parts->https ? "https" : "http", location) < 0)
			return NULL;
		return joined;
	}
	if (location[0] == '/') {
		keep_to = parts->rest;
	} else if (location[0] == '?' || location[0] == '\0') {
		keep_to = path_end;
	} else {
		keep_to = path_end;
		while (keep_to > parts->rest && keep_to[-1] != '/')
			keep_to--;
	}
	if (asprintf(&joined, "%.*s%s%s", (int)(keep_to - url), url,
		     keep_to == parts->rest && location[0] != '/' && location[0] != '?' ? "/" : "", location) < 0)
		return NULL;
	return joined;
}

int url_resolve(const char *url, const char *location, char **out, struct err *err)
{
	struct parts from, to;
	cleanup_ptr char *joined = NULL, *shown = url_without_query(url);

	if (!shown || !take_apart(url, &from))
		return err_set(err, ERR_SYSTEM, EPROTO, "cannot follow a redirect: not an address of http or https");
	joined = join(url, &from, location);
	if (!joined)
		return err_sys(err, ENOMEM, "cannot follow a redirect of %s", shown);
	joined[strcspn(joined, "#")] = '\0';
	if (!take_apart(joined, &to))
		return err_set(err, ERR_SYSTEM, EPROTO, "%s redirects to what is no address of http or https", shown);
	/* One that stays from @url was given by the user, not by the server. */
	if (to.user && names_host(location))
		return err_set(err, ERR_SYSTEM, EPROTO, "%s redirects to an address with a user name in it, which is refused",
			       shown);
	if (from.https && !to.https)
		return err_set(err, ERR_SYSTEM, EPROTO, "%s redirects from https to http, which is refused", shown);
	*out = ptr_take(joined);
	return 0;
}

char *url_escape(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *escaped = malloc(strlen(text) * 3 + 1), *at = escaped;

	if (!escaped)
		return NULL;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (isalnum(*c) || strchr("-._~", *c)) {
			*at++ = (char)*c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[*c >> 4];
		*at++ = hex[*c & 15];
	}
	*at = '\0';
	return escaped;
}

static bool in_net4(uint32_t address, uint32_t net, unsigned int bits)
{
	return (address ^ net) >> (32 - bits) == 0;
}

/* Private, loopback or unspecified; with @linked link-local ones too. */
static bool is_inner4(uint32_t address, bool linked)
{
	return in_net4(address, 0x7f000000, 8) || in_net4(address, 0x0a000000, 8) || in_net4(address, 0xac100000, 12) ||
	       in_net4(address, 0xc0a80000, 16) ||
	       (linked && (in_net4(address, 0xa9fe0000, 16) || in_net4(address, 0, 8)));
}

static bool is_inner_literal(const char *host, bool linked)
{
	struct in_addr v4;
	struct in6_addr v6;
	uint32_t last;

	/* inet_aton() takes the old spellings (127.1, 0x7f000001) that a resolver takes too. */
	if (inet_aton(host, &v4))
		return is_inner4(ntohl(v4.s_addr), linked);
	if (inet_pton(AF_INET6, host, &v6) != 1)
		return false;
	memcpy(&last, &v6.s6_addr[12], sizeof(last));
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		return is_inner4(ntohl(last), linked);
	return IN6_IS_ADDR_LOOPBACK(&v6) || (v6.s6_addr[0] & 0xfe) == 0xfc ||
	       (linked && (IN6_IS_ADDR_LINKLOCAL(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6)));
}

bool url_host_is_local(const char *host)
{
	static const char below[] = ".localhost";
	size_t len = strlen(host);

	return strcasecmp(host, "localhost") == 0 ||
	       (len > sizeof(below) - 1 && strcasecmp(host + len - (sizeof(below) - 1), below) == 0) ||
	       is_inner_literal(host, false);
}

bool url_host_is_inner_address(const char *host)
{
	return is_inner_literal(host, true);
}
