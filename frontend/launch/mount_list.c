/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/mount_list.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "frontend/launch/plan_build.h"
#include "ipc/channel_send.h"
#include "ipc/log.h"

bool mount_list_is_setuid(const struct builder *builder)
{
	return builder->plan->flow == PLAN_FLOW_SETUID;
}

bool mount_list_is_off(const struct builder *builder, const char *name)
{
	const struct strlist *off = &builder->request->action.no_mount;

	for (size_t i = 0; i < off->count; i++)
		if (strcmp(off->items[i], name) == 0)
			return true;
	return false;
}

int mount_list_new(struct builder *builder, enum plan_mount_kind kind, enum plan_origin origin,
		   enum plan_on_fail on_fail, const char *target, struct plan_mount **out,
		   struct err *err)
{
	struct plan *plan = builder->plan;
	struct plan_mount *mount = &plan->mounts[plan->mount_count];

	if (plan->mount_count == PLAN_MAX_MOUNTS)
		return err_set(err, ERR_SYSTEM, E2BIG, "cannot launch: more than %d mounts",
			       PLAN_MAX_MOUNTS);
	*mount = (struct plan_mount){.kind = kind,
				     .origin = origin,
				     .on_fail = on_fail,
				     .source_fd = PLAN_NO_FD,
				     .fs = -1,
				     .attrs = MOUNT_LIST_ATTRS,
				     .mode = 0755};
	if (plan_add_text(plan, target, &mount->target, err) < 0)
		return -E2BIG;
	plan->mount_count++;
	*out = mount;
	return 0;
}

/* The source by descriptor for the setuid starter, by path for the other. */
int mount_list_set_source(struct builder *builder, struct plan_mount *mount, const char *source,
			  struct err *err)
{
	bool is_dir;
	int fd, result = builder->view->open_path(source, &fd, &is_dir);

	if (result < 0)
		return err_sys(err, -result, "cannot open %s", source);
	mount->target_is_file = !is_dir;
	if (mount_list_is_setuid(builder))
		return plan_build_add_fd_consume(builder, fd, &mount->source_fd, err);
	(void)close(fd);
	return plan_add_text(builder->plan, source, &mount->source, err);
}

bool mount_list_exists(const struct builder *builder, const char *path)
{
	bool is_dir;
	int fd, result = builder->view->open_path(path, &fd, &is_dir);

	if (result == 0)
		(void)close(fd);
	else
		log_debug("cannot open %s: %s", path, strerror(-result));
	return result == 0;
}

int mount_list_add_bind(struct builder *builder, enum plan_origin origin, enum plan_on_fail on_fail,
			const char *source, const char *target, uint32_t attrs, struct err *err)
{
	struct plan_mount *mount;

	if (on_fail != PLAN_FAIL_FATAL && !mount_list_exists(builder, source))
		return 0;
	if (mount_list_new(builder, PLAN_MOUNT_BIND, origin, on_fail, target, &mount, err) < 0)
		return -E2BIG;
	mount->attrs =
		attrs & (builder->plan->allow_setuid_files ? ~(uint32_t)PLAN_ATTR_NOSUID : ~0u);
	return mount_list_set_source(builder, mount, source, err);
}

int mount_list_add_dir(struct builder *builder, enum plan_origin origin, const char *target,
		       uint32_t mode, struct err *err)
{
	struct plan_mount *mount;

	if (mount_list_new(builder, PLAN_MOUNT_SESSION_DIR, origin, PLAN_FAIL_WARN, target, &mount,
			   err) < 0)
		return -E2BIG;
	mount->mode = mode;
	return 0;
}

int mount_list_add_file(struct builder *builder, const char *target, const char *text, struct err *err)
{
	struct plan_mount *mount;
	int fd, result = channel_new_sealed(target, text, strlen(text), &fd, err);

	if (result < 0)
		return result;
	if (mount_list_new(builder, PLAN_MOUNT_FILE, PLAN_ORIGIN_FILE, PLAN_FAIL_WARN, target, &mount, err) < 0) {
		(void)close(fd);
		return -E2BIG;
	}
	mount->mode = 0644;
	mount->target_is_file = true;
	return plan_build_add_fd_consume(builder, fd, &mount->source_fd, err);
}

int mount_list_add_link(struct builder *builder, const char *target, const char *text,
			struct err *err)
{
	struct plan_mount *mount;

	if (mount_list_new(builder, PLAN_MOUNT_SYMLINK, PLAN_ORIGIN_DEV, PLAN_FAIL_WARN, target,
			   &mount, err) < 0)
		return -E2BIG;
	return plan_add_text(builder->plan, text, &mount->link, err);
}

int mount_list_add_kernel(struct builder *builder, enum plan_mount_kind kind,
			  enum plan_origin origin, const char *target, const char *fallback,
			  uint32_t attrs, struct err *err)
{
	struct plan_mount *mount;

	if (mount_list_new(builder, kind, origin, PLAN_FAIL_WARN, target, &mount, err) < 0)
		return -E2BIG;
	mount->attrs = attrs;
	return fallback ? mount_list_set_source(builder, mount, fallback, err) : 0;
}
