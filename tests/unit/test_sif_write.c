/* SPDX-License-Identifier: BSD-3-Clause */
/* The two fixtures of the format reference, byte for byte: their SHA-256 is what the reference prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/pack/sif_write.h"

static int new_file(void)
{
	int fd = memfd_create("sif", 0);

	assert_true(fd >= 0);
	return fd;
}

static void assert_digest(int fd, off_t size, const char *digest)
{
	char command[64], line[128] = "";
	struct stat st;
	FILE *sum;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, size);
	(void)snprintf(command, sizeof(command), "sha256sum < /proc/%d/fd/%d", (int)getpid(), fd);
	sum = popen(command, "r");
	assert_non_null(sum);
	assert_non_null(fgets(line, sizeof(line), sum));
	(void)pclose(sum);
	line[64] = '\0';
	assert_string_equal(line, digest);
}

static void sif_writer_writes_fixture_a(void **state)
{
	struct sif_options options = {.launch = SIF_LAUNCH_NATIVE, .time = 1700000000, .slots = 1,
				      .uuid = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
					       0xdd, 0xee, 0xff}};
	struct sif_writer *writer;
	int fd = new_file();

	(void)state;
	assert_int_equal(sif_writer_create(fd, &options, &writer, NULL), 0);
	assert_int_equal(sif_writer_finish(writer, NULL), 0);
	sif_writer_free(writer);
	assert_digest(fd, 4681, "bc286e00989fff6465aa2e9fbcbc716dd7509e393a0c0eda1daa3586307fe7eb");
	(void)close(fd);
}

static void sif_writer_writes_fixture_b(void **state)
{
	struct sif_options options = {.launch = SIF_LAUNCH_NATIVE, .time = SIF_TIME_NONE, .slots = 4};
	struct sif_object json = {.type = SIF_DATA_JSON, .name = "oci-config.json", .group = 1};
	struct sif_object part = {.group = 1};
	struct sif_writer *writer;
	int fd = new_file();

	(void)state;
	assert_int_equal(sif_object_set_partition(&part, SIF_FS_RAW, SIF_PART_DATA, "amd64", NULL), 0);
	assert_int_equal(sif_writer_create(fd, &options, &writer, NULL), 0);
	assert_int_equal(sif_writer_add(writer, &json, "{}", 2, NULL), 0);
	assert_int_equal(sif_writer_begin(writer, SIF_DATA_PARTITION), 8192);
	assert_int_equal(sif_writer_add(writer, &part, "ABCDEFGH", 8, NULL), 0);
	assert_int_equal(sif_writer_finish(writer, NULL), 0);
	sif_writer_free(writer);
	assert_digest(fd, 8200, "2f09b35b6a706efea2074f05ad645d6f0dced7cf5eb01659eb0a5477b9f2f951");
	(void)close(fd);
}

static void sif_writer_refuses_more_objects_than_slots(void **state)
{
	struct sif_options options = {.slots = 1};
	struct sif_object object = {.type = SIF_DATA_GENERIC};
	struct sif_writer *writer;
	struct err err = ERR_INIT;
	int fd = new_file();

	(void)state;
	assert_int_equal(sif_writer_create(fd, &options, &writer, NULL), 0);
	assert_int_equal(sif_writer_add(writer, &object, "x", 1, NULL), 0);
	assert_true(sif_writer_add(writer, &object, "y", 1, &err) < 0);
	assert_non_null(strstr(err.message, "descriptors"));
	sif_writer_free(writer);
	(void)close(fd);
}

static void sif_writer_refuses_second_primary_partition(void **state)
{
	struct sif_options options = {.slots = 4};
	struct sif_object object = {.group = 1};
	struct sif_writer *writer;
	int fd = new_file();

	(void)state;
	assert_int_equal(sif_object_set_partition(&object, SIF_FS_SQUASHFS, SIF_PART_PRIMARY, "arm64", NULL), 0);
	assert_int_equal(sif_writer_create(fd, &options, &writer, NULL), 0);
	assert_int_equal(sif_writer_add(writer, &object, "x", 1, NULL), 0);
	assert_true(sif_writer_add(writer, &object, "y", 1, NULL) < 0);
	sif_writer_free(writer);
	(void)close(fd);
}

static void sif_object_set_partition_knows_every_code(void **state)
{
	struct sif_object object = {0};

	(void)state;
	assert_int_equal(sif_object_set_partition(&object, SIF_FS_SQUASHFS, SIF_PART_PRIMARY, "mips64le", NULL), 0);
	assert_string_equal((const char *)object.extra + 8, "10");
	assert_int_equal(sif_object_set_partition(&object, SIF_FS_SQUASHFS, SIF_PART_PRIMARY, "loong64", NULL), 0);
	assert_string_equal((const char *)object.extra + 8, "13");
	assert_true(sif_object_set_partition(&object, SIF_FS_SQUASHFS, SIF_PART_PRIMARY, "vax", NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sif_writer_writes_fixture_a),
		cmocka_unit_test(sif_writer_writes_fixture_b),
		cmocka_unit_test(sif_writer_refuses_more_objects_than_slots),
		cmocka_unit_test(sif_writer_refuses_second_primary_partition),
		cmocka_unit_test(sif_object_set_partition_knows_every_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
