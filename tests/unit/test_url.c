/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/registry/url.h"

static void expect_text(char *got, const char *wanted)
{
	assert_non_null(got);
	assert_string_equal(got, wanted);
	free(got);
}

static void url_get_origin_is_scheme_host_and_port(void **state)
{
	(void)state;
	expect_text(url_get_origin("HTTPS://Host.Example/a?b"), "https://host.example:443");
	expect_text(url_get_origin("http://host"), "http://host:80");
	expect_text(url_get_origin("http://user:secret@host:080/"), "http://host:80");
	expect_text(url_get_origin("https://[::1]:5000/x"), "https://[::1]:5000");
	assert_null(url_get_origin("ftp://host/"));
	assert_null(url_get_origin("https://"));
	assert_null(url_get_origin("https://host:0/"));
	assert_null(url_get_origin("https://host:70000/"));
	assert_null(url_get_origin("https://ho st/"));
	assert_null(url_get_origin("https://host/\r\nX: y"));
	assert_null(url_get_origin("https://host\\@evil/"));
}

static void url_without_query_hides_secrets(void **state)
{
	(void)state;
	expect_text(url_without_query("https://user:secret@host/a/b?sig=secret#x"), "https://host/a/b");
	expect_text(url_without_query("https://host"), "https://host");
}

static void goes(const char *from, const char *location, const char *to)
{
	struct err err = ERR_INIT;
	char *out = NULL;

	assert_int_equal(url_resolve(from, location, &out, &err), 0);
	expect_text(out, to);
}

static void url_resolve_takes_relative_and_absolute(void **state)
{
	(void)state;
	goes("https://h/a/b?c", "https://other/x", "https://other/x");
	goes("https://h/a/b?c", "//other/x", "https://other/x");
	goes("https://h:1/a/b?c", "/x?y", "https://h:1/x?y");
	goes("https://h/a/b?c", "x", "https://h/a/x");
	goes("https://h", "x", "https://h/x");
	goes("https://h/a/b?c", "?d", "https://h/a/b?d");
	goes("http://h/a", "https://h/a#part", "https://h/a");
}

static void stays(const char *from, const char *location)
{
	struct err err = ERR_INIT;
	char *out = NULL;

	assert_int_equal(url_resolve(from, location, &out, &err), -EPROTO);
	assert_null(out);
}

static void url_resolve_refuses_what_must_not_be_followed(void **state)
{
	(void)state;
	stays("https://h/a", "http://h/a");
	stays("https://h/a", "HTTP://other/a");
	stays("https://h/a", "file:///etc/passwd");
	stays("https://h/a", "javascript:x");
	stays("https://h/a", "https://user:secret@other/");
	stays("https://u:p@h/a", "https://x:y@other/");
	stays("https://h/a", "//user@other/");
	stays("https://h/a", "/x y");
	stays("https://h/a", "/x\tSet: y");
}

static void url_hosts_of_the_inner_network(void **state)
{
	(void)state;
	assert_true(url_host_is_inner_address("169.254.169.254"));
	assert_true(url_host_is_inner_address("127.1"));
	assert_true(url_host_is_inner_address("0x7f000001"));
	assert_true(url_host_is_inner_address("0.0.0.0"));
	assert_true(url_host_is_inner_address("fe80::1"));
	assert_true(url_host_is_inner_address("::ffff:10.0.0.1"));
	assert_true(url_host_is_inner_address("::"));
	assert_false(url_host_is_inner_address("8.8.8.8"));
	assert_false(url_host_is_inner_address("auth.example.org"));
	assert_false(url_host_is_local("169.254.169.254"));
}

static void url_escape_keeps_what_is_unreserved(void **state)
{
	(void)state;
	expect_text(url_escape("a-b_c.~d"), "a-b_c.~d");
	expect_text(url_escape("repository:a/b:pull push&\xc3\xa9"), "repository%3Aa%2Fb%3Apull%20push%26%C3%A9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(url_get_origin_is_scheme_host_and_port),
		cmocka_unit_test(url_without_query_hides_secrets),
		cmocka_unit_test(url_resolve_takes_relative_and_absolute),
		cmocka_unit_test(url_resolve_refuses_what_must_not_be_followed),
		cmocka_unit_test(url_hosts_of_the_inner_network),
		cmocka_unit_test(url_escape_keeps_what_is_unreserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
