/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/reference.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontend/registry/url.h"
#include "ipc/cleanup.h"

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define TAG_BYTES LOWER_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-"
#define REGISTRY_MAX 255
#define HUB_NAMESPACE "library/"

/* The text behind a scheme of registries. */
static const char *skip_scheme(const char *text)
{
	static const char *const schemes[] = {"docker://", "oras://", "docker:"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
			return text + strlen(schemes[i]);
	return text;
}

static int refuse(struct err *err, const char *text, const char *why)
{
	return err_set(err, ERR_USAGE, EINVAL, "invalid image reference \"%s\": %s", text, why);
}

static bool port_is_valid(const char *port)
{
	return *port && strlen(port) <= 5 && strspn(port, "0123456789") == strlen(port) && atoi(port) > 0 && atoi(port) <= 65535;
}

static bool host_is_valid(const char *host, size_t len)
{
	if (len == 0 || len > REGISTRY_MAX)
		return false;
	if (host[0] == '[')
		return len > 2 && host[len - 1] == ']' && strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2;
	for (size_t i = 0; i < len; i++) {
		bool edge = i == 0 || i + 1 == len || host[i - 1] == '.' || host[i + 1] == '.';

		if (!isalnum((unsigned char)host[i]) && (edge || (host[i] != '-' && host[i] != '.')))
			return false;
	}
	return true;
}

static bool registry_is_valid(const char *registry)
{
	const char *host_end = registry[0] == '[' ? strchr(registry, ']') : NULL;
	size_t len = host_end ? (size_t)(host_end - registry) + 1 : strcspn(registry, ":");

	if (!host_is_valid(registry, len))
		return false;
	return registry[len] == '\0' || (registry[len] == ':' && port_is_valid(registry + len + 1));
}

/* Words of lower-case letters and digits, with one ".", one or two "_" or any number of "-" between them. */
static bool component_is_valid(const char *text, size_t len)
{
	size_t at = 0;

	for (;;) {
		size_t word = 0, gap = 0;

		while (at + word < len && strchr(LOWER_DIGITS, text[at + word]))
			word++;
		if (word == 0)
			return false;
		at += word;
		if (at == len)
			return true;
		while (at + gap < len && text[at + gap] == text[at] && strchr("._-", text[at]))
			gap++;
		if (gap == 0 || (text[at] == '.' && gap > 1) || (text[at] == '_' && gap > 2))
			return false;
		at += gap;
	}
}

static const char *check_repository(const char *repository)
{
	if (!*repository)
		return "the repository is missing";
	if (strlen(repository) > REFERENCE_REPOSITORY_MAX)
		return "the repository is longer than 255 bytes";
	for (const char *at = repository;;) {
		size_t len = strcspn(at, "/");

		if (!component_is_valid(at, len))
			return "repositories are lower-case words joined by single . _ or - and separated by /";
		if (at[len] == '\0')
			return NULL;
		at += len + 1;
	}
}

static const char *check_tag(const char *tag)
{
	size_t len = strlen(tag);

	if (len == 0)
		return "the tag is empty";
	if (len > REFERENCE_TAG_MAX)
		return "the tag is longer than 128 bytes";
	if (strspn(tag, TAG_BYTES) != len || tag[0] == '.' || tag[0] == '-')
		return "tags are letters, digits, _ . and -, and start with none of the last two";
	return NULL;
}

/* Is the first part of @name, which ends in "/", a host? As Docker decides it. */
static bool names_registry(const char *name, size_t len)
{
	return memchr(name, '.', len) || memchr(name, ':', len) ||
	       (len == strlen("localhost") && memcmp(name, "localhost", len) == 0);
}

static bool is_hub(const char *registry)
{
	return strcasecmp(registry, REFERENCE_HUB) == 0 || strcasecmp(registry, "docker.io") == 0 ||
	       strcasecmp(registry, "registry-1.docker.io") == 0;
}

/* Split the digest and the tag off @name, which is ours to cut. */
static const char *take_ends(char *name, struct reference *out)
{
	char *at = strchr(name, '@'), *slash, *colon;

	if (at) {
		*at = '\0';
		if (!digest_is_valid(at + 1))
			return "the digest is not sha256: and 64 lower-case hexadecimal digits";
		(void)snprintf(out->digest, sizeof(out->digest), "%s", at + 1);
	}
	slash = strrchr(name, '/');
	colon = strrchr(slash ? slash : name, ':');
	if (!colon)
		return NULL;
	*colon = '\0';
	out->tag = strdup(colon + 1);
	return out->tag ? check_tag(out->tag) : "out of memory";
}

static const char *take_names(const char *name, struct reference *out)
{
	const char *slash = strchr(name, '/'), *rest = name;

	if (slash && names_registry(name, (size_t)(slash - name))) {
		out->registry = strndup(name, (size_t)(slash - name));
		rest = slash + 1;
	} else {
		out->registry = strdup(REFERENCE_HUB);
	}
	if (!out->registry)
		return "out of memory";
	if (!registry_is_valid(out->registry))
		return "the registry is not host or host:port";
	if (is_hub(out->registry)) {
		free(out->registry);
		out->registry = strdup(REFERENCE_HUB);
		if (!out->registry ||
		    asprintf(&out->repository, "%s%s", strchr(rest, '/') || !*rest ? "" : HUB_NAMESPACE, rest) < 0)
			out->repository = NULL;
	} else {
		out->repository = strdup(rest);
	}
	return out->registry && out->repository ? check_repository(out->repository) : "out of memory";
}

int reference_parse(const char *text, struct reference *out, struct err *err)
{
	struct reference made = REFERENCE_INIT;
	cleanup_ptr char *name = strdup(skip_scheme(text));
	const char *why = name ? take_ends(name, &made) : "out of memory";

	if (!why)
		why = take_names(name, &made);
	if (!why && !made.tag && !made.digest[0]) {
		made.tag = strdup("latest");
		why = made.tag ? NULL : "out of memory";
	}
	if (why) {
		reference_fini(&made);
		return refuse(err, text, why);
	}
	*out = made;
	return 0;
}

void reference_fini(struct reference *reference)
{
	free(reference->registry);
	free(reference->repository);
	free(reference->tag);
	*reference = (struct reference)REFERENCE_INIT;
}

int reference_parse_registry(const char *text, char **out, struct err *err)
{
	const char *name = skip_scheme(text), *slash = strchr(name, '/');
	cleanup_ptr char *registry = strndup(name, slash ? (size_t)(slash - name) : strlen(name));
	cleanup_ptr char *repository = strdup(slash ? slash + 1 : "");
	size_t len = repository ? strlen(repository) : 0;

	if (!registry || !repository)
		return err_sys(err, ENOMEM, "cannot read \"%s\"", text);
	if (len > 0 && repository[len - 1] == '/')
		repository[len - 1] = '\0';
	if (!registry_is_valid(registry))
		return err_set(err, ERR_USAGE, EINVAL, "invalid registry \"%s\": docker:// or oras:// and host or host:port is wanted",
			       text);
	if (*repository && check_repository(repository))
		return refuse(err, text, check_repository(repository));
	if (asprintf(out, "%s%s%s", is_hub(registry) ? REFERENCE_HUB : registry, *repository ? "/" : "", repository) < 0)
		return err_sys(err, ENOMEM, "cannot read \"%s\"", text);
	return 0;
}

const char *reference_get_wanted(const struct reference *reference)
{
	return reference->digest[0] ? reference->digest : reference->tag;
}

bool reference_is_local(const char *registry)
{
	cleanup_ptr char *url = NULL, *host = NULL;

	if (asprintf(&url, "http://%s/", registry) < 0) {
		url = NULL;
		return false;
	}
	host = url_get_host(url);
	return host && url_host_is_local(host);
}
