/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/user_binds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/launch/bind.h"
#include "frontend/launch/images.h"
#include "frontend/launch/mount_list.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define FAIL(err, ...) err_set(err, ERR_SYSTEM, EINVAL, __VA_ARGS__)

static int user_binds_add_image(struct builder *builder, const struct bind_spec *spec,
				const char *target, struct err *err)
{
	struct image *image = &builder->extra[builder->plan->fs_count % PLAN_MAX_FS];
	const struct image_partition *partition = NULL;
	struct plan_mount *mount;
	bool writable;
	int32_t index;

	if (image_open(spec->source, !spec->readonly, image, err) < 0)
		return err_wrap(err, "bind of image %s", spec->source);
	if (image->kind == IMAGE_SANDBOX)
		return FAIL(err, "%s is a directory: image-src needs an image file", spec->source);
	for (size_t i = 0; i < image->partition_count; i++)
		if (spec->image_id ? image->partitions[i].id == spec->image_id
				   : image->kind != IMAGE_SIF ||
					     image->partitions[i].role == IMAGE_ROLE_DATA)
			partition = partition ? partition : &image->partitions[i];
	if (!partition)
		return FAIL(err, "%s has no data partition to bind", spec->source);
	writable = image->writable && partition->fs == IMAGE_FS_EXT3;
	if (images_add_fs(builder, image, partition, writable, &index, err) < 0 ||
	    mount_list_new(builder, PLAN_MOUNT_IMAGE, PLAN_ORIGIN_USER_BIND, PLAN_FAIL_FATAL,
			   target, &mount, err) < 0)
		return -EINVAL;
	mount->fs = index;
	mount->attrs = MOUNT_LIST_ATTRS | (writable ? 0 : (uint32_t)PLAN_ATTR_RDONLY);
	return plan_add_text(builder->plan, spec->image_source ? spec->image_source : "/",
			     &mount->link, err);
}

static bool user_binds_has_target(const struct builder *builder, const char *target)
{
	for (uint32_t i = 0; i < builder->plan->mount_count; i++)
		if (builder->plan->mounts[i].origin == PLAN_ORIGIN_USER_BIND &&
		    strcmp(plan_get_text(builder->plan, builder->plan->mounts[i].target), target) ==
			    0)
			return true;
	return false;
}

static bool user_binds_lies_in_dev(const char *path)
{
	return strncmp(path, "/dev", 4) == 0 && (path[4] == '/' || path[4] == '\0');
}

/* Devices stay usable where devices belong. At any other place they are shown without use, as every file system bound there is. */
static uint32_t user_binds_choose_attrs(const struct bind_spec *spec, const char *target)
{
	bool device = user_binds_lies_in_dev(spec->source) && user_binds_lies_in_dev(target);

	return (device ? (uint32_t)PLAN_ATTR_NOSUID : MOUNT_LIST_ATTRS) |
	       (spec->readonly ? (uint32_t)PLAN_ATTR_RDONLY : 0);
}

static int user_binds_add_spec(struct builder *builder, const struct bind_spec *spec,
			       bool inherited, struct err *err)
{
	cleanup_ptr char *source = builder->view->resolve(spec->source), *own = NULL,
			 *absolute = NULL;
	const char *target = spec->destination;

	if (!source && inherited) {
		log_info("Skipping bind of %s from the environment: it is not there", spec->source);
		return 0;
	}
	if (!source)
		return err_sys(err, errno, "mount source %s doesn't exist", spec->source);
	if (!target) {
		if (spec->source[0] != '/' &&
		    asprintf(&absolute, "%s/%s", builder->host->cwd ? builder->host->cwd : "",
			     spec->source) < 0)
			return err_sys(err, ENOMEM, "bind");
		target = own = bind_clean_path(absolute ? absolute : spec->source);
	}
	if (!target || target[1] == '\0')
		return FAIL(err, "cannot bind %s to / of the container", spec->source);
	if (user_binds_has_target(builder, target)) {
		log_warning("destination %s is already in the mount point list", target);
		return 0;
	}
	if (spec->image_source || spec->image_id)
		return user_binds_add_image(builder, spec, target, err);
	return mount_list_add_bind(builder, PLAN_ORIGIN_USER_BIND, PLAN_FAIL_FATAL, source, target,
				   user_binds_choose_attrs(spec, target), err);
}

static int user_binds_add_text(struct builder *builder, const char *text, bool is_mount,
			       bool inherited, struct err *err)
{
	struct bind_spec spec;
	int result = is_mount ? bind_parse_mount(text, &spec, err) : bind_parse(text, &spec, err);

	if (result < 0)
		return result;
	result = user_binds_add_spec(builder, &spec, inherited, err);
	bind_fini(&spec);
	return result;
}

/* The list was split at every comma; options that belong to the bind before are put back. */
static int user_binds_add_list(struct builder *builder, struct err *err)
{
	const struct strlist *list = &builder->request->action.bind;
	size_t own = list->count - builder->request->action.bind_inherited;
	int result = 0;

	for (size_t i = 0, next; result == 0 && i < list->count; i = next) {
		cleanup_ptr char *text = strdup(list->items[i]);

		for (next = i + 1; text && next < list->count && strchr(text, ':') &&
				   bind_is_option(list->items[next]);
		     next++) {
			char *longer = NULL;

			if (asprintf(&longer, "%s,%s", text, list->items[next]) < 0)
				longer = NULL;
			free(text);
			text = longer;
		}
		if (!text)
			return err_sys(err, ENOMEM, "bind");
		result = user_binds_add_text(builder, text, false, i >= own, err);
	}
	return result;
}

int user_binds_add_all(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	int result;

	if ((action->bind.count || action->mount.count) && !builder->conf->user_bind_control) {
		log_warning("Ignoring user bind request: user bind control disabled by system "
			    "administrator");
		return 0;
	}
	result = user_binds_add_list(builder, err);
	for (size_t i = 0; result == 0 && i < action->mount.count; i++)
		result = user_binds_add_text(builder, action->mount.items[i], true, false, err);
	return result;
}
