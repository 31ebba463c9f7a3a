/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: mount points where only one id is mapped. Must not: be part of the setuid flavour. Runs before the overlay is
 * mounted.
 */
#include "starter/layer_points.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "starter/binds.h"
#include "starter/stage.h"

/* One directory of the way to a missing mount point, as the image has it or new. False: the image has a link there. */
static bool layer_points_make_dir(int lower_fd, int upper_fd, const char *name, int *lower_next, int *upper_next)
{
	mode_t mode = 0755;
	struct stat st;

	*lower_next = lower_fd < 0 ? -1 : openat(lower_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (*lower_next >= 0 && fstat(*lower_next, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return false;
		mode = st.st_mode & 07777;
	}
	if (mkdirat(upper_fd, name, 0700) == 0 && fchmodat(upper_fd, name, mode | 0700, 0) < 0)
		return false;
	*upper_next = openat(upper_fd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	return *upper_next >= 0;
}

/* With one id mapped the image's directories belong to nobody we could be: the kernel lets nobody create in them. Mount points are
 * therefore made in the upper directory, before it is merged. */
static void layer_points_make_path(int image_fd, int upper_fd, const char *path, bool is_file)
{
	cleanup_fd int lower_at = openat(image_fd, ".", O_PATH | O_CLOEXEC);
	cleanup_fd int upper_at = openat(upper_fd, ".", O_PATH | O_CLOEXEC);
	char name[NAME_MAX + 1];

	while (upper_at >= 0 && *path == '/') {
		size_t length = strcspn(++path, "/");
		int lower_next = -1, upper_next = -1;
		bool made;

		if (length > NAME_MAX)
			return;
		memcpy(name, path, length);
		name[length] = '\0';
		path += length;
		if (*path == '\0' && is_file) {
			upper_next = openat(upper_at, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
			made = upper_next >= 0 && fchmod(upper_next, 0644) == 0;
		} else {
			made = layer_points_make_dir(lower_at, upper_at, name, &lower_next, &upper_next);
		}
		if (lower_at >= 0)
			(void)close(lower_at);
		(void)close(upper_at);
		lower_at = lower_next;
		upper_at = upper_next;
		if (!made)
			return;
	}
}

void layer_points_make(const struct stage *stage, int upper_fd)
{
	for (uint32_t i = 0; i < stage->plan->mount_count; i++)
		if (binds_is_missing(stage, i))
			layer_points_make_path(stage->fs_fd[0], upper_fd, plan_get_text(stage->plan, stage->plan->mounts[i].target),
					       binds_wants_file(stage, i));
}
