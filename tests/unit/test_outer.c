/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "frontend/launch/outer.h"

static const struct outer_facts sample = {
	.flow = "user namespace",
	.id_count = 1,
	.has_image = true,
	.image = {.dev = 65024, .ino = 17, .size_bytes = 4096000, .offset_bytes = 65536, .mtime_ns = -5},
};

static void format_and_parse_agree(void **state)
{
	struct outer_facts back;
	char text[OUTER_FACTS_MAX];

	(void)state;
	assert_int_equal(outer_format(&sample, text, sizeof(text)), 0);
	assert_int_equal(outer_parse(text, &back), 0);
	assert_string_equal(back.flow, sample.flow);
	assert_int_equal(back.id_count, 1);
	assert_true(outer_has_image(&back, &sample.image));
	assert_int_equal(outer_format(&sample, text, 20), -E2BIG);
}

static void has_image_wants_every_number(void **state)
{
	struct outer_image other = sample.image;

	(void)state;
	assert_true(outer_has_image(&sample, &other));
	other.mtime_ns++;
	assert_false(outer_has_image(&sample, &other));
	other = sample.image;
	other.offset_bytes++;
	assert_false(outer_has_image(&sample, &other));
}

static void parse_refuses_what_it_does_not_know(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{"", -EPROTONOSUPPORT},
		{"flow=root\n", -EPROTONOSUPPORT},
		{"version=2\n", -EPROTONOSUPPORT},
		{"version=1x\n", -EPROTONOSUPPORT},
		{"version=1\nimage=1:2:3:4\n", -EINVAL},
		{"version=1\nimage= 1:2:3:4:5\n", -EINVAL},
		{"version=1\nimage=-1:2:3:4:5\n", -EINVAL},
		{"version=1\nimage=1:2:3:4:5:6\n", -EINVAL},
		{"version=1\nimage=99999999999999999999:2:3:4:5\n", -EINVAL},
		{"version=1\nno line\n", -EINVAL},
		{"version=1\nfuture=thing\nids=65536\n", 0},
	};
	struct outer_facts facts = sample;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(outer_parse(cases[i].text, &facts), cases[i].result);
	assert_int_equal(facts.id_count, 65536);
	assert_false(facts.has_image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_and_parse_agree),
		cmocka_unit_test(has_image_wants_every_number),
		cmocka_unit_test(parse_refuses_what_it_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
