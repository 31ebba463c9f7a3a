/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: changing ids and capabilities so that a change that did not happen ends the process. Must not: decide what to change;
 * that is in privs_setuid.c and privs_plain.c, one of which each program links.
 */
#include "starter/privs.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ipc/log.h"
#include "starter/sys.h"

_Noreturn void privs_fail(const char *what)
{
	log_fatal("cannot change privileges: %s", what);
	_exit(255);
}

uint64_t privs_get_permitted(void)
{
	uint64_t effective, permitted, inheritable;

	if (sys_capget(&effective, &permitted, &inheritable) < 0)
		privs_fail("capget");
	return permitted;
}

void privs_set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	uint64_t e, p, i;

	if (sys_capset(effective, permitted, inheritable) < 0 || sys_capget(&e, &p, &i) < 0)
		privs_fail("capset");
	if (e != effective || p != permitted || i != inheritable)
		privs_fail("the capability sets read back differently");
}

void privs_set_ids(uid_t uid, gid_t gid)
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

void privs_set_no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		privs_fail("no_new_privs");
}

void privs_drop_bounding(uint64_t keep)
{
	for (int cap = 0; cap < 64; cap++) {
		if (keep & CAP_BIT(cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno == EINVAL)
			return; /* the kernel has no more */
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 0)
			privs_fail("cannot empty the bounding set");
	}
}
