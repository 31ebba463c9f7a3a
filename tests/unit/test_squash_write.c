/* SPDX-License-Identifier: BSD-3-Clause */
/* What is written at an offset is read back with libsquashfs' own reader, through squash_tree.c. */
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

#include "frontend/pack/squash_tree.h"
#include "frontend/pack/squash_write.h"

#define OFFSET 36864
#define BIG 300000

static uint8_t big[BIG];

static struct tree_inode *add(struct tree *tree, struct tree_node *parent, const char *name, mode_t mode,
			      struct tree_node **node)
{
	struct tree_inode *inode = tree_new_inode(tree, mode);

	assert_int_equal(tree_add(parent, name, inode, node, NULL), 0);
	inode->mtime = 1700000000;
	return inode;
}

static void fill(struct tree *tree)
{
	struct tree_node *dir;
	struct tree_inode *file;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 1000);
	assert_int_equal(tree_init(tree, NULL), 0);
	(void)add(tree, tree->root, "dir", S_IFDIR | 0750, &dir);
	file = add(tree, dir, "big", S_IFREG | 04755, NULL);
	assert_int_equal(tree_set_bytes(file, big, sizeof(big), NULL), 0);
	file->uid = 1000;
	file->gid = 70000;
	assert_int_equal(tree_set_xattr(file, "user.note", "text", 4, NULL), 0);
	assert_int_equal(tree_add(tree->root, "again", file, NULL, NULL), 0);
	file = add(tree, tree->root, "hot", S_IFREG | 0644, NULL);
	assert_int_equal(tree_set_bytes(file, "hot and plain to see", 20, NULL), 0);
	file->hot = true;
	(void)add(tree, tree->root, "empty", S_IFREG | 0644, NULL);
	(void)add(tree, tree->root, "pipe", S_IFIFO | 0600, NULL);
	(void)add(tree, tree->root, "socket", S_IFSOCK | 0600, NULL);
	add(tree, tree->root, "null", S_IFCHR | 0666, NULL)->rdev = 0x103;
	add(tree, tree->root, "link", S_IFLNK | 0777, NULL)->target = strdup("dir/big");
	for (int i = 0; i < 600; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "entry%d", i);
		(void)add(tree, dir, name, S_IFREG | 0644, NULL);
	}
}

static uint64_t write_tree(struct tree *tree, int fd, enum squash_compression compression, unsigned int workers)
{
	struct squash_options options = {.compression = compression, .level = -1, .time = 1700000000,
					 .time_max = 1600000000, .workers = workers};
	struct err err = ERR_INIT;
	uint64_t size = 0;

	if (squash_write(tree, &options, fd, OFFSET, &size, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(size % 4096, 0);
	return size;
}

static void check_tree(struct tree *tree)
{
	struct tree_node *file = tree_lookup(tree, "/link", true);
	char *bytes = NULL;
	size_t size;

	assert_non_null(file);
	assert_int_equal(file->inode->mode, S_IFREG | 04755);
	assert_int_equal(file->inode->uid, 1000);
	assert_int_equal(file->inode->gid, 70000);
	assert_int_equal(file->inode->mtime, 1600000000);
	assert_int_equal(file->inode->nlink, 2);
	assert_ptr_equal(tree_lookup(tree, "/again", true)->inode, file->inode);
	assert_non_null(file->inode->xattrs);
	assert_string_equal(file->inode->xattrs->name, "user.note");
	assert_int_equal(tree_read(file->inode, 10 * BIG, &bytes, &size, NULL), 0);
	assert_int_equal(size, BIG);
	assert_memory_equal(bytes, big, BIG);
	free(bytes);
	assert_int_equal(tree_lookup(tree, "/null", false)->inode->rdev, 0x103);
	assert_true(S_ISFIFO(tree_lookup(tree, "/pipe", false)->inode->mode));
	assert_true(S_ISSOCK(tree_lookup(tree, "/socket", false)->inode->mode));
	assert_int_equal(tree_lookup(tree, "/dir", false)->count, 601);
	assert_int_equal(tree_lookup(tree, "/empty", false)->inode->size, 0);
}

static void squash_write_round_trip(void **state)
{
	static const enum squash_compression kinds[] = {SQUASH_GZIP, SQUASH_ZSTD, SQUASH_LZ4, SQUASH_XZ, SQUASH_NONE};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct tree tree, back;
		struct squash_tree *reader = NULL;
		struct err err = ERR_INIT;
		int fd = memfd_create("squash", 0);
		uint64_t size;

		fill(&tree);
		size = write_tree(&tree, fd, kinds[i], 2);
		assert_int_equal(tree_init(&back, NULL), 0);
		if (squash_tree_load(fd, OFFSET, size, false, &back, &reader, &err) < 0)
			fail_msg("%s", err.message);
		check_tree(&back);
		tree_fini(&back);
		squash_tree_free(reader);
		tree_fini(&tree);
		(void)close(fd);
	}
}

static uint8_t *load(int fd, size_t size)
{
	uint8_t *bytes = malloc(size);

	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, size, OFFSET), (ssize_t)size);
	return bytes;
}

static void squash_write_puts_hot_files_first_and_plain(void **state)
{
	int fd = memfd_create("squash", 0);
	struct tree tree;
	uint64_t size;
	uint8_t *bytes;

	(void)state;
	fill(&tree);
	size = write_tree(&tree, fd, SQUASH_GZIP, 1);
	bytes = load(fd, (size_t)size);
	/* Right after the superblock of 96 bytes. */
	assert_memory_equal(bytes + 96, "hot and plain to see", 20);
	free(bytes);
	tree_fini(&tree);
	(void)close(fd);
}

static void squash_write_is_repeatable(void **state)
{
	uint8_t *bytes[2];
	uint64_t size[2];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		int fd = memfd_create("squash", 0);
		struct tree tree;

		fill(&tree);
		size[i] = write_tree(&tree, fd, SQUASH_GZIP, i == 0 ? 1 : 4);
		bytes[i] = load(fd, (size_t)size[i]);
		tree_fini(&tree);
		(void)close(fd);
	}
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(bytes[0], bytes[1], size[0]);
	free(bytes[0]);
	free(bytes[1]);
}

static void squash_parse_compression_checks_levels(void **state)
{
	struct squash_options options = {0};

	(void)state;
	assert_int_equal(squash_parse_compression("zstd:19", &options, NULL), 0);
	assert_int_equal(options.compression, SQUASH_ZSTD);
	assert_int_equal(options.level, 19);
	assert_int_equal(squash_parse_compression("gzip", &options, NULL), 0);
	assert_int_equal(options.level, -1);
	assert_true(squash_parse_compression("gzip:99", &options, NULL) < 0);
	assert_true(squash_parse_compression("gzip:", &options, NULL) < 0);
	assert_true(squash_parse_compression("brotli", &options, NULL) < 0);
	assert_true(squash_parse_compression("gz", &options, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(squash_write_round_trip),
		cmocka_unit_test(squash_write_puts_hot_files_first_and_plain),
		cmocka_unit_test(squash_write_is_repeatable),
		cmocka_unit_test(squash_parse_compression_checks_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
