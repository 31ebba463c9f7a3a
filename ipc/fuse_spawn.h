/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IPC_FUSE_SPAWN_H
#define IPC_FUSE_SPAWN_H

#include <stdbool.h>

#include "ipc/err.h"

struct plan_fs;

/* What a file server gets; all descriptors borrowed. */
struct fuse_spawn {
	const struct plan_fs *fs; /* the extent */
	int server_fd, image_fd;
	int fuse_fd;        /* /dev/fuse, opened in the user namespace that will mount */
	bool squash;        /* every file is the caller's */
	void (*drop)(void); /* run in the server's process before exec; NULL: nothing to drop */
};

/* fuse_spawn_server() - start squashfs-server, which is no child of ours (forked twice) and has neither our input nor output. It serves
 * from a byte on *@out_go_fd on (owned, a socket: send(2) with MSG_NOSIGNAL), and ends at its end of file. */
int fuse_spawn_server(const struct fuse_spawn *what, int *out_go_fd, struct err *err);

#endif
