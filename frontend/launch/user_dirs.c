/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/user_dirs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/launch/bind.h"
#include "frontend/launch/mount_list.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define FAIL(err, ...) err_set(err, ERR_SYSTEM, EINVAL, __VA_ARGS__)

static int user_dirs_make_workdir(struct builder *builder, const char *name, mode_t mode,
				  char **out, struct err *err)
{
	const char *workdir = builder->request->action.workdir;
	cleanup_ptr char *base = builder->view->resolve(workdir);
	int result;

	if (!base)
		return err_sys(err, errno, "cannot use working directory %s", workdir);
	if (asprintf(out, "%s/%s", base, name) < 0)
		return err_sys(err, ENOMEM, "cannot use working directory %s", workdir);
	for (char *slash = strchr(*out + strlen(base) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		result = builder->view->make_dir(*out, 0755);
		if (result < 0)
			return err_sys(err, -result, "cannot make %s", *out);
		*slash = '/';
	}
	result = builder->view->make_dir(*out, mode);
	return result < 0 ? err_sys(err, -result, "cannot make %s", *out) : 0;
}

/* A directory of the session, or of --workdir. */
static int user_dirs_add_private(struct builder *builder, enum plan_origin origin,
				 const char *target, const char *name, mode_t mode, struct err *err)
{
	cleanup_ptr char *source = NULL;

	if (!builder->request->action.workdir)
		return mount_list_add_dir(builder, origin, target, mode, err);
	if (!builder->conf->user_bind_control) {
		log_warning("User bind control is disabled: ignoring --workdir");
		return mount_list_add_dir(builder, origin, target, mode, err);
	}
	if (user_dirs_make_workdir(builder, name, mode, &source, err) < 0)
		return -EINVAL;
	return mount_list_add_bind(builder, PLAN_ORIGIN_CUSTOM_HOME, PLAN_FAIL_FATAL, source,
				   target, MOUNT_LIST_ATTRS, err);
}

/* --home SRC[:DST] */
static int user_dirs_split_home(struct builder *builder, char **source, struct err *err)
{
	const char *spec = builder->request->action.home, *colon = strchr(spec, ':');
	cleanup_ptr char *first = strndup(spec, colon ? (size_t)(colon - spec) : strlen(spec));

	if (!builder->conf->user_bind_control)
		return err_set(err, ERR_DENIED, EPERM,
			       "--home is not allowed (user bind control = no)");
	if (colon && strchr(colon + 1, ':'))
		return FAIL(err, "--home takes SOURCE or SOURCE:DESTINATION, not %s", spec);
	*source = builder->view->resolve(first);
	if (!*source)
		return err_sys(err, errno, "cannot use home directory %s", first);
	builder->home = colon ? bind_clean_path(colon + 1) : strdup(*source);
	return builder->home
		       ? 0
		       : FAIL(err, "the home directory in the container must be an absolute path");
}

int user_dirs_add_home(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	bool custom = action->home != NULL;
	cleanup_ptr char *source = NULL;

	if (custom) {
		if (user_dirs_split_home(builder, &source, err) < 0)
			return -EINVAL;
	} else {
		bool as_root = builder->plan->flow == PLAN_FLOW_FAKEROOT || builder->plan->process.emulate_root ||
			       (action->fakeroot && builder->host->uid == 0);

		source = strdup(builder->host->home);
		builder->home = strdup(as_root ? "/root" : builder->host->home);
	}
	if (!builder->conf->mount_home || action->no_home || mount_list_is_off(builder, "home"))
		return 0;
	if (strcmp(builder->home, "/") == 0) {
		log_warning("Not mounting the home directory: it is /");
		return 0;
	}
	if (custom)
		return mount_list_add_bind(builder, PLAN_ORIGIN_CUSTOM_HOME, PLAN_FAIL_FATAL,
					   source, builder->home, MOUNT_LIST_ATTRS, err);
	if (builder->contained)
		return user_dirs_add_private(builder, PLAN_ORIGIN_HOME, builder->home, "home", 0700,
					     err);
	if (!mount_list_exists(builder, source))
		return mount_list_add_dir(builder, PLAN_ORIGIN_HOME, builder->home, 0700, err);
	return mount_list_add_bind(builder, PLAN_ORIGIN_HOME, PLAN_FAIL_WARN, source, builder->home,
				   MOUNT_LIST_ATTRS, err);
}

int user_dirs_add_tmp(struct builder *builder, struct err *err)
{
	const struct {
		const char *target, *name;
	} places[] = {{"/tmp", "tmp"}, {"/var/tmp", "var_tmp"}};
	int result = 0;

	if (!builder->conf->mount_tmp || mount_list_is_off(builder, "tmp"))
		return 0;
	for (size_t i = 0; result == 0 && i < sizeof(places) / sizeof(places[0]); i++) {
		result = builder->contained
				 ? user_dirs_add_private(builder, PLAN_ORIGIN_TMP, places[i].target,
							 places[i].name, 01777, err)
				 : mount_list_add_bind(builder, PLAN_ORIGIN_TMP, PLAN_FAIL_WARN,
						       places[i].target, places[i].target,
						       MOUNT_LIST_ATTRS, err);
	}
	return result;
}

int user_dirs_add_scratch(struct builder *builder, struct err *err)
{
	const struct strlist *list = &builder->request->action.scratch;
	int result = 0;

	for (size_t i = 0; result == 0 && i < list->count; i++) {
		cleanup_ptr char *target = bind_clean_path(list->items[i]), *name = NULL;

		if (!target || target[1] == '\0')
			return FAIL(err, "scratch directory %s must be an absolute path",
				    list->items[i]);
		if (!builder->conf->user_bind_control) {
			log_warning("User bind control is disabled: ignoring --scratch");
			return 0;
		}
		if (asprintf(&name, "scratch%s", target) < 0)
			return err_sys(err, ENOMEM, "scratch directory");
		result = user_dirs_add_private(builder, PLAN_ORIGIN_SCRATCH, target, name, 0755,
					       err);
	}
	return result;
}

static bool user_dirs_lies_in(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Not where it would hide the system, not where it is visible already. */
static bool user_dirs_wants_cwd(const struct builder *builder)
{
	static const char *const never[] = {"/",    "/etc",  "/bin", "/mnt",   "/usr", "/var",
					    "/opt", "/sbin", "/lib", "/lib64", NULL};
	static const char *const below[] = {"/sys", "/proc", "/dev", NULL};
	const char *cwd = builder->host->cwd;

	if (!cwd || builder->contained || mount_list_is_off(builder, "cwd") ||
	    !builder->conf->user_bind_control)
		return false;
	for (size_t i = 0; never[i]; i++)
		if (strcmp(cwd, never[i]) == 0)
			return false;
	for (size_t i = 0; below[i]; i++)
		if (user_dirs_lies_in(cwd, below[i]))
			return false;
	for (uint32_t i = 0; i < builder->plan->mount_count; i++) {
		const struct plan_mount *mount = &builder->plan->mounts[i];
		const char *target = plan_get_text(builder->plan, mount->target);
		bool itself = mount->origin == PLAN_ORIGIN_TMP ||
			      (mount->origin == PLAN_ORIGIN_HOME &&
			       strcmp(target, builder->host->home) == 0);

		if (itself && user_dirs_lies_in(cwd, target))
			return false;
		if (mount->origin == PLAN_ORIGIN_USER_BIND && strcmp(cwd, target) == 0)
			return false;
	}
	return true;
}

int user_dirs_add_cwd(struct builder *builder, struct err *err)
{
	if (!user_dirs_wants_cwd(builder))
		return 0;
	return mount_list_add_bind(builder, PLAN_ORIGIN_CWD, PLAN_FAIL_SILENT, builder->host->cwd,
				   builder->host->cwd, MOUNT_LIST_ATTRS, err);
}
