/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/registry/auth.h"

static struct auth_challenge *parse(const char *header, size_t wanted)
{
	struct auth_challenge *challenges = NULL;
	size_t count = 0;

	assert_int_equal(auth_parse_challenges(header, &challenges, &count), 0);
	assert_int_equal(count, wanted);
	return challenges;
}

static void auth_parse_challenges_reads_bearer(void **state)
{
	struct auth_challenge *c = parse("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
					 "scope=\"repository:library/alpine:pull,push\"",
					 1);

	(void)state;
	assert_string_equal(c[0].scheme, "bearer");
	assert_string_equal(c[0].realm, "https://auth.docker.io/token");
	assert_string_equal(c[0].service, "registry.docker.io");
	assert_string_equal(c[0].scope, "repository:library/alpine:pull,push");
	auth_free_challenges(c, 1);
}

static void auth_parse_challenges_reads_several(void **state)
{
	struct auth_challenge *c = parse("Negotiate, Basic realm=\"a \\\"b\\\", c\" , ,BEARER  REALM = https, Service=x", 3);

	(void)state;
	assert_string_equal(c[0].scheme, "negotiate");
	assert_null(c[0].realm);
	assert_string_equal(c[1].scheme, "basic");
	assert_string_equal(c[1].realm, "a \"b\", c");
	assert_string_equal(c[2].scheme, "bearer");
	assert_string_equal(c[2].realm, "https");
	assert_string_equal(c[2].service, "x");
	auth_free_challenges(c, 3);
}

static void auth_parse_challenges_stops_at_nonsense(void **state)
{
	(void)state;
	auth_free_challenges(parse("", 0), 0);
	auth_free_challenges(parse("=", 0), 0);
	auth_free_challenges(parse("Bearer realm=\"open", 0), 0);
	auth_free_challenges(parse("Basic realm=\"x\", Bearer realm=\"open", 1), 1);
	auth_free_challenges(parse("Bearer realm=", 0), 0);
	auth_free_challenges(parse("Bearer realm=\"x\\", 0), 0);
}

static void check(const char *realm, const char *registry, int wanted)
{
	struct err err = ERR_INIT;
	int rc = auth_check_realm(realm, registry, &err);

	if (rc != wanted)
		fail_msg("%s for %s: %d", realm, registry, rc);
}

static void auth_check_realm_wants_https_and_no_inner_address(void **state)
{
	(void)state;
	check("https://auth.example.org/t", "https://registry.example.org", 0);
	check("http://auth.example.org/t", "https://registry.example.org", -EPROTO);
	check("http://auth.example.org/t", "http://registry.example.org", 0);
	check("https://169.254.169.254/t", "https://registry.example.org", -EPROTO);
	check("https://10.0.0.1/t", "https://registry.example.org", -EPROTO);
	check("https://[::1]/t", "https://registry.example.org", -EPROTO);
	check("https://127.1/t", "https://registry.example.org", -EPROTO);
	check("http://127.0.0.1:5001/t", "http://127.0.0.1:5000", 0);
	check("https://user@auth.example.org/t", "https://registry.example.org", -EPROTO);
	check("file:///etc/passwd", "https://registry.example.org", -EPROTO);
	check("/token", "https://registry.example.org", -EPROTO);
}

static void auth_make_basic_is_base64(void **state)
{
	char *value = auth_make_basic("Aladdin", "open sesame");

	(void)state;
	assert_string_equal(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auth_parse_challenges_reads_bearer),
		cmocka_unit_test(auth_parse_challenges_reads_several),
		cmocka_unit_test(auth_parse_challenges_stops_at_nonsense),
		cmocka_unit_test(auth_check_realm_wants_https_and_no_inner_address),
		cmocka_unit_test(auth_make_basic_is_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
