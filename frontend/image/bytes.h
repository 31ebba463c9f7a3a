/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_IMAGE_BYTES_H
#define FRONTEND_IMAGE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* bytes_read_at() - read what there is of @size bytes at @offset of @fd (borrowed), over interruptions and short reads. Returns how
 * many, fewer only at the end of the file, or a negative errno. See pread(2). */
ssize_t bytes_read_at(int fd, void *to, size_t size, uint64_t offset);

/* bytes_write_at() - write all @size bytes at @offset of @fd (borrowed). Returns 0 or a negative errno. See pwrite(2). */
int bytes_write_at(int fd, const void *from, size_t size, uint64_t offset);

#endif
