/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "policy/capability.h"

static void parse_list_takes_any_spelling(void **state)
{
	struct err err = ERR_INIT;
	uint64_t mask = 1;

	(void)state;
	assert_int_equal(capability_parse_list("cap_chown,NET_raw, CAP_BPF", &mask, &err), 0);
	assert_true(mask == (UINT64_C(1) << 0 | UINT64_C(1) << 13 | UINT64_C(1) << 39));
	assert_int_equal(capability_parse_list("ALL", &mask, &err), 0);
	assert_true(mask == CAPABILITY_ALL);
	assert_int_equal(capability_parse_list("nonsense,kill", &mask, &err), 0);
	assert_true(mask == UINT64_C(1) << 5);
}

static void format_list_is_the_inverse(void **state)
{
	char text[2048], small[4];
	struct err err = ERR_INIT;
	uint64_t mask;

	(void)state;
	assert_true(capability_format_list(CAPABILITY_ALL, text, sizeof(text)));
	assert_int_equal(capability_parse_list(text, &mask, &err), 0);
	assert_true(mask == CAPABILITY_ALL);
	assert_false(capability_format_list(1, small, sizeof(small)));
	assert_null(capability_get_name(CAPABILITY_LAST + 1));
}

static int grants(const char *json, uint64_t *mask)
{
	static const char *const groups[] = {"staff", "lab"};
	const struct capability_subject subject = {"ann", groups, 2};
	struct err err = ERR_INIT;

	return capability_parse_grants(json, strlen(json), &subject, mask, &err);
}

static void parse_grants_unites_user_and_groups(void **state)
{
	uint64_t mask = 0;

	(void)state;
	assert_int_equal(grants("{\"users\":{\"ann\":[\"CAP_KILL\"],\"bob\":[\"CAP_BPF\"]},\n\t\"groups\":"
				"{\"lab\":[\"CAP_CHOWN\"],\"ann\":[\"CAP_BPF\"]}}\n", &mask), 0);
	assert_true(mask == (UINT64_C(1) << 5 | UINT64_C(1)));
	assert_int_equal(grants("", &mask), 0);
	assert_true(mask == 0);
	assert_int_equal(grants("{}", &mask), 0);
}

static void parse_grants_rejects_what_is_not_exact(void **state)
{
	static const char *const bad[] = {"{", "[]", "{} x", "{\"users\":{}", "{\"users\":{},\"users\":{}}", "{\"others\":{}}",
		"{\"users\":{\"ann\":[\"CAP_NONE\"]}}", "{\"users\":{\"ann\":[\"CAP_KILL\",]}}", "{\"users\":{\"a\\u006e\":[]}}",
		"{\"users\":{\"ann\":\"CAP_KILL\"}}"};
	uint64_t mask = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(grants(bad[i], &mask), -22);
	assert_true(mask == 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_list_takes_any_spelling),
		cmocka_unit_test(format_list_is_the_inverse),
		cmocka_unit_test(parse_grants_unites_user_and_groups),
		cmocka_unit_test(parse_grants_rejects_what_is_not_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
