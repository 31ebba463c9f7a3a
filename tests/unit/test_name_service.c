/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/launch/name_service_files.c"

static char path[] = "/tmp/test_name_service.XXXXXX";

static int write_file(void **state)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/sh\n"
				   "+nisuser::::::\n"
				   "+::::::\n"
				   "# a comment\n"
				   "broken\n"
				   "\n"
				   "ann:x:1001:100:Ann:/home/ann:/bin/zsh\n"
				   "second:x:1001:100::/:/bin/sh\n"
				   "last:x:1002:100::/:/bin/sh";
	int fd = mkstemp(path);
	ssize_t written = write(fd, text, strlen(text));

	(void)state;
	return close(fd) == 0 && written == (ssize_t)strlen(text) ? 0 : -1;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void find_user_takes_the_first_of_an_id(void **state)
{
	const struct passwd *user = find_user(path, 1001);

	(void)state;
	assert_non_null(user);
	assert_string_equal(user->pw_name, "ann");
	assert_string_equal(user->pw_shell, "/bin/zsh");
	user = find_user(path, 1002);
	assert_non_null(user);
	assert_string_equal(user->pw_name, "last");
}

static void find_user_passes_over_what_is_no_account(void **state)
{
	const struct passwd *user = find_user(path, 0);

	(void)state;
	assert_non_null(user);
	assert_string_equal(user->pw_name, "root");
	assert_null(find_user(path, 4242));
	assert_null(find_user("/nonexistent/passwd", 0));
}

static void find_group_reads_etc_group(void **state)
{
	const struct group *group = find_group("/etc/group", 0);

	(void)state;
	assert_non_null(group);
	assert_string_equal(group->gr_name, "root");
	assert_null(find_group("/nonexistent/group", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_user_takes_the_first_of_an_id),
		cmocka_unit_test(find_user_passes_over_what_is_no_account),
		cmocka_unit_test(find_group_reads_etc_group),
	};

	return cmocka_run_group_tests(tests, write_file, remove_file);
}
