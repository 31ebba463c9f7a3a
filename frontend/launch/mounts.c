/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/mounts.h"

#include <errno.h>
#include <string.h>

#include "frontend/launch/bind.h"
#include "frontend/launch/hand_down.h"
#include "frontend/launch/identity.h"
#include "frontend/launch/ladder.h"
#include "frontend/launch/mount_list.h"
#include "frontend/launch/plan_build.h"
#include "frontend/launch/user_binds.h"
#include "frontend/launch/user_dirs.h"
#include "ipc/log.h"

static int mounts_add_devpts(struct builder *builder, struct err *err)
{
	uint32_t rungs;
	int result = ladder_allowed(builder, LADDER_DEVPTS, &rungs, err);

	if (result < 0 || !rungs)
		return result;
	result = mount_list_add_kernel(builder, PLAN_MOUNT_DEVPTS, PLAN_ORIGIN_DEV, "/dev/pts", NULL,
				       PLAN_ATTR_NOSUID | PLAN_ATTR_NOEXEC, err);
	if (result == 0 && ladder_is_forced(builder, LADDER_DEVPTS))
		builder->plan->mounts[builder->plan->mount_count - 1].on_fail = PLAN_FAIL_FATAL;
	return result;
}

static int mounts_add_minimal_dev(struct builder *builder, struct err *err)
{
	static const char *const nodes[] = {"/dev/null",    "/dev/zero", "/dev/full", "/dev/random",
					    "/dev/urandom", "/dev/tty",  "/dev/fuse"};
	static const char *const links[][2] = {{"/dev/fd", "/proc/self/fd"},
					       {"/dev/stdin", "/proc/self/fd/0"},
					       {"/dev/stdout", "/proc/self/fd/1"},
					       {"/dev/stderr", "/proc/self/fd/2"}};
	int result = mount_list_add_dir(builder, PLAN_ORIGIN_DEV, "/dev", 0755, err);

	for (size_t i = 0; result == 0 && i < sizeof(nodes) / sizeof(nodes[0]); i++)
		result = mount_list_add_bind(builder, PLAN_ORIGIN_DEV, PLAN_FAIL_SILENT, nodes[i],
					     nodes[i], PLAN_ATTR_NOSUID, err);
	for (size_t i = 0; result == 0 && i < sizeof(links) / sizeof(links[0]); i++)
		result = mount_list_add_link(builder, links[i][0], links[i][1], err);
	if (result == 0)
		result = mount_list_add_dir(builder, PLAN_ORIGIN_DEV, "/dev/shm", 01777, err);
	if (result == 0 && builder->conf->mount_devpts && !mount_list_is_off(builder, "devpts"))
		result = mounts_add_devpts(builder, err);
	if (result == 0 && builder->plan->ns_ipc)
		result = mount_list_add_kernel(
			builder, PLAN_MOUNT_MQUEUE, PLAN_ORIGIN_DEV, "/dev/mqueue", NULL,
			PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV | PLAN_ATTR_NOEXEC, err);
	if (result == 0 && builder->host->tty)
		result = mount_list_add_bind(builder, PLAN_ORIGIN_DEV, PLAN_FAIL_SILENT,
					     builder->host->tty, "/dev/console", PLAN_ATTR_NOSUID,
					     err);
	return result;
}

static int mounts_add_dev(struct builder *builder, struct err *err)
{
	if (builder->conf->mount_dev == CONF_DEV_NO || mount_list_is_off(builder, "dev"))
		return 0;
	if (builder->contained || builder->conf->mount_dev == CONF_DEV_MINIMAL)
		return mounts_add_minimal_dev(builder, err);
	return mount_list_add_bind(builder, PLAN_ORIGIN_DEV, PLAN_FAIL_WARN, "/dev", "/dev",
				   PLAN_ATTR_NOSUID, err);
}

static int mounts_add_conf_binds(struct builder *builder, struct err *err)
{
	const struct conf_list *list = &builder->conf->bind_path;
	int result = 0;

	for (size_t i = 0; result == 0 && i < list->count; i++) {
		struct bind_spec spec;
		const char *target;

		result = bind_parse(list->items[i], &spec, err);
		if (result < 0)
			return err_wrap(err, "directive \"bind path\"");
		target = spec.destination ? spec.destination : spec.source;
		if ((!builder->contained || strcmp(target, "/etc/hosts") == 0 ||
		     strcmp(target, "/etc/localtime") == 0) &&
		    !mount_list_is_off(builder, "bind-paths") &&
		    !mount_list_is_off(builder, target) && target[0] == '/')
			result = mount_list_add_bind(
				builder, PLAN_ORIGIN_CONF_BIND, PLAN_FAIL_SILENT, spec.source,
				target,
				MOUNT_LIST_ATTRS | (spec.readonly ? (uint32_t)PLAN_ATTR_RDONLY : 0),
				err);
		bind_fini(&spec);
	}
	return result;
}

/* A fresh one where that may work, else the outer one. A forced rung that fails is an error, not a warning. */
static int mounts_add_kernel_tree(struct builder *builder, enum ladder_resource ladder, enum plan_mount_kind kind,
				  enum plan_origin origin, const char *path, struct err *err)
{
	const uint32_t attrs = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV | PLAN_ATTR_NOEXEC;
	bool forced = ladder_is_forced(builder, ladder);
	size_t rung;
	int result = ladder_choose(builder, ladder, &rung, err);

	if (result < 0)
		return result;
	result = rung == 0 ? mount_list_add_kernel(builder, kind, origin, path, forced ? NULL : path, attrs, err)
			   : mount_list_add_bind(builder, origin, forced ? PLAN_FAIL_FATAL : PLAN_FAIL_WARN, path, path, attrs,
						 err);
	if (result == 0 && forced)
		builder->plan->mounts[builder->plan->mount_count - 1].on_fail = PLAN_FAIL_FATAL;
	return result;
}

static int mounts_add_proc_sys(struct builder *builder, struct err *err)
{
	int result = 0;

	if (builder->conf->mount_proc && !mount_list_is_off(builder, "proc"))
		result = mounts_add_kernel_tree(builder, LADDER_PROC, PLAN_MOUNT_PROC, PLAN_ORIGIN_PROC, "/proc", err);
	if (result == 0 && builder->conf->mount_sys && !mount_list_is_off(builder, "sys"))
		result = mounts_add_kernel_tree(builder, LADDER_SYS, PLAN_MOUNT_SYS, PLAN_ORIGIN_SYS, "/sys", err);
	return result;
}

int mounts_add_all(struct builder *builder, struct err *err)
{
	static int (*const steps[])(struct builder *, struct err *) = {
		mounts_add_dev,     mounts_add_conf_binds, mounts_add_proc_sys,
		user_dirs_add_home, user_dirs_add_tmp,     user_dirs_add_scratch,
		identity_add_files, hand_down_add,	   user_binds_add_all,
		user_dirs_add_cwd,
	};
	static const char *const known[] = {"proc", "sys",    "dev", "devpts",    "home",
					    "tmp",  "hostfs", "cwd", "bind-paths"};
	const struct strlist *off = &builder->request->action.no_mount;
	int result = 0;

	for (size_t i = 0; i < off->count; i++) {
		bool found = off->items[i][0] == '/';

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			found |= strcmp(off->items[i], known[k]) == 0;
		if (!found)
			log_warning("Ignoring unknown mount type '%s'", off->items[i]);
	}
	for (size_t i = 0; result == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		result = steps[i](builder, err);
	return result;
}
