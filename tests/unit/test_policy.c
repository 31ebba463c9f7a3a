/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/magic.h>
#include <string.h>

#include "ipc/plan.h"
#include "policy/conf.h"
#include "policy/facts.h"
#include "policy/policy.h"

static struct plan plan;
static struct conf conf;
static struct facts facts;
static struct err err;

static int setup(void **state)
{
	(void)state;
	conf_init(&conf);
	memset(&facts, 0, sizeof(facts));
	facts.uid = 12345;
	facts.initial_userns = true;
	facts.fds[1].stat.st_mode = S_IFDIR | 0755;
	plan_init(&plan);
	plan.flow = PLAN_FLOW_SETUID;
	plan.session_bytes = 1 << 20;
	plan.loop_max = 256;
	plan.fs_count = 1;
	plan.fs[0] = (struct plan_fs){.type = PLAN_FS_SQUASHFS, .container = PLAN_CONTAINER_SIF,
				      .method = PLAN_METHOD_KERNEL, .server_fd = PLAN_NO_FD, .go_fd = PLAN_NO_FD, .size_bytes = 1};
	plan.mounts[0] = (struct plan_mount){.kind = PLAN_MOUNT_BIND, .origin = PLAN_ORIGIN_USER_BIND,
					     .attrs = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV, .source_fd = 1, .fs = -1};
	plan.mount_count = 1;
	plan.process.no_new_privs = true;
	return plan_add_text(&plan, "/data", &plan.mounts[0].target, NULL);
}

#define DENIED(change)                                                                                                 \
	do {                                                                                                           \
		setup(NULL);                                                                                           \
		assert_int_equal(policy_check_plan(&conf, &plan, &facts, &err), 0);                                    \
		change;                                                                                                \
		assert_int_equal(policy_check_plan(&conf, &plan, &facts, &err), -EPERM);                               \
		assert_int_equal(err.kind, ERR_DENIED);                                                                \
	} while (0)

static void setuid_flow_refuses_what_needs_root(void **state)
{
	(void)state;
	DENIED(facts.initial_userns = false);
	DENIED(plan.loop_max = 257);
	DENIED(plan.session_bytes = 0);
	DENIED(plan.session_bytes = 65u << 20);
	DENIED(plan.session_ramfs = true);
	DENIED(plan.propagation_private = true);
	DENIED(plan.fs[0].type = PLAN_FS_EXT3);
	DENIED(plan.mounts[0].attrs = PLAN_ATTR_NODEV);
	DENIED(plan.mounts[0].attrs = PLAN_ATTR_NOSUID);
	DENIED(plan.mounts[0].origin = PLAN_ORIGIN_HOSTFS);
	DENIED(facts.fds[1].fs_magic = PROC_SUPER_MAGIC);
	DENIED(facts.fds[1].fs_magic = SYSFS_MAGIC);
	DENIED(facts.fds[1].fs_magic = DEVPTS_SUPER_MAGIC);
	DENIED(facts.fds[1].fs_magic = 0x6e736673);
}

static void generated_file(const char *target)
{
	plan.mounts[0].kind = PLAN_MOUNT_FILE;
	plan.mounts[0].origin = PLAN_ORIGIN_FILE;
	(void)plan_add_text(&plan, target, &plan.mounts[0].target, NULL);
}

static void directives_bind(void **state)
{
	(void)state;
	DENIED(conf.user_bind_control = false);
	DENIED(conf.allow_container_sif = false);
	DENIED(conf.allow_kernel_squashfs = false);
	DENIED((conf.allow_container_squashfs = false, plan.fs[0].container = PLAN_CONTAINER_SQUASHFS));
	DENIED((conf.allow_container_extfs = false, plan.fs[0].container = PLAN_CONTAINER_EXTFS));
	DENIED((conf.allow_kernel_extfs = false, plan.fs[0].type = PLAN_FS_EXT3));
	DENIED((conf.mount_slave = false));
	DENIED((conf.memory_fs_type = CONF_MEMFS_RAMFS));
	DENIED((conf.config_resolv_conf = false, plan.mounts[0].origin = PLAN_ORIGIN_RESOLV,
		plan_add_text(&plan, "/etc/resolv.conf", &plan.mounts[0].target, NULL)));
	DENIED((conf.limit_container_groups.count = 1, conf.limit_container_groups.items[0] = "4242"));
	DENIED((conf.mount_proc = false, plan.mounts[0].kind = PLAN_MOUNT_PROC));
	DENIED((conf.mount_devpts = false, plan.mounts[0].kind = PLAN_MOUNT_DEVPTS));
	DENIED((conf.allow_pid_ns = false, plan.ns_pid = true));
	DENIED((conf.allow_ipc_ns = false, plan.ns_ipc = true));
	DENIED((conf.allow_uts_ns = false, plan.ns_uts = true));
	DENIED((conf.config_passwd = false, generated_file("/etc/passwd")));
	DENIED((conf.config_group = false, generated_file("/etc/group")));
	DENIED((conf.enable_overlay = CONF_OVERLAY_NO, plan.writable_tmpfs = true));
	DENIED((conf.limit_container_owners.count = 1, conf.limit_container_owners.items[0] = "4242"));
	DENIED((conf.limit_container_paths.count = 1, conf.limit_container_paths.items[0] = "/nowhere"));
}

/* An origin is a claim: with a source that is something else it is the caller's own bind. */
static void a_false_origin_is_a_user_bind(void **state)
{
	static const enum plan_origin origins[] = {PLAN_ORIGIN_DEV, PLAN_ORIGIN_CONF_BIND, PLAN_ORIGIN_PROC,
						   PLAN_ORIGIN_SYS, PLAN_ORIGIN_HOME, PLAN_ORIGIN_TMP,
						   PLAN_ORIGIN_RESOLV, PLAN_ORIGIN_FILE};

	(void)state;
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++)
		DENIED((conf.user_bind_control = false, plan.mounts[0].origin = origins[i]));
	setup(NULL);
	conf.user_bind_control = false;
	plan.mounts[0].origin = PLAN_ORIGIN_TMP;
	assert_int_equal(stat("/tmp", &facts.fds[1].stat), 0);
	assert_int_equal(policy_check_plan(&conf, &plan, &facts, &err), -EPERM); /* it belongs elsewhere */
	assert_int_equal(plan_add_text(&plan, "/tmp", &plan.mounts[0].target, &err), 0);
	assert_int_equal(policy_check_plan(&conf, &plan, &facts, &err), 0);
}

/* Whoever may choose the flow may choose ids and capabilities: the setuid starter knows one flow. */
static void no_other_flow_passes(void **state)
{
	(void)state;
	DENIED(plan.flow = PLAN_FLOW_USERNS);
	DENIED(plan.flow = PLAN_FLOW_FAKEROOT);
	DENIED(plan.flow = PLAN_FLOW_ROOT);
	DENIED(plan.flow = PLAN_FLOW_NESTED_ROOT);
	DENIED((plan.flow = PLAN_FLOW_ROOT, facts.uid = 0));
	DENIED((plan.flow = 0));
	DENIED((plan.flow = 99));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setuid_flow_refuses_what_needs_root),
		cmocka_unit_test(directives_bind),
		cmocka_unit_test(a_false_origin_is_a_user_bind),
		cmocka_unit_test(no_other_flow_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
