/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/seccomp_profile.h"
#include "policy/capability.h"

#define PROFILE_FILE "etc/seccomp-profiles/default.json"
#define FILTER_MAX 65536

static struct sock_filter filter[FILTER_MAX / sizeof(struct sock_filter)];

/* Returns the number of instructions, or a negative errno. */
static int compile(const char *text, const struct seccomp_host *host, struct err *err)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), result;
	ssize_t size = 0;

	assert_true(fd >= 0);
	result = seccomp_profile_compile(text, strlen(text), host, fd, err);
	if (result == 0) {
		size = pread(fd, filter, sizeof(filter), 0);
		assert_true(size > 0 && (size_t)size % sizeof(filter[0]) == 0);
		result = (int)((size_t)size / sizeof(filter[0]));
	} else {
		assert_true(strlen(err->message) > 0);
	}
	(void)close(fd);
	return result;
}

static int call_getppid(void)
{
	return syscall(SYS_getppid) < 0 ? errno : 0;
}

static int call_uname(void)
{
	return syscall(SYS_uname, filter) < 0 ? errno : 0;
}

static int call_socket_ipx(void)
{
	return socket(AF_IPX, SOCK_DGRAM, 0) < 0 ? errno : 0;
}

static int call_keyctl(void)
{
	return syscall(SYS_keyctl, 0, 0, 0, 0, 0) < 0 ? errno : 0;
}

static int call_dup_10(void)
{
	return syscall(SYS_fcntl, 1, 0, 10) < 0 ? errno : 0;
}

static int call_dup_11(void)
{
	return syscall(SYS_fcntl, 1, 0, 11) < 0 ? errno : 0;
}

/* What @call gives below @text: 0, or its errno. */
static int outcome(const char *text, uint64_t caps, int (*call)(void))
{
	const struct seccomp_host host = {caps, 6, 1};
	struct err err = ERR_INIT;
	int count = compile(text, &host, &err), status;
	struct sock_fprog program = {(unsigned short)count, filter};
	pid_t child;

	if (count < 0)
		fail_msg("%s", err.message);
	child = fork();
	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
			_exit(255);
		(void)syscall(SYS_exit_group, call()); /* a sanitizer's _exit(2) makes calls of its own */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define ALLOW "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
#define DENY(name, more) "{\"names\":[\"" name "\"],\"action\":\"SCMP_ACT_ERRNO\"" more "}"

static void rules_deny_with_their_errno(void **state)
{
	(void)state;
	assert_int_equal(outcome(ALLOW "]}", 0, call_getppid), 0);
	assert_int_equal(outcome(ALLOW DENY("getppid", "") "]}", 0, call_getppid), EPERM);
	assert_int_equal(outcome(ALLOW DENY("getppid", ",\"errnoRet\":38") "]}", 0, call_getppid), ENOSYS);
	assert_int_equal(outcome(ALLOW DENY("getppid", ",\"errnoRet\":38") "]}", 0, call_uname), 0);
	assert_int_equal(outcome(ALLOW "{\"name\":\"getppid\",\"action\":\"SCMP_ACT_ERRNO\"}]}", 0, call_getppid), EPERM);
	assert_int_equal(outcome(ALLOW DENY("no_such_call", "") "]}", 0, call_getppid), 0);
}

static void default_denies_what_is_not_allowed(void **state)
{
	const char *text = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":13,"
			   "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],"
			   "\"syscalls\":[{\"names\":[\"exit_group\",\"uname\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";

	(void)state;
	assert_int_equal(outcome(text, 0, call_uname), 0);
	assert_int_equal(outcome(text, 0, call_getppid), EACCES);
}

static void conditions_are_compared_with_the_host(void **state)
{
	const char *with = ALLOW DENY("getppid", ",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_CHOWN\"]}") "]}";
	const char *without = ALLOW DENY("getppid", ",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_CHOWN\"]}") "]}";
	const uint64_t chown_only = 1;

	(void)state;
	assert_int_equal(outcome(with, CAPABILITY_ALL, call_getppid), EPERM);
	assert_int_equal(outcome(with, chown_only, call_getppid), 0);
	assert_int_equal(outcome(without, chown_only, call_getppid), 0);
	assert_int_equal(outcome(without, 2, call_getppid), EPERM);
	assert_int_equal(outcome(ALLOW DENY("getppid", ",\"includes\":{\"minKernel\":\"6.1\"}") "]}", 0, call_getppid), EPERM);
	assert_int_equal(outcome(ALLOW DENY("getppid", ",\"includes\":{\"minKernel\":\"6.2\"}") "]}", 0, call_getppid), 0);
	assert_int_equal(outcome(ALLOW DENY("getppid", ",\"includes\":{\"arches\":[\"s390\"]}") "]}", 0, call_getppid), 0);
	assert_int_equal(outcome(ALLOW DENY("getppid", ",\"includes\":{\"arches\":[\"amd64\",\"arm64\"]}") "]}", 0,
				 call_getppid), EPERM);
}

static void arguments_are_compared(void **state)
{
	const char *one = ALLOW DENY("fcntl", ",\"args\":[{\"index\":1,\"value\":0,\"op\":\"SCMP_CMP_EQ\"},"
					      "{\"index\":2,\"value\":10,\"op\":\"SCMP_CMP_EQ\"}]") "]}";
	const char *masked = ALLOW DENY("fcntl", ",\"args\":[{\"index\":2,\"value\":1,\"valueTwo\":1,"
						 "\"op\":\"SCMP_CMP_MASKED_EQ\"}]") "]}";
	const char *either = ALLOW DENY("fcntl", ",\"args\":[{\"index\":2,\"value\":10,\"op\":\"SCMP_CMP_EQ\"},"
						 "{\"index\":2,\"value\":11,\"op\":\"SCMP_CMP_EQ\"}]") "]}";

	(void)state;
	assert_int_equal(outcome(one, 0, call_dup_10), EPERM);
	assert_int_equal(outcome(one, 0, call_dup_11), 0);
	assert_int_equal(outcome(masked, 0, call_dup_10), 0);
	assert_int_equal(outcome(masked, 0, call_dup_11), EPERM);
	assert_int_equal(outcome(either, 0, call_dup_10), EPERM);
	assert_int_equal(outcome(either, 0, call_dup_11), EPERM);
}

static void malformed_profiles_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "[]", "{", "{}", "{\"defaultAction\":\"ALLOW\"}", "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_VAX\"]}",
		ALLOW "{\"names\":[],\"action\":\"SCMP_ACT_ERRNO\"}]}", ALLOW "{\"names\":[\"read\"]}]}",
		ALLOW "{\"names\":[7],\"action\":\"SCMP_ACT_ERRNO\"}]}",
		ALLOW DENY("read", ",\"errnoRet\":5000") "]}", ALLOW DENY("read", ",\"errnoRet\":-1") "]}",
		ALLOW DENY("read", ",\"includes\":{\"caps\":[\"CAP_NONE_SUCH\"]}") "]}",
		ALLOW DENY("read", ",\"includes\":{\"minKernel\":\"new\"}") "]}",
		ALLOW DENY("read", ",\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]") "]}",
		ALLOW DENY("read", ",\"args\":[{\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]") "]}",
		ALLOW DENY("read", ",\"args\":[{\"index\":1,\"value\":0,\"op\":\"EQ\"}]") "]}",
	};
	const struct seccomp_host host = {0, 6, 1};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_INIT;

		if (compile(bad[i], &host, &err) >= 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void our_profile_denies_what_it_says(void **state)
{
	static char text[SECCOMP_PROFILE_BYTES_MAX];
	FILE *file = fopen(PROFILE_FILE, "re");

	(void)state;
	if (!file)
		fail_msg("run from the top of the source tree: no %s", PROFILE_FILE);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	(void)fclose(file);
	assert_int_equal(outcome(text, 0, call_getppid), 0);
	assert_int_equal(outcome(text, 0, call_keyctl), EPERM);
	assert_int_equal(outcome(text, 0, call_socket_ipx), EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_deny_with_their_errno),
		cmocka_unit_test(default_denies_what_is_not_allowed),
		cmocka_unit_test(conditions_are_compared_with_the_host),
		cmocka_unit_test(arguments_are_compared),
		cmocka_unit_test(malformed_profiles_are_refused),
		cmocka_unit_test(our_profile_denies_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
