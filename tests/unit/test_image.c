/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/image/arch.h"
#include "frontend/image/image.h"

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void image_open_knows_kinds(void **state)
{
	char dir[] = "/tmp/test_image.XXXXXX", path[64];
	uint8_t bytes[4096] = {0};
	struct err err = ERR_INIT;
	struct image image;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(image_open(dir, true, &image, &err), 0);
	assert_int_equal(image.kind, IMAGE_SANDBOX);
	assert_true(image.writable);
	assert_null(image_get_root(&image));
	image_close(&image);

	(void)snprintf(path, sizeof(path), "%s/file", dir);
	assert_int_equal(image_open(path, false, &image, &err), -ENOENT);
	write_file(path, bytes, sizeof(bytes));
	assert_int_equal(image_open(path, false, &image, &err), -EINVAL);
	assert_non_null(strstr(err.message, "image format not recognized"));

	bytes[1080] = 0x53, bytes[1081] = 0xEF, bytes[1116] = 4, bytes[1120] = 2;
	write_file(path, bytes, sizeof(bytes));
	assert_int_equal(image_open(path, true, &image, &err), 0);
	assert_int_equal(image.kind, IMAGE_EXT3);
	assert_true(image.writable);
	assert_int_equal(image_get_root(&image)->size_bytes, sizeof(bytes));
	assert_int_equal(image_check_arch(&image, &err), 0);
	image_close(&image);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(image_open(path, false, &image, &err), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void image_open_reads_foreign_sif(void **state)
{
	const char *path = getenv("FOREIGN_SIF");
	const struct image_partition *root;
	struct err err = ERR_INIT;
	struct image image;

	(void)state;
	if (!path) {
		print_message("skipped: FOREIGN_SIF does not name an image written by another program\n");
		skip();
	}
	if (image_open(path, true, &image, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(image.kind, IMAGE_SIF);
	root = image_get_root(&image);
	assert_non_null(root);
	assert_int_equal(root->fs, IMAGE_FS_SQUASHFS);
	assert_string_equal(root->arch, "amd64");
	image_close(&image);
}

static void image_check_arch_compares_names(void **state)
{
	struct image_partition root = {.role = IMAGE_ROLE_ROOT, .arch = "unknown"};
	struct image image = {.fd = -1, .partition_count = 1, .partitions = &root};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(image_check_arch(&image, &err), 0);
	(void)snprintf(root.arch, sizeof(root.arch), "%s", arch_get_host());
	assert_int_equal(image_check_arch(&image, &err), 0);
	assert_true(arch_can_run("386", "amd64"));
	assert_true(arch_can_run("arm", "arm64"));
	assert_false(arch_can_run("amd64", "386"));
	assert_false(arch_can_run("ppc64le", "amd64"));
	assert_string_equal(arch_from_machine("i686"), "386");
	assert_string_equal(arch_from_machine("x86"), "unknown");
	assert_string_equal(arch_from_machine(""), "unknown");
}

static void arch_handler_matches_needs_flag_and_magic(void **state)
{
	static const char good[] = "enabled\ninterpreter /usr/libexec/qemu\nflags: OCF\noffset 0\n"
				   "magic 7f454c460201010000000000000000000200b700\n"
				   "mask ffffffffffffff00fffffffffffffffffeffffff\n";
	uint8_t elf[ARCH_ELF_BYTES], other[ARCH_ELF_BYTES];
	char text[sizeof(good)];

	(void)state;
	assert_true(arch_make_elf("arm64", elf));
	assert_true(arch_make_elf("s390x", other));
	assert_false(arch_make_elf("unknown", other));
	assert_true(arch_handler_matches(good, elf, sizeof(elf)));
	assert_false(arch_handler_matches(good, other, sizeof(other)));
	strcpy(text, good);
	*strstr(text, "OCF") = 'C', strstr(text, "CCF")[2] = 'C';
	assert_false(arch_handler_matches(text, elf, sizeof(elf)));
	strcpy(text, good);
	memcpy(text, "xnabled", 7);
	assert_false(arch_handler_matches(text, elf, sizeof(elf)));
	assert_false(arch_handler_matches("enabled\nflags: F\nmagic zz\n", elf, sizeof(elf)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_open_knows_kinds),
		cmocka_unit_test(image_open_reads_foreign_sif),
		cmocka_unit_test(image_check_arch_compares_names),
		cmocka_unit_test(arch_handler_matches_needs_flag_and_magic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
