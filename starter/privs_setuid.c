/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the privilege of the setuid flavour: kept in the permitted set, effective only inside a window. Must not: be called
 * for a path or a mount. privs_init() runs right after sanitize_entry(); privs_drop() runs last, before exec.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "starter/privs.h"
#include "starter/sys.h"

/* Overlayfs copies files up with the credentials of its mounter: the directories of the upper tree belong to whom the image says, the
 * files get their owner, mode and attributes from below. The payload's own rights are checked before these on every access. */
#define OVERLAY_CAPS                                                                                                   \
	(CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) |               \
	 CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_SETFCAP))
#define DROP_CAPS (CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID))

static const struct {
	uint64_t caps;
	bool fsuid_root;
} windows[] = {
	[PRIVS_MOUNT] = {CAP_BIT(CAP_SYS_ADMIN), false},
	[PRIVS_ROOT_FS] = {0, true},
	[PRIVS_LOOP] = {CAP_BIT(CAP_SYS_ADMIN), true},
	[PRIVS_OVERLAY] = {OVERLAY_CAPS, true},
	[PRIVS_LO_UP] = {CAP_BIT(CAP_NET_ADMIN), false},
};

static uint64_t held; /* the permitted set, from privs_init() on */
static bool fsuid_is_root;

/* setfsuid(2) reports no failure: ask again with an id that cannot be set. The fsgid is the caller's from the start. */
static void privs_set_fsuid(uid_t uid)
{
	(void)setfsuid(uid);
	if ((uid_t)setfsuid((uid_t)-1) != uid)
		privs_fail("setfsuid did not take effect");
}

void privs_init(void)
{
	if (geteuid() != 0 || getuid() == 0 || getauxval(AT_SECURE) == 0)
		privs_fail("starter-suid must be owned by root, setuid, on a file system without "
			   "nosuid, and started by another user");
	if (getgid() != getegid())
		privs_fail("starter-suid must not be setgid");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		privs_fail("prctl");
	privs_drop_bounding(0); /* no program that is executed from now on can gain one */
	privs_set_fsuid(getuid());
	held = privs_get_permitted() & (DROP_CAPS | OVERLAY_CAPS | CAP_BIT(CAP_NET_ADMIN));
	privs_set_caps(0, held, 0);
}

void privs_raise(enum privs_window window)
{
	fsuid_is_root = windows[window].fsuid_root;
	if (fsuid_is_root)
		privs_set_fsuid(0);
	/* A change of fsuid to 0 raises file capabilities on its own: set the effective set after it. */
	privs_set_caps(windows[window].caps & held, held, 0);
}

void privs_lower(void)
{
	int saved = errno;

	if (fsuid_is_root)
		privs_set_fsuid(getuid());
	privs_set_caps(0, held, 0);
	errno = saved;
}

/* The caller's groups stay: he had them before. */
/* privileged: setresuid(2) setresgid(2) capset(2) CAP_SETUID CAP_SETGID: to drop all ids and sets for good */
void privs_drop_all(void)
{
	privs_set_caps(DROP_CAPS & held, held, 0);
	privs_set_ids(getuid(), getgid());
	privs_set_caps(0, 0, 0);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		privs_fail("cannot clear the ambient set");
	privs_set_no_new_privs();
	if (setuid(0) == 0)
		privs_fail("root could be regained");
}

void privs_drop(const struct plan_process *process)
{
	(void)process; /* the policy has refused a plan that asks for more */
	privs_drop_all();
}

int privs_run_dropped(int (*work)(void *data), void *data)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (child == 0) {
		privs_drop_all();
		sys_exit_thread(-work(data) & 0xff);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPROTO;
}
