/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: one loop device per kernel-mounted image. Must not: open anything but /dev/loop*. Runs while the
 * tree is built.
 */
#include "starter/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "ipc/cleanup_fd.h"
#include "ipc/plan.h"
#include "starter/privs.h"

#define LOOP_ATTEMPTS 64 /* another process may take the free number we were told */

static int loop_open_node(long number, char path[LOOP_PATH_MAX])
{
	struct stat st;
	int fd;

	(void)snprintf(path, LOOP_PATH_MAX, "/dev/loop%ld", number);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || major(st.st_rdev) != 7) {
		(void)close(fd);
		return -ENODEV;
	}
	return fd;
}

static int loop_configure(int loop_fd, const struct plan_fs *fs, int image_fd)
{
	struct loop_config config = {
		.fd = (uint32_t)image_fd,
		.block_size = 512,
		.info =
			{
				.lo_offset = fs->offset_bytes,
				.lo_sizelimit = fs->size_bytes,
				.lo_flags = LO_FLAGS_AUTOCLEAR |
					    (fs->writable ? 0 : (uint32_t)LO_FLAGS_READ_ONLY),
			},
	};

	return ioctl(loop_fd, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
}

static int loop_try(int control_fd, const struct plan_fs *fs, int image_fd, uint32_t max, char *path)
{
	long number = ioctl(control_fd, LOOP_CTL_GET_FREE);
	int fd, result;

	if (number < 0)
		return -errno;
	if ((unsigned long)number >= max)
		return -EMFILE;
	fd = loop_open_node(number, path);
	result = fd < 0 ? fd : loop_configure(fd, fs, image_fd);
	if (fd >= 0 && result < 0)
		(void)close(fd);
	return result < 0 ? result : fd;
}

/* privileged: open(2) ioctl(2) CAP_SYS_ADMIN and fsuid 0: the loop nodes are root's, a device is bound to the image */
int loop_attach(const struct plan_fs *fs, int image_fd, uint32_t max, int *out_fd,
		char path[LOOP_PATH_MAX], struct err *err)
{
	cleanup_fd int control_fd = -1;
	int result = -EBUSY;

	privs_raise(PRIVS_LOOP);
	control_fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (control_fd < 0)
		result = -errno;
	for (int i = 0; control_fd >= 0 && i < LOOP_ATTEMPTS && result == -EBUSY; i++)
		result = loop_try(control_fd, fs, image_fd, max, path);
	privs_lower();
	if (result == -EMFILE)
		return err_set(err, ERR_SYSTEM, EMFILE,
			       "cannot find a free loop device below number %u (max loop devices)", max);
	if (result < 0)
		return err_sys(err, -result, "cannot attach the image to a loop device");
	*out_fd = result;
	return 0;
}
