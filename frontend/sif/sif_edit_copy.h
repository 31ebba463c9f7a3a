/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_SIF_SIF_EDIT_COPY_H
#define FRONTEND_SIF_SIF_EDIT_COPY_H

#include <stdint.h>

#include "ipc/err.h"

struct sif_edit;
struct sif_source;

/* sif_edit_copy() - the bytes of @source to @offset of the image, which is made long enough; *@size is how many. Holes of a regular
 * file stay holes where the image had nothing before, unless they are to be reserved. @digest, of DIGEST_TEXT_MAX bytes or NULL: their
 * digest. After failure the image may be longer than it was. */
int sif_edit_copy(const struct sif_edit *edit, const struct sif_source *source, uint64_t offset, uint64_t *size, char *digest,
		  struct err *err);

#endif
