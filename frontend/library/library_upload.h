/* SPDX-License-Identifier: BSD-3-Clause */
/* The bytes of an image to the storage behind a library, in one piece or in parts. */
#ifndef FRONTEND_LIBRARY_LIBRARY_UPLOAD_H
#define FRONTEND_LIBRARY_LIBRARY_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/library/library_api.h"
#include "frontend/ui/progress.h"
#include "ipc/err.h"

struct json_t;

/* Members borrowed. */
struct library_upload {
	struct library_api *api;
	const char *image_id;
	int fd;
	uint64_t size;
	const char *sha256, *md5; /* hexadecimal; md5 may be NULL */
	struct progress *progress;
	int bar;
	uint64_t sent_before; /* bytes of the parts that are complete */
};

/* library_upload_send() - all of it. *@quota (owned, may be NULL) is what the library says about the storage in use. Parts that
 * arrived before a failure are taken back. */
int library_upload_send(struct library_upload *upload, struct json_t **quota, struct err *err);

/* library_upload_signs_sum() - does the upload address @url want the sum of the content in a header? Pure. */
bool library_upload_signs_sum(const char *url);

#endif
