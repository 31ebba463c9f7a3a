/* SPDX-License-Identifier: BSD-3-Clause */
/* Well-formed requests for what a user must not get. */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/hostile/driver.h"

#define BOTH (PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV)

static void bare(struct attempt *attempt, intptr_t argument)
{
	(void)argument;
	base_bare(attempt);
	launch(attempt);
}

static void full(struct attempt *attempt, intptr_t argument)
{
	(void)argument;
	base_full(attempt);
	launch(attempt);
}

/* Another flow than this starter's, with everything that root could ask for there. */
static void other_flow(struct attempt *attempt, intptr_t flow)
{
	struct plan_process *process = &attempt->plan.process;

	base_bare(attempt);
	attempt->plan.flow = (enum plan_flow)flow;
	attempt->plan.fs[0].path = add_text(attempt, "/tmp");
	if (flow == PLAN_FLOW_USERNS || flow == PLAN_FLOW_FAKEROOT) {
		attempt->plan.idmap.method = PLAN_IDMAP_DIRECT;
		attempt->plan.idmap.uid_count = attempt->plan.idmap.gid_count = 1;
		attempt->plan.idmap.uid[0] = attempt->plan.idmap.gid[0] = (struct plan_extent){0, 0, 65536};
	} else {
		process->set_ids = true;
		process->uid = 1; /* daemon; uid 0 alone would be noticed by the last line of defence */
		process->gid = 0;
		process->group_count = 1;
		process->groups[0] = 0;
		process->caps = UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_SYS_ADMIN;
	}
	process->no_new_privs = false;
	attempt->plan.allow_setuid_files = true;
	launch(attempt);
}

/* The least change: only the flow, the caller's own ids. */
static void only_flow(struct attempt *attempt, intptr_t flow)
{
	base_bare(attempt);
	attempt->plan.flow = (enum plan_flow)flow;
	attempt->plan.fs[0].path = add_text(attempt, "/tmp");
	launch(attempt);
}

enum ask { ASK_IDS, ASK_CAPS, ASK_NO_NNP, ASK_SETUID_FILES, ASK_EMULATION, ASK_USERNS, ASK_SESSION, ASK_LOOPS, ASK_RAMFS, ASK_COUNT };

static void ask(struct attempt *attempt, intptr_t what)
{
	struct plan *plan = &attempt->plan;

	base_bare(attempt);
	switch ((enum ask)what) {
	case ASK_IDS:
		plan->process.set_ids = true;
		break;
	case ASK_CAPS:
		plan->process.caps = 1;
		break;
	case ASK_NO_NNP:
		plan->process.no_new_privs = false;
		break;
	case ASK_SETUID_FILES:
		plan->allow_setuid_files = true;
		break;
	case ASK_EMULATION:
		plan->process.emulate_root = true;
		break;
	case ASK_USERNS:
		plan->idmap.method = PLAN_IDMAP_SELF;
		plan->idmap.uid_count = plan->idmap.gid_count = 1;
		plan->idmap.uid[0] = plan->idmap.gid[0] = (struct plan_extent){0, scene.uid, 1};
		break;
	case ASK_SESSION:
		plan->session_bytes = UINT64_C(1) << 50;
		break;
	case ASK_LOOPS:
		plan->loop_max = 100000;
		break;
	case ASK_RAMFS:
		plan->session_ramfs = true;
		break;
	case ASK_COUNT:
		break;
	}
	launch(attempt);
}

/* A directory of root's as a writable image: nothing may be made in it, whatever the layers and mounts say. */
static void write_canary(struct attempt *attempt, intptr_t variant)
{
	struct plan *plan = &attempt->plan;

	base_bare(attempt);
	(void)close(attempt->fds[SLOT_IMAGE]);
	attempt->fds[SLOT_IMAGE] = open_work("canary", O_PATH);
	plan->fs[0].writable = true;
	plan->root_writable = variant & 1;
	plan->layers = variant & 2 ? PLAN_LAYER_OVERLAY | PLAN_LAYER_UNDERLAY : 0;
	add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, "/made");
	add_mount(attempt, PLAN_MOUNT_SYMLINK, PLAN_ORIGIN_DEV, "/made-link")->link = add_text(attempt, "/tmp/evil");
	add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, "/sub/made");
	for (uint32_t i = 0; i < plan->mount_count; i++)
		plan->mounts[i].on_fail = PLAN_FAIL_SILENT;
	launch(attempt);
}

/* The same through a bind of the directory. */
static void write_canary_below_bind(struct attempt *attempt, intptr_t variant)
{
	base_bare(attempt);
	attempt->plan.layers = variant ? PLAN_LAYER_UNDERLAY : PLAN_LAYER_OVERLAY;
	add_mount(attempt, PLAN_MOUNT_BIND, PLAN_ORIGIN_USER_BIND, "/mnt")->source_fd =
		add_fd(attempt, open_work("canary", O_PATH));
	add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, "/mnt/made");
	add_mount(attempt, PLAN_MOUNT_SYMLINK, PLAN_ORIGIN_DEV, "/mnt/made-link")->link = add_text(attempt, "/tmp/evil");
	for (uint32_t i = 1; i < attempt->plan.mount_count; i++)
		attempt->plan.mounts[i].on_fail = PLAN_FAIL_SILENT;
	launch(attempt);
}

struct source {
	const char *path, *target;
	enum plan_origin origin;
	uint32_t attrs;
};

/* Kernel file systems anywhere but in their place, binds with less than nosuid and nodev. */
static const struct source bad_sources[] = {
	{"/proc", "/mnt", PLAN_ORIGIN_USER_BIND, BOTH},
	{"/proc", "/proces", PLAN_ORIGIN_PROC, BOTH},
	{"/proc/self/ns", "/mnt", PLAN_ORIGIN_USER_BIND, BOTH},
	{"/proc/1", "/mnt", PLAN_ORIGIN_USER_BIND, BOTH},
	{"/sys", "/mnt", PLAN_ORIGIN_USER_BIND, BOTH},
	{"/sys/kernel", "/system", PLAN_ORIGIN_SYS, BOTH},
	{"/dev/pts", "/mnt", PLAN_ORIGIN_USER_BIND, BOTH},
	{"/proc/self/ns/mnt", "/proc/x", PLAN_ORIGIN_PROC, BOTH},
	{"/proc/self/ns/user", "/mnt", PLAN_ORIGIN_USER_BIND, BOTH},
	{"/tmp", "/mnt", PLAN_ORIGIN_USER_BIND, PLAN_ATTR_NODEV},
	{"/tmp", "/mnt", PLAN_ORIGIN_USER_BIND, PLAN_ATTR_NOSUID},
	{"/tmp", "/device", PLAN_ORIGIN_USER_BIND, PLAN_ATTR_NOSUID},
	{"/tmp", "/mnt", PLAN_ORIGIN_HOSTFS, BOTH},
};

static void bad_source(struct attempt *attempt, intptr_t which)
{
	const struct source *source = &bad_sources[which];
	struct plan_mount *mount;

	base_bare(attempt);
	mount = add_mount(attempt, PLAN_MOUNT_BIND, source->origin, source->target);
	mount->source_fd = add_fd(attempt, open(source->path, O_PATH | O_CLOEXEC));
	mount->attrs = source->attrs;
	launch(attempt);
}

/* A kernel file system as the image, or as a layer that overlayfs reads with its mounter's credentials. */
static const char *const bad_images[] = {"/proc", "/proc/self", "/sys", "/dev/pts"};

static void bad_image(struct attempt *attempt, intptr_t which)
{
	base_bare(attempt);
	(void)close(attempt->fds[SLOT_IMAGE]);
	attempt->fds[SLOT_IMAGE] = open(bad_images[which], O_PATH | O_CLOEXEC);
	add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, "/made")->on_fail = PLAN_FAIL_SILENT;
	launch(attempt);
}

static void bad_layer(struct attempt *attempt, intptr_t which)
{
	struct plan *plan = &attempt->plan;

	base_bare(attempt);
	plan->fs[1] = plan->fs[0];
	plan->fs[1].fd = add_fd(attempt, open(bad_images[which], O_PATH | O_CLOEXEC));
	plan->fs_count = 2;
	plan->overlay_count = 1;
	plan->overlay[0] = 1;
	launch(attempt);
}

/* R22: an upper directory of the caller's. */
static void user_upper(struct attempt *attempt, intptr_t argument)
{
	struct plan *plan = &attempt->plan;

	(void)argument;
	base_bare(attempt);
	plan->fs[1] = plan->fs[0];
	plan->fs[1].writable = true;
	plan->fs[1].fd = add_fd(attempt, open_work("user", O_PATH));
	plan->fs_count = 2;
	plan->overlay_count = 1;
	plan->overlay[0] = 1;
	launch(attempt);
}

/* A fresh procfs of the host's PID namespace has none of the host's mount options (hidepid). */
static void fresh_proc(struct attempt *attempt, intptr_t pid_namespace)
{
	base_bare(attempt);
	attempt->plan.ns_pid = pid_namespace;
	add_mount(attempt, PLAN_MOUNT_PROC, PLAN_ORIGIN_PROC, "/proc");
	launch(attempt);
}

/* Mount points that climb, repeat, or hang over each other. */
static const char *const bad_targets[] = {"/../mnt", "/mnt/..", "/mnt/../../etc", "/./mnt", "/mnt//x", "mnt", "/", "", "/mnt/",
					  "/mnt/.", "//mnt"};

static void bad_target(struct attempt *attempt, intptr_t which)
{
	base_bare(attempt);
	add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, bad_targets[which]);
	launch(attempt);
}

static void long_target(struct attempt *attempt, intptr_t components)
{
	char path[PLAN_PATH_MAX * 2] = "";

	base_bare(attempt);
	for (intptr_t i = 0; i < components; i++)
		(void)strcat(path, components > 100 ? "/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz" : "/a");
	add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, path);
	launch(attempt);
}

/* Each descriptor belongs to one slot. */
static void shared_slot(struct attempt *attempt, intptr_t pair)
{
	struct plan *plan = &attempt->plan;
	int32_t *slots[] = {&plan->fs[0].fd, &plan->process.spec_fd, &plan->mounts[0].source_fd, &plan->mounts[1].source_fd,
			    &plan->fs[1].fd, &plan->process.action_fd};

	base_full(attempt);
	*slots[pair / 6] = *slots[pair % 6];
	launch(attempt);
}

static void unclaimed(struct attempt *attempt, intptr_t argument)
{
	(void)argument;
	base_bare(attempt);
	(void)add_fd(attempt, open("/", O_PATH | O_CLOEXEC));
	launch(attempt);
}

/* Mounts below a bind of a shared host mount must not reach the host. */
static void mount_below_bind(struct attempt *attempt, intptr_t argument)
{
	(void)argument;
	base_bare(attempt);
	add_mount(attempt, PLAN_MOUNT_BIND, PLAN_ORIGIN_USER_BIND, "/mnt")->source_fd = add_fd(attempt, open("/", O_PATH | O_CLOEXEC));
	add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, "/mnt/tmp");
	add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, "/mnt/usr/share");
	launch(attempt);
}

/* The same with the image itself: no layer lies between. */
static void mount_on_image(struct attempt *attempt, intptr_t writable)
{
	base_bare(attempt);
	attempt->plan.fs[0].writable = attempt->plan.root_writable = writable;
	add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, "/tmp");
	add_mount(attempt, PLAN_MOUNT_BIND, PLAN_ORIGIN_DEV, "/dev")->source_fd = add_fd(attempt, open("/dev", O_PATH | O_CLOEXEC));
	launch(attempt);
}

void attack_plans(void)
{
	char name[96];

	run_attempt("a valid bare launch", MUST_RUN, NULL, bare, 0);
	run_attempt("a valid full launch", MUST_RUN, NULL, full, 0);
	for (intptr_t flow = PLAN_FLOW_USERNS; flow <= PLAN_FLOW_NESTED_ROOT; flow++) {
		(void)snprintf(name, sizeof(name), "flow %d with root's rights", (int)flow);
		run_attempt(name, MUST_REFUSE, NULL, other_flow, flow);
		(void)snprintf(name, sizeof(name), "flow %d with nothing else", (int)flow);
		run_attempt(name, MUST_REFUSE, NULL, only_flow, flow);
	}
	for (intptr_t i = 0; i < ASK_COUNT; i++) {
		(void)snprintf(name, sizeof(name), "asking for right %d", (int)i);
		run_attempt(name, MUST_REFUSE, NULL, ask, i);
	}
	for (intptr_t i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "root's directory as writable image %d", (int)i);
		run_attempt(name, MAY_RUN, NULL, write_canary, i);
	}
	for (intptr_t i = 0; i < 2; i++)
		run_attempt("mount points below a bind of root's directory", MAY_RUN, NULL, write_canary_below_bind, i);
	for (size_t i = 0; i < sizeof(bad_sources) / sizeof(bad_sources[0]); i++) {
		(void)snprintf(name, sizeof(name), "bind of %s to %s, attributes %u", bad_sources[i].path, bad_sources[i].target,
			       bad_sources[i].attrs);
		run_attempt(name, MUST_REFUSE, NULL, bad_source, (intptr_t)i);
	}
	for (size_t i = 0; i < sizeof(bad_images) / sizeof(bad_images[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s as image", bad_images[i]);
		run_attempt(name, MUST_REFUSE, NULL, bad_image, (intptr_t)i);
		(void)snprintf(name, sizeof(name), "%s as overlay", bad_images[i]);
		run_attempt(name, MUST_REFUSE, NULL, bad_layer, (intptr_t)i);
	}
	run_attempt("a writable directory of the caller's as overlay", MUST_REFUSE, NULL, user_upper, 0);
	run_attempt("a fresh procfs of the host's PID namespace", MUST_REFUSE, NULL, fresh_proc, 0);
	run_attempt("a fresh procfs of a new PID namespace", MUST_RUN, NULL, fresh_proc, 1);
	for (size_t i = 0; i < sizeof(bad_targets) / sizeof(bad_targets[0]); i++) {
		(void)snprintf(name, sizeof(name), "mount point \"%s\"", bad_targets[i]);
		run_attempt(name, MUST_REFUSE, NULL, bad_target, (intptr_t)i);
	}
	run_attempt("mount point of 65 components", MUST_REFUSE, NULL, long_target, 65);
	run_attempt("mount point of 5,300 bytes", MUST_REFUSE, NULL, long_target, 101);
	for (intptr_t i = 0; i < 36; i++)
		if (i / 6 != i % 6) {
			(void)snprintf(name, sizeof(name), "slot %d takes the descriptor of slot %d", (int)i / 6, (int)i % 6);
			run_attempt(name, MUST_REFUSE, NULL, shared_slot, i);
		}
	run_attempt("a descriptor that nothing claims", MUST_REFUSE, NULL, unclaimed, 0);
	run_attempt("mounts below a bind of a shared mount", MUST_RUN, NULL, mount_below_bind, 0);
	run_attempt("mounts on an image directory", MUST_RUN, NULL, mount_on_image, 0);
	run_attempt("mounts on a writable image directory", MUST_RUN, NULL, mount_on_image, 1);
}
