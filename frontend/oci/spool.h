/* SPDX-License-Identifier: BSD-3-Clause */
/* Temporary files that have no name, so that nothing is left behind however we end. */
#ifndef FRONTEND_OCI_SPOOL_H
#define FRONTEND_OCI_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "frontend/oci/source.h"
#include "ipc/err.h"

/* spool_open() - an empty unlinked file in @tmpdir (NULL: TMPDIR, else /tmp); *@fd owned, readable and writable. See O_TMPFILE in
 * open(2). */
int spool_open(const char *tmpdir, int *fd, struct err *err);

/* spool_write() - write all of @bytes at the file's position. */
int spool_write(int fd, const void *bytes, size_t size, struct err *err);

/* spool_read() - @size bytes at @offset of @fd into *@out (owned, NUL-terminated). -ENODATA with @err when there are fewer. */
int spool_read(int fd, uint64_t offset, size_t size, char **out, struct err *err);

/* spool_copy() - hand @size bytes of @fd from @offset on to @sink. */
int spool_copy(int fd, uint64_t offset, uint64_t size, oci_sink sink, void *context, struct err *err);

#endif
