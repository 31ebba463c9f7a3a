/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "frontend/launch/bind.h"

static struct err err;

static void expect_bind(const char *text, const char *source, const char *destination, bool readonly)
{
	struct bind_spec spec;

	if (bind_parse(text, &spec, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(spec.source, source);
	if (destination)
		assert_string_equal(spec.destination, destination);
	else
		assert_null(spec.destination);
	assert_int_equal(spec.readonly, readonly);
	bind_fini(&spec);
}

static void parse_reads_source_destination_options(void **state)
{
	(void)state;
	expect_bind("/a", "/a", NULL, false);
	expect_bind("/a:/b", "/a", "/b", false);
	expect_bind("/a:/b:ro", "/a", "/b", true);
	expect_bind("/a:/b:ro,rw", "/a", "/b", false);
	expect_bind("/a::ro", "/a", NULL, true);
	expect_bind("rel/ative:/b", "rel/ative", "/b", false);
	expect_bind("/a:/b//c/../d/.", "/a", "/b/d", false);
}

static void parse_takes_escaped_colons(void **state)
{
	(void)state;
	expect_bind("/a\\:b:/c\\:d", "/a:b", "/c:d", false);
	expect_bind("/a\\b", "/a\\b", NULL, false);
	expect_bind("/a\\", "/a\\", NULL, false);
}

static void parse_reads_image_options(void **state)
{
	struct bind_spec spec;

	(void)state;
	assert_int_equal(bind_parse("/x.sif:/data:image-src=/in,id=3,ro", &spec, &err), 0);
	assert_string_equal(spec.image_source, "/in");
	assert_int_equal(spec.image_id, 3);
	assert_true(spec.readonly);
	bind_fini(&spec);
}

static void parse_refuses_what_makes_no_sense(void **state)
{
	static const char *const bad[] = {"",	       ":/b",	     "/a:b",	    "/a:/",		"/a:/..",
					  "/a:/b:rx",  "/a:/b:id=0", "/a:/b:id=-1", "/a:/b:id=4294967296", "/a:/b:id=3x",
					  "/a:/b:image-src="};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bind_spec spec;

		memset(&err, 0, sizeof(err));
		if (bind_parse(bad[i], &spec, &err) == 0)
			fail_msg("accepted: \"%s\"", bad[i]);
		assert_int_equal(err.kind, ERR_SYSTEM);
	}
}

static void parse_mount_reads_every_key(void **state)
{
	static const char *const good[] = {"type=bind,source=/a,destination=/b,ro", "type=bind,src=/a,dst=/b,readonly",
					   "target=/b,src=/a,type=bind,ro", "type=bind,\"src=/a\",dst=/b,ro"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct bind_spec spec;

		if (bind_parse_mount(good[i], &spec, &err) < 0)
			fail_msg("%s", err.message);
		assert_string_equal(spec.source, "/a");
		assert_string_equal(spec.destination, "/b");
		assert_true(spec.readonly);
		bind_fini(&spec);
	}
}

static void parse_mount_takes_quoted_commas(void **state)
{
	struct bind_spec spec;

	(void)state;
	assert_int_equal(bind_parse_mount("type=bind,\"src=/a,b:c\",dst=/d", &spec, &err), 0);
	assert_string_equal(spec.source, "/a,b:c");
	bind_fini(&spec);
}

static void parse_mount_refuses_others(void **state)
{
	static const char *const bad[] = {"", "src=/a,dst=/b", "type=tmpfs,dst=/b", "type=bind,dst=/b", "type=bind,src=/a",
					  "type=bind,src=/a,dst=/b,rw", "type=bind,src=/a,dst=b", "type=bind,src=/a,dst=/b,x=y",
					  "type=bind,src=/a,dst=/b,\"", "type=bind,src=,dst=/b"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bind_spec spec;

		if (bind_parse_mount(bad[i], &spec, &err) == 0)
			fail_msg("accepted: \"%s\"", bad[i]);
	}
}

static void expect_clean(const char *path, const char *clean)
{
	char *out = bind_clean_path(path);

	assert_non_null(out);
	assert_string_equal(out, clean);
	free(out);
}

static void clean_path_stays_below_the_root(void **state)
{
	(void)state;
	expect_clean("/", "/");
	expect_clean("//a///b/", "/a/b");
	expect_clean("/a/./b/../c", "/a/c");
	expect_clean("/../../a", "/a");
	expect_clean("/a/..", "/");
	expect_clean("/a/.../b", "/a/.../b");
	assert_null(bind_clean_path("a/b"));
	assert_null(bind_clean_path(""));
}

static void options_are_told_from_binds(void **state)
{
	(void)state;
	assert_true(bind_is_option("ro"));
	assert_true(bind_is_option("rw"));
	assert_true(bind_is_option("id=3"));
	assert_true(bind_is_option("image-src=/x"));
	assert_false(bind_is_option("/ro"));
	assert_false(bind_is_option("ro/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_reads_source_destination_options),
		cmocka_unit_test(parse_takes_escaped_colons),
		cmocka_unit_test(parse_reads_image_options),
		cmocka_unit_test(parse_refuses_what_makes_no_sense),
		cmocka_unit_test(parse_mount_reads_every_key),
		cmocka_unit_test(parse_mount_takes_quoted_commas),
		cmocka_unit_test(parse_mount_refuses_others),
		cmocka_unit_test(clean_path_stays_below_the_root),
		cmocka_unit_test(options_are_told_from_binds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
