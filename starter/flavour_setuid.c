/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: what the setuid flavour does differently: it judges, and it takes every source from a descriptor that the caller
 * opened. Must not: contain a second way of doing anything. Runs before the caller's mount namespace is left.
 */
#include "starter/flavour.h"

#include <errno.h>
#include <stddef.h>

#include "ipc/log.h"
#include "ipc/plan_decode.h"
#include "policy/conf.h"
#include "policy/conf_file.h"
#include "policy/facts.h"
#include "policy/policy.h"
#include "starter/binds.h"
#include "starter/layer.h"
#include "starter/mnt.h"
#include "starter/privs.h"
#include "starter/stage.h"
#include "starter/underlay.h"

#define CONF_PATH SINGULARITY_SYSCONFDIR "/singularity/singularity.conf"

const bool flavour_is_setuid = true;
const struct mnt_legacy *flavour_mnt_legacy;

/* privileged: openat(2) fsuid 0: singularity.conf, at the compiled-in path */
static int flavour_load_conf(struct conf *conf, struct err *err)
{
	int result;

	privs_raise(PRIVS_ROOT_FS);
	result = conf_file_load_trusted(CONF_PATH, conf, err);
	privs_lower();
	if (result == 0 && !conf->allow_setuid)
		result = err_set(err, ERR_DENIED, EPERM, "suid workflow disabled by administrator");
	return result;
}

const struct decode_table plan_plain_table = {NULL, 0};

/* Every other flow gives the payload ids or capabilities that its caller lacks here. */
int plan_check_plain(const struct plan *plan, enum plan_slot *slots, uint32_t count, struct err *err)
{
	(void)slots, (void)count;
	if (plan->flow == PLAN_FLOW_SETUID && !(plan->layers & PLAN_LAYER_FUSE_OVERLAY))
		return 0;
	return err_set(err, ERR_DENIED, EPERM, "the setuid starter takes requests for the setuid flow only");
}

static int flavour_judge(const struct stage *stage, struct err *err)
{
	static struct conf conf;
	static struct facts facts;
	const struct record *record = stage->record;
	int result = flavour_load_conf(&conf, err);

	if (result == 0)
		result = facts_read(record->plan, &conf, record->fds, record->fd_count, &facts, err);
	if (result == 0)
		result = facts_check_fds(record->plan, &facts, err);
	if (result == 0)
		result = facts_check_images(record->plan, record->fds, err);
	return result < 0 ? result : policy_check_plan(&conf, record->plan, &facts, err);
}

int flavour_prepare(struct stage *stage, struct err *err)
{
	const struct plan *plan = stage->plan;
	const int *fds = stage->record->fds;
	int result = flavour_judge(stage, err);

	for (uint32_t i = 0; result == 0 && i < plan->fs_count; i++)
		if (plan->fs[i].method == PLAN_METHOD_BIND) {
			result = mnt_clone(fds[plan->fs[i].fd], &stage->directory_fd[i], err);
		} else if (plan->fs[i].method == PLAN_METHOD_FUSE) {
			stage->fuse_fd[i] = fds[plan->fs[i].server_fd];
			stage->go_fd[i] = fds[plan->fs[i].go_fd];
		}
	for (uint32_t i = 0; result == 0 && i < plan->mount_count; i++) {
		const struct plan_mount *mount = &plan->mounts[i];

		if (mount->source_fd == PLAN_NO_FD || plan_is_file(mount))
			continue;
		result = mnt_clone(fds[mount->source_fd], &stage->source_fd[i], err);
		result = binds_judge(stage, i, result, err);
	}
	return result;
}

int flavour_separate(struct stage *stage, struct err *err)
{
	return mnt_set_propagation(stage->plan->propagation_private, err);
}

int flavour_fail_fs(int fs_fd, int errnum, const char *fstype, struct err *err)
{
	(void)fs_fd;
	return err_sys(err, errnum, "cannot mount %s", fstype);
}

int flavour_set_root(const struct stage *stage, struct err *err)
{
	(void)stage;
	return mnt_pivot(err);
}

int flavour_mount_kernel_fs(const struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	const struct plan_mount *mount = &stage->plan->mounts[index];
	int result = mnt_attach_fs(mount->kind == PLAN_MOUNT_PROC ? "proc" : "sysfs", NULL, mount->attrs, PRIVS_MOUNT,
				   target_fd, NULL, err);

	if (result == 0 || stage->source_fd[index] < 0)
		return result;
	log_warning("%s; the outer one is shown", err->message);
	return mnt_attach_tree(stage->source_fd[index], mount->attrs, target_fd, NULL, err);
}

int flavour_mount_devpts(const struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	return binds_mount_devpts(stage->plan->mounts[index].attrs, true, target_fd, err);
}

int flavour_make_layer(struct stage *stage, uint32_t layers, int target_fd, struct err *err)
{
	int result = err_set(err, ERR_DENIED, EPERM, "no layer is allowed (enable overlay, enable underlay)");

	if (layers & PLAN_LAYER_OVERLAY)
		result = layer_merge(stage, layer_mount_overlay, target_fd, err);
	if (result < 0 && layers & PLAN_LAYER_UNDERLAY)
		result = underlay_build(stage, target_fd, err);
	return result;
}
