/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the rights of the plain flavour: what its user namespace gave it, less what the plan gives up. Must not: gain any.
 */
#include <grp.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ipc/plan.h"
#include "starter/privs.h"
#include "starter/seccomp_root.h"

void privs_init(void)
{
	if (getuid() != geteuid() || getgid() != getegid())
		privs_fail("this starter must not be installed setuid");
}

void privs_raise(enum privs_window window)
{
	(void)window;
}

void privs_lower(void)
{
}

int privs_run_dropped(int (*work)(void *data), void *data)
{
	return work(data);
}

static void privs_set_ambient(uint64_t caps)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		privs_fail("cannot clear the ambient set");
	for (int cap = 0; cap < 64; cap++)
		if (caps & CAP_BIT(cap) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			privs_fail("cannot raise the ambient set");
}

/* @caps are what stays, at most what is held. */
static void privs_drop_to(uid_t uid, gid_t gid, const struct plan_process *process, uint64_t caps, bool no_new_privs)
{
	uint64_t permitted = privs_get_permitted();

	caps &= permitted;
	if (permitted & CAP_BIT(CAP_SETPCAP))
		privs_drop_bounding(caps);
	if (process && process->set_ids && setgroups(process->group_count, process->groups) < 0)
		privs_fail("setgroups");
	if (caps && uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		privs_fail("keepcaps");
	privs_set_ids(uid, gid);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		privs_fail("keepcaps");
	privs_set_caps(caps, caps, caps);
	privs_set_ambient(caps);
	if (no_new_privs)
		privs_set_no_new_privs();
}

void privs_drop(const struct plan_process *process)
{
	uid_t uid = process->set_ids ? process->uid : getuid();
	gid_t gid = process->set_ids ? process->gid : getgid();
	struct err err = ERR_INIT;

	privs_drop_to(uid, gid, process, process->caps, process->no_new_privs);
	if (process->emulate_root && seccomp_root_install(&err) < 0)
		privs_fail(err.message);
}

void privs_drop_all(void)
{
	privs_drop_to(getuid(), getgid(), NULL, 0, true);
}
