/* SPDX-License-Identifier: BSD-3-Clause */
/* One file on its way into its place: written, summed, and shown while it comes. */
#ifndef FRONTEND_PULL_INTO_FILE_H
#define FRONTEND_PULL_INTO_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "frontend/registry/digest.h"
#include "frontend/ui/progress.h"
#include "ipc/err.h"

struct into_file {
	int fd; /* borrowed */
	uint64_t done, size;
	struct digest *sum;
	struct progress *progress;
	int bar;
};

/* into_file_begin() - for @size bytes (0: unknown) to the file @fd. into_file_end() follows, also after failure. */
int into_file_begin(struct into_file *into, int fd, uint64_t size, struct err *err);

/* into_file_take() - the sink: more than @size bytes are refused. */
int into_file_take(void *context, const void *bytes, size_t size, struct err *err);

/* into_file_end() - @result of the transfer, or the error of a file that is shorter, or that has not the digest @digest (NULL: any). */
int into_file_end(struct into_file *into, int result, const char *digest, struct err *err);

/* into_file_check_sif() - is the file @fd a SIF? */
int into_file_check_sif(int fd, struct err *err);

/* into_file_write() - write all of @bytes. */
int into_file_write(int fd, const void *bytes, size_t size, struct err *err);

#endif
