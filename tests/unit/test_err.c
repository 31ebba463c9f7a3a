/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "ipc/err.h"

static void set_and_wrap_build_the_message(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&err, ERR_USAGE, EINVAL, "cannot %s", "go"), -EINVAL);
	assert_int_equal(err_wrap(&err, "step %d", 2), -EINVAL);
	assert_string_equal(err.message, "step 2: cannot go");
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(err_sys(&err, ENOENT, "cannot open x"), -ENOENT);
	assert_string_equal(err.message, "cannot open x: No such file or directory");
	assert_int_equal(err_set(NULL, ERR_BUG, EIO, "x"), -EIO);
}

static void wrap_survives_long_messages(void **state)
{
	static char text[ERR_MESSAGE_MAX * 2];
	struct err err = ERR_INIT;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	assert_int_equal(err_set(&err, ERR_BUG, EIO, "%s", text), -EIO);
	assert_int_equal(err_wrap(&err, "%s", text), -EIO);
	assert_true(strlen(err.message) < ERR_MESSAGE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_and_wrap_build_the_message),
		cmocka_unit_test(wrap_survives_long_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
