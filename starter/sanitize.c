/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: what a process inherits through execve(2) and a caller may have prepared. Must not: open anything but
 * /dev/null, read the environment. Runs first, before the identity is looked at.
 */
#include "starter/sanitize.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/log.h"

#define NOFILE_MIN 256 /* binds, images and the record, with room to spare */
#define AS_MIN (32 << 20) /* bytes */

/* Soft limits that could stop the starter half-way; the payload gets the caller's values back. */
static struct {
	__rlimit_resource_t resource;
	rlim_t needed;
	const char *refusal;
	struct rlimit saved;
} limits[] = {
	{RLIMIT_FSIZE, RLIM_INFINITY, "the file size is limited (ulimit -Hf must be unlimited)", {0, 0}},
	{RLIMIT_NOFILE, NOFILE_MIN, "the hard limit of open files is below 256 (ulimit -Hn)", {0, 0}},
	{RLIMIT_AS, AS_MIN, "the hard limit of memory is below 32 MiB (ulimit -Hv)", {0, 0}},
	{RLIMIT_CPU, 1, "no processor time is left (ulimit -Ht)", {0, 0}},
};
static int persona; /* as above; see personality(2) */

_Noreturn static void sanitize_fail(const char *what)
{
	log_fatal("cannot start: %s", what);
	_exit(255);
}

static void sanitize_descriptors(void)
{
	int fd;

	/* First, as a low soft limit may leave no number for /dev/null while the inherited ones are open. */
	if (close_range(CHANNEL_FD + 1, ~0U, 0) < 0)
		sanitize_fail("cannot close inherited descriptors (Linux 5.14 or later is needed)");
	do {
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
		if (fd < 0)
			sanitize_fail("cannot open /dev/null");
	} while (fd <= 2);
	(void)close(fd);
}

static void sanitize_signals(void)
{
	const struct itimerval off = {{0, 0}, {0, 0}};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL); /* KILL, STOP and libc's own refuse: no matter */
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		sanitize_fail("cannot unblock signals");
	for (int timer = ITIMER_REAL; timer <= ITIMER_PROF; timer++)
		(void)setitimer((__itimer_which_t)timer, &off, NULL);
}

static void sanitize_limits(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit raised;

		if (getrlimit(limits[i].resource, &limits[i].saved) < 0)
			sanitize_fail("cannot read a resource limit");
		raised = limits[i].saved;
		raised.rlim_cur = raised.rlim_max;
		if (setrlimit(limits[i].resource, &raised) < 0)
			sanitize_fail("cannot raise a soft resource limit to its hard value");
		if (raised.rlim_max < limits[i].needed)
			sanitize_fail(limits[i].refusal);
	}
}

void sanitize_entry(int argc)
{
	if (argc < 1)
		_exit(255);
	if (clearenv() != 0)
		_exit(255);
	sanitize_limits();
	sanitize_descriptors();
	sanitize_signals();
	(void)umask(077);
	persona = personality(0);
	if (persona < 0 || personality(0) != 0)
		sanitize_fail("cannot leave the caller's execution domain");
	if (chdir("/") < 0)
		sanitize_fail("cannot change to /");
}

void sanitize_restore(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		(void)setrlimit(limits[i].resource, &limits[i].saved);
	(void)personality((unsigned long)persona);
}
