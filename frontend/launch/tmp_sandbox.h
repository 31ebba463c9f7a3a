/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories that live as long as the container: of the last way to run a squashfs image, unpacked, and of an image that was fetched
 * and is kept in no cache. */
#ifndef FRONTEND_LAUNCH_TMP_SANDBOX_H
#define FRONTEND_LAUNCH_TMP_SANDBOX_H

#include <stdbool.h>

#include "frontend/image/image.h"
#include "ipc/err.h"

struct tmp_sandbox {
	char *dir;   /* owned; BASE/rootfs-XXXXXX or BASE/singularity-action-pull-XXXXXX, NULL: none */
	char *root;  /* owned; the tree in it, or the place of the image */
	int lock_fd; /* owned; held as long as the directory is in use */
	bool unpacked;
};

#define TMP_SANDBOX_INIT {NULL, NULL, -1, false}

/* tmp_sandbox_make() - unpack the root file system of @image (borrowed; NULL: leave it empty) below @base (NULL: TMPDIR, or /tmp). Removes what dead
 * launches of the same user left there. Blocks all signals and keeps them blocked: one that comes in between ends the unpacking,
 * and with it the launch. Returns 0, or a negative errno with @err and nothing left. */
int tmp_sandbox_make(const struct image *image, const char *base, struct tmp_sandbox *out, struct err *err);

/* tmp_sandbox_make_place() - the same for an image to be fetched, which is not there yet: out->root is where to put it. */
int tmp_sandbox_make_place(const char *base, struct tmp_sandbox *out, struct err *err);

/* tmp_sandbox_fork() - in the child: returns 0 with signals as they were before tmp_sandbox_make(). In the parent: forwards signals,
 * waits, removes the directory; ends the process as the child ended, and does not return. Negative errno with @err: no child. */
int tmp_sandbox_fork(struct tmp_sandbox *sandbox, struct err *err);

/* tmp_sandbox_remove() - take the directory away; a warning names what could not be. */
void tmp_sandbox_remove(struct tmp_sandbox *sandbox);

/* tmp_sandbox_reap() - remove the directories in @base whose launch is gone: ours, and with nobody holding the lock. */
void tmp_sandbox_reap(const char *base);

#endif
