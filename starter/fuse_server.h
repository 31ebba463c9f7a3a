/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_FUSE_SERVER_H
#define STARTER_FUSE_SERVER_H

#include "ipc/err.h"

struct stage;

/* fuse_server_start_all() - for every image with method FUSE: open /dev/fuse and start its server, which has dropped
 * everything, serves from a byte on stage->go_fd on and ends without one, and is no child of ours. Call in the user namespace that will mount, but
 * before the mount namespace is left: a server inside the container's namespace would keep it alive for ever. */
int fuse_server_start_all(struct stage *stage, struct err *err);

#endif
