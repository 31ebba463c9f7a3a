/* SPDX-License-Identifier: BSD-3-Clause */
/* What this host and this outer container are: read once, cheaply, without a process. */
#ifndef FRONTEND_LAUNCH_HOST_H
#define FRONTEND_LAUNCH_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "frontend/launch/outer.h"
#include "ipc/err.h"
#include "ipc/plan.h"

/* What points to namespaces being refused; a bit each. None of them proves it. */
enum host_hint {
	HOST_HINT_SECCOMP = 1, /* a filter is installed */
	HOST_HINT_LIMIT = 2,   /* user.max_user_namespaces is 0 */
	HOST_HINT_CHROOT = 4,  /* "/" is no mount point: unshare(2) of a user namespace is EPERM in a chroot */
};

enum host_step { HOST_STEP_ALL = 0, HOST_STEP_UNSHARE, HOST_STEP_MAP, HOST_STEP_MOUNT };

/* The first step that the kernel refused and its errno; HOST_STEP_ALL and 0: all went, or nothing was tried. */
struct host_probe {
	uint32_t hints; /* HOST_HINT_* */
	enum host_step refused;
	int errnum;
};

struct host {
	uid_t uid;
	gid_t gid;
	bool initial_userns;
	bool no_new_privs;
	uint64_t caps; /* effective; bit numbers of capabilities(7) */
	uint64_t blocked_signals, ignored_signals; /* bit 0 is signal 1 */
	bool fuse;     /* /dev/fuse can be opened, or the node that an outer container handed down */
	bool loop;     /* /dev/loop-control can be opened; read for root only */
	struct host_probe namespaces; /* probed only where host_read_hints() found something */
	bool has_outer;
	struct outer_facts outer; /* with has_outer */
	uint32_t group_count;
	gid_t *groups; /* owned; supplementary groups */
	char *name;    /* owned; login name, "u<uid>" when unknown */
	char *home;    /* owned; home directory of the account, "/" when unknown */
	char *shell;   /* owned */
	char *gecos;   /* owned */
	char *cwd;     /* owned; NULL when it is gone */
	char *tty;     /* owned; terminal of standard input, NULL when it is none */
};

int host_read(struct host *host, struct err *err);
void host_fini(struct host *host);

/* host_read_hints() - HOST_HINT_* that hold here. A few system calls, no process. */
uint32_t host_read_hints(void);

/* host_probe_namespaces() - does this process get what an ordinary launch needs: a user and a mount namespace, an id map, a mount?
 * Tried in a child that is gone afterwards; costs about a millisecond. Fills @probe but for its hints. See user_namespaces(7). */
void host_probe_namespaces(struct host_probe *probe);

/* host_get_step_name() - "a user namespace" and the like, for messages. */
const char *host_get_step_name(enum host_step step);

bool host_has_cap(const struct host *host, int cap);

/* host_read_map() - lines of /proc/self/@which (uid_map, gid_map). *@count ≤ PLAN_MAX_EXTENTS. */
int host_read_map(const char *which, struct plan_extent *extents, uint32_t *count, struct err *err);

/* host_parse_map() - lines "inside outside count" of @text; what follows the first other line is ignored. Pure. Returns their
 * number, at most PLAN_MAX_EXTENTS. */
uint32_t host_parse_map(const char *text, struct plan_extent *extents);

/* host_parse_subids() - the caller's range in the text of /etc/subuid or /etc/subgid ("name-or-uid:start:count"): the first of
 * exactly 65536 ids, else the largest. Pure. Returns 0; -ENOENT: none; -EPERM with @err naming @file: disabled ("!"). */
int host_parse_subids(const struct host *host, const char *text, const char *file, struct plan_extent *out,
		      struct err *err);

/* host_find_subids() - the same of @file itself; one that cannot be read has no range. */
int host_find_subids(const struct host *host, const char *file, struct plan_extent *out, struct err *err);

#endif
