/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the fallback root where overlayfs cannot be used. Must not: follow a link of the image. Runs instead of
 * the overlay, before the binds.
 */
#include "starter/underlay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "starter/binds.h"
#include "starter/mnt.h"
#include "starter/session.h"
#include "starter/stage.h"

#define UNDERLAY_ENTRIES_MAX 4096

static bool underlay_is_on_the_way(const struct stage *stage, const char *dir)
{
	size_t length = strlen(dir);

	for (uint32_t i = 0; i < stage->plan->mount_count; i++) {
		const char *target = plan_get_text(stage->plan, stage->plan->mounts[i].target);

		if (binds_is_missing(stage, i) && strncmp(target, dir, length) == 0 &&
		    target[length] == '/')
			return true;
	}
	return false;
}

static int underlay_fill(struct stage *stage, int image_fd, int under_fd, const char *path, struct err *err);

static int underlay_entry(struct stage *stage, int image_fd, int under_fd, const char *path,
			  const char *name, struct err *err)
{
	cleanup_fd int source_fd = -1, target_fd = -1;
	char link[PATH_MAX] = "", child[PLAN_PATH_MAX];
	struct stat st;
	int result;

	if ((size_t)snprintf(child, sizeof(child), "%s/%s", path, name) >= sizeof(child))
		return err_set(err, ERR_IMAGE, ENAMETOOLONG, "a path of the image is too long");
	source_fd = openat(image_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (source_fd < 0 || fstat(source_fd, &st) < 0)
		return err_sys(err, errno, "cannot open %s of the image", child);
	if (S_ISLNK(st.st_mode) && readlinkat(source_fd, "", link, sizeof(link) - 1) < 0)
		return err_sys(err, errno, "cannot read link %s of the image", child);
	/* What is neither directory nor link gets an empty file to be bound over. */
	result = resolve_create(under_fd, name, S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode) ? (st.st_mode & S_IFMT) | 0755 : S_IFREG | 0644, link);
	if (result < 0)
		return err_sys(err, -result, "cannot make %s", child);
	if (S_ISLNK(st.st_mode))
		return 0;
	target_fd = openat(under_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target_fd < 0)
		return err_sys(err, errno, "cannot open %s", child);
	if (S_ISDIR(st.st_mode) && underlay_is_on_the_way(stage, child))
		return underlay_fill(stage, source_fd, target_fd, child, err);
	return mnt_attach_bind(source_fd, 0, target_fd, NULL, err);
}

/* Depth is bounded by the targets of a checked plan. */
static int underlay_fill(struct stage *stage, int image_fd, int under_fd, const char *path, struct err *err)
{
	int list_fd = openat(image_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0, entries = 0;
	cleanup_dir DIR *list = list_fd < 0 ? NULL : fdopendir(list_fd);
	const struct dirent *entry;

	if (!list)
		return err_sys(err, errno, "cannot list %s of the image", path[0] ? path : "/");
	while (result == 0 && (entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (++entries > UNDERLAY_ENTRIES_MAX)
			return err_set(err, ERR_SYSTEM, E2BIG, "cannot build an underlay: %s has too many entries",
				       path[0] ? path : "/");
		result = underlay_entry(stage, image_fd, under_fd, path, entry->d_name, err);
	}
	return result;
}

int underlay_build(struct stage *stage, int target_fd, struct err *err)
{
	/* The root must be a mount of its own to be switched to. */
	int result = mnt_attach_bind(target_fd, 0, target_fd, &stage->root_fd, err);

	if (result == 0)
		result = underlay_fill(stage, stage->fs_fd[0], stage->root_fd, "", err);
	stage->root_seal = result == 0;
	return result < 0 ? err_wrap(err, "underlay") : 0;
}
