/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frontend/action/account_lines.h"

static const char own[] = "ann:x:1001:4242:Ann:/h:/bin/zsh\n";

static void expect(const char *image, bool replace, const char *wanted)
{
	char *text = malloc(strlen(image) + strlen(own) + 256); /* as long as promised, for the sanitizer to see more */
	size_t used;

	assert_non_null(text);
	strcpy(text, image);
	used = account_lines_join(text, own, strlen(own), replace, 1001);
	assert_int_equal(used, strlen(wanted));
	assert_memory_equal(text, wanted, used);
	free(text);
}

static void join_adds_the_caller(void **state)
{
	(void)state;
	expect("root:x:0:0:root:/root:/bin/sh\n", true,
	       "root:x:0:0:root:/root:/bin/sh\nann:x:1001:4242:Ann:/h:/bin/zsh\n");
	expect("", true, "ann:x:1001:4242:Ann:/h:/bin/zsh\n");
}

static void join_replaces_the_line_and_keeps_its_shell(void **state)
{
	(void)state;
	expect("app:x:1001:1001::/app:/bin/ash\nroot:x:0:0:root:/root:/bin/sh", true,
	       "root:x:0:0:root:/root:/bin/sh\nann:x:1001:4242:Ann:/h:/bin/ash\n");
	expect("a:x:1001:1::/:/bin/one\nb:x:1001:1::/:/bin/two\n", true, "ann:x:1001:4242:Ann:/h:/bin/two\n");
	expect("a:x:1001:1::/:/bin/last", true, "ann:x:1001:4242:Ann:/h:/bin/last\n");
}

static void join_compares_whole_numbers(void **state)
{
	(void)state;
	expect("a:x:10011:1::/:/a\nb:x:11001:1::/:/b\nc:1001:5:1::/:/c\n", true,
	       "a:x:10011:1::/:/a\nb:x:11001:1::/:/b\nc:1001:5:1::/:/c\nann:x:1001:4242:Ann:/h:/bin/zsh\n");
}

static void join_leaves_groups_alone(void **state)
{
	(void)state;
	expect("app:x:1001:bob\n", false, "app:x:1001:bob\nann:x:1001:4242:Ann:/h:/bin/zsh\n");
}

static void join_lives_with_broken_files(void **state)
{
	char long_shell[600];

	(void)state;
	expect("\n\nno colons\na:b\nx:y:1001", true, "\n\nno colons\na:b\nx:y:1001\nann:x:1001:4242:Ann:/h:/bin/zsh\n");
	(void)snprintf(long_shell, sizeof(long_shell), "a:x:1001:1::/:/%0500d\n", 0);
	assert_true(account_lines_join(long_shell, own, strlen(own), true, 1001) < sizeof(own) + 256);
	expect(":::::", true, ":::::\nann:x:1001:4242:Ann:/h:/bin/zsh\n");
}

/* What account_lines_write() makes of the file @image_fd. */
static void expect_written(int image_fd, const char *wanted)
{
	int out_fd = memfd_create("out", MFD_CLOEXEC);
	char *text = malloc(ACCOUNT_LINES_MAX * 2);
	struct err err = ERR_INIT;
	ssize_t used;

	assert_non_null(text);
	assert_true(out_fd >= 0);
	assert_int_equal(account_lines_write(image_fd, out_fd, "ann:x:1:1::/:/a\n", false, &err), 0);
	used = pread(out_fd, text, ACCOUNT_LINES_MAX * 2, 0);
	assert_int_equal(used, strlen(wanted));
	assert_memory_equal(text, wanted, (size_t)used);
	free(text);
	(void)close(out_fd);
}

static void write_takes_regular_files_of_bounded_size_only(void **state)
{
	const char *own = "ann:x:1:1::/:/a\n";
	int fd = memfd_create("image", MFD_CLOEXEC), ends[2];

	(void)state;
	expect_written(-1, own);
	expect_written(fd, own);
	assert_int_equal(pwrite(fd, "r:x:0:0::/:/r\n", 14, 0), 14);
	expect_written(fd, "r:x:0:0::/:/r\nann:x:1:1::/:/a\n");
	assert_int_equal(ftruncate(fd, ACCOUNT_LINES_MAX), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	expect_written(fd, own);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	expect_written(ends[0], own);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(join_adds_the_caller),
		cmocka_unit_test(join_replaces_the_line_and_keeps_its_shell),
		cmocka_unit_test(join_compares_whole_numbers),
		cmocka_unit_test(join_leaves_groups_alone),
		cmocka_unit_test(join_lives_with_broken_files),
		cmocka_unit_test(write_takes_regular_files_of_bounded_size_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
