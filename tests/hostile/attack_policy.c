/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests against limits that the suite has put into the configuration. */
#include <fcntl.h>
#include <stdio.h>

#include "tests/hostile/driver.h"

#define BOTH (PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV)

/* An image that is allowed, served by a program of the caller's choice. */
static void served(struct attempt *attempt, intptr_t index)
{
	struct plan *plan = &attempt->plan;
	struct plan_fs fs = {.type = PLAN_FS_SQUASHFS,
			     .container = PLAN_CONTAINER_SQUASHFS,
			     .method = PLAN_METHOD_FUSE,
			     .size_bytes = 4096};

	base_bare(attempt);
	fs.fd = add_fd(attempt, open_work("data.sqfs", O_RDONLY));
	fs.server_fd = plan->process.action_fd;
	if (index == 0) {
		fs.fd = SLOT_IMAGE;
		attempt->fds[SLOT_IMAGE] = attempt->fds[--attempt->fd_count];
	}
	plan->fs[index] = fs;
	plan->fs_count = (uint32_t)index + 1;
	if (index)
		add_mount(attempt, PLAN_MOUNT_IMAGE, PLAN_ORIGIN_USER_BIND, "/data")->fs = 1;
	launch(attempt);
}

void attack_served(void)
{
	run_attempt("the image from a server of the caller's", MUST_REFUSE, NULL, served, 0);
	run_attempt("a second image from a server of the caller's", MUST_REFUSE, NULL, served, 1);
}

static void valid(struct attempt *attempt, intptr_t full)
{
	if (full)
		base_full(attempt);
	else
		base_bare(attempt);
	launch(attempt);
}

void attack_denied(void)
{
	run_attempt("a valid bare launch", MUST_REFUSE, NULL, valid, 0);
	run_attempt("a valid full launch", MUST_REFUSE, NULL, valid, 1);
}

static const struct {
	enum plan_mount_kind kind;
	enum plan_origin origin;
	const char *source, *target;
} bounds[] = {
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_USER_BIND, "/tmp", "/mnt"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_CWD, "/tmp", "/mnt"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_CUSTOM_HOME, "/tmp", "/home"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_TMP, "/tmp", "/usr"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_TMP, "/etc", "/tmp"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_TMP, "/var/tmp", "/tmpfiles"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_HOME, "/tmp", "/usr"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_DEV, "/dev", "/usr"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_DEV, "/tmp", "/dev"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_CONF_BIND, "/etc/hosts", "/bin/sh"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_CONF_BIND, "/tmp", "/etc/hosts"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_RESOLV, "/etc/resolv.conf", "/etc/shadow"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_RESOLV, "/etc/passwd", "/etc/resolv.conf"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_FILE, "/etc/passwd", "/etc/passwd"},
	{PLAN_MOUNT_BIND, PLAN_ORIGIN_SCRATCH, "/tmp", "/scratch"},
	{PLAN_MOUNT_FILE, PLAN_ORIGIN_FILE, NULL, "/bin/sh"},
	{PLAN_MOUNT_FILE, PLAN_ORIGIN_USER_BIND, NULL, "/etc/passwd"},
	{PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, NULL, "/usr"},
	{PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_HOME, NULL, "/usr"},
	{PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_SCRATCH, NULL, "/scratch"},
};

static void bound(struct attempt *attempt, intptr_t index)
{
	struct plan_mount *mount;

	base_bare(attempt);
	mount = add_mount(attempt, bounds[index].kind, bounds[index].origin, bounds[index].target);
	if (bounds[index].kind == PLAN_MOUNT_FILE)
		mount->source_fd = add_fd(attempt, make_memory("text", 4, true));
	else if (bounds[index].source)
		mount->source_fd = add_fd(attempt, open(bounds[index].source, O_PATH | O_CLOEXEC));
	launch(attempt);
}

void attack_bound(void)
{
	char name[128];

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		(void)snprintf(name, sizeof(name), "kind %d, origin %d: %s at %s", (int)bounds[i].kind, (int)bounds[i].origin,
			       bounds[i].source ? bounds[i].source : "nothing", bounds[i].target);
		run_attempt(name, MUST_REFUSE, NULL, bound, (intptr_t)i);
	}
}
