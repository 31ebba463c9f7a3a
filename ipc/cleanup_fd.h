/* SPDX-License-Identifier: BSD-3-Clause */
/* The cleanup attributes of the starter, which reserves no heap: descriptors and directory streams. */
#ifndef IPC_CLEANUP_FD_H
#define IPC_CLEANUP_FD_H

#include <dirent.h>
#include <unistd.h>

static inline void cleanup_fd_fn(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_dir_fn(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

#define cleanup_fd __attribute__((cleanup(cleanup_fd_fn)))   /* safe value: -1 */
#define cleanup_dir __attribute__((cleanup(cleanup_dir_fn))) /* safe value: NULL */

/* Move the value out of a cleanup variable. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
