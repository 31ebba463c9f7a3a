/* SPDX-License-Identifier: BSD-3-Clause */
/* Cleanup attributes: one per resource, each with its safe initial value, and the two ways to move a value out. */
#ifndef IPC_CLEANUP_H
#define IPC_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_fd_fn(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_ptr_fn(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_file_fn(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static inline void cleanup_dir_fn(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

#define cleanup_fd __attribute__((cleanup(cleanup_fd_fn)))     /* safe value: -1 */
#define cleanup_ptr __attribute__((cleanup(cleanup_ptr_fn)))   /* safe value: NULL; free(3) */
#define cleanup_file __attribute__((cleanup(cleanup_file_fn))) /* safe value: NULL */
#define cleanup_dir __attribute__((cleanup(cleanup_dir_fn)))   /* safe value: NULL */

/* Move the value out of a cleanup variable. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define ptr_take(p)                                                                                                    \
	({                                                                                                             \
		__typeof__(p) taken_ = (p);                                                                            \
		(p) = NULL;                                                                                            \
		taken_;                                                                                                \
	})

#endif
