/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "frontend/image/probe.h"

static uint8_t bytes[PROBE_BYTES];

static void put_le(size_t at, uint64_t value, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[at + i] = (uint8_t)(value >> (8 * i));
}

static void make_squashfs(void)
{
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "hsqs", 4);
	put_le(12, 131072, 4);
	put_le(20, 6, 2);
	put_le(22, 17, 2);
	put_le(28, 4, 2);
	put_le(40, 4096, 8);
}

static void make_ext3(uint32_t compat, uint32_t incompat, uint32_t ro_compat)
{
	memset(bytes, 0, sizeof(bytes));
	put_le(1080, 0xEF53, 2);
	put_le(1116, compat, 4);
	put_le(1120, incompat, 4);
	put_le(1124, ro_compat, 4);
}

static int probe(struct probe_result *result)
{
	struct err err = ERR_INIT;

	return probe_filesystem(bytes, sizeof(bytes), 8192, result, &err);
}

static void probe_knows_squashfs(void **state)
{
	struct probe_result result;

	(void)state;
	make_squashfs();
	assert_int_equal(probe(&result), 0);
	assert_int_equal(result.fs, PROBE_SQUASHFS);
	assert_int_equal(result.compression, 6);
	assert_int_equal(result.used_bytes, 4096);
}

static void probe_refuses_bad_squashfs(void **state)
{
	static const struct {
		size_t at, count;
		uint64_t value;
	} changes[] = {{28, 2, 3}, {30, 2, 1}, {20, 2, 0}, {20, 2, 7}, {22, 2, 11}, {22, 2, 40}, {12, 4, 4095},
		       {40, 8, 8193}, {40, 8, UINT64_MAX}, {40, 8, 95}};
	struct probe_result result;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		make_squashfs();
		put_le(changes[i].at, changes[i].value, changes[i].count);
		assert_int_equal(probe(&result), -EINVAL);
	}
}

static void probe_checks_ext3_features(void **state)
{
	struct probe_result result;

	(void)state;
	make_ext3(0x4, 0x2 | 0x4 | 0x10, 0x7);
	assert_int_equal(probe(&result), 0);
	assert_int_equal(result.fs, PROBE_EXT3);
	make_ext3(0, 0x2, 0);
	assert_int_equal(probe(&result), -EINVAL);
	make_ext3(0x4, 0x40, 0); /* extents */
	assert_int_equal(probe(&result), -EINVAL);
	make_ext3(0x4, 0x2, 0x400); /* checksums of metadata */
	assert_int_equal(probe(&result), -EINVAL);
}

static void probe_passes_over_the_rest(void **state)
{
	struct probe_result result;
	struct err err = ERR_INIT;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(probe(&result), 0);
	assert_int_equal(result.fs, PROBE_NONE);
	make_ext3(0x4, 0, 0);
	assert_int_equal(probe_filesystem(bytes, 1100, 1100, &result, &err), 0);
	assert_int_equal(result.fs, PROBE_NONE);
}

static void probe_skips_launch_line(void **state)
{
	static const char line[] = "#!/usr/bin/env run-singularity\n";

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(probe_skip_launch(bytes, sizeof(bytes)), 0);
	memcpy(bytes, line, sizeof(line) - 1);
	assert_int_equal(probe_skip_launch(bytes, sizeof(bytes)), sizeof(line) - 1);
	memcpy(bytes, " run-singularity", 16);
	memset(bytes + 16, 0, 64);
	assert_int_equal(probe_skip_launch(bytes, sizeof(bytes)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_knows_squashfs),       cmocka_unit_test(probe_refuses_bad_squashfs),
		cmocka_unit_test(probe_checks_ext3_features), cmocka_unit_test(probe_passes_over_the_rest),
		cmocka_unit_test(probe_skips_launch_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
