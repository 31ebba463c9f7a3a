/* SPDX-License-Identifier: BSD-3-Clause */
/* What the phases of a launch hand to each other. One instance, in main.c; descriptors are close-on-exec. */
#ifndef STARTER_STAGE_H
#define STARTER_STAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "ipc/limits.h"
#include "ipc/plan.h"
#include "starter/record.h"
#include "starter/resolve.h"

struct stage {
	const struct record *record;
	const struct plan *plan;
	bool own_userns; /* a user namespace of our own: only FS_USERNS_MOUNT file systems, xattrs user.* */

	int source_fd[PLAN_MAX_MOUNTS]; /* from mnt_clone(); -1: none, or it failed and the plan lets it */
	int directory_fd[PLAN_MAX_FS];  /* the same for directory images, and for ext3 images that fuse2fs serves */
	int fuse_fd[PLAN_MAX_FS];       /* FUSE images: /dev/fuse opened in the namespace that mounts */
	int go_fd[PLAN_MAX_FS];         /* a byte here lets the server read */

	int account_fd[PLAN_ACCOUNT_FDS]; /* -1: none; see there */

	int overlay_fd; /* -1, or a socket to the waiting fuse-overlayfs */

	int session_fd; /* root of the session tmpfs */
	dev_t session_dev;
	int fs_fd[PLAN_MAX_FS];    /* root of each mounted image */
	struct resolve_scope scope; /* the staging root and what may be written there */
	int root_fd;                /* owned; scope.root_fd borrows it */
	bool root_seal;             /* the layer is writable only until the tree is built */
};

#endif
