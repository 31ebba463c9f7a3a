/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The starter: one request in, one process out. The table below is the list of phases in the order they run; README, ARCHITECTURE,
 * says what each may do. In the setuid flavour this program is the whole privileged part of the platform.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "ipc/log.h"
#include "ipc/plan.h"
#include "starter/binds.h"
#include "starter/exec.h"
#include "starter/flavour.h"
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
	bool colour;
	int level;

	memset(stage.source_fd, 0xff, sizeof(stage.source_fd));
	memset(stage.account_fd, 0xff, sizeof(stage.account_fd));
	stage.session_fd = stage.root_fd = stage.overlay_fd = -1;
	stage.record = &record;
	stage.plan = record.plan;
	log_decode_level(record.plan->message_level, &level, &colour);
	log_init(level, colour);
}

static int main_switch_root(struct stage *s, struct err *err)
{
	int result = s->root_seal ? mnt_set_readonly(s->root_fd, err) : 0;

	if (result == 0)
		result = exec_set_label(s, err);
	if (result == 0 && fchdir(s->root_fd) < 0)
		result = err_sys(err, errno, "cannot enter the container's root");
	if (result == 0)
		result = flavour_set_root(s, err);
	if (result == 0 && chdir("/") < 0)
		result = err_sys(err, errno, "cannot enter the container's root");
	return result;
}

/* No way back from here: nothing that follows has a right that the payload lacks. */
static int main_drop(struct stage *s, struct err *err)
{
	int result;

	privs_drop(&s->plan->process);
	result = init_follow_monitor(err);
	if (result == 0 && s->plan->ns_pid && s->plan->init == PLAN_INIT_SHIM)
		result = init_shim(err);
	if (result == 0 && s->plan->dry_run)
		_exit(0);
	return result;
}

static int main_become_payload(struct stage *s, struct err *err)
{
	int result = seccomp_install_profile(s, err);

	return result < 0 ? result : exec_action(s, err);
}

static int (*const phases[])(struct stage *stage, struct err *err) = {
	/* in the caller's mount namespace */
	flavour_prepare,
	namespaces_enter, /* with a PID namespace, what follows runs in its first process */
	/* in our own */
	flavour_separate,
	session_setup,
	image_mount_all,
	layer_setup,
	binds_apply,
	main_switch_root,
	/* in the container */
	main_drop,
	main_become_payload,
};

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int result;

	(void)argv;
	sanitize_entry(argc);
	log_init(LOG_LEVEL_INFO, false);
	privs_init();
	result = record_receive(&record, &err);
	if (result == 0)
		main_init_stage();
	for (size_t i = 0; result == 0 && i < sizeof(phases) / sizeof(phases[0]); i++)
		result = phases[i](&stage, &err);
	main_fail(&err);
}
