/* SPDX-License-Identifier: BSD-3-Clause */
/* The files, directories and links that every image has, as a table. */
#ifndef FRONTEND_PACK_BASE_FILES_H
#define FRONTEND_PACK_BASE_FILES_H

#include <stddef.h>
#include <sys/types.h>

struct base_file {
	const char *path; /* without the leading slash; parents come before */
	mode_t mode;      /* with type: directory, regular file, symbolic link */
	const char *text; /* contents or target */
};

extern const struct base_file base_files[];
extern const size_t base_file_count;

#endif
