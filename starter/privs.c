/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: every change of ids and capabilities. Must not: be called for a path or a mount. privs_init() runs right
 * after sanitize_entry(); privs_drop() runs last, before exec; each change is read back, and a surprise ends the process.
 */
#include "starter/privs.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ipc/log.h"
#include "ipc/plan.h"
#include "starter/flavour.h"
#include "starter/sys.h"

#define OVERLAY_CAPS                                                                               \
	(CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) |                 \
	 CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) |                \
	 CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_SETFCAP))
#define DROP_CAPS (CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP))

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

_Noreturn static void privs_fail(const char *what)
{
	log_fatal("cannot change privileges: %s", what);
	_exit(255);
}

static uint64_t privs_permitted(void)
{
	uint64_t effective, permitted, inheritable;

	if (sys_capget(&effective, &permitted, &inheritable) < 0)
		privs_fail("capget");
	return permitted;
}

static void privs_set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	uint64_t e, p, i;

	if (sys_capset(effective, permitted, inheritable) < 0 || sys_capget(&e, &p, &i) < 0)
		privs_fail("capset");
	if (e != effective || p != permitted || i != inheritable)
		privs_fail("the capability sets read back differently");
}

/* setfsuid(2) reports no failure: ask again with an id that cannot be set. */
static void privs_set_fsids(uid_t uid, gid_t gid)
{
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	if ((gid_t)setfsgid((gid_t)-1) != gid || (uid_t)setfsuid((uid_t)-1) != uid)
		privs_fail("setfsuid did not take effect");
}

void privs_init(void)
{
	uint64_t wanted = DROP_CAPS | OVERLAY_CAPS | CAP_BIT(CAP_NET_ADMIN);

	if (!flavour_is_setuid) {
		if (getuid() != geteuid() || getgid() != getegid())
			privs_fail("this starter must not be installed setuid");
		return;
	}
	if (geteuid() != 0 || getuid() == 0 || getauxval(AT_SECURE) == 0)
		privs_fail("starter-suid must be owned by root, setuid, on a file system without "
			   "nosuid, and started by another user");
	if (getgid() != getegid())
		privs_fail("starter-suid must not be setgid");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		privs_fail("prctl");
	privs_set_fsids(getuid(), getgid());
	privs_set_caps(0, privs_permitted() & wanted, 0);
}

/* privileged: capset(2) the windows above */
void privs_raise(enum privs_window window)
{
	uint64_t permitted;

	if (!flavour_is_setuid)
		return;
	if (windows[window].fsuid_root)
		privs_set_fsids(0, getgid());
	/* A change of fsuid to 0 raises file capabilities on its own: set the effective set after it. */
	permitted = privs_permitted();
	privs_set_caps(windows[window].caps & permitted, permitted, 0);
}

void privs_lower(void)
{
	int saved = errno;

	if (!flavour_is_setuid)
		return;
	privs_set_fsids(getuid(), getgid());
	privs_set_caps(0, privs_permitted(), 0);
	errno = saved;
}

static void privs_drop_bounding(uint64_t keep, bool required)
{
	for (int cap = 0; cap < 64; cap++) {
		if (keep & CAP_BIT(cap) || prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && required)
			privs_fail("cannot empty the bounding set");
	}
}

static void privs_set_ambient(uint64_t caps)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		privs_fail("cannot clear the ambient set");
	for (int cap = 0; cap < 64; cap++)
		if (caps & CAP_BIT(cap) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			privs_fail("cannot raise the ambient set");
}

static void privs_set_ids(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		privs_fail("setresuid");
	if (getresuid(&r, &e, &s) < 0 || r != uid || e != uid || s != uid)
		privs_fail("the user ids read back differently");
	if (getresgid(&rg, &eg, &sg) < 0 || rg != gid || eg != gid || sg != gid)
		privs_fail("the group ids read back differently");
}

/* Permanent: nothing that follows can undo it. @caps are what stays, at most what is held. */
/* privileged: setresuid(2) setresgid(2) setgroups(2) prctl(PR_CAPBSET_DROP) CAP_SETUID CAP_SETGID CAP_SETPCAP */
static void privs_drop_to(uid_t uid, gid_t gid, const struct plan_process *process, uint64_t caps,
			  bool no_new_privs)
{
	uint64_t permitted = privs_permitted();
	bool full_drop = flavour_is_setuid || (permitted & CAP_BIT(CAP_SETPCAP)) != 0;

	caps &= permitted;
	if (flavour_is_setuid)
		privs_set_caps(DROP_CAPS & permitted, permitted, 0);
	privs_drop_bounding(caps, full_drop);
	if (process && process->set_ids &&
	    setgroups(process->group_count, process->groups) < 0)
		privs_fail("setgroups");
	if (caps && uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		privs_fail("keepcaps");
	privs_set_ids(uid, gid);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		privs_fail("keepcaps");
	privs_set_caps(caps, caps, caps);
	privs_set_ambient(caps);
	if (no_new_privs && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			     prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1))
		privs_fail("no_new_privs");
	if (flavour_is_setuid && (setuid(0) == 0))
		privs_fail("root could be regained");
}

void privs_drop(const struct plan_process *process)
{
	uid_t uid = process->set_ids ? process->uid : getuid();
	gid_t gid = process->set_ids ? process->gid : getgid();

	if (flavour_is_setuid) /* whatever the plan says, the policy forgot or a later change lets through */
		privs_drop_all();
	else
		privs_drop_to(uid, gid, process, process->caps, process->no_new_privs);
}

void privs_drop_all(void)
{
	privs_drop_to(getuid(), getgid(), NULL, 0, true);
}
