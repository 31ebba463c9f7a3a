/* SPDX-License-Identifier: BSD-3-Clause */
/* Unpacks the partition of an image that another program wrote; FOREIGN_SIF names it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/image/image.h"
#include "frontend/image/squash_read.h"
#include "frontend/pack/extract.h"

static char dest[] = "/tmp/test_extract.XXXXXX";

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st, (void)kind, (void)walk;
	return remove(path);
}

static int open_foreign(void **state)
{
	static struct image image = IMAGE_INIT;
	struct err err = ERR_INIT;

	if (getenv("FOREIGN_SIF") && image_open(getenv("FOREIGN_SIF"), false, &image, &err) == 0)
		*state = &image;
	return mkdtemp(dest) ? 0 : -1;
}

static int remove_dest(void **state)
{
	if (*state)
		image_close(*state);
	return nftw(dest, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void need_image(const struct image *image)
{
	if (image)
		return;
	if (getenv("FOREIGN_SIF"))
		fail_msg("FOREIGN_SIF cannot be opened");
	print_message("skipped: FOREIGN_SIF does not name an image written by another program\n");
	skip();
}

static void extract_squashfs_unpacks_files(void **state)
{
	const struct image_partition *root;
	struct image *image = *state;
	struct err err = ERR_INIT;
	char path[128];
	struct stat st;

	need_image(image);
	root = image_get_root(image);
	if (extract_squashfs(image->fd, root->offset_bytes, root->size_bytes, dest, true, &err) < 0)
		fail_msg("%s", err.message);
	(void)snprintf(path, sizeof(path), "%s/bin/busybox", dest);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_not_equal(st.st_mode & S_IXUSR, 0);
	assert_int_equal(st.st_uid, geteuid());
	(void)snprintf(path, sizeof(path), "%s/.singularity.d/env", dest);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	/* What exists is never written over. */
	assert_int_not_equal(extract_squashfs(image->fd, root->offset_bytes, root->size_bytes, dest, true, &err), 0);
}

static void squash_lookup_stays_inside(void **state)
{
	const struct image_partition *root;
	struct image *image = *state;
	struct squash *squash;
	sqfs_inode_generic_t *inode;
	struct err err = ERR_INIT;

	need_image(image);
	root = image_get_root(image);
	assert_int_equal(squash_open(image->fd, root->offset_bytes, root->size_bytes, &squash, &err), 0);
	assert_int_equal(squash_lookup(squash, "/../../bin/./busybox", &inode, &err), 0);
	assert_non_null(inode);
	assert_int_equal(squash_get_type(inode), S_IFREG);
	sqfs_free(inode);
	assert_int_equal(squash_lookup(squash, "/environment", &inode, &err), 0);
	assert_non_null(inode);
	assert_int_equal(squash_get_type(inode), S_IFREG);
	sqfs_free(inode);
	assert_int_equal(squash_lookup(squash, "/no/such/file", &inode, &err), 0);
	assert_null(inode);
	squash_close(squash);
}

static void extract_squashfs_refuses_short_image(void **state)
{
	const struct image_partition *root;
	struct image *image = *state;
	struct err err = ERR_INIT;

	need_image(image);
	root = image_get_root(image);
	assert_true(extract_squashfs(image->fd, root->offset_bytes, 5000, dest, true, &err) < 0);
	assert_true(extract_squashfs(image->fd, root->offset_bytes + 1, root->size_bytes, dest, true, &err) < 0);
}

static void squash_parse_arguments_wants_numbers(void **state)
{
	char *good[] = {"x", "--fd", "3", "--offset", "0", "--size", "9", "--squash-ids", "dest"};
	char *bad[] = {"x", "--fd", "-3", "--offset", "0", "--size", "9"};
	struct squash_arguments arguments;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(squash_parse_arguments(9, good, true, &arguments, &err), 0);
	assert_int_equal(arguments.fd, 3);
	assert_int_equal(arguments.first, 8);
	assert_true(arguments.squash_ids);
	assert_true(squash_parse_arguments(9, good, false, &arguments, &err) < 0);
	assert_true(squash_parse_arguments(7, bad, true, &arguments, &err) < 0);
	assert_true(squash_parse_arguments(5, good, true, &arguments, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extract_squashfs_unpacks_files),
		cmocka_unit_test(squash_lookup_stays_inside),
		cmocka_unit_test(extract_squashfs_refuses_short_image),
		cmocka_unit_test(squash_parse_arguments_wants_numbers),
	};

	return cmocka_run_group_tests(tests, open_foreign, remove_dest);
}
