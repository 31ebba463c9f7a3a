/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The action program: the last step before the payload, inside the container, with the payload's own rights. Reads the spec at
 * descriptor 3, restores what the caller had, evaluates the image's environment and becomes the payload.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/action/account_lines.h"
#include "frontend/action/read_ahead.h"
#include "frontend/action/run.h"
#include "frontend/action/script.h"
#include "frontend/action/shell_host.h"
#include "frontend/strlist.h"
#include "ipc/channel.h"
#include "ipc/limits.h"
#include "ipc/log.h"

#define SPEC_FD 3
#define FIRST_ACCOUNT_FD 4
#define FIRST_PASS_FD (FIRST_ACCOUNT_FD + PLAN_ACCOUNT_FDS)
#define FATAL_STATUS 255

static int main_read_spec(struct action_spec *spec, struct err *err)
{
	const void *bytes;
	size_t length;
	int result = channel_map_sealed(SPEC_FD, PLAN_BULK_MAX, &bytes, &length, err);

	if (result == 0 && !bytes)
		result = err_set(err, ERR_PROTOCOL, EPROTO, "the action is empty");
	if (result == 0)
		result = spec_decode(bytes, length, spec, err);
	if (result == 0)
		(void)munmap((void *)(uintptr_t)bytes, length);
	(void)close(SPEC_FD);
	return result;
}

/* The starter mounted these files empty, or said why it did not: the image's text is none of its business. */
static void main_write_accounts(const struct action_spec *spec)
{
	const struct {
		const char *path, *own;
		bool replace;
	} files[] = {{"/etc/passwd", spec->passwd, true}, {"/etc/group", spec->group, false}};

	for (int i = 0; i < PLAN_ACCOUNT_FDS / 2; i++) {
		int image_fd = FIRST_ACCOUNT_FD + 2 * i, out_fd = image_fd + 1;
		struct err err = ERR_INIT;

		if (files[i].own && fcntl(out_fd, F_GETFD) >= 0 &&
		    account_lines_write(image_fd, out_fd, files[i].own, files[i].replace, &err) < 0)
			log_warning("Incomplete %s: %s", files[i].path, err.message);
		(void)close(image_fd);
		(void)close(out_fd);
	}
}

/* The caller's descriptors go back to their numbers: first all out of the way, then each into place. */
static int main_restore_descriptors(const struct action_spec *spec, struct err *err)
{
	int moved[SPEC_PASS_MAX], highest = FIRST_PASS_FD + SPEC_PASS_MAX;

	for (uint32_t i = 0; i < spec->pass_count; i++)
		if (spec->pass_number[i] >= highest)
			highest = spec->pass_number[i] + 1;
	for (uint32_t i = 0; i < spec->pass_count; i++) {
		moved[i] = fcntl(FIRST_PASS_FD + (int)i, F_DUPFD_CLOEXEC, highest);
		if (moved[i] < 0)
			return err_sys(err, errno, "cannot restore an inherited descriptor");
		(void)close(FIRST_PASS_FD + (int)i);
	}
	for (uint32_t i = 0; i < spec->pass_count; i++)
		if (dup2(moved[i], spec->pass_number[i]) < 0)
			return err_sys(err, errno, "cannot restore an inherited descriptor");
	return 0;
}

static void main_restore_process(const struct action_spec *spec)
{
	struct rlimit stack;
	sigset_t blocked;

	(void)umask((mode_t)spec->umask);
	if (spec->has_stack && getrlimit(RLIMIT_STACK, &stack) == 0) {
		stack.rlim_cur = spec->stack_soft < stack.rlim_max ? spec->stack_soft : stack.rlim_max;
		(void)setrlimit(RLIMIT_STACK, &stack);
	}
	(void)sigemptyset(&blocked);
	for (int number = 1; number <= 64; number++) {
		if (spec->ignored_signals >> (number - 1) & 1)
			(void)signal(number, SIG_IGN);
		if (spec->blocked_signals >> (number - 1) & 1)
			(void)sigaddset(&blocked, number);
	}
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void main_enter_directory(const struct action_spec *spec)
{
	if (spec->cwd && chdir(spec->cwd) == 0)
		return;
	if (spec->cwd_required && spec->cwd)
		log_warning("Cannot change to %s: %s", spec->cwd, strerror(errno));
	if (spec->home && chdir(spec->home) == 0)
		return;
	if (chdir("/") < 0)
		log_debug("cannot change to /: %s", strerror(errno));
}

/* The payload's exit status when there is none to become, or a negative errno with @err. */
static int main_run(const struct action_spec *spec, struct err *err)
{
	struct shell shell = {.status = 0};
	int status, result = script_build_env(spec, &shell, &status, err);

	if (result == 0)
		result = status >= 0 ? status : run_payload(spec, &shell, err);
	shell_fini(&shell);
	return result;
}

int main(int argc, char **argv)
{
	static struct action_spec spec;
	struct err err = ERR_INIT;
	bool colour;
	int result, level;

	if (argc == 3 && strcmp(argv[1], "--dump-env") == 0)
		shell_host_dump(atoi(argv[2]));
	result = main_read_spec(&spec, &err);
	if (result == 0) {
		log_decode_level(spec.message_level, &level, &colour);
		log_init(level, colour);
		main_write_accounts(&spec);
		result = main_restore_descriptors(&spec, &err);
	}
	if (result == 0) {
		if (spec.read_ahead)
			read_ahead_allow();
		main_restore_process(&spec);
		main_enter_directory(&spec);
		result = main_run(&spec, &err);
	}
	spec_fini(&spec);
	if (result >= 0)
		return result;
	log_fatal("%s", err.message);
	return FATAL_STATUS;
}
