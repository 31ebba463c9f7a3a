/* SPDX-License-Identifier: BSD-3-Clause */
/* The sending half of channel.h; the starters do not link it. */
#ifndef IPC_CHANNEL_SEND_H
#define IPC_CHANNEL_SEND_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

/* channel_new_sealed() - a close-on-exec memfd holding @len bytes of @bytes, sealed against every change, offset 0.
 * *@out_fd owned. Returns 0 or a negative errno with @err. See memfd_create(2). */
int channel_new_sealed(const char *name, const void *bytes, size_t len, int *out_fd, struct err *err);

/* channel_send_plan() - make the socket pair, send the record (@message_fd and @count descriptors @fds, all borrowed), close
 * the sending side. *@out_fd (owned, not close-on-exec) is the end the starter reads. */
int channel_send_plan(int message_fd, const int *fds, uint32_t count, int *out_fd, struct err *err);

#endif
