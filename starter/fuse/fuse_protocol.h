/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's side of a read-only file system: requests in, replies out. See linux/fuse.h. */
#ifndef STARTER_FUSE_FUSE_PROTOCOL_H
#define STARTER_FUSE_FUSE_PROTOCOL_H

#include <linux/fuse.h>

#include "starter/fuse/squash_image.h"

#define FUSE_REPLY_BYTES (UINT32_C(1) << 20)
#define FUSE_REQUEST_BYTES (FUSE_MIN_READ_BUFFER + 4096)

struct fuse_connection {
	int fd;
	bool squash_uid, squash_gid; /* every file belongs to uid, gid */
	uint32_t uid, gid;
	bool answered; /* FUSE_INIT is done */
};

struct fuse_worker {
	struct fuse_connection *connection; /* borrowed */
	struct squash_view view;
	char *reply;   /* FUSE_REPLY_BYTES */
	void *scratch; /* one packed block */
	_Alignas(struct fuse_in_header) char request[FUSE_REQUEST_BYTES];
};

/* fuse_answer() - serve the request of @size bytes in worker->request. Returns 0, or a negative errno when the connection is
 * gone or is no FUSE connection. */
int fuse_answer(struct fuse_worker *worker, size_t size);

#endif
