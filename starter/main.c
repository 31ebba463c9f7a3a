/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The starter: one request in, one process out. main() is the list of phases in the order they run; README, ARCHITECTURE, says
 * what each may do. In the setuid flavour this program is the whole privileged part of the platform.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "ipc/log.h"
#include "ipc/plan.h"
#include "policy/conf.h"
#include "policy/conf_file.h"
#include "policy/facts.h"
#include "policy/policy.h"
#include "starter/binds.h"
#include "starter/exec.h"
#include "starter/flavour.h"
#include "starter/fuse_server.h"
#include "starter/idmap.h"
#include "starter/image_mount.h"
#include "starter/init.h"
#include "starter/layer.h"
#include "starter/mnt.h"
#include "starter/namespaces.h"
#include "starter/privs.h"
#include "starter/sanitize.h"
#include "starter/seccomp.h"
#include "starter/session.h"
#include "starter/stage.h"

#define CONF_PATH SINGULARITY_SYSCONFDIR "/singularity/singularity.conf"

static struct record record;
static struct stage stage;

/* Privilege goes first, words come after. */
_Noreturn static void main_fail(const struct err *err)
{
	if (flavour_is_setuid && geteuid() == 0)
		privs_drop_all();
	log_fatal("%s", err->message);
	_exit(255);
}

static void main_init_stage(void)
{
	memset(stage.source_fd, 0xff, sizeof(stage.source_fd));
	memset(stage.directory_fd, 0xff, sizeof(stage.directory_fd));
	memset(stage.fuse_fd, 0xff, sizeof(stage.fuse_fd));
	memset(stage.go_fd, 0xff, sizeof(stage.go_fd));
	memset(stage.fs_fd, 0xff, sizeof(stage.fs_fd));
	stage.session_fd = stage.root_fd = -1;
	stage.record = &record;
	stage.plan = record.plan;
}

static void main_set_log(const struct plan *plan)
{
	bool colour;
	int level;

	log_decode_level(plan->message_level, &level, &colour);
	log_init(level, colour);
}

/* privileged: open(2) of singularity.conf with fsuid 0 */
static int main_judge(struct err *err)
{
	static struct conf conf;
	static struct facts facts;
	int result;

	/* The flow is a claim like the rest: every other one hands out ids and capabilities that its caller holds already. */
	if (flavour_is_setuid != (stage.plan->flow == PLAN_FLOW_SETUID))
		return err_set(err, ERR_PROTOCOL, EPROTO, "the launch request is for another starter");
	if (!flavour_is_setuid)
		return 0;
	privs_raise(PRIVS_ROOT_FS);
	result = conf_file_load_trusted(CONF_PATH, &conf, err);
	privs_lower();
	if (result == 0 && !conf.allow_setuid)
		result = err_set(err, ERR_DENIED, 1, "suid workflow disabled by administrator");
	if (result == 0)
		result = facts_read(stage.plan, &conf, record.fds, record.fd_count, &facts, err);
	if (result == 0 && !facts.initial_userns)
		result = err_set(err, ERR_DENIED, 1, "starter-suid does not run inside a user namespace");
	if (result == 0)
		result = facts_check_fds(stage.plan, &facts, err);
	if (result == 0)
		result = facts_check_images(stage.plan, record.fds, err);
	if (result == 0)
		result = policy_check_plan(&conf, stage.plan, &facts, err);
	return result;
}

/* The caller's mount namespace is still ours: here the setuid flavour takes its sources, and file servers are started. */
static int main_outside(struct err *err)
{
	int result = flavour_is_setuid ? binds_clone_sources(&stage, err) : 0;

	if (result == 0)
		result = idmap_enter(&stage, err);
	if (result == 0)
		result = fuse_server_start_all(&stage, err);
	if (result == 0)
		result = namespaces_enter(&stage, err);
	return result;
}

static int main_build(struct err *err)
{
	int result = mnt_init(err);

	if (result == 0)
		result = mnt_set_propagation(stage.plan->propagation_private, err);
	if (result == 0 && !flavour_is_setuid)
		result = binds_open_sources(&stage, err);
	if (result == 0)
		result = session_setup(&stage, err);
	if (result == 0)
		result = image_mount_all(&stage, err);
	if (result == 0)
		result = layer_setup(&stage, binds_any_missing(&stage), err);
	if (result == 0)
		result = binds_apply(&stage, err);
	if (result == 0 && stage.root_seal)
		result = mnt_set_readonly(stage.root_fd, err);
	if (result == 0)
		result = exec_set_label(&stage, err);
	if (result == 0)
		result = mnt_set_root(stage.root_fd, err);
	return result;
}

static int main_become_payload(struct err *err)
{
	int result;

	privs_drop(&stage.plan->process);
	result = init_follow_monitor(err);
	if (result == 0 && stage.plan->ns_pid && stage.plan->init == PLAN_INIT_SHIM)
		result = init_shim(err);
	if (result == 0 && stage.plan->dry_run)
		_exit(0);
	if (result == 0)
		result = seccomp_install(&stage, err);
	if (result == 0)
		result = exec_action(&stage, err);
	return result;
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int result;

	(void)argv;
	sanitize_entry(argc);
	log_init(LOG_LEVEL_INFO, false);
	privs_init();
	result = record_receive(&record, &err);
	if (result < 0)
		main_fail(&err);
	main_init_stage();
	main_set_log(stage.plan);
	result = main_judge(&err);
	if (result == 0)
		result = main_outside(&err);
	if (result == 0)
		result = main_build(&err);
	if (result == 0)
		result = main_become_payload(&err);
	if (result < 0)
		main_fail(&err);
	return 255;
}
