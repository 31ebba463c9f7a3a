/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: receiving one record over one socket, mapping sealed memory. Must not: look into what it carries. Runs in the
 * starter right after it has sanitized itself. The sending half is channel_send.c.
 */
#include "ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"

#define BAD(err, ...) err_set(err, ERR_PROTOCOL, EPROTO, __VA_ARGS__)

int channel_map_sealed(int fd, size_t max, const void **out, size_t *len, struct err *err)
{
	struct stat st;
	void *memory;

	if (fcntl(fd, F_GET_SEALS) < 0 || (fcntl(fd, F_GET_SEALS) & CHANNEL_SEALS) != CHANNEL_SEALS)
		return BAD(err, "a memory descriptor is not sealed");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return BAD(err, "a memory descriptor is no file");
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return BAD(err, "a memory descriptor holds more than %zu bytes", max);
	*out = NULL;
	*len = (size_t)st.st_size;
	if (*len == 0)
		return 0;
	memory = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED)
		return err_sys(err, errno, "cannot map a memory descriptor");
	*out = memory;
	return 0;
}

static int channel_check_socket(int fd, struct err *err)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || domain != AF_UNIX || type != SOCK_SEQPACKET)
		return BAD(err, "descriptor 3 is not the channel: this program is started by singularity only");
	return 0;
}

/* Collect descriptors first, so that every error path can close them. False: something came along that nobody asked for, such as a
 * pidfd (SO_PASSPIDFD), which would stay open. */
static bool channel_take_control(struct msghdr *message, struct channel_record *out, int *all, uint32_t *total,
				 struct ucred *sender)
{
	bool known = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS && bytes == sizeof(*sender)) {
			memcpy(sender, CMSG_DATA(c), sizeof(*sender));
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && *total == 0 &&
			   bytes <= sizeof(int) * (PLAN_MAX_FDS + 1)) {
			memcpy(all, CMSG_DATA(c), bytes);
			*total = (uint32_t)(bytes / sizeof(int));
		} else {
			known = false;
		}
	}
	out->message_fd = *total > 0 ? all[0] : -1;
	out->count = *total > 0 ? *total - 1 : 0;
	memcpy(out->fds, all + 1, sizeof(int) * out->count);
	return known;
}

static int channel_read(int fd, struct channel_record *out, struct channel_head *head, struct ucred *sender,
			struct err *err)
{
	_Alignas(struct cmsghdr) char
		control[CMSG_SPACE(sizeof(int) * (PLAN_MAX_FDS + 1)) + CMSG_SPACE(sizeof(struct ucred))] = {0};
	struct iovec part = {head, sizeof(*head)};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int all[PLAN_MAX_FDS + 1];
	uint32_t total = 0;
	bool known;
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0)
		return err_sys(err, errno, "cannot receive the launch request");
	known = channel_take_control(&message, out, all, &total, sender);
	if (!known || n != (ssize_t)sizeof(*head) || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return BAD(err, "the launch record is truncated or too long");
	return 0;
}

static bool channel_is_finished(int fd)
{
	char byte, control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};

	/* The sender has closed its end: anything but end-of-file is a second record or somebody still there. An empty record
	 * also reads as 0, but it carries credentials. */
	return recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == 0 && message.msg_controllen == 0;
}

int channel_receive(int fd, uid_t uid, pid_t pid, struct channel_record *out, struct err *err)
{
	struct channel_head head = {0, 0, 0};
	struct ucred sender = {-1, (uid_t)-1, (gid_t)-1};
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int result = channel_check_socket(fd, err);

	out->message_fd = -1;
	out->count = 0;
	if (result < 0)
		return result;
	if (poll(&wait, 1, PLAN_RECORD_DEADLINE_MS) != 1 || !(wait.revents & POLLIN))
		return BAD(err, "no launch request arrived");
	result = channel_read(fd, out, &head, &sender, err);
	if (result < 0)
		return result;
	if (head.magic != CHANNEL_MAGIC || head.version != CHANNEL_VERSION)
		return BAD(err, "the launch record has another version");
	if (sender.uid != uid || sender.pid != pid)
		return BAD(err, "the launch record was sent by another process");
	if (out->message_fd < 0 || head.count != out->count)
		return BAD(err, "the launch record has a wrong number of descriptors");
	if (!channel_is_finished(fd))
		return BAD(err, "there is more than one launch record");
	(void)shutdown(fd, SHUT_RDWR);
	return 0;
}
