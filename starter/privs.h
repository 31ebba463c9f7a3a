/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Identity and capabilities. In the setuid flavour the process keeps euid 0 with the caller's fsuid and an empty effective
 * set; privs_raise() opens a window for single calls. In the plain flavour nothing is raised: the process has what its
 * user namespace gave it. None of these return after a failure.
 */
#ifndef STARTER_PRIVS_H
#define STARTER_PRIVS_H

#include <stdbool.h>
#include <stdint.h>

struct plan_process;

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* The windows. Nothing else is ever raised; tests/audit compares this list with the callers. */
enum privs_window {
	PRIVS_MOUNT,   /* CAP_SYS_ADMIN: mount calls, unshare, sethostname */
	PRIVS_ROOT_FS, /* fsuid 0, no capability: configuration, loop nodes, our own tmpfs */
	PRIVS_LOOP,    /* CAP_SYS_ADMIN with fsuid 0: loop device, mount of its node */
	PRIVS_OVERLAY, /* what overlayfs stores as its mounter's credentials to copy files up in our tmpfs */
	PRIVS_LO_UP,   /* CAP_NET_ADMIN: bring up "lo" of the network namespace just made */
};

/* privs_init() - setuid flavour: prove that we are it (euid 0, caller not root, AT_SECURE), reduce the permitted set to what the
 * windows need, empty the effective set, take the caller's fsuid and fsgid. Plain flavour: refuse to run setuid. */
void privs_init(void);

/* privs_raise() ... privs_lower() - open and close a window. They do not nest. */
void privs_raise(enum privs_window window);
void privs_lower(void);

/* privs_drop() - for good: ids, groups, bounding, permitted, effective, inheritable and ambient sets, no_new_privs,
 * as @process asks and no more than is held; then read everything back. */
void privs_drop(const struct plan_process *process);

/* privs_drop_all() - as above with no capability left and no_new_privs set: monitor, servers, parse child, fatal path. */
void privs_drop_all(void);

#endif
