/* SPDX-License-Identifier: BSD-3-Clause */
/* An image that lies elsewhere, at a launch: the imager fetches it, and this process goes on with the file. */
#ifndef FRONTEND_LAUNCH_REMOTE_IMAGE_H
#define FRONTEND_LAUNCH_REMOTE_IMAGE_H

#include <stdbool.h>

#include "frontend/cli.h"
#include "ipc/err.h"

/* remote_image_is_reference() - is @image no file, and does it look like a reference: "scheme://", or a scheme that goes without? */
bool remote_image_is_reference(const char *image);

/* remote_image_fetch() - *@path (owned) of the image that the request names. Without a cache it is in a temporary directory, and this
 * process is the child of one that waits to remove that. Where the imager fails, it has said why, and the process ends as it did. */
int remote_image_fetch(const struct cli_request *request, char **path, struct err *err);

#endif
