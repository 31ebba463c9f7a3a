/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "frontend/settings/program.h"

static void program_open_searches_along_the_path(void **state)
{
	int fd = -1;

	(void)state;
	assert_int_equal(program_open("sh", "/nonexistent::/bin", &fd), 0);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(setenv("PATH", "/bin", 1), 0);
	assert_int_equal(program_open("sh", "$PATH:/nonexistent", &fd), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(program_open("sh", "/nonexistent", &fd), -ENOENT);
	assert_int_equal(program_open("sh", "", &fd), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_open_searches_along_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
