/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "frontend/image/sif.h"
#include "frontend/image/sif_layout.h"

#define FIXTURE_BYTES 8200
#define TABLE 4096
#define FIRST TABLE
#define SECOND (TABLE + SIF_DESCRIPTOR_BYTES)

static uint8_t file[FIXTURE_BYTES];

static void put_le(size_t at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		file[at + i] = (uint8_t)(value >> (8 * i));
}

static void put_header(uint64_t free_slots, uint64_t slots, uint64_t data, uint64_t data_size)
{
	memset(file, 0, sizeof(file));
	memcpy(file, "#!/usr/bin/env run-singularity\n", 31);
	memcpy(file + 32, "SIF_MAGIC\0" "01\0" "00", 16);
	put_le(80, free_slots, 8);
	put_le(88, slots, 8);
	put_le(96, TABLE, 8);
	put_le(104, slots * SIF_DESCRIPTOR_BYTES, 8);
	put_le(112, data, 8);
	put_le(120, data_size, 8);
}

static void put_entry(size_t at, uint32_t type, uint32_t id, uint64_t offset, uint64_t size, uint64_t padded)
{
	put_le(at, type, 4);
	file[at + 4] = 1;
	put_le(at + 5, id, 4);
	put_le(at + 9, 0xF0000001, 4);
	put_le(at + 17, offset, 8);
	put_le(at + 25, size, 8);
	put_le(at + 33, padded, 8);
	put_le(at + 41, (uint64_t)SIF_TIME_NONE, 8);
	put_le(at + 49, (uint64_t)SIF_TIME_NONE, 8);
}

/* One slot, nothing in it, 4681 bytes. */
static void make_fixture_a(void)
{
	static const uint8_t uuid[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

	put_header(1, 1, 4681, 0);
	memcpy(file + 48, uuid, sizeof(uuid));
	put_le(64, 1700000000, 8);
	put_le(72, 1700000000, 8);
}

/* JSON and a raw data partition. */
static void make_fixture_b(void)
{
	put_header(2, 4, 6436, 1764);
	put_le(64, (uint64_t)SIF_TIME_NONE, 8);
	put_le(72, (uint64_t)SIF_TIME_NONE, 8);
	put_entry(FIRST, SIF_DATA_JSON, 1, 6436, 2, 2);
	memcpy(file + FIRST + 73, "oci-config.json", 15);
	put_entry(SECOND, SIF_DATA_PARTITION, 2, 8192, 8, 1762);
	put_le(SECOND + 201, SIF_FS_RAW, 4);
	put_le(SECOND + 205, SIF_PART_DATA, 4);
	memcpy(file + SECOND + 209, "02", 3);
	memcpy(file + 6436, "{}", 2);
	memcpy(file + 8192, "ABCDEFGH", 8);
}

static int parse(uint64_t file_size, struct sif *sif, struct err *err)
{
	struct sif_header header;
	int rc = sif_parse_header(file, sizeof(file), file_size, &header, err);

	if (rc < 0)
		return rc;
	return sif_parse_table(file + header.table_offset, (size_t)header.table_size, &header, file_size, sif, err);
}

static void sif_parse_reads_fixture_a(void **state)
{
	struct err err = ERR_INIT;
	struct sif sif;

	(void)state;
	make_fixture_a();
	assert_int_equal(parse(4681, &sif, &err), 0);
	assert_int_equal(sif.count, 0);
	assert_string_equal(sif.header.launch, "#!/usr/bin/env run-singularity\n");
	assert_int_equal(sif.header.ctime, 1700000000);
	assert_int_equal(sif.header.uuid[15], 0xff);
	assert_string_equal(sif.header.arch, "unknown");
	sif_fini(&sif);
}

static void sif_parse_reads_fixture_b(void **state)
{
	const struct sif_entry *found = NULL;
	struct err err = ERR_INIT;
	struct sif sif;

	(void)state;
	make_fixture_b();
	assert_int_equal(parse(sizeof(file), &sif, &err), 0);
	assert_int_equal(sif.count, 2);
	assert_int_equal(sif.header.ctime, SIF_TIME_NONE);
	assert_int_equal(sif.entries[0].group, 1);
	assert_string_equal(sif.entries[0].name, "oci-config.json");
	assert_int_equal(sif.entries[1].offset, 8192);
	assert_int_equal(sif_get_fs(&sif.entries[1]), SIF_FS_RAW);
	assert_int_equal(sif_get_part(&sif.entries[1]), SIF_PART_DATA);
	assert_string_equal(sif_get_arch(&sif.entries[1]), "amd64");
	assert_int_equal(sif_find(&sif, SIF_DATA_JSON, "oci-config.json", &found, &err), 0);
	assert_ptr_equal(found, &sif.entries[0]);
	assert_int_equal(sif_find(&sif, SIF_DATA_JSON, "other", &found, &err), 0);
	assert_null(found);
	sif_fini(&sif);
}

/* One change of fixture B that must be refused, and a word of the reason. */
struct violation {
	size_t at, bytes;
	uint64_t value;
	const char *reason;
};

static const struct violation violations[] = {
	{32, 1, 'X', "magic"},
	{42, 1, '9', "version"},
	{80, 8, 5, "more free"},
	{80, 8, UINT64_MAX, "negative"},
	{88, 8, SIF_SLOTS_MAX + 1, "too many"},
	{88, 8, 3, "does not fit"},
	{96, 8, 64, "overlaps the header"},
	{96, 8, 8000, "past the end"},
	{96, 8, INT64_MAX, "past the end"},
	{104, 8, 585, "does not fit"},
	{112, 8, 9000, "outside"},
	{112, 8, 5, "outside"},
	{120, 8, INT64_MAX, "outside"},
	{FIRST + 5, 4, 0, "without a number"},
	{FIRST + 5, 4, 2, "same number"},
	{FIRST + 17, 8, UINT64_MAX, "negative"},
	{FIRST + 17, 8, 8199, "past the end"},
	{FIRST + 17, 8, INT64_MAX, "past the end"},
	{FIRST + 17, 8, 127, "overlaps the header"},
	{FIRST + 17, 8, TABLE + 1, "overlaps the descriptor table"},
	{FIRST + 17, 8, 8191, "objects overlap"},
	{FIRST + 17, 8, 8193, "objects overlap"},
	{FIRST + 25, 8, 3, "padded"},
	{FIRST + 25, 8, UINT64_MAX, "negative"},
	{SECOND + 25, 8, INT64_MAX, "past the end"},
};

static void sif_parse_refuses_each_violation(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(violations) / sizeof(violations[0]); i++) {
		struct err err = ERR_INIT;
		struct sif sif;

		make_fixture_b();
		put_le(violations[i].at, violations[i].value, violations[i].bytes);
		assert_int_equal(parse(sizeof(file), &sif, &err), -EINVAL);
		assert_int_equal(err.kind, ERR_IMAGE);
		if (!strstr(err.message, violations[i].reason))
			fail_msg("violation %zu: \"%s\" has no \"%s\"", i, err.message, violations[i].reason);
	}
}

static void sif_parse_refuses_two_primaries(void **state)
{
	struct err err = ERR_INIT;
	struct sif sif;

	(void)state;
	make_fixture_b();
	put_le(FIRST, SIF_DATA_PARTITION, 4);
	put_le(FIRST + 205, SIF_PART_PRIMARY, 4);
	put_le(SECOND + 205, SIF_PART_PRIMARY, 4);
	assert_int_equal(parse(sizeof(file), &sif, &err), -EINVAL);
	assert_non_null(strstr(err.message, "primary"));
}

static void sif_parse_refuses_short_file(void **state)
{
	struct err err = ERR_INIT;
	struct sif_header header;

	(void)state;
	make_fixture_b();
	assert_int_equal(sif_parse_header(file, 127, 127, &header, &err), -EINVAL);
	assert_int_equal(sif_parse_header(file, sizeof(file), sizeof(file) - 1, &header, &err), -EINVAL);
}

static void sif_parse_takes_any_used_mark_and_full_names(void **state)
{
	struct err err = ERR_INIT;
	struct sif sif;

	(void)state;
	make_fixture_b();
	file[FIRST + 4] = 7;
	memset(file + FIRST + 73, 'n', SIF_NAME_BYTES);
	put_le(FIRST + 13, 0xF0000009, 4); /* a link to a group that does not exist */
	assert_int_equal(parse(sizeof(file), &sif, &err), 0);
	assert_int_equal(strlen(sif.entries[0].name), SIF_NAME_BYTES);
	assert_true(sif.entries[0].link_is_group);
	assert_int_equal(sif.entries[0].link, 9);
	sif_fini(&sif);
}

static void sif_find_refuses_several(void **state)
{
	const struct sif_entry *found;
	struct err err = ERR_INIT;
	struct sif sif;

	(void)state;
	make_fixture_b();
	put_le(SECOND, SIF_DATA_JSON, 4);
	assert_int_equal(parse(sizeof(file), &sif, &err), 0);
	assert_int_equal(sif_find(&sif, SIF_DATA_JSON, NULL, &found, &err), -EINVAL);
	sif_fini(&sif);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sif_parse_reads_fixture_a),
		cmocka_unit_test(sif_parse_reads_fixture_b),
		cmocka_unit_test(sif_parse_refuses_each_violation),
		cmocka_unit_test(sif_parse_refuses_two_primaries),
		cmocka_unit_test(sif_parse_refuses_short_file),
		cmocka_unit_test(sif_parse_takes_any_used_mark_and_full_names),
		cmocka_unit_test(sif_find_refuses_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
