/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/launch/account.h"

#define UNKNOWN_GID 3999999999u /* no host has a group of this number */

static char name[] = "ann", home[] = "/home/ann", shell[] = "/bin/zsh", gecos[] = "Ann";
static gid_t groups[] = {4242, UNKNOWN_GID};
static struct host host = {.uid = 1001, .gid = 4242, .group_count = 2, .groups = groups, .name = name, .home = home,
			   .shell = shell, .gecos = gecos};

static void expect_passwd(const char *where, const char *wanted)
{
	char *text = account_make_passwd(&host, where);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void passwd_is_the_callers_line(void **state)
{
	(void)state;
	expect_passwd("/h", "ann:x:1001:4242:Ann:/h:/bin/zsh\n");
}

/* --home SRC:DST is the user's text. */
static void passwd_takes_no_lines_from_a_home(void **state)
{
	(void)state;
	expect_passwd("/h\nevil:x:0:0::/:/bin/sh", "ann:x:1001:4242:Ann:/:/bin/zsh\n");
	expect_passwd("/a:b", "ann:x:1001:4242:Ann:/:/bin/zsh\n");
}

static void group_names_each_group_once(void **state)
{
	char *text = account_make_group(&host), *first, line[64];

	(void)state;
	assert_non_null(text);
	(void)snprintf(line, sizeof(line), "g%u:x:%u:ann\n", UNKNOWN_GID, UNKNOWN_GID);
	assert_non_null(strstr(text, line));
	first = strstr(text, ":4242:ann\n");
	assert_non_null(first);
	assert_null(strstr(first + 1, ":4242:"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwd_is_the_callers_line),
		cmocka_unit_test(passwd_takes_no_lines_from_a_home),
		cmocka_unit_test(group_names_each_group_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
