/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/auth.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "frontend/registry/url.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define CHALLENGES_MAX 16
#define TOKEN_BYTES_MAX ((size_t)64 * 1024)
#define CLIENT_ID "singularity"

/* ---- challenges ---- */

/* tchar of RFC 9110, 5.6.2. */
static bool is_token_byte(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_length(const char *text)
{
	size_t len = 0;

	while (is_token_byte(text[len]))
		len++;
	return len;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* A token or a quoted string at *@at: owned; NULL when malformed. */
static char *take_value(const char **at)
{
	const char *from = *at;
	char *value, *to;

	if (*from != '"') {
		size_t len = token_length(from);

		*at += len;
		return len > 0 ? strndup(from, len) : NULL;
	}
	value = to = malloc(strlen(from));
	if (!value)
		return NULL;
	for (from++; *from && *from != '"'; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
	if (*from != '"') {
		free(value);
		return NULL;
	}
	*at = from + 1;
	return value;
}

static char **find_member(struct auth_challenge *challenge, const char *name, size_t len)
{
	const struct {
		const char *name;
		char **member;
	} members[] = {{"realm", &challenge->realm}, {"service", &challenge->service}, {"scope", &challenge->scope}};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strlen(members[i].name) == len && strncasecmp(members[i].name, name, len) == 0)
			return members[i].member;
	return NULL;
}

/* Parameters of one challenge, up to the next one. False: the rest cannot be read. */
static bool take_parameters(const char **at, struct auth_challenge *challenge)
{
	for (;;) {
		const char *name = skip_blanks(*at), *after;
		size_t len = token_length(name);
		char *value, **member;

		if (*name == ',') {
			*at = name + 1;
			continue;
		}
		after = skip_blanks(name + len);
		*at = name;
		if (len == 0)
			return *name == '\0';
		if (*after != '=')
			return true; /* the scheme of the next challenge */
		after = skip_blanks(after + 1);
		value = take_value(&after);
		if (!value)
			return false;
		*at = after;
		member = find_member(challenge, name, len);
		if (member && !*member)
			*member = value;
		else
			free(value);
	}
}

static void challenge_fini(struct auth_challenge *challenge)
{
	free(challenge->scheme);
	free(challenge->realm);
	free(challenge->service);
	free(challenge->scope);
}

void auth_free_challenges(struct auth_challenge *challenges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		challenge_fini(&challenges[i]);
	free(challenges);
}

int auth_parse_challenges(const char *header, struct auth_challenge **out, size_t *count)
{
	struct auth_challenge *list = calloc(CHALLENGES_MAX, sizeof(*list));
	const char *at = header;
	size_t made = 0;

	if (!list)
		return -ENOMEM;
	while (made < CHALLENGES_MAX) {
		struct auth_challenge one = {.scheme = NULL};
		size_t len;
		bool readable;

		at += strspn(at, " \t,");
		len = token_length(at);
		if (len == 0)
			break;
		one.scheme = strndup(at, len);
		if (!one.scheme) {
			auth_free_challenges(list, made);
			return -ENOMEM;
		}
		for (char *c = one.scheme; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		at += len;
		readable = take_parameters(&at, &one);
		if (!readable) {
			challenge_fini(&one);
			break;
		}
		list[made++] = one;
	}
	*out = list;
	*count = made;
	return 0;
}

/* ---- answers ---- */

char *auth_make_basic(const char *username, const char *password)
{
	cleanup_ptr char *pair = NULL, *encoded = NULL;
	char *value = NULL;
	int len = asprintf(&pair, "%s:%s", username, password);

	if (len < 0) {
		pair = NULL;
		return NULL;
	}
	encoded = malloc((size_t)len * 4 / 3 + 8);
	if (!encoded)
		return NULL;
	(void)EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)pair, len);
	if (asprintf(&value, "Basic %s", encoded) < 0)
		return NULL;
	return value;
}

int auth_check_realm(const char *realm, const char *registry_url, struct err *err)
{
	cleanup_ptr char *host = url_get_host(realm), *own = url_get_host(registry_url);

	if (!host || !own || url_has_user(realm))
		return err_set(err, ERR_SYSTEM, EPROTO, "the registry wants a token from what is no address of http or https: %s", realm);
	if (!url_is_https(realm) && url_is_https(registry_url))
		return err_set(err, ERR_SYSTEM, EPROTO,
			       "the registry wants a token from %s, which is refused: it is not https", realm);
	if (url_host_is_inner_address(host) && strcasecmp(host, own) != 0 && !url_host_is_inner_address(own))
		return err_set(err, ERR_SYSTEM, EPROTO,
			       "the registry wants a token from %s, which is refused: an address of the inner network", realm);
	return 0;
}

/* Is the scope @word (of @len bytes) one of @list? */
static bool has_scope(const char *list, const char *word, size_t len)
{
	while (*list) {
		size_t here = strcspn(list, " ");

		if (here == len && memcmp(list, word, len) == 0)
			return true;
		list += here;
		list += strspn(list, " ");
	}
	return false;
}

/* "demanded wanted", each once; owned. */
static char *merge_scopes(const char *demanded, const char *wanted)
{
	char *merged = malloc((demanded ? strlen(demanded) : 0) + strlen(wanted) + 2);
	const char *parts[] = {demanded ? demanded : "", wanted};

	if (!merged)
		return NULL;
	merged[0] = '\0';
	for (size_t i = 0; i < 2; i++) {
		for (const char *at = parts[i] + strspn(parts[i], " "); *at;) {
			size_t len = strcspn(at, " ");

			if (!has_scope(merged, at, len)) {
				if (*merged)
					(void)strcat(merged, " ");
				(void)strncat(merged, at, len);
			}
			at += len;
			at += strspn(at, " ");
		}
	}
	return merged;
}

struct form {
	char *text; /* owned, NULL without memory */
	char separator;
};

static void form_add(struct form *form, const char *name, const char *value)
{
	cleanup_ptr char *escaped = value ? url_escape(value) : NULL;
	char *longer = NULL;

	if (!value || !form->text)
		return;
	if (!escaped || asprintf(&longer, "%s%c%s=%s", form->text, form->separator, name, escaped) < 0)
		longer = NULL;
	free(form->text);
	form->text = longer;
	form->separator = '&';
}

/* "access_token", else "token", of the realm's answer; owned. */
static char *read_token(const struct http_response *response)
{
	json_t *answer = response->body ? json_loadb(response->body, response->body_size, 0, NULL) : NULL;
	const char *text = json_string_value(json_object_get(answer, "access_token"));
	char *token;

	if (!text || !*text)
		text = json_string_value(json_object_get(answer, "token"));
	/* It becomes part of a header. */
	token = text && *text && !text[strcspn(text, " \r\n\t")] ? strdup(text) : NULL;
	json_decref(answer);
	return token;
}

static int finish_token(const struct auth_challenge *challenge, const struct http_response *response, char **out, struct err *err)
{
	cleanup_ptr char *token = NULL, *what = NULL, *shown = url_without_query(challenge->realm);

	if (asprintf(&what, "cannot get a token from %s", shown ? shown : "the realm") < 0) {
		what = NULL;
		return err_sys(err, ENOMEM, "cannot get a token");
	}
	if (response->status != 200)
		return http_fail(response, err, what);
	token = read_token(response);
	if (!token)
		return err_set(err, ERR_SYSTEM, EPROTO, "%s: there is none in its answer", what);
	if (asprintf(out, "Bearer %s", token) < 0) {
		*out = NULL;
		return err_sys(err, ENOMEM, "cannot get a token");
	}
	return 0;
}

/* An identity token is exchanged by POST; -ENOENT where the realm does not know that. */
static int post_for_token(struct http *http, const struct auth_challenge *challenge, const char *scopes,
			  const char *identity_token, char **out, struct err *err)
{
	static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
	struct http_response response = HTTP_RESPONSE_INIT;
	struct form form = {.text = strdup("grant_type=refresh_token"), .separator = '&'};
	struct http_request request = {.method = "POST", .url = challenge->realm, .headers = headers, .body_max = TOKEN_BYTES_MAX};
	int rc;

	form_add(&form, "refresh_token", identity_token);
	form_add(&form, "service", challenge->service);
	form_add(&form, "scope", scopes);
	form_add(&form, "client_id", CLIENT_ID);
	if (!form.text)
		return err_sys(err, ENOMEM, "cannot get a token");
	request.body = form.text;
	request.body_size = strlen(form.text);
	rc = http_perform(http, &request, &response, err);
	if (rc == 0)
		rc = response.status == 404 || response.status == 405 ? -ENOENT : finish_token(challenge, &response, out, err);
	http_response_fini(&response);
	free(form.text);
	return rc;
}

static int get_token(struct http *http, const struct auth_challenge *challenge, const char *scopes,
		     const struct credentials *credentials, char **out, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct form form = {.text = strdup(challenge->realm), .separator = strchr(challenge->realm, '?') ? '&' : '?'};
	cleanup_ptr char *authorization = NULL, *each = strdup(scopes);
	struct http_request request = {.body_max = TOKEN_BYTES_MAX};
	char *rest = NULL;
	int rc;

	form_add(&form, "service", challenge->service);
	/* As docker does: each in a parameter of its own. */
	for (char *scope = each ? strtok_r(each, " ", &rest) : NULL; scope; scope = strtok_r(NULL, " ", &rest))
		form_add(&form, "scope", scope);
	if (credentials->username)
		form_add(&form, "account", credentials->username);
	if (credentials->username && credentials->password) {
		authorization = auth_make_basic(credentials->username, credentials->password);
		if (!authorization) {
			free(form.text);
			form.text = NULL;
		}
	}
	if (!form.text || !each) {
		free(form.text);
		return err_sys(err, ENOMEM, "cannot get a token");
	}
	request.url = form.text;
	request.authorization = authorization;
	rc = http_perform(http, &request, &response, err);
	if (rc == 0)
		rc = finish_token(challenge, &response, out, err);
	http_response_fini(&response);
	free(form.text);
	return rc;
}

static int answer_bearer(struct http *http, const struct auth_challenge *challenge, const char *registry_url, const char *scopes,
			 const struct credentials *credentials, char **out, struct err *err)
{
	cleanup_ptr char *merged = merge_scopes(challenge->scope, scopes);
	int rc = auth_check_realm(challenge->realm, registry_url, err);

	if (rc < 0)
		return rc;
	if (!merged)
		return err_sys(err, ENOMEM, "cannot get a token");
	if (credentials->identity_token) {
		rc = post_for_token(http, challenge, merged, credentials->identity_token, out, err);
		if (rc != -ENOENT)
			return rc;
	}
	return get_token(http, challenge, merged, credentials, out, err);
}

static const struct auth_challenge *choose(const struct auth_challenge *challenges, size_t count, const char *scheme)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(challenges[i].scheme, scheme) == 0)
			return &challenges[i];
	return NULL;
}

static int answer_one(struct http *http, const struct auth_challenge *challenges, size_t count, const char *registry_url,
		      const char *scopes, const struct credentials *credentials, char **out, struct err *err)
{
	const struct auth_challenge *bearer = choose(challenges, count, "bearer");

	if (bearer && credentials->registry_token) {
		if (asprintf(out, "Bearer %s", credentials->registry_token) < 0) {
			*out = NULL;
			return err_sys(err, ENOMEM, "cannot answer the registry");
		}
		return 0;
	}
	if (bearer && bearer->realm)
		return answer_bearer(http, bearer, registry_url, scopes, credentials, out, err);
	if (!choose(challenges, count, "basic") || !credentials->username || !credentials->password)
		return 0;
	*out = auth_make_basic(credentials->username, credentials->password);
	return *out ? 0 : err_sys(err, ENOMEM, "cannot answer the registry");
}

int auth_answer(struct http *http, const struct http_response *response, const char *registry_url, const char *scopes,
		const struct credentials *credentials, char **out, struct err *err)
{
	cleanup_ptr char *all = NULL;
	struct auth_challenge *challenges;
	size_t count;
	int rc;

	*out = NULL;
	/* Several headers are one list: see RFC 9110, 5.3. */
	for (const char *value = http_get_header(response, "www-authenticate"); value;
	     value = http_next_header(response, "www-authenticate", value)) {
		char *longer = NULL;

		if (asprintf(&longer, "%s%s%s", all ? all : "", all ? ", " : "", value) < 0)
			return err_sys(err, ENOMEM, "cannot answer the registry");
		free(all);
		all = longer;
	}
	if (!all)
		return 0;
	if (auth_parse_challenges(all, &challenges, &count) < 0)
		return err_sys(err, ENOMEM, "cannot answer the registry");
	rc = answer_one(http, challenges, count, registry_url, scopes, credentials, out, err);
	auth_free_challenges(challenges, count);
	return rc;
}
