/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/action/spec.h"
#include "frontend/strlist.h"

static struct action_spec spec, again;

static void spec_survives_the_way(void **state)
{
	struct err err = ERR_INIT;
	char *bytes = NULL;
	size_t length = 0;

	(void)state;
	spec.command = CLI_SHELL;
	strlist_add(&spec.args, "");
	strlist_add(&spec.args, "two\nlines");
	strlist_add(&spec.user_env, "A=");
	spec.cwd = strdup("/work");
	spec.cwd_required = true;
	spec.umask = 0027;
	spec.has_stack = true;
	spec.stack_soft = UINT64_MAX;
	spec.ignored_signals = UINT64_C(1) << 63;
	spec.message_level = -91;
	spec.pass_count = 2;
	spec.pass_number[0] = 7;
	spec.pass_number[1] = 1023;
	assert_int_equal(spec_encode(&spec, &bytes, &length, &err), 0);
	assert_int_equal(spec_decode(bytes, length, &again, &err), 0);
	assert_int_equal(again.command, CLI_SHELL);
	assert_int_equal(again.args.count, 2);
	assert_string_equal(again.args.items[0], "");
	assert_string_equal(again.args.items[1], "two\nlines");
	assert_string_equal(again.user_env.items[0], "A=");
	assert_string_equal(again.cwd, "/work");
	assert_null(again.app);
	assert_true(again.cwd_required && again.has_stack && !again.no_eval);
	assert_int_equal(again.umask, 0027);
	assert_true(again.stack_soft == UINT64_MAX && again.ignored_signals == UINT64_C(1) << 63);
	assert_int_equal(again.message_level, -91);
	assert_int_equal(again.pass_count, 2);
	assert_int_equal(again.pass_number[1], 1023);
	spec_fini(&spec);
	spec_fini(&again);
	free(bytes);
}

static void spec_rejects_damage(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{"", 0},	{"c1", 2},	    {"?x", 3},	     {"cx", 3},	     {"c-1", 4},	{"W2", 3},
		{"m4294967296", 12}, {"d2", 3},	    {"d-1", 4},	     {"dx", 3},	     {"lx", 3},	{"d9999999", 9},
		{"d7\0d7", 6},	{"hNAME", 6},	    {"u=x", 4},	     {"", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_INIT;

		if (spec_decode(rows[i].bytes, rows[i].length, &spec, &err) == 0)
			fail_msg("row %zu was taken", i);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		spec_fini(&spec);
	}
}

static void spec_caps_the_descriptors(void **state)
{
	char bytes[8 * (SPEC_PASS_MAX + 1)];
	struct err err = ERR_INIT;
	size_t length = 0;

	(void)state;
	for (int i = 0; i <= SPEC_PASS_MAX; i++)
		length += (size_t)snprintf(bytes + length, sizeof(bytes) - length, "d%d", 10 + i) + 1;
	assert_true(spec_decode(bytes, length, &spec, &err) < 0);
	spec_fini(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spec_survives_the_way),
		cmocka_unit_test(spec_rejects_damage),
		cmocka_unit_test(spec_caps_the_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
