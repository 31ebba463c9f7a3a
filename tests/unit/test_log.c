/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "ipc/log.h"

static char line[8192];

static const char *captured(enum log_level level, const char *text)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n = 0;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	log_message(level, "function", "%s", text);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	(void)close(ends[1]);
	(void)close(saved);
	n = read(ends[0], line, sizeof(line) - 1);
	(void)close(ends[0]);
	line[n < 0 ? 0 : n] = '\0';
	return line;
}

static void labels_are_padded(void **state)
{
	(void)state;
	log_init(LOG_LEVEL_INFO, false);
	assert_string_equal(captured(LOG_LEVEL_FATAL, "x\n\n"), "FATAL:   x\n");
	assert_string_equal(captured(LOG_LEVEL_WARNING, "x"), "WARNING: x\n");
	assert_string_equal(captured(LOG_LEVEL_INFO, "x"), "INFO:    x\n");
	assert_string_equal(captured(LOG_LEVEL_DEBUG, "x"), "");
	assert_string_equal(captured(LOG_LEVEL_INFO, "a\033[1mb\tc"), "INFO:    a\\x1b[1mb\tc\n");
}

static void colour_wraps_the_label_only(void **state)
{
	(void)state;
	log_init(LOG_LEVEL_INFO, true);
	assert_string_equal(captured(LOG_LEVEL_WARNING, "x"), "\033[33mWARNING:\033[0m x\n");
}

static void debug_adds_process_and_function(void **state)
{
	const char *text;

	(void)state;
	log_init(LOG_LEVEL_DEBUG, false);
	text = captured(LOG_LEVEL_INFO, "x");
	assert_memory_equal(text, "INFO    [U=", 11);
	assert_memory_equal(text + 8 + 19, "function()", 10);
	assert_string_equal(text + 8 + 19 + 30, "x\n");
}

static void level_survives_its_encoding(void **state)
{
	static const int levels[] = {-3, -1, 1, 4, 5};

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		bool colour;
		int level;

		log_decode_level(log_encode_level(levels[i / 2], i % 2), &level, &colour);
		assert_int_equal(level, levels[i / 2]);
		assert_int_equal(colour, i % 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_padded),
		cmocka_unit_test(colour_wraps_the_label_only),
		cmocka_unit_test(debug_adds_process_and_function),
		cmocka_unit_test(level_survives_its_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
