/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes of SIF images: the fixture of the format reference comes out byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/pack/sif_write.h"
#include "frontend/registry/digest.h"
#include "frontend/sif/sif_edit.h"

#define LEAD SIF_LAUNCH_NATIVE

struct image {
	int fd;
	char path[32];
};

static struct image new_image(const struct sif_options *options)
{
	struct image image = {.fd = memfd_create("sif", 0)};
	struct sif_writer *writer;

	assert_true(image.fd >= 0);
	(void)snprintf(image.path, sizeof(image.path), "/proc/self/fd/%d", image.fd);
	assert_int_equal(sif_writer_create(image.fd, options, &writer, NULL), 0);
	assert_int_equal(sif_writer_finish(writer, NULL), 0);
	sif_writer_free(writer);
	return image;
}

static struct image new_deterministic(uint32_t slots)
{
	const struct sif_options options = {.launch = LEAD, .time = SIF_TIME_NONE, .slots = slots};

	return new_image(&options);
}

static struct sif_edit open_image(const struct image *image)
{
	struct sif_edit edit;
	struct err err = ERR_INIT;

	if (sif_edit_open(image->path, &edit, &err) < 0)
		fail_msg("%s", err.message);
	return edit;
}

/* Returns the number of the object, or a negative errno. */
static int add(const struct image *image, const struct sif_object *object, const char *bytes, uint64_t alignment)
{
	struct sif_edit edit = open_image(image);
	int fd = memfd_create("object", 0);
	struct sif_source source = {.fd = fd, .alignment = alignment};
	struct err err = ERR_INIT;
	uint32_t id = 0;
	int rc;

	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	rc = sif_edit_add(&edit, object, &source, &id, &err);
	assert_int_equal(rc < 0, err.message[0] != '\0');
	sif_edit_close(&edit);
	(void)close(fd);
	return rc < 0 ? rc : (int)id;
}

static int add_partition(const struct image *image, enum sif_part part, const char *arch)
{
	struct sif_object object = {.group = 1};

	assert_int_equal(sif_object_set_partition(&object, SIF_FS_RAW, part, arch, NULL), 0);
	return add(image, &object, "ABCDEFGH", SIF_PARTITION_ALIGN);
}

static uint64_t get_size(const struct image *image)
{
	struct stat st;

	assert_int_equal(fstat(image->fd, &st), 0);
	return (uint64_t)st.st_size;
}

static char *read_all(const struct image *image)
{
	size_t size = (size_t)get_size(image);
	char *bytes = malloc(size + 1);

	assert_int_equal(pread(image->fd, bytes, size, 0), size);
	return bytes;
}

static void assert_image(const struct image *image, uint64_t size, const char *hex)
{
	char *bytes = read_all(image), digest[DIGEST_TEXT_MAX];

	assert_int_equal(get_size(image), size);
	assert_int_equal(digest_of_bytes(bytes, (size_t)size, digest, NULL), 0);
	assert_string_equal(digest + strlen("sha256:"), hex);
	free(bytes);
}

static void sif_edit_add_makes_fixture_b(void **state)
{
	const struct sif_object json = {.type = SIF_DATA_JSON, .name = "oci-config.json", .group = 1};
	struct image image = new_deterministic(4);

	(void)state;
	assert_int_equal(add(&image, &json, "{}", 0), 1);
	assert_int_equal(add_partition(&image, SIF_PART_DATA, "amd64"), 2);
	assert_image(&image, 8200, "2f09b35b6a706efea2074f05ad645d6f0dced7cf5eb01659eb0a5477b9f2f951");
	(void)close(image.fd);
}

static void sif_edit_delete_gives_the_empty_image_back(void **state)
{
	const struct sif_options options = {.launch = LEAD, .time = SIF_TIME_NONE, .slots = 1};
	const struct sif_object object = {.type = SIF_DATA_GENERIC};
	struct image image = new_image(&options);
	struct sif_edit edit;
	char *before = read_all(&image), *after;

	(void)state;
	assert_int_equal(get_size(&image), 4681);
	assert_int_equal(add(&image, &object, "0123456789", 0), 1);
	edit = open_image(&image);
	assert_int_equal(sif_edit_delete(&edit, 1, NULL), 0);
	sif_edit_close(&edit);
	/* The data stays, and so does the size that the header tells. */
	assert_int_equal(get_size(&image), 4691);
	after = read_all(&image);
	assert_int_equal(after[H_DATA_SIZE], 10);
	after[H_DATA_SIZE] = 0;
	assert_memory_equal(before, after, 4681);
	free(before);
	free(after);
	(void)close(image.fd);
}

static void sif_edit_add_takes_the_first_free_slot(void **state)
{
	const struct sif_object object = {.type = SIF_DATA_GENERIC};
	struct image image = new_deterministic(3);
	const struct sif_entry *entry;
	struct sif_edit edit;

	(void)state;
	for (int id = 1; id <= 3; id++)
		assert_int_equal(add(&image, &object, "bytes", 0), id);
	assert_int_equal(add(&image, &object, "bytes", 0), -ENOSPC);
	assert_int_equal(get_size(&image), 4096 + 3 * 585 + 15);
	edit = open_image(&image);
	assert_int_equal(sif_edit_delete(&edit, 2, NULL), 0);
	assert_int_equal(edit.sif.header.slots_free, 1);
	sif_edit_close(&edit);
	assert_int_equal(add(&image, &object, "more bytes", 512), 2);
	edit = open_image(&image);
	assert_int_equal(edit.sif.header.slots_free, 0);
	assert_int_equal(sif_edit_find(&edit, 2, &entry, NULL), 0);
	/* Holes in the middle stay; behind the last object it is aligned. */
	assert_int_equal(entry->offset, 6144);
	assert_int_equal(entry->padded_size, 6144 - (4096 + 3 * 585 + 15) + 10);
	sif_edit_close(&edit);
	(void)close(image.fd);
}

static void sif_edit_add_overwrites_a_deleted_end(void **state)
{
	const struct sif_object object = {.type = SIF_DATA_GENERIC};
	struct image image = new_deterministic(2);
	struct sif_edit edit;
	int fd = memfd_create("sparse", 0);
	struct sif_source source = {.fd = fd};
	uint32_t id;
	char *bytes;

	(void)state;
	assert_int_equal(add(&image, &object, "secret secret secret", 0), 1);
	edit = open_image(&image);
	assert_int_equal(sif_edit_delete(&edit, 1, NULL), 0);
	/* A hole of the source must not let it shine through. */
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(pwrite(fd, "end", 3, 1 << 20), 3);
	assert_int_equal(sif_edit_add(&edit, &object, &source, &id, NULL), 0);
	assert_int_equal(edit.sif.entries[0].size, (1 << 20) + 3);
	bytes = read_all(&image);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(bytes[edit.sif.entries[0].offset + i], 0);
	assert_memory_equal(bytes + edit.sif.entries[0].offset + (1 << 20), "end", 3);
	free(bytes);
	sif_edit_close(&edit);
	(void)close(fd);
	(void)close(image.fd);
}

static const char *header_arch(const struct image *image)
{
	static char arch[16];
	struct sif_edit edit = open_image(image);

	(void)snprintf(arch, sizeof(arch), "%s", edit.sif.header.arch);
	sif_edit_close(&edit);
	return arch;
}

static int set_primary(const struct image *image, uint32_t id)
{
	struct sif_edit edit = open_image(image);
	int rc = sif_edit_set_primary(&edit, id, NULL);

	sif_edit_close(&edit);
	return rc;
}

static void sif_edit_keeps_one_primary_partition(void **state)
{
	const struct sif_object object = {.type = SIF_DATA_GENERIC};
	struct image image = new_deterministic(20);
	struct sif_edit edit;

	(void)state;
	assert_int_equal(add_partition(&image, SIF_PART_PRIMARY, "arm64"), 1);
	assert_string_equal(header_arch(&image), "arm64");
	assert_int_equal(add_partition(&image, SIF_PART_PRIMARY, "amd64"), -EEXIST);
	assert_int_equal(add_partition(&image, SIF_PART_SYSTEM, "riscv64"), 2);
	assert_int_equal(add_partition(&image, SIF_PART_DATA, "amd64"), 3);
	for (int id = 4; id <= 15; id++)
		assert_int_equal(add(&image, &object, "x", 0), id);
	/* In another page of the file than the first. */
	assert_int_equal(add_partition(&image, SIF_PART_SYSTEM, "s390x"), 16);
	assert_int_equal(set_primary(&image, 3), -EINVAL);
	assert_int_equal(set_primary(&image, 4), -EINVAL);
	assert_int_equal(set_primary(&image, 17), -ENOENT);
	assert_int_equal(set_primary(&image, 1), 0);
	assert_string_equal(header_arch(&image), "arm64");
	for (uint32_t id = 2; id <= 16; id += 14) {
		assert_int_equal(set_primary(&image, id), 0);
		edit = open_image(&image);
		for (size_t i = 0; i < edit.sif.count; i++) {
			const struct sif_entry *entry = &edit.sif.entries[i];

			if (entry->type == SIF_DATA_PARTITION && entry->id != 3)
				assert_int_equal(sif_get_part(entry), entry->id == id ? SIF_PART_PRIMARY : SIF_PART_SYSTEM);
		}
		sif_edit_close(&edit);
		assert_string_equal(header_arch(&image), id == 2 ? "riscv64" : "s390x");
	}
	edit = open_image(&image);
	assert_int_equal(sif_edit_delete(&edit, 16, NULL), 0);
	sif_edit_close(&edit);
	assert_string_equal(header_arch(&image), "unknown");
	(void)close(image.fd);
}

static void sif_edit_sets_times_unless_deterministic(void **state)
{
	const struct sif_options options = {.time = 1700000000, .slots = 4, .uuid = {1}};
	const struct sif_object object = {.type = SIF_DATA_GENERIC};
	struct image image = new_image(&options);
	struct sif_edit edit;

	(void)state;
	assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1800000000", 1), 0);
	assert_int_equal(add(&image, &object, "x", 0), 1);
	assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
	edit = open_image(&image);
	assert_int_equal(edit.sif.header.ctime, 1700000000);
	assert_int_equal(edit.sif.header.mtime, 1800000000);
	assert_int_equal(edit.sif.entries[0].ctime, 1800000000);
	sif_edit_close(&edit);
	(void)close(image.fd);
}

static void sif_edit_add_fills_the_digest_of_oci_objects(void **state)
{
	const struct sif_object object = {.type = SIF_DATA_OCI_BLOB};
	struct image image = new_deterministic(4);
	struct sif_edit edit;

	(void)state;
	assert_int_equal(add(&image, &object, "{}", 0), 1);
	edit = open_image(&image);
	assert_string_equal((const char *)edit.sif.entries[0].extra,
			    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
	sif_edit_close(&edit);
	(void)close(image.fd);
}

static void sif_edit_is_signed_looks_at_links(void **state)
{
	const struct sif_object object = {.type = SIF_DATA_GENERIC, .group = 3};
	const struct sif_object of_group = {.type = SIF_DATA_SIGNATURE, .link = 3 | SIF_GROUP_MARK};
	const struct sif_object of_object = {.type = SIF_DATA_SIGNATURE, .link = 7};
	struct image image = new_deterministic(4);
	struct sif_edit edit;

	(void)state;
	assert_int_equal(add(&image, &object, "x", 0), 1);
	assert_int_equal(add(&image, &of_group, "x", 0), 2);
	assert_int_equal(add(&image, &of_object, "x", 0), 3);
	edit = open_image(&image);
	assert_true(sif_edit_is_signed(&edit, 3, 0));
	assert_true(sif_edit_is_signed(&edit, 0, 7));
	assert_false(sif_edit_is_signed(&edit, 7, 3));
	assert_false(sif_edit_is_signed(&edit, 0, 0));
	sif_edit_close(&edit);
	(void)close(image.fd);
}

static void sif_edit_add_takes_back_what_failed(void **state)
{
	struct sif_object object = {.type = SIF_DATA_GENERIC};
	struct image image = new_deterministic(4);
	struct sif_edit edit = open_image(&image);
	struct sif_source itself = {.fd = image.fd}, closed = {.fd = -1};
	char name[SIF_NAME_BYTES + 2], *before = read_all(&image), *after;
	struct err err = ERR_INIT;
	uint32_t id;

	(void)state;
	assert_true(sif_edit_add(&edit, &object, &itself, &id, &err) < 0);
	assert_non_null(strstr(err.message, "to itself"));
	assert_int_equal(sif_edit_add(&edit, &object, &closed, &id, &err), -EBADF);
	memset(name, 'n', sizeof(name));
	name[SIF_NAME_BYTES + 1] = '\0';
	object.name = name;
	assert_int_equal(sif_edit_add(&edit, &object, &itself, &id, &err), -ENAMETOOLONG);
	sif_edit_close(&edit);
	after = read_all(&image);
	assert_int_equal(get_size(&image), 4096 + 4 * 585);
	assert_memory_equal(before, after, (size_t)get_size(&image));
	/* One byte less is a name, without a NUL. */
	name[SIF_NAME_BYTES] = '\0';
	assert_int_equal(add(&image, &object, "x", 0), 1);
	free(before);
	free(after);
	(void)close(image.fd);
}

static void sif_edit_add_keeps_off_the_table(void **state)
{
	const struct sif_object object = {.type = SIF_DATA_GENERIC};
	const uint8_t offset[8] = {0x10, 0x10};
	struct image image = new_deterministic(4);

	(void)state;
	assert_int_equal(pwrite(image.fd, offset, sizeof(offset), H_DATA), sizeof(offset));
	assert_int_equal(add(&image, &object, "x", 0), -EINVAL);
	(void)close(image.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sif_edit_add_makes_fixture_b),
		cmocka_unit_test(sif_edit_delete_gives_the_empty_image_back),
		cmocka_unit_test(sif_edit_add_takes_the_first_free_slot),
		cmocka_unit_test(sif_edit_add_overwrites_a_deleted_end),
		cmocka_unit_test(sif_edit_keeps_one_primary_partition),
		cmocka_unit_test(sif_edit_sets_times_unless_deterministic),
		cmocka_unit_test(sif_edit_add_fills_the_digest_of_oci_objects),
		cmocka_unit_test(sif_edit_is_signed_looks_at_links),
		cmocka_unit_test(sif_edit_add_takes_back_what_failed),
		cmocka_unit_test(sif_edit_add_keeps_off_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
