/* SPDX-License-Identifier: BSD-3-Clause */
/* What the ladders rest on: id maps with fixed outer maps, and what the outer container is told by. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "frontend/launch/id_map.h"
#include "frontend/launch/engine.h"

static struct plan_extent map[PLAN_MAX_EXTENTS];
static uint32_t count;

static void expect_line(uint32_t line, uint32_t inside, uint32_t outside, uint32_t length)
{
	assert_in_range(line, 0, count - 1);
	assert_int_equal(map[line].inside, inside);
	assert_int_equal(map[line].outside, outside);
	assert_int_equal(map[line].count, length);
}

/* As a first --fakeroot leaves it: the caller, and a subordinate range. */
static const struct plan_extent two_lines[] = {{0, 1001, 1}, {1, 100000, 65536}};

static void root_keeps_every_id_and_every_border(void **state)
{
	(void)state;
	id_map_make_direct(two_lines, 2, 0, true, map, &count);
	assert_int_equal(count, 2);
	expect_line(0, 0, 0, 1);
	expect_line(1, 1, 1, 65536);
}

static void root_of_the_whole_range_keeps_it(void **state)
{
	static const struct plan_extent whole[] = {{0, 0, 4294967295u}};

	(void)state;
	id_map_make_direct(whole, 1, 0, true, map, &count);
	assert_int_equal(count, 1);
	expect_line(0, 0, 0, 4294967295u);
}

static void another_caller_becomes_zero(void **state)
{
	(void)state;
	id_map_make_direct(two_lines, 2, 1000, true, map, &count);
	assert_int_equal(count, 4);
	expect_line(0, 0, 1000, 1);
	expect_line(1, 1, 0, 1);
	expect_line(2, 2, 1, 999);
	expect_line(3, 1001, 1001, 64536);
}

static void caller_at_the_end_of_a_line(void **state)
{
	static const struct plan_extent held[] = {{0, 500, 10}, {20, 600, 5}};

	(void)state;
	id_map_make_direct(held, 2, 24, true, map, &count);
	assert_int_equal(count, 3);
	expect_line(0, 0, 24, 1);
	expect_line(1, 1, 0, 10);
	expect_line(2, 11, 20, 4);
}

static void without_setfcap_zero_stays_out(void **state)
{
	(void)state;
	id_map_make_direct(two_lines, 2, 0, false, map, &count);
	assert_int_equal(count, 1);
	expect_line(0, 0, 1, 65536);
	id_map_make_direct(two_lines, 2, 7, false, map, &count);
	assert_int_equal(count, 3);
	expect_line(0, 0, 7, 1);
	expect_line(1, 1, 1, 6);
	expect_line(2, 7, 8, 65529);
	id_map_make_direct(two_lines, 1, 0, false, map, &count);
	assert_int_equal(count, 0);
}

static void lines_beyond_the_kernels_limit_are_left_out(void **state)
{
	static struct plan_extent held[PLAN_MAX_EXTENTS];

	(void)state;
	for (uint32_t i = 0; i < PLAN_MAX_EXTENTS; i++)
		held[i] = (struct plan_extent){i * 10, i * 100, 5};
	id_map_make_direct(held, PLAN_MAX_EXTENTS, 12, true, map, &count);
	assert_int_equal(count, PLAN_MAX_EXTENTS);
	expect_line(0, 0, 12, 1);
}

/* ---- the outer container ------------------------------------------------------------------------------------------ */

static char reason[ENGINE_REASON_MAX];

static const struct engine_facts bare = {.initial_userns = true, .initial_pidns = true, .bounding = UINT64_MAX};

static void nothing_is_recognised_on_a_bare_host(void **state)
{
	(void)state;
	assert_int_equal(engine_recognise(&bare, reason), ENGINE_NONE);
	assert_string_equal(reason, "");
}

static void engines_are_known_by_their_defaults(void **state)
{
	struct engine_facts facts = bare;

	(void)state;
	facts.initial_pidns = false;
	assert_int_equal(engine_recognise(&facts, reason), ENGINE_OTHER);
	facts.seccomp = 2;
	facts.bounding = 0xa80425fb;
	assert_int_equal(engine_recognise(&facts, reason), ENGINE_DOCKER);
	facts.bounding = 0x800405fb;
	assert_int_equal(engine_recognise(&facts, reason), ENGINE_PODMAN);
	facts.seccomp = 0; /* capabilities alone could be anybody's */
	assert_int_equal(engine_recognise(&facts, reason), ENGINE_OTHER);
	facts.dockerenv = true;
	assert_int_equal(engine_recognise(&facts, reason), ENGINE_DOCKER);
	assert_non_null(strstr(reason, "hint"));
	facts.containerenv = true;
	assert_int_equal(engine_recognise(&facts, reason), ENGINE_PODMAN);
	facts.singularity = true;
	assert_int_equal(engine_recognise(&facts, reason), ENGINE_SINGULARITY);
}

static void chroots_and_namespaces_are_named(void **state)
{
	struct engine_facts facts = bare;

	(void)state;
	facts.initial_userns = false;
	assert_int_equal(engine_recognise(&facts, reason), ENGINE_OTHER);
	assert_non_null(strstr(reason, "user namespace"));
	facts.chrooted = true;
	assert_int_equal(engine_recognise(&facts, reason), ENGINE_OTHER);
	assert_non_null(strstr(reason, "chroot"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_keeps_every_id_and_every_border),
		cmocka_unit_test(root_of_the_whole_range_keeps_it),
		cmocka_unit_test(another_caller_becomes_zero),
		cmocka_unit_test(caller_at_the_end_of_a_line),
		cmocka_unit_test(without_setfcap_zero_stays_out),
		cmocka_unit_test(lines_beyond_the_kernels_limit_are_left_out),
		cmocka_unit_test(nothing_is_recognised_on_a_bare_host),
		cmocka_unit_test(engines_are_known_by_their_defaults),
		cmocka_unit_test(chroots_and_namespaces_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
