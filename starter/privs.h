/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Identity and capabilities. In the setuid flavour (privs_setuid.c) the process keeps euid 0 with the caller's fsuid and an empty
 * effective set; privs_raise() opens a window for single calls. In the plain flavour (privs_plain.c) nothing is raised: the process
 * has what its user namespace gave it. None of these return after a failure.
 */
#ifndef STARTER_PRIVS_H
#define STARTER_PRIVS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct plan_process;

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* The windows. Nothing else is ever raised; make audit compares each with the tag of the function that opens it. */
enum privs_window {
	PRIVS_MOUNT,   /* CAP_SYS_ADMIN: mount calls, unshare, sethostname */
	PRIVS_ROOT_FS, /* fsuid 0, no capability: configuration, our own tmpfs */
	PRIVS_LOOP,    /* CAP_SYS_ADMIN with fsuid 0: loop device, mount of its node */
	PRIVS_OVERLAY, /* what overlayfs stores as its mounter's credentials to copy files up in our tmpfs */
	PRIVS_LO_UP,   /* CAP_NET_ADMIN: bring up "lo" of the network namespace just made */
};

/* privs_init() - setuid flavour: prove that we are it (euid 0, caller not root, AT_SECURE), reduce the permitted set to what the
 * windows need, empty the effective set, take the caller's fsuid and fsgid. Plain flavour: refuse to run setuid. */
void privs_init(void);

/* privs_raise() ... privs_lower() - open and close a window, in one function. They do not nest. privs_lower() keeps errno. */
void privs_raise(enum privs_window window);
void privs_lower(void);

/* privs_drop() - for good: ids, bounding, permitted, effective, inheritable and ambient sets, no_new_privs; then read everything back.
 * Plain flavour: ids, groups and capabilities as @process asks, and no more than is held. Setuid flavour: privs_drop_all(), whatever
 * @process says. */
void privs_drop(const struct plan_process *process);

/* privs_drop_all() - as above with no capability left and no_new_privs set: monitor, servers, parse child, fatal path. */
void privs_drop_all(void);

/* privs_run_dropped() - call @work with @data; in the setuid flavour in a child that has dropped everything, whose memory is its own
 * except for shared mappings. Returns what @work returned, 0 or a negative errno, or -EPROTO if the child was killed. */
int privs_run_dropped(int (*work)(void *data), void *data);

/* For privs_setuid.c and privs_plain.c: set and read back, or end the process. */
_Noreturn void privs_fail(const char *what);
uint64_t privs_get_permitted(void);
void privs_set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable);
void privs_set_ids(uid_t uid, gid_t gid);
void privs_set_no_new_privs(void);
/* Take everything but @keep out of the bounding set. Needs CAP_SETPCAP. */
void privs_drop_bounding(uint64_t keep);

#endif
