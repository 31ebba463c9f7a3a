/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: what only the plain flavour does: its own user namespace, sources by path, ways around what an outer container
 * refuses. It has no power that its caller lacks: the kernel is the boundary. Hooks are called from main.c, mnt.c, layer.c.
 */
#include "starter/flavour.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "starter/binds.h"
#include "starter/chrooted.h"
#include "starter/confined/confined.h"
#include "starter/fuse_program.h"
#include "starter/fuse_server.h"
#include "starter/idmap.h"
#include "starter/ladders.h"
#include "starter/mnt.h"
#include "starter/mnt_legacy.h"
#include "starter/stage.h"

const bool flavour_is_setuid = false;

const struct mnt_legacy *flavour_mnt_legacy;

int flavour_prepare(struct stage *stage, struct err *err)
{
	int result;

	if (stage->plan->flow == PLAN_FLOW_SETUID)
		return err_set(err, ERR_PROTOCOL, EPROTO, "this starter is not the setuid one");
	if (stage->plan->flow == PLAN_FLOW_CONFINED)
		return confined_run(stage, err);
	result = idmap_enter(stage, err);
	if (result == 0)
		result = fuse_server_start_all(stage, err);
	return result < 0 ? result : fuse_program_start_all(stage, err);
}

/* Cloned at once where that is possible: the session directory must not show up in a source that it covers. */
static int flavour_open_path(const char *path, int *out_fd, struct err *err)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	return mnt_clone(fd, out_fd, err);
}

static int flavour_take_sources(struct stage *stage, struct err *err)
{
	const struct plan *plan = stage->plan;
	int result = mnt_legacy_probe(plan->rungs, &flavour_mnt_legacy, err);

	for (uint32_t i = 0; result == 0 && i < plan->fs_count; i++)
		if (plan->fs[i].method == PLAN_METHOD_BIND)
			result = flavour_open_path(plan_get_text(plan, plan->fs[i].path), &stage->directory_fd[i], err);
	for (uint32_t i = 0; result == 0 && i < plan->mount_count; i++) {
		const char *source = plan_get_text(plan, plan->mounts[i].source);

		if (!source)
			continue;
		result = flavour_open_path(source, &stage->source_fd[i], err);
		result = binds_judge(stage, i, result, err);
	}
	return result;
}

int flavour_separate(struct stage *stage, struct err *err)
{
	bool private_ = stage->plan->propagation_private;
	int result = mnt_set_propagation(private_, err);

	/* A chroot's root is no mount. */
	if (result == -EINVAL && chrooted_leave() == 0)
		result = mnt_set_propagation(private_, err);
	return result < 0 ? result : flavour_take_sources(stage, err);
}

/* The kernel explains a refusal in the file system context's log: "e squashfs: …" */
int flavour_fail_fs(int fs_fd, int errnum, const char *fstype, struct err *err)
{
	char text[256];
	ssize_t length = fs_fd < 0 ? -1 : read(fs_fd, text, sizeof(text) - 1);

	if (length <= 2)
		return err_sys(err, errnum, "cannot mount %s", fstype);
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err_sys(err, errnum, "cannot mount %s (%s)", fstype, text + 2);
}

/* To the user that --security names. */
static int flavour_give_dirs(const struct stage *stage, struct err *err)
{
	const struct plan_process *process = &stage->plan->process;

	for (uint32_t i = 0; process->set_ids && i < stage->plan->mount_count; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "dirs/%u", i);
		if (stage->plan->mounts[i].kind == PLAN_MOUNT_SESSION_DIR &&
		    fchownat(stage->session_fd, name, process->uid, process->gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return err_sys(err, errno, "cannot give a session directory to the container's user");
	}
	return 0;
}

int flavour_set_root(const struct stage *stage, struct err *err)
{
	int result = flavour_give_dirs(stage, err);

	return result < 0 ? result : ladders_set_root(stage, err);
}

int flavour_mount_kernel_fs(const struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	return ladders_mount_kernel_fs(stage, index, target_fd, err);
}

int flavour_mount_devpts(const struct stage *stage, uint32_t index, int target_fd, struct err *err)
{
	return ladders_mount_devpts(stage, index, target_fd, err);
}

int flavour_make_layer(struct stage *stage, uint32_t layers, int target_fd, struct err *err)
{
	return ladders_make_layer(stage, layers, target_fd, err);
}
