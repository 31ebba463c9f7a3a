/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: root image + overlays → staging root. Must not: mount images, make mount points. Runs after
 * image_mount_all().
 */
#include "starter/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/log.h"
#include "starter/binds.h"
#include "starter/flavour.h"
#include "starter/mnt.h"
#include "starter/session.h"
#include "starter/stage.h"

#define LAYER_PATH_MAX 32
#define LOWER_MAX ((PLAN_MAX_OVERLAYS + 1) * LAYER_PATH_MAX)

static void layer_close(struct layer_dirs *dirs)
{
	for (uint32_t i = 0; i < dirs->lower_count; i++)
		(void)close(dirs->lower[i]);
	if (dirs->upper >= 0)
		(void)close(dirs->upper);
	if (dirs->work >= 0)
		(void)close(dirs->work);
}

static int layer_add_lower(struct layer_dirs *dirs, int fs_fd, bool with_upper, struct err *err)
{
	int fd = with_upper ? openat(fs_fd, "upper", O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0)
		fd = openat(fs_fd, ".", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "cannot open an overlay");
	dirs->lower[dirs->lower_count++] = fd;
	return 0;
}

static int layer_open_dir(int fs_fd, const char *name, unsigned int mode, int *out_fd, struct err *err)
{
	int fd = openat(fs_fd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (session_make_dir(fs_fd, name, mode, err) < 0)
			return err_wrap(err, "overlay");
		fd = openat(fs_fd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return err_sys(err, errno, "cannot open %s of the overlay", name);
	*out_fd = fd;
	return 0;
}

/* Writable overlay on top; below it the read-only ones, later above earlier; the image last. */
static int layer_collect(const struct stage *stage, struct layer_dirs *dirs, struct err *err)
{
	const struct plan *plan = stage->plan;
	uint32_t count = plan->overlay_count;
	int upper_fs_fd = stage->session_fd, result = 0;
	struct stat st;

	/* The merged "/" takes its mode from the upper directory. */
	if (fstat(stage->fs_fd[0], &st) < 0)
		return err_sys(err, errno, "cannot read the image's root");
	dirs->own_upper = true;
	if (count && plan->fs[plan->overlay[count - 1]].writable) {
		upper_fs_fd = stage->fs_fd[plan->overlay[--count]];
		dirs->own_upper = false;
	}
	while (result == 0 && count-- > 0)
		result = layer_add_lower(dirs, stage->fs_fd[plan->overlay[count]],
					 plan->fs[plan->overlay[count]].type != PLAN_FS_SQUASHFS, err);
	if (result == 0)
		result = layer_add_lower(dirs, stage->fs_fd[0], false, err);
	if (result == 0)
		result = layer_open_dir(upper_fs_fd, "upper", (st.st_mode & 07777) | 0700, &dirs->upper, err);
	if (result == 0)
		result = layer_open_dir(upper_fs_fd, "work", 0700, &dirs->work, err);
	return result;
}

/* The window's capabilities become the mounter's credentials, see privs_setuid.c. */
int layer_mount_overlay(struct stage *stage, const struct layer_dirs *dirs, int target_fd, struct err *err)
{
	char lower[LOWER_MAX] = "", upper[LAYER_PATH_MAX], work[LAYER_PATH_MAX];
	struct mnt_option options[] = {{"source", "overlay"}, {"lowerdir", lower}, {"upperdir", upper},
				       {"workdir", work}, {stage->own_userns ? "userxattr" : NULL, NULL},
				       {NULL, NULL}};
	size_t used = 0;

	for (uint32_t i = 0; i < dirs->lower_count; i++)
		used += (size_t)snprintf(lower + used, sizeof(lower) - used, "%s/proc/self/fd/%d",
					 i ? ":" : "", dirs->lower[i]);
	(void)snprintf(upper, sizeof(upper), "/proc/self/fd/%d", dirs->upper);
	(void)snprintf(work, sizeof(work), "/proc/self/fd/%d", dirs->work);
	return mnt_attach_fs("overlay", options,
			     PLAN_ATTR_NODEV | (stage->plan->allow_setuid_files ? 0 : PLAN_ATTR_NOSUID),
			     PRIVS_OVERLAY, target_fd, &stage->root_fd, err);
}

/* Mount points may be made in what we have just mounted; never in a bare image, which may be any directory of the host. */
static int layer_own_overlay(struct stage *stage, struct err *err)
{
	struct stat st;

	if (fstat(stage->root_fd, &st) < 0)
		return err_sys(err, errno, "cannot read the container's root");
	stage->scope.own[stage->scope.own_count++] = st.st_dev;
	return 0;
}

int layer_merge(struct stage *stage, layer_mount mount, int target_fd, struct err *err)
{
	struct layer_dirs dirs = {.upper = -1, .work = -1};
	int result = layer_collect(stage, &dirs, err);

	if (result == 0)
		result = mount(stage, &dirs, target_fd, err);
	if (result == 0)
		stage->root_seal = dirs.own_upper && !stage->plan->writable_tmpfs;
	layer_close(&dirs);
	return result < 0 ? result : layer_own_overlay(stage, err);
}

static int layer_use_image(struct stage *stage, struct err *err)
{
	stage->root_fd = fcntl(stage->fs_fd[0], F_DUPFD_CLOEXEC, 3);
	return stage->root_fd < 0 ? err_sys(err, errno, "cannot duplicate a descriptor") : 0;
}

static int layer_choose(struct stage *stage, bool needed, bool required, struct err *err)
{
	uint32_t allowed = stage->plan->layers;
	cleanup_fd int target_fd = -1;
	int result;

	if (!needed && !required)
		return layer_use_image(stage, err);
	result = session_open(stage, "root", &target_fd, err);
	if (result < 0)
		return result;
	/* An underlay has neither the changes nor the overlays that were asked for. */
	if (required)
		allowed &= ~(uint32_t)PLAN_LAYER_UNDERLAY;
	result = flavour_make_layer(stage, allowed, target_fd, err);
	if (result == 0 || required)
		return result < 0 ? err_wrap(err, "overlay") : 0;
	log_warning("No layer over the image (%s): missing mount points cannot be made", err->message);
	return layer_use_image(stage, err);
}

int layer_setup(struct stage *stage, struct err *err)
{
	bool needed = !stage->plan->root_writable && binds_any_missing(stage);
	bool required = stage->plan->writable_tmpfs || stage->plan->overlay_count > 0;
	int result;

	stage->scope.own[0] = stage->session_dev;
	stage->scope.own_count = 1;
	result = layer_choose(stage, needed, required, err);
	stage->scope.root_fd = stage->root_fd;
	return result;
}
