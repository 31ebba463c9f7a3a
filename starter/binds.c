/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the plan's list of mounts. Must not: reorder it, add to it. Sources are taken before the session covers the
 * host's tree, mounts are applied to the staging root before it becomes the root.
 */
#include "starter/binds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/cleanup_fd.h"
#include "ipc/log.h"
#include "starter/flavour.h"
#include "starter/mnt.h"
#include "starter/resolve.h"
#include "starter/session.h"
#include "starter/stage.h"

static const struct plan_mount *binds_get(const struct stage *stage, uint32_t index)
{
	return &stage->plan->mounts[index];
}

static const char *binds_target(const struct stage *stage, uint32_t index)
{
	return plan_get_text(stage->plan, binds_get(stage, index)->target);
}

int binds_judge(const struct stage *stage, uint32_t index, int result, struct err *err)
{
	const struct plan_mount *mount = binds_get(stage, index);

	if (result >= 0)
		return 0;
	switch (mount->on_fail) {
	case PLAN_FAIL_WARN:
		log_warning("Skipping mount of %s: %s", binds_target(stage, index), err->message);
		return 0;
	case PLAN_FAIL_SILENT:
	case PLAN_FAIL_OPTIONAL:
		log_debug("skipping mount of %s: %s", binds_target(stage, index), err->message);
		return 0;
	case PLAN_FAIL_FATAL:
		break;
	}
	return err_wrap(err, "mount of %s", binds_target(stage, index));
}

static bool binds_lies_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && path[length] == '/';
}

bool binds_is_missing(const struct stage *stage, uint32_t index)
{
	const char *target = binds_target(stage, index);
	int fd, result;

	if (binds_get(stage, index)->kind == PLAN_MOUNT_SYMLINK || binds_get(stage, index)->on_fail == PLAN_FAIL_OPTIONAL)
		return false;
	for (uint32_t i = 0; i < index; i++)
		if (binds_lies_below(target, binds_target(stage, i)))
			return false;
	result = resolve_open(stage->fs_fd[0], target, O_PATH, &fd);
	if (result == 0)
		(void)close(fd);
	return result == -ENOENT;
}

bool binds_any_missing(const struct stage *stage)
{
	for (uint32_t i = 0; i < stage->plan->mount_count; i++)
		if (binds_is_missing(stage, i))
			return true;
	return false;
}

static int binds_source(const struct stage *stage, uint32_t index, uint32_t attrs, int target_fd, struct err *err)
{
	int source_fd = stage->source_fd[index];

	if (source_fd < 0)
		return err_set(err, ERR_SYSTEM, ENOENT, "the source is not there");
	return mnt_attach_tree(source_fd, attrs, target_fd, NULL, err);
}

int binds_mount_devpts(uint32_t attrs, bool tty, int target_fd, struct err *err)
{
	const struct mnt_option options[] = {
		{"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0620"}, {tty ? "gid" : NULL, "5"}, {NULL, NULL}};

	return mnt_attach_fs("devpts", options, attrs, PRIVS_MOUNT, target_fd, NULL, err);
}

static int binds_devpts(const struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	const char *target = binds_target(stage, index), *slash = strrchr(target, '/');
	char link[PLAN_PATH_MAX + sizeof("/ptmx")]; /* a checked target is shorter than PLAN_PATH_MAX */
	int result = flavour_mount_devpts(stage, index, target_fd, err);

	if (result < 0)
		return result;
	memcpy(link, target, (size_t)(slash - target));
	memcpy(link + (slash - target), "/ptmx", sizeof("/ptmx"));
	return resolve_make_symlink(&stage->scope, link, "pts/ptmx", err);
}

static int binds_session_dir(const struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	const struct plan_mount *mount = binds_get(stage, index);
	cleanup_fd int dir_fd = -1;
	int result = session_make_user_dir(stage, index, mount->mode, &dir_fd, err);

	return result < 0 ? result : mnt_attach_bind(dir_fd, mount->attrs, target_fd, NULL, err);
}

static int binds_fill_file(const struct stage *stage, const struct plan_mount *mount, int file_fd, struct err *err)
{
	const void *bytes; /* mapped until exec */
	size_t length;
	int result = channel_map_sealed(stage->record->fds[mount->source_fd], PLAN_BULK_MAX, &bytes, &length, err);

	errno = 0;
	/* One write: a tmpfs takes all of it or has no room, and no signal has a handler here. */
	if (result == 0 && write(file_fd, bytes, length) != (ssize_t)length)
		result = err_sys(err, errno ? errno : ENOSPC, "cannot write a generated file");
	return result;
}

/* What the image has at @target, for the action program to join. Opening a fifo or a device does not wait, and gives nothing. */
static int binds_open_account(const struct stage *stage, const char *target)
{
	cleanup_fd int fd = -1;
	struct stat st;

	return resolve_open(stage->root_fd, target, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd) == 0 && fstat(fd, &st) == 0 &&
			       S_ISREG(st.st_mode)
		       ? fd_take(&fd)
		       : -1;
}

static int binds_file(struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	const struct plan_mount *mount = binds_get(stage, index);
	cleanup_fd int file_fd = -1, own_fd = -1;
	int result = session_make_file(stage, index, mount->mode, &file_fd, err);

	if (result == 0 && mount->kind == PLAN_MOUNT_FILE)
		result = binds_fill_file(stage, mount, file_fd, err);
	else if (result == 0)
		own_fd = binds_open_account(stage, binds_target(stage, index));
	if (result == 0)
		result = mnt_attach_bind(file_fd, mount->attrs, target_fd, NULL, err);
	if (result == 0 && mount->kind != PLAN_MOUNT_FILE) {
		int *pair = &stage->account_fd[mount->kind == PLAN_MOUNT_GROUP ? 2 : 0];

		pair[0] = fd_take(&own_fd);
		pair[1] = fd_take(&file_fd);
	}
	return result;
}

static int binds_open_in_image(const struct stage *stage, const struct plan_mount *mount, int *out_fd)
{
	const char *inside = plan_get_text(stage->plan, mount->link);

	return resolve_open(stage->fs_fd[mount->fs], inside ? inside : "/", O_PATH, out_fd);
}

static int binds_image(const struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	const struct plan_mount *mount = binds_get(stage, index);
	cleanup_fd int source_fd = -1;
	int result = binds_open_in_image(stage, mount, &source_fd);

	if (result < 0)
		return err_sys(err, -result, "cannot open %s in the image", plan_get_text(stage->plan, mount->link));
	return mnt_attach_bind(source_fd, mount->attrs, target_fd, NULL, err);
}

bool binds_wants_file(const struct stage *stage, uint32_t index)
{
	const struct plan_mount *mount = binds_get(stage, index);
	cleanup_fd int fd = -1;
	struct stat st;

	if (mount->kind == PLAN_MOUNT_IMAGE && binds_open_in_image(stage, mount, &fd) == 0 && fstat(fd, &st) == 0)
		return !S_ISDIR(st.st_mode);
	return mount->target_is_file || plan_is_file(mount);
}

static int binds_attach(struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	const struct plan_mount *mount = binds_get(stage, index);

	switch (mount->kind) {
	case PLAN_MOUNT_BIND:
		return binds_source(stage, index, mount->attrs, target_fd, err);
	case PLAN_MOUNT_PROC:
	case PLAN_MOUNT_SYS:
		return flavour_mount_kernel_fs(stage, index, target_fd, err);
	case PLAN_MOUNT_DEVPTS:
		return binds_devpts(stage, index, target_fd, err);
	case PLAN_MOUNT_MQUEUE:
		return mnt_attach_fs("mqueue", NULL, mount->attrs, PRIVS_MOUNT, target_fd, NULL, err);
	case PLAN_MOUNT_SESSION_DIR:
		return binds_session_dir(stage, index, target_fd, err);
	case PLAN_MOUNT_FILE:
	case PLAN_MOUNT_PASSWD:
	case PLAN_MOUNT_GROUP:
		return binds_file(stage, index, target_fd, err);
	case PLAN_MOUNT_IMAGE:
		return binds_image(stage, index, target_fd, err);
	case PLAN_MOUNT_SYMLINK:
		break;
	}
	return err_set(err, ERR_BUG, EINVAL, "mount kind %d", (int)mount->kind);
}

/* Where the image makes /var/tmp a link to /tmp, what was just mounted there must stay visible. */
static bool binds_hides_tmp(const struct stage *stage, uint32_t index, int target_fd)
{
	cleanup_fd int before_fd = -1;
	struct stat here, before;

	return index > 0 && binds_get(stage, index)->origin == PLAN_ORIGIN_TMP &&
	       binds_get(stage, index - 1)->origin == PLAN_ORIGIN_TMP &&
	       resolve_open(stage->root_fd, binds_target(stage, index - 1), O_PATH, &before_fd) == 0 &&
	       fstat(target_fd, &here) == 0 && fstat(before_fd, &before) == 0 && here.st_dev == before.st_dev &&
	       here.st_ino == before.st_ino;
}

static int binds_apply_one(struct stage *stage, uint32_t index, struct err *err)
{
	const struct plan_mount *mount = binds_get(stage, index);
	const char *target = binds_target(stage, index);
	cleanup_fd int target_fd = -1;
	int result;

	if (mount->kind == PLAN_MOUNT_SYMLINK)
		return resolve_make_symlink(&stage->scope, target, plan_get_text(stage->plan, mount->link), err);
	if (mount->on_fail == PLAN_FAIL_OPTIONAL) {
		result = resolve_open(stage->scope.root_fd, target, O_PATH, &target_fd);
		if (result < 0)
			return err_sys(err, -result, "cannot open mount point %s", target);
	} else {
		result = resolve_make(&stage->scope, target, binds_wants_file(stage, index), &target_fd, err);
	}
	if (result < 0 || binds_hides_tmp(stage, index, target_fd))
		return result;
	return binds_attach(stage, index, target_fd, err);
}

int binds_apply(struct stage *stage, struct err *err)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < stage->plan->mount_count; i++) {
		result = binds_apply_one(stage, i, err);
		if (result == 0)
			log_debug("mounted %s", binds_target(stage, i));
		if (stage->plan->dry_run && (result == 0 || binds_get(stage, i)->on_fail != PLAN_FAIL_OPTIONAL))
			(void)dprintf(STDOUT_FILENO, "%s: %s\n", binds_target(stage, i),
				      result == 0 ? "mounted" : err->message);
		result = binds_judge(stage, i, result, err);
	}
	return result;
}
