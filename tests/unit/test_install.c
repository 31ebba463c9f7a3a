/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The path of the program is an argument of a static function. */
#include "frontend/settings/install.c"

static void assert_relocated(const char *exe, const char *libexec_bin, const char *confdir)
{
	struct install install = {0};
	struct err err = ERR_INIT;

	assert_int_equal(resolve_install(exe, &install, &err), 0);
	assert_true(install.relocated);
	assert_false(install.has_suid);
	assert_string_equal(install.libexec_bin, libexec_bin);
	assert_string_equal(install.confdir, confdir);
	install_fini(&install);
}

static void resolve_install_follows_program(void **state)
{
	(void)state;
	assert_relocated("/nowhere/tree/bin/singularity", "/nowhere/tree/libexec/singularity/bin", "/nowhere/tree/etc/singularity");
	assert_relocated("/nowhere/tree/libexec/singularity/bin/imager", "/nowhere/tree/libexec/singularity/bin",
			 "/nowhere/tree/etc/singularity");
	assert_relocated("/nowhere/bin/singularity (deleted)", "/nowhere/libexec/singularity/bin", "/nowhere/etc/singularity");
}

static void resolve_install_keeps_compiled_paths(void **state)
{
	static const char *const programs[] = {SINGULARITY_BINDIR "/singularity",
					       SINGULARITY_LIBEXECDIR "/singularity/bin/imager"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct install install = {0};
		struct err err = ERR_INIT;

		assert_int_equal(resolve_install(programs[i], &install, &err), 0);
		assert_false(install.relocated);
		assert_string_equal(install.prefix, SINGULARITY_PREFIX);
		assert_string_equal(install.confdir, SINGULARITY_SYSCONFDIR "/singularity");
		assert_string_equal(install.libexec_bin, SINGULARITY_LIBEXECDIR "/singularity/bin");
		install_fini(&install);
	}
}

/* Makes a starter-suid of @mode in a tree of its own and asks. */
static bool suid_is_seen(mode_t mode, bool relocated)
{
	char dir[] = "/tmp/test_install.XXXXXX";
	char path[64];
	struct install install = {.libexec_bin = dir, .relocated = relocated};
	bool seen;
	int fd;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/starter-suid", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
	seen = find_suid(&install);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	return seen;
}

static void find_suid_wants_root_and_bit(void **state)
{
	struct install missing = {.libexec_bin = (char[]){"/nowhere"}};

	(void)state;
	assert_false(find_suid(&missing));
	assert_false(suid_is_seen(0755, false));
	assert_false(suid_is_seen(04755, true));
	assert_int_equal(suid_is_seen(04755, false), geteuid() == 0);
}

static void install_open_program_names_what_is_missing(void **state)
{
	struct err err = ERR_INIT;
	int fd = -1;

	(void)state;
	assert_int_equal(install_open_program("no-such-program", &fd, &err), -ENOENT);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(err.message, "no-such-program"));
	assert_ptr_equal(install_get(), install_get());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolve_install_follows_program),
		cmocka_unit_test(resolve_install_keeps_compiled_paths),
		cmocka_unit_test(find_suid_wants_root_and_bit),
		cmocka_unit_test(install_open_program_names_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
