/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <zlib.h>

#include "frontend/pack/deflate.h"

#define BLOCK 131072

static uint8_t plain[BLOCK], packed[BLOCK], unpacked[BLOCK];

static void fill_text(void)
{
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)("a line of words that repeat "[i % 28] + (i / 4096) % 3);
}

static void deflate_round_trip(void **state)
{
	sqfs_compressor_t *packer = deflate_create(DEFLATE_LEVEL_DEFAULT, BLOCK, false);
	sqfs_compressor_t *unpacker = deflate_create(DEFLATE_LEVEL_DEFAULT, BLOCK, true);
	sqfs_s32 size;

	(void)state;
	fill_text();
	assert_non_null(packer);
	assert_non_null(unpacker);
	size = packer->do_block(packer, plain, BLOCK, packed, BLOCK);
	assert_in_range(size, 1, BLOCK / 10);
	assert_int_equal(unpacker->do_block(unpacker, packed, (sqfs_u32)size, unpacked, BLOCK), BLOCK);
	assert_memory_equal(plain, unpacked, BLOCK);
	/* The result is what every zlib reads. */
	uLongf length = BLOCK;
	memset(unpacked, 0, sizeof(unpacked));
	assert_int_equal(uncompress(unpacked, &length, packed, (uLong)size), Z_OK);
	assert_memory_equal(plain, unpacked, BLOCK);
	sqfs_destroy(packer);
	sqfs_destroy(unpacker);
}

static void deflate_leaves_noise_and_stored_blocks(void **state)
{
	sqfs_compressor_t *packer = deflate_create(DEFLATE_LEVEL_DEFAULT, BLOCK, false);
	sqfs_compressor_t *store = deflate_create(DEFLATE_LEVEL_STORE, BLOCK, false);
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(plain); i++) {
		seed = seed * 1664525u + 1013904223u;
		plain[i] = (uint8_t)(seed >> 24);
	}
	assert_int_equal(packer->do_block(packer, plain, BLOCK, packed, BLOCK), 0);
	fill_text();
	assert_int_equal(store->do_block(store, plain, BLOCK, packed, BLOCK), 0);
	sqfs_destroy(packer);
	sqfs_destroy(store);
}

static void deflate_refuses_damaged_input(void **state)
{
	sqfs_compressor_t *unpacker = deflate_create(DEFLATE_LEVEL_DEFAULT, BLOCK, true);

	(void)state;
	memset(packed, 0x55, sizeof(packed));
	assert_true(unpacker->do_block(unpacker, packed, 100, unpacked, BLOCK) < 0);
	sqfs_destroy(unpacker);
}

static void deflate_copies_work_alone(void **state)
{
	sqfs_compressor_t *packer = deflate_create(9, BLOCK, false);
	sqfs_compressor_t *copy = sqfs_copy(packer);
	sqfs_compressor_config_t config;

	(void)state;
	assert_non_null(copy);
	sqfs_destroy(packer);
	fill_text();
	assert_true(copy->do_block(copy, plain, BLOCK, packed, BLOCK) > 0);
	copy->get_configuration(copy, &config);
	assert_int_equal(config.id, SQFS_COMP_GZIP);
	assert_int_equal(config.level, 9);
	sqfs_destroy(copy);
	assert_null(deflate_create(DEFLATE_LEVEL_MAX + 1, BLOCK, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deflate_round_trip),
		cmocka_unit_test(deflate_leaves_noise_and_stored_blocks),
		cmocka_unit_test(deflate_refuses_damaged_input),
		cmocka_unit_test(deflate_copies_work_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
