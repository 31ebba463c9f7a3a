/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/library/library_ref.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void expect(const char *text, const char *host, const char *path, const char *first_tag, size_t tags)
{
	struct library_ref ref = LIBRARY_REF_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(library_ref_parse(text, &ref, &err), 0);
	if (host)
		assert_string_equal(ref.host, host);
	else
		assert_null(ref.host);
	assert_string_equal(ref.path, path);
	assert_string_equal(ref.tags.items[0], first_tag);
	assert_int_equal(ref.tags.count, tags);
	library_ref_fini(&ref);
}

static void library_ref_parse_takes_every_form(void **state)
{
	(void)state;
	expect("library://alpine", NULL, "alpine", "latest", 1);
	expect("library:alpine:3.18", NULL, "alpine", "3.18", 1);
	expect("lolcow/moo:a,b,C_1", NULL, "lolcow/moo", "a", 3);
	expect("library://e/c/i:1", NULL, "e/c/i", "1", 1);
	expect("library:///e/c/i", NULL, "e/c/i", "latest", 1);
	expect("library://host.example:8443/e/c/i:1", "host.example:8443", "e/c/i", "1", 1);
	expect("library://[::1]:80/e/c/i-x.y_z", "[::1]:80", "e/c/i-x.y_z", "latest", 1);
	expect("library://e/c/i:sha256." HEX, NULL, "e/c/i", "sha256." HEX, 1);
}

static void library_ref_parse_refuses_what_is_no_reference(void **state)
{
	static const char *const bad[] = {"",
					  "library://",
					  "library://a//b",
					  "library://a/",
					  "library://A/b/c",
					  "library://a/../b",
					  "library://-a",
					  "library://a-",
					  "library://a..b",
					  "library://a:",
					  "library://a:x,",
					  "library://a:x:y",
					  "library://a:-x",
					  "library://a:x/y",
					  "library://a b",
					  "library://user@host/e/c/i",
					  "library://host/e/c/d/i",
					  "library:///e/c/d/i/j",
					  "library://a?arch=x",
					  "library://a:sha256.0123",
					  "library://a:sha256." HEX "0",
					  "library://localhost:80/x"};
	struct library_ref ref = LIBRARY_REF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_INIT;

		if (library_ref_parse(bad[i], &ref, &err) != -EINVAL)
			fail_msg("accepted: \"%s\"", bad[i]);
		assert_string_not_equal(err.message, "");
	}
}

static void library_ref_parse_bounds_the_length(void **state)
{
	struct library_ref ref = LIBRARY_REF_INIT;
	struct err err = ERR_INIT;
	char text[4096];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(library_ref_parse(text, &ref, &err), -EINVAL);
}

static void library_ref_is_full_wants_three_names(void **state)
{
	struct library_ref ref = LIBRARY_REF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(library_ref_parse("e/c/i", &ref, &err), 0);
	assert_true(library_ref_is_full(&ref));
	library_ref_fini(&ref);
	assert_int_equal(library_ref_parse("c/i", &ref, &err), 0);
	assert_false(library_ref_is_full(&ref));
	library_ref_fini(&ref);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(library_ref_parse_takes_every_form),
		cmocka_unit_test(library_ref_parse_refuses_what_is_no_reference),
		cmocka_unit_test(library_ref_parse_bounds_the_length),
		cmocka_unit_test(library_ref_is_full_wants_three_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
