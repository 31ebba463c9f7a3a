/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "frontend/ui/progress.h"
#include "ipc/log.h"

#define MIB ((uint64_t)1024 * 1024)

static void format_size_chooses_the_unit(void **state)
{
	char text[32];

	(void)state;
	progress_format_size(text, sizeof(text), 0);
	assert_string_equal(text, "0 B");
	progress_format_size(text, sizeof(text), 1023);
	assert_string_equal(text, "1023 B");
	progress_format_size(text, sizeof(text), 1536);
	assert_string_equal(text, "1.5 KiB");
	progress_format_size(text, sizeof(text), 300 * MIB);
	assert_string_equal(text, "300.0 MiB");
	progress_format_size(text, sizeof(text), UINT64_MAX);
	assert_string_equal(text, "16777216.0 TiB");
}

static void format_bar_shows_percent_rate_and_time_left(void **state)
{
	char line[256];

	(void)state;
	assert_true(progress_format_bar(line, sizeof(line), 120, "sha256:0123", 25 * MIB, 100 * MIB, 5.0 * (double)MIB, NULL) < 120);
	assert_non_null(strstr(line, "sha256:0123"));
	assert_non_null(strstr(line, "[##########                              ]"));
	assert_non_null(strstr(line, " 25% of 100.0 MiB, 5.0 MiB/s, 15s left"));
	progress_format_bar(line, sizeof(line), 120, "x", 0, 7200 * MIB, (double)MIB, NULL);
	assert_non_null(strstr(line, "2h00m left"));
}

static void format_bar_never_exceeds_the_terminal(void **state)
{
	char line[256];

	(void)state;
	for (int columns = 0; columns < 300; columns++) {
		size_t length = progress_format_bar(line, sizeof(line), columns, "a label of some length", 5 * MIB, 10 * MIB,
						    (double)MIB, NULL);

		assert_int_equal(length, strlen(line));
		assert_true(length <= (columns > 1 ? (size_t)columns - 1 : 1));
	}
}

static void format_bar_of_unknown_size_has_no_percent(void **state)
{
	char line[256];

	(void)state;
	progress_format_bar(line, sizeof(line), 100, "x", 3 * MIB, 0, (double)MIB, NULL);
	assert_null(strchr(line, '%'));
	assert_null(strchr(line, '['));
	assert_non_null(strstr(line, "3.0 MiB, 1.0 MiB/s"));
	progress_format_bar(line, sizeof(line), 100, "x", 3 * MIB, 3 * MIB, 0, "in the cache");
	assert_non_null(strstr(line, "in the cache"));
}

/* What goes to stderr meanwhile. */
static size_t capture(void (*work)(void), char *out, size_t size)
{
	int ends[2], kept = dup(STDERR_FILENO);
	ssize_t length;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	work();
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	close(kept);
	close(ends[1]);
	length = read(ends[0], out, size - 1);
	close(ends[0]);
	out[length < 0 ? 0 : length] = '\0';
	return length < 0 ? 0 : (size_t)length;
}

static void work_for_long(void)
{
	struct progress *progress = progress_new();
	int bar = progress_add(progress, "slow", 10 * MIB), quick = progress_add(progress, "quick", MIB);

	progress_update(progress, bar, 5 * MIB);
	progress_finish(progress, quick, NULL);
	usleep(3300 * 1000);
	progress_free(progress);
}

static void progress_without_a_terminal_says_a_line_now_and_then(void **state)
{
	char text[4096];

	(void)state;
	log_init(LOG_LEVEL_INFO, false);
	assert_true(capture(work_for_long, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "INFO:    slow: 50% of 10.0 MiB"));
	assert_null(strstr(text, "quick"));
	assert_null(strchr(text, '\033'));
}

static void progress_is_silent_when_told_so(void **state)
{
	(void)state;
	log_init(LOG_LEVEL_LOG, false);
	assert_null(progress_new());
	assert_int_equal(progress_add(NULL, "x", 1), -1);
	progress_update(NULL, -1, 1);
	progress_finish(NULL, -1, NULL);
	progress_free(NULL);
	log_init(LOG_LEVEL_INFO, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_size_chooses_the_unit),
		cmocka_unit_test(format_bar_shows_percent_rate_and_time_left),
		cmocka_unit_test(format_bar_never_exceeds_the_terminal),
		cmocka_unit_test(format_bar_of_unknown_size_has_no_percent),
		cmocka_unit_test(progress_without_a_terminal_says_a_line_now_and_then),
		cmocka_unit_test(progress_is_silent_when_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
