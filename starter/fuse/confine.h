/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server gives up before it looks at the image. */
#ifndef STARTER_FUSE_CONFINE_H
#define STARTER_FUSE_CONFINE_H

/* confine_descriptors() - move the image to descriptor 3, the connection to 4 and what says go (-1: nothing) to 5, close all
 * but these and 0 to 2. Returns 0 or a negative errno. */
#define CONFINE_IMAGE_FD 3
#define CONFINE_FUSE_FD 4
#define CONFINE_GO_FD 5
int confine_descriptors(int image_fd, int fuse_fd, int go_fd);

/* confine_process() - own session, no terminal signals, no current directory, no capabilities, no_new_privs. */
void confine_process(void);

/* confine_calls() - from now on only reads, replies, memory and threads. Returns 0 or a negative errno. */
int confine_calls(void);

#endif
