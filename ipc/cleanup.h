/* SPDX-License-Identifier: BSD-3-Clause */
/* Cleanup attributes: one per resource, each with its safe initial value, and the two ways to move a value out. */
#ifndef IPC_CLEANUP_H
#define IPC_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>

#include "ipc/cleanup_fd.h"

static inline void cleanup_ptr_fn(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_file_fn(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

#define cleanup_ptr __attribute__((cleanup(cleanup_ptr_fn)))   /* safe value: NULL; free(3) */
#define cleanup_file __attribute__((cleanup(cleanup_file_fn))) /* safe value: NULL */

#define ptr_take(p)                                                                                                    \
	({                                                                                                             \
		__typeof__(p) taken_ = (p);                                                                            \
		(p) = NULL;                                                                                            \
		taken_;                                                                                                \
	})

#endif
