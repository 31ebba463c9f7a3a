/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: making sealed memory, sending one record over one socket. Must not: look into what it carries. Runs in the
 * frontend; the starter does not link it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/channel_send.h"
#include "ipc/channel.h"
#include "ipc/cleanup.h"

static int channel_write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The caller's limit on file sizes is for the payload: memory counts as a file, and a write above the limit would end us. */
static int channel_fill(int fd, const void *bytes, size_t len)
{
	struct rlimit saved, raised;
	int result;

	if (getrlimit(RLIMIT_FSIZE, &saved) < 0)
		return -errno;
	if (saved.rlim_max < len)
		return -EFBIG;
	raised = (struct rlimit){saved.rlim_max, saved.rlim_max};
	if (setrlimit(RLIMIT_FSIZE, &raised) < 0)
		return -errno;
	result = channel_write_all(fd, bytes, len);
	(void)setrlimit(RLIMIT_FSIZE, &saved);
	return result;
}

int channel_new_sealed(const char *name, const void *bytes, size_t len, int *out_fd, struct err *err)
{
	cleanup_fd int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int result;

	if (fd < 0)
		return err_sys(err, errno, "cannot make memory for %s", name);
	result = channel_fill(fd, bytes, len);
	if (result == -EFBIG)
		return err_sys(err, EFBIG, "cannot start: the file size is limited (ulimit -Hf must be unlimited)");
	if (result == 0 && (lseek(fd, 0, SEEK_SET) < 0 || fcntl(fd, F_ADD_SEALS, CHANNEL_SEALS) < 0))
		result = -errno;
	if (result < 0)
		return err_sys(err, -result, "cannot fill memory for %s", name);
	*out_fd = fd_take(&fd);
	return 0;
}

static int channel_send(int fd, const int *fds, uint32_t count)
{
	struct channel_head head = {CHANNEL_MAGIC, CHANNEL_VERSION, count - 1};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * (PLAN_MAX_FDS + 1))] = {0};
	struct iovec part = {&head, sizeof(head)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *rights;

	message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
	rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(rights), fds, sizeof(int) * count);
	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(head) ? 0 : -errno;
}

int channel_send_plan(int message_fd, const int *fds, uint32_t count, int *out_fd, struct err *err)
{
	cleanup_fd int send_fd = -1, receive_fd = -1;
	int all[PLAN_MAX_FDS + 1], pair[2], on = 1, result;

	if (count > PLAN_MAX_FDS)
		return err_set(err, ERR_SYSTEM, E2BIG, "cannot send this launch: more than %d binds and images",
			       PLAN_MAX_FDS);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "cannot make the channel to the starter");
	send_fd = pair[0];
	receive_fd = pair[1];
	/* Set before the record is queued: credentials are attached when it is sent. */
	if (setsockopt(receive_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return err_sys(err, errno, "cannot prepare the channel to the starter");
	all[0] = message_fd;
	memcpy(all + 1, fds, sizeof(int) * count);
	result = channel_send(send_fd, all, count + 1);
	if (result < 0)
		return err_sys(err, -result, "cannot send the launch request");
	if (fcntl(receive_fd, F_SETFD, 0) < 0)
		return err_sys(err, errno, "cannot prepare the channel to the starter");
	*out_fd = fd_take(&receive_fd);
	return 0;
}
