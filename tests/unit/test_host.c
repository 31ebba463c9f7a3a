/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frontend/launch/host.h"

static char name[] = "ann";
static struct host host = {.uid = 1001, .name = name};
static struct plan_extent range;
static struct err err;

static int parse(const char *text)
{
	memset(&err, 0, sizeof(err));
	return host_parse_subids(&host, text, "/etc/subuid", &range, &err);
}

static void subids_are_found_by_name_and_number(void **state)
{
	(void)state;
	assert_int_equal(parse("bob:1:2\nann:100000:65536\n"), 0);
	assert_int_equal(range.inside, 1);
	assert_int_equal(range.outside, 100000);
	assert_int_equal(range.count, 65536);
	assert_int_equal(parse("1001:200000:10"), 0);
	assert_int_equal(range.outside, 200000);
	assert_int_equal(parse("anna:1:2\nan:3:4\n10010:5:6\n"), -ENOENT);
	assert_int_equal(parse(""), -ENOENT);
}

static void subids_prefer_exactly_65536(void **state)
{
	(void)state;
	assert_int_equal(parse("ann:1000:100000\nann:300000:65536\nann:500000:900000\nann:700000:65536\n"), 0);
	assert_int_equal(range.outside, 300000);
	assert_int_equal(parse("ann:1000:10\nann:2000:20\nann:3000:15\n"), 0);
	assert_int_equal(range.outside, 2000);
}

static void subids_can_be_disabled(void **state)
{
	(void)state;
	assert_int_equal(parse("!ann:100000:65536\n"), -EPERM);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_non_null(strstr(err.message, "/etc/subuid"));
	assert_int_equal(parse("!bob:100000:65536\nann:5:6\n"), 0);
}

static void subids_that_are_none_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(parse("ann\nann:\nann:x:y\nann:1\nann:5:0\nann:0:65536\nann:4294967295:2\n"), -ENOENT);
}

static void map_lines_are_read(void **state)
{
	static struct plan_extent extents[PLAN_MAX_EXTENTS];

	(void)state;
	assert_int_equal(host_parse_map("         0       1001          1\n         1     100000      65536\n", extents), 2);
	assert_int_equal(extents[0].outside, 1001);
	assert_int_equal(extents[1].inside, 1);
	assert_int_equal(extents[1].count, 65536);
	assert_int_equal(host_parse_map("", extents), 0);
	assert_int_equal(host_parse_map("0 0\n", extents), 0);
	assert_int_equal(host_parse_map("0 0 4294967295\nrest", extents), 1);
}

static void map_lines_have_an_end(void **state)
{
	static struct plan_extent extents[PLAN_MAX_EXTENTS];
	static char text[(PLAN_MAX_EXTENTS + 20) * 6 + 1];

	(void)state;
	for (size_t i = 0; i < PLAN_MAX_EXTENTS + 20; i++)
		memcpy(text + i * 6, "1 2 3\n", 7);
	assert_int_equal(host_parse_map(text, extents), PLAN_MAX_EXTENTS);
}

static void reading_this_host_works(void **state)
{
	struct host here;
	struct plan_extent extents[PLAN_MAX_EXTENTS];
	uint32_t count;

	(void)state;
	assert_int_equal(host_read(&here, &err), 0);
	assert_int_equal(here.uid, getuid());
	assert_non_null(here.name);
	assert_int_equal(here.home[0], '/');
	assert_int_equal(here.group_count, getgroups(0, NULL));
	host_fini(&here);
	assert_int_equal(host_read_map("uid_map", extents, &count, &err), 0);
	assert_true(count >= 1);
}

/* A filter as outer containers have it; the probe's child inherits it. */
static void refuse_unshare(void)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
}

/* Last: the filter stays. */
static void a_refused_namespace_is_hinted_at_and_found(void **state)
{
	struct host_probe probe = {HOST_HINT_LIMIT, HOST_STEP_MOUNT, 1};

	(void)state;
	host_probe_namespaces(&probe);
	assert_int_equal(probe.hints, HOST_HINT_LIMIT);
	assert_true((probe.refused == HOST_STEP_ALL) == (probe.errnum == 0));
	refuse_unshare();
	assert_true(host_read_hints() & HOST_HINT_SECCOMP);
	host_probe_namespaces(&probe);
	assert_int_equal(probe.refused, HOST_STEP_UNSHARE);
	assert_int_equal(probe.errnum, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subids_are_found_by_name_and_number),
		cmocka_unit_test(subids_prefer_exactly_65536),
		cmocka_unit_test(subids_can_be_disabled),
		cmocka_unit_test(subids_that_are_none_are_passed_over),
		cmocka_unit_test(map_lines_are_read),
		cmocka_unit_test(map_lines_have_an_end),
		cmocka_unit_test(reading_this_host_works),
		cmocka_unit_test(a_refused_namespace_is_hinted_at_and_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
