/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/conf_frontend.h"
#include "policy/conf_file.h"

#define NAME(name, ...) name,
static const char *const names[] = {CONF_DIRECTIVES(NAME, NAME, NAME, NAME, NAME)};
#define NAMES (sizeof(names) / sizeof(names[0]))

static struct conf_frontend conf;

static int parse(const char *text, struct err *err)
{
	return conf_frontend_parse(text, strlen(text), &conf, err);
}

static void parse_follows_the_syntax(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse("# mount proc = no\n  allow setuid=no\nallow setuid = yes\nunknown = 1\nmount sys =\n"
			       "max loop devices = 0x10\nsessiondir max size = 010\nmount dev = minimal\n"
			       "bind path = /a , /b:/c,,\nbind path = /d\ngo path = /go,/other", &err), 0);
	assert_true(conf.mount_proc);
	assert_false(conf.allow_setuid);
	assert_true(conf.mount_sys);
	assert_int_equal(conf.max_loop_devices, 16);
	assert_int_equal(conf.sessiondir_max_size, 8);
	assert_int_equal(conf.mount_dev, CONF_DEV_MINIMAL);
	assert_int_equal(conf.bind_path.count, 3);
	assert_string_equal(conf.bind_path.items[1], "/b:/c");
	assert_string_equal(conf.go_path, "/go");
}

static void parse_rejects_wrong_values(void **state)
{
	static const char *const bad[] = {"allow setuid = Yes", "allow setuid = yes # really", "mount dev = maybe",
		"max loop devices = -1", "max loop devices = 4294967296", "max loop devices = 09", "max loop devices = 1x"};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &err), -EINVAL);
	assert_int_equal(parse("\n\nallow setuid = x\n", &err), -EINVAL);
	assert_non_null(strstr(err.message, "line 3"));
	assert_non_null(strstr(err.message, "value authorized for directive \"allow setuid\" are [yes no]"));
	assert_int_equal(conf_frontend_parse("a\0b", 3, &conf, &err), -EINVAL);
}

static void parse_empties_absent_lists(void **state)
{
	(void)state;
	conf_frontend_init(&conf);
	assert_int_equal(conf.bind_path.count, 2);
	assert_int_equal(parse("", NULL), 0);
	assert_int_equal(conf.bind_path.count, 0);
}

static void check_supported_names_the_directive(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	conf_frontend_init(&conf);
	assert_int_equal(conf_frontend_check(&conf, &err), 0);
	assert_int_equal(parse("systemd cgroups = no\n", &err), 0);
	assert_int_equal(conf_frontend_check(&conf, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.message, "systemd cgroups"));
	assert_int_equal(parse("shared loop devices = yes\n", NULL), 0);
	assert_int_equal(conf_frontend_check(&conf, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.message, "\"shared loop devices\""));
}

static bool is_documented(const char *text, const char *name)
{
	char active[128], empty[128];

	(void)snprintf(active, sizeof(active), "\n%s = ", name);
	(void)snprintf(empty, sizeof(empty), "\n# %s =\n", name);
	return strstr(text, active) || strstr(text, empty);
}

/* One line each: a value that this version cannot honour is refused under the directive's name. */
static void check_supported_refuses_what_would_be_ignored(void **state)
{
	static const char *const lines[] = {
		"oci mode = yes",
		"mount hostfs = yes",
		"allow net users = ann",
		"allow net groups = users",
		"allow net networks = bridge",
		"allow netns paths = /run/netns/a",
		"always use nv = yes",
		"always use rocm = yes",
		"use nvidia-container-cli = yes",
		"cni configuration path = /etc/cni",
		"cni plugin path = /opt/cni",
		"cryptsetup path = /sbin/cryptsetup",
		"ldconfig path = /sbin/ldconfig",
		"nvidia-container-cli path = /usr/bin/nvidia-container-cli",
		"mksquashfs path = /usr/bin/mksquashfs",
		"unsquashfs path = /usr/bin/unsquashfs",
		"mksquashfs procs = 2",
		"mksquashfs mem = 1G",
		"download buffer size = 1024",
		"sif fuse = yes",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(parse(lines[i], &err), 0);
		assert_int_equal(conf_frontend_check(&conf, &err), -EOPNOTSUPP);
		assert_memory_equal(strchr(err.message, '"') + 1, lines[i], strcspn(lines[i], "=") - 1);
	}
}

/* Those that the launch, the starter or the imager read by their member. */
static void parse_fills_the_member(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse("enable fusemount = no\ntmp sandbox = no\nallow container encrypted = no\n"
			       "root search path = /a:/b\nuser search path = $PATH:/c\nmemory fs type = ramfs\n"
			       "mount slave = no\n",
			       &err),
			 0);
	assert_false(conf.enable_fusemount);
	assert_false(conf.tmp_sandbox);
	assert_false(conf.allow_container_encrypted);
	assert_string_equal(conf.root_search_path, "/a:/b");
	assert_string_equal(conf.user_search_path, "$PATH:/c");
	assert_int_equal(conf.memory_fs_type, CONF_MEMFS_RAMFS);
	assert_false(conf.mount_slave);
}

static void template_and_table_agree(void **state)
{
	static char text[CONF_TEXT_MAX];
	static struct conf_frontend defaults;
	int fd = open("etc/singularity.conf", O_RDONLY);
	ssize_t n;

	(void)state;
	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	assert_true(n > 0);
	for (size_t i = 0; i < NAMES; i++)
		if (!is_documented(text, names[i]))
			fail_msg("directive %s is not documented", names[i]);
	assert_int_equal(parse(text, NULL), 0);
	conf_frontend_init(&defaults);
#define SAME(name, member, ...) assert_int_equal(conf.member, defaults.member);
#define SAME_STRING(name, member, value) assert_true((conf.member == NULL) == (defaults.member == NULL));
#define SAME_LIST(name, member, value) assert_int_equal(conf.member.count, defaults.member.count);
	CONF_DIRECTIVES(SAME, SAME, SAME_STRING, SAME_LIST, SAME)
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *equals = strstr(line, " =");
		bool known = false;

		if (line[0] == '#' || !equals)
			continue;
		*equals = '\0';
		for (size_t i = 0; i < NAMES; i++)
			known = known || strcmp(names[i], line) == 0;
		if (!known)
			fail_msg("%s is no directive", line);
	}
}

static void file_load_wants_a_trusted_file(void **state)
{
	char path[] = "/tmp/test-conf-XXXXXX", link_path[64];
	struct err err = ERR_INIT;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "mount home = no\n", 16), 16);
	(void)close(fd);
	assert_int_equal(conf_frontend_load(path, &conf, &err), 0);
	assert_false(conf.mount_home);
	assert_true(conf_file_load_trusted(path, &conf.enforced, &err) < 0); /* /tmp is writable by others */
	(void)snprintf(link_path, sizeof(link_path), "%s.link", path);
	assert_int_equal(symlink(path, link_path), 0);
	assert_true(conf_frontend_load(link_path, &conf, &err) < 0);
	(void)unlink(link_path);
	(void)unlink(path);
	assert_true(conf_frontend_load("/", &conf, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_follows_the_syntax),
		cmocka_unit_test(parse_rejects_wrong_values),
		cmocka_unit_test(parse_empties_absent_lists),
		cmocka_unit_test(check_supported_names_the_directive),
		cmocka_unit_test(check_supported_refuses_what_would_be_ignored),
		cmocka_unit_test(parse_fills_the_member),
		cmocka_unit_test(template_and_table_agree),
		cmocka_unit_test(file_load_wants_a_trusted_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
