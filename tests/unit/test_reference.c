/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/registry/reference.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX

static void expect(const char *text, const char *registry, const char *repository, const char *tag, const char *digest)
{
	struct reference reference = REFERENCE_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(reference_parse(text, &reference, &err), 0);
	assert_string_equal(reference.registry, registry);
	assert_string_equal(reference.repository, repository);
	if (tag)
		assert_string_equal(reference.tag, tag);
	else
		assert_null(reference.tag);
	assert_string_equal(reference.digest, digest);
	assert_string_equal(reference_get_wanted(&reference), *digest ? digest : tag);
	reference_fini(&reference);
}

static void reference_parse_fills_in_what_docker_does(void **state)
{
	(void)state;
	expect("docker://alpine", REFERENCE_HUB, "library/alpine", "latest", "");
	expect("docker:alpine:3.18", REFERENCE_HUB, "library/alpine", "3.18", "");
	expect("docker://docker.io/alpine", REFERENCE_HUB, "library/alpine", "latest", "");
	expect("docker://index.docker.io/me/tool", REFERENCE_HUB, "me/tool", "latest", "");
	expect("docker://me/tool@" DIGEST, REFERENCE_HUB, "me/tool", NULL, DIGEST);
	expect("docker://me/tool:1@" DIGEST, REFERENCE_HUB, "me/tool", "1", DIGEST);
	expect("docker://localhost/a", "localhost", "a", "latest", "");
	expect("docker://localhost:5000/a/b/c:T_1.x-y", "localhost:5000", "a/b/c", "T_1.x-y", "");
	expect("oras://ghcr.io/me/tool:1", "ghcr.io", "me/tool", "1", "");
	expect("docker://[::1]:5000/a:1", "[::1]:5000", "a", "1", "");
	expect("docker://Registry.Example.ORG/a__b/c---d.e", "Registry.Example.ORG", "a__b/c---d.e", "latest", "");
}

static void refuse(const char *text, const char *why)
{
	struct reference reference = REFERENCE_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(reference_parse(text, &reference, &err), -EINVAL);
	assert_int_equal(err.kind, ERR_USAGE);
	if (!strstr(err.message, why))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.message, why);
	assert_null(reference.registry);
}

static void reference_parse_says_which_part_is_wrong(void **state)
{
	char text[400];

	(void)state;
	refuse("docker://", "repository is missing");
	refuse("docker://host.example/", "repository is missing");
	refuse("docker://Upper/case", "lower-case");
	refuse("docker://a/../b", "lower-case");
	refuse("docker://a//b", "lower-case");
	refuse("docker://a..b/c.", "registry");
	refuse("docker://h.x/a___b", "lower-case");
	refuse("docker://h.x/-a", "lower-case");
	refuse("docker://h.x/a b", "lower-case");
	refuse("docker://alpine:", "tag is empty");
	refuse("docker://alpine:.x", "tags are");
	refuse("docker://alpine:a/b:c d", "tags are");
	refuse("docker://alpine@sha256:12", "digest");
	refuse("docker://alpine@sha512:" HEX HEX, "digest");
	refuse("docker://alpine@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "digest");
	refuse("docker://host:99999/a", "registry");
	refuse("docker://host:0/a", "registry");
	refuse("docker://ho_st.x/a", "registry");
	refuse("docker://.host/a", "registry");
	refuse("docker://u:p@host/a", "digest");
	(void)strcpy(text, "docker://h.x/a:");
	memset(text + 15, 'a', 129);
	text[15 + 129] = '\0';
	refuse(text, "longer than 128");
	text[15 + 128] = '\0';
	{
		struct reference reference = REFERENCE_INIT;

		assert_int_equal(reference_parse(text, &reference, NULL), 0);
		reference_fini(&reference);
	}
	(void)strcpy(text, "docker://h.x/");
	memset(text + 13, 'a', 256);
	text[13 + 256] = '\0';
	refuse(text, "longer than 255");
}

static void reference_parse_registry_takes_hosts(void **state)
{
	struct err err = ERR_INIT;
	char *name;

	(void)state;
	assert_int_equal(reference_parse_registry("docker://docker.io", &name, &err), 0);
	assert_string_equal(name, REFERENCE_HUB);
	free(name);
	assert_int_equal(reference_parse_registry("oras://localhost:5000/me/", &name, &err), 0);
	assert_string_equal(name, "localhost:5000/me");
	free(name);
	assert_int_equal(reference_parse_registry("docker://", &name, &err), -EINVAL);
	assert_int_equal(reference_parse_registry("docker://a b", &name, &err), -EINVAL);
	assert_int_equal(reference_parse_registry("docker://h.x/Upper", &name, &err), -EINVAL);
}

static void reference_is_local_knows_inner_addresses(void **state)
{
	static const char *const local[] = {"localhost", "localhost:5000", "x.localhost:1", "127.0.0.1", "127.9.9.9:5000", "10.1.2.3",
					    "172.16.0.1", "172.31.255.1:80", "192.168.1.1", "[::1]:5000", "[fd00::1]"};
	static const char *const outer[] = {"example.org", "localhost.example.org", "128.0.0.1", "11.0.0.1", "172.32.0.1", "192.169.0.1",
					    "169.254.1.1", "[2001:db8::1]", "8.8.8.8:5000"};

	(void)state;
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (!reference_is_local(local[i]))
			fail_msg("%s is local", local[i]);
	for (size_t i = 0; i < sizeof(outer) / sizeof(outer[0]); i++)
		if (reference_is_local(outer[i]))
			fail_msg("%s is not local", outer[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_parse_fills_in_what_docker_does),
		cmocka_unit_test(reference_parse_says_which_part_is_wrong),
		cmocka_unit_test(reference_parse_registry_takes_hosts),
		cmocka_unit_test(reference_is_local_knows_inner_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
