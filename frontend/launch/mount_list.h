/* SPDX-License-Identifier: BSD-3-Clause */
/* Adding to the plan's list of mounts. The order of the calls is the order of the mounts. */
#ifndef FRONTEND_LAUNCH_MOUNT_LIST_H
#define FRONTEND_LAUNCH_MOUNT_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/plan.h"

struct builder;

#define MOUNT_LIST_ATTRS                                                                           \
	(PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV) /* what every mount has that nobody argued about */

/* Everything below returns 0 or a negative errno with @err, and leaves the plan unusable after failure. */

/* mount_list_new() - append a mount of @kind at @target; *@out is for the fields that are not common to all. */
int mount_list_new(struct builder *builder, enum plan_mount_kind kind, enum plan_origin origin,
		   enum plan_on_fail on_fail, const char *target, struct plan_mount **out,
		   struct err *err);

/* mount_list_set_source() - open @source as the caller: the setuid starter gets the descriptor, the other the path. */
int mount_list_set_source(struct builder *builder, struct plan_mount *mount, const char *source,
			  struct err *err);

/* mount_list_add_bind() - @source, with all that is mounted below it, at @target. One that is not there is left out,
 * unless its failure is fatal. @attrs: PLAN_ATTR_*. */
int mount_list_add_bind(struct builder *builder, enum plan_origin origin, enum plan_on_fail on_fail,
			const char *source, const char *target, uint32_t attrs, struct err *err);

/* mount_list_add_dir() - an empty directory of the session with permission bits @mode. */
int mount_list_add_dir(struct builder *builder, enum plan_origin origin, const char *target,
		       uint32_t mode, struct err *err);

/* mount_list_add_file() - a file with the bytes of @text. */
int mount_list_add_file(struct builder *builder, const char *target, const char *text, struct err *err);

/* mount_list_add_link() - a link with the text @text, in a directory of the session. */
int mount_list_add_link(struct builder *builder, const char *target, const char *text,
			struct err *err);

/* mount_list_add_kernel() - a file system of the kernel; @fallback (NULL: none) is bound where a fresh one is refused. */
int mount_list_add_kernel(struct builder *builder, enum plan_mount_kind kind,
			  enum plan_origin origin, const char *target, const char *fallback,
			  uint32_t attrs, struct err *err);

/* mount_list_is_setuid() - is this a launch by the setuid starter? */
bool mount_list_is_setuid(const struct builder *builder);

/* mount_list_is_off() - was @name given to --no-mount? */
bool mount_list_is_off(const struct builder *builder, const char *name);

/* mount_list_exists() - can the caller reach @path? */
bool mount_list_exists(const struct builder *builder, const char *path);

#endif
