/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths of a container without mounts: against a made-up tree, and against what the kernel makes of a random one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "starter/confined/path.h"

static struct path_table table;
static struct path_result found;
static struct err err;

/* host path → text of the link; directories end in "/." for the check before "..". */
static const struct {
	const char *host, *text;
} links[] = {
	{"/img/lib", "usr/lib"},
	{"/img/abs", "/usr/bin"},
	{"/img/loop", "loop"},
	{"/img/up", "../../../etc"},
	{"/img/usr/self", "."},
	{"/img/var/run", "/run"},
	{"/img/tohome", "/home/ann/x"},
	{"/home/ann/in", "/usr"},
	{"/img/dangling", "nowhere/file"},
	{"/img/a", "b"},
	{"/img/b", "/a/"},
	{"/img/etc/rc", "../run/rc.conf"},
	{"/img/home", "/usr"}, /* covered by a bind */
};

static ssize_t fake_read_link(void *context, const char *host, bool last, char *out, size_t size)
{
	(void)context;
	(void)last;
	if (strcmp(host, "/img/file/.") == 0)
		return -ENOTDIR;
	if (strstr(host, "nothing"))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (strcmp(host, links[i].host) == 0) {
			size_t length = strlen(links[i].text);

			memcpy(out, links[i].text, length < size ? length : size);
			return (ssize_t)length;
		}
	return -EINVAL;
}

static const struct path_view fake = {fake_read_link, NULL};

static int setup(void **state)
{
	(void)state;
	if (path_table_init(&table, "/img", true, &err) < 0)
		return -1;
	if (path_table_add(&table, "/home", "/home", false, &err) < 0 ||
	    path_table_add(&table, "/proc", "/proc", false, &err) < 0 ||
	    path_table_add(&table, "/data", "/srv/data", true, &err) < 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	path_table_fini(&table);
	return 0;
}

static int resolve_at(const char *base, const char *path, bool follow)
{
	return path_resolve(&table, &fake, base, path, follow, &found);
}

static void expect(const char *path, bool follow, const char *guest, const char *host)
{
	assert_int_equal(resolve_at("/usr", path, follow), 0);
	assert_string_equal(found.guest, guest);
	assert_string_equal(found.host, host);
}

static void paths_go_to_the_image_or_a_bind(void **state)
{
	(void)state;
	expect("/etc/passwd", true, "/etc/passwd", "/img/etc/passwd");
	expect("bin/ls", true, "/usr/bin/ls", "/img/usr/bin/ls");
	expect("//home///ann/./f", true, "/home/ann/f", "/home/ann/f");
	expect("/homes", true, "/homes", "/img/homes");
	expect("/data/x", true, "/data/x", "/srv/data/x");
	assert_true(found.entry->readonly);
	expect("/home", true, "/home", "/home");
	assert_false(found.entry->readonly);
	expect("/", true, "/", "/img/");
}

static void dots_do_not_leave_the_root(void **state)
{
	(void)state;
	expect("/../../etc", true, "/etc", "/img/etc");
	expect("../../../..", true, "/", "/img");
	expect("/home/../etc", true, "/etc", "/img/etc");
	expect("/up/passwd", true, "/etc/passwd", "/img/etc/passwd");
	expect(".", true, "/usr", "/img/usr/");
	expect("/etc/.", true, "/etc", "/img/etc/");
	assert_int_equal(resolve_at("/", "file/..", true), -ENOTDIR);
	assert_int_equal(resolve_at("/", "nothing/../etc", true), -ENOENT);
}

static void links_are_followed_inside(void **state)
{
	(void)state;
	expect("/lib/x.so", true, "/usr/lib/x.so", "/img/usr/lib/x.so");
	expect("/abs", true, "/usr/bin", "/img/usr/bin");
	expect("/abs", false, "/abs", "/img/abs");
	expect("/abs/", false, "/usr/bin", "/img/usr/bin/");
	expect("/abs/sh", false, "/usr/bin/sh", "/img/usr/bin/sh");
	expect("/tohome/y", true, "/home/ann/x/y", "/home/ann/x/y");
	expect("/home/ann/in/bin", true, "/usr/bin", "/img/usr/bin");
	expect("/usr/self/self/self/bin", true, "/usr/bin", "/img/usr/bin");
	expect("/dangling", true, "/nowhere/file", "/img/nowhere/file");
	expect("/abs/../lib", true, "/usr/lib", "/img/usr/lib");
	assert_int_equal(resolve_at("/", "loop", true), -ELOOP);
	assert_int_equal(resolve_at("/", "a/x", true), -ELOOP);
	assert_int_equal(resolve_at("/", "loop", false), 0);
}

static void odd_paths_are_refused(void **state)
{
	static char path[PATH_MAX + 8];

	(void)state;
	assert_int_equal(resolve_at("/", "", true), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(resolve_at("/", path, true), -ENAMETOOLONG);
	path[NAME_MAX + 1] = '\0';
	assert_int_equal(resolve_at("/", path, true), -ENAMETOOLONG);
	path[NAME_MAX] = '\0';
	assert_int_equal(resolve_at("/", path, true), 0);
	for (size_t i = 0; i < PATH_MAX - 2; i += 2)
		memcpy(path + i, "q/", 3);
	assert_int_equal(resolve_at("/", path, true), -ENAMETOOLONG); /* with "/img" before it */
}

static void the_way_back_leads_to_the_same_place(void **state)
{
	char guest[PATH_MAX];

	(void)state;
	assert_true(path_to_guest(&table, "/img/usr/bin", guest, sizeof(guest)));
	assert_string_equal(guest, "/usr/bin");
	assert_true(path_to_guest(&table, "/img", guest, sizeof(guest)));
	assert_string_equal(guest, "/");
	assert_true(path_to_guest(&table, "/srv/data", guest, sizeof(guest)));
	assert_string_equal(guest, "/data");
	assert_false(path_to_guest(&table, "/etc", guest, sizeof(guest)));
	assert_false(path_to_guest(&table, "/image", guest, sizeof(guest)));
	assert_false(path_to_guest(&table, "/img/home/ann", guest, sizeof(guest))); /* hidden */
	/* An image that lies in a bind is named by its place in the container. */
	assert_int_equal(path_table_add(&table, "/pool", "/", false, &err), 0);
	assert_true(path_to_guest(&table, "/img/usr", guest, sizeof(guest)));
	assert_string_equal(guest, "/usr");
	assert_true(path_to_guest(&table, "/etc", guest, sizeof(guest)));
	assert_string_equal(guest, "/pool/etc");
	assert_true(path_to_guest(&table, "/", guest, sizeof(guest)));
	assert_string_equal(guest, "/pool");
}

static void a_later_bind_covers_those_below_it(void **state)
{
	(void)state;
	assert_int_equal(path_table_add(&table, "/home/ann", "/else", false, &err), 0);
	expect("/home/ann/f", true, "/home/ann/f", "/else/f");
	expect("/home/bob", true, "/home/bob", "/home/bob");
	assert_int_equal(path_table_add(&table, "/home", "/third", false, &err), 0);
	expect("/home/ann/f", true, "/home/ann/f", "/third/ann/f");
	assert_int_equal(path_table_add(&table, "/", "/x", false, &err), -EINVAL);
}

/* ---- against the kernel ------------------------------------------------------------------------------------------- */

static unsigned int seed = 7;

static unsigned int draw(unsigned int below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

/* "a/../b/./c", sometimes absolute, sometimes with slashes where they make a difference. */
static void draw_path(char *out)
{
	static const char *const parts[] = {"a", "b",  "c", "d",  "f",   "l",
					    "m", "..", ".", "..", "none"};
	unsigned int count = 1 + draw(6);

	out[0] = '\0';
	if (draw(3) == 0)
		strcat(out, draw(4) == 0 ? "//" : "/");
	for (unsigned int i = 0; i < count; i++) {
		strcat(out, parts[draw(sizeof(parts) / sizeof(parts[0]))]);
		if (i + 1 < count || draw(6) == 0)
			strcat(out, draw(8) == 0 ? "//" : "/");
	}
}

static ssize_t real_read_link(void *context, const char *host, bool last, char *out, size_t size)
{
	ssize_t length = readlink(host, out, size);

	(void)context;
	(void)last;
	return length < 0 ? -errno : length;
}

static const struct path_view real = {real_read_link, NULL};

static void make_tree(const char *dir, int depth)
{
	static const char *const names[] = {"a", "b", "c", "d", "f", "l", "m"};
	char path[PATH_MAX], text[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned int kind = draw(10);

		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		draw_path(text);
		if (kind < 4 && depth > 0) {
			assert_int_equal(mkdir(path, 0755), 0);
			make_tree(path, depth - 1);
		} else if (kind < 5) {
			assert_int_equal(close(creat(path, 0644)), 0);
		} else if (kind < 9) {
			assert_int_equal(symlink(text, path), 0);
		}
	}
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void compare(const char *root, int root_fd, const char *path, bool follow)
{
	struct open_how how = {.flags = (uint64_t)(O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)),
			       .resolve = RESOLVE_IN_ROOT};
	int fd, kernel, ours;
	struct stat a, b;

	do { /* EAGAIN: something was renamed or mounted on this machine meanwhile */
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		kernel = fd < 0 ? -errno : 0;
	} while (kernel == -EAGAIN);
	ours = path_resolve(&table, &real, "/", path, follow, &found);
	if (ours == 0 && (follow ? stat : lstat)(found.host, &b) < 0)
		ours = -errno;
	if (ours != kernel)
		print_error("%s below %s, follow %d: kernel %d, ours %d (%s)\n", path, root, follow,
			    kernel, ours, found.host);
	assert_int_equal(ours, kernel);
	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &a), 0);
	assert_true(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	assert_int_equal(close(fd), 0);
}

static void random_trees_are_walked_as_the_kernel_does(void **state)
{
	char dir[] = "/tmp/confined-path.XXXXXX", path[256];
	struct open_how how = {.flags = O_PATH, .resolve = RESOLVE_IN_ROOT};
	unsigned int good = 0;
	int root_fd;

	(void)state;
	if (syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how)) < 0 && errno != EPERM)
		skip();
	for (int round = 0; round < 20; round++) {
		memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
		assert_non_null(mkdtemp(dir));
		make_tree(dir, 3);
		root_fd = open(dir, O_PATH | O_DIRECTORY);
		path_table_fini(&table);
		assert_int_equal(path_table_init(&table, dir, false, &err), 0);
		for (int i = 0; i < 2000; i++) {
			draw_path(path);
			compare(dir, root_fd, path, draw(2) == 0);
			good += strncmp(found.host, dir, strlen(dir)) == 0;
		}
		assert_int_equal(close(root_fd), 0);
		assert_int_equal(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	}
	assert_true(good > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paths_go_to_the_image_or_a_bind, setup, teardown),
		cmocka_unit_test_setup_teardown(dots_do_not_leave_the_root, setup, teardown),
		cmocka_unit_test_setup_teardown(links_are_followed_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_paths_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(the_way_back_leads_to_the_same_place, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_later_bind_covers_those_below_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(random_trees_are_walked_as_the_kernel_does, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
