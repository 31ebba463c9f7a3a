/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/account_file.h"

static char path[] = "/tmp/account.XXXXXX";

static int write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return -1;
	(void)fputs(text, file);
	return fclose(file);
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void matches_ids_and_names(void **state)
{
	(void)state;
	write_file("root:x:0:0:root:/root:/bin/sh\nann:x:1001:50:Ann:/home/ann:/bin/sh\n\nodd\nshort:x\nbad:x:10x:1::/b:\nlast:x:7");
	assert_true(account_file_matches(path, "0", 0));
	assert_false(account_file_matches(path, "1", 0));
	assert_false(account_file_matches(path, "-1", UINT32_MAX));
	assert_false(account_file_matches(path, "4294967295", UINT32_MAX));
	assert_false(account_file_matches(path, "42949672960", 0));
	assert_false(account_file_matches(path, "0x0", 0));
	assert_false(account_file_matches(path, "", 0));
	assert_true(account_file_matches(path, "root", 0));
	assert_true(account_file_matches(path, "ann", 1001));
	assert_false(account_file_matches(path, "ann", 50));
	assert_false(account_file_matches(path, "an", 1001));
	assert_false(account_file_matches(path, "ann:x", 1001));
	assert_false(account_file_matches(path, "odd", 0));
	assert_false(account_file_matches(path, "short", 0));
	assert_false(account_file_matches(path, "bad", 10));
	assert_true(account_file_matches(path, "last", 7));
	assert_false(account_file_matches("/no/such/file", "ann", 1001));
	write_file("");
	assert_false(account_file_matches(path, "ann", 1001));
}

static void home_is_of_the_first_line_with_the_id(void **state)
{
	char home[16];

	(void)state;
	write_file("a:x:5:5:A:/home/a:/bin/sh\nb:x:5:5:B:/home/b:/bin/sh\nc:x:6:6:C:/a/very/long/directory:/bin/sh\nd:x:7:7:D");
	assert_true(account_file_get_home(path, 5, home, sizeof(home)));
	assert_string_equal(home, "/home/a");
	assert_false(account_file_get_home(path, 6, home, sizeof(home)));
	assert_false(account_file_get_home(path, 7, home, sizeof(home)));
	assert_false(account_file_get_home(path, 8, home, sizeof(home)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_ids_and_names),
		cmocka_unit_test(home_is_of_the_first_line_with_the_id),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
