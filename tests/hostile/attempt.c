/* SPDX-License-Identifier: BSD-3-Clause */
/* A valid launch, put together by hand; the attacks change it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/channel_send.h"
#include "ipc/plan_encode.h"
#include "tests/hostile/driver.h"

#define DATA_BYTES 4096 /* of data.sqfs, which mksquashfs pads to this */

int add_fd(struct attempt *attempt, int fd)
{
	if (fd < 0)
		give_up("open");
	attempt->fds[attempt->fd_count] = fd;
	return (int)attempt->fd_count++;
}

plan_text_t add_text(struct attempt *attempt, const char *text)
{
	struct err err = ERR_INIT;
	plan_text_t out;

	if (plan_add_text(&attempt->plan, text, &out, &err) < 0)
		give_up("plan text");
	return out;
}

int open_work(const char *name, int flags)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", scene.work, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

int make_memory(const void *bytes, size_t length, bool sealed)
{
	struct err err = ERR_INIT;
	int fd;

	if (sealed && channel_new_sealed("hostile", bytes, length, &fd, &err) == 0)
		return fd;
	fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		give_up("memfd");
	return fd;
}

struct plan_mount *add_mount(struct attempt *attempt, enum plan_mount_kind kind, enum plan_origin origin, const char *target)
{
	struct plan_mount *mount = &attempt->plan.mounts[attempt->plan.mount_count++];

	*mount = (struct plan_mount){.kind = kind,
				     .origin = origin,
				     .on_fail = PLAN_FAIL_FATAL,
				     .attrs = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV,
				     .mode = 0755,
				     .source_fd = PLAN_NO_FD,
				     .fs = -1};
	mount->target = add_text(attempt, target);
	return mount;
}

void base_bare(struct attempt *attempt)
{
	struct plan *plan = &attempt->plan;

	plan_init(plan);
	plan->flow = PLAN_FLOW_SETUID;
	plan->session_bytes = 16 << 20;
	plan->layers = PLAN_LAYER_OVERLAY | PLAN_LAYER_UNDERLAY;
	plan->loop_max = 16;
	plan->fs_count = 1;
	plan->fs[0] = (struct plan_fs){.type = PLAN_FS_DIRECTORY,
				       .container = PLAN_CONTAINER_DIRECTORY,
				       .method = PLAN_METHOD_BIND,
				       .fd = add_fd(attempt, open_work("box", O_PATH)),
				       .server_fd = PLAN_NO_FD, .go_fd = PLAN_NO_FD};
	plan->process.no_new_privs = true;
	plan->process.action_fd = add_fd(attempt, open_work("payload", O_PATH));
	plan->process.spec_fd = add_fd(attempt, make_memory("spec", 4, true));
}

void base_full(struct attempt *attempt)
{
	struct plan *plan = &attempt->plan;
	struct plan_mount *mount;

	base_bare(attempt);
	mount = add_mount(attempt, PLAN_MOUNT_BIND, PLAN_ORIGIN_USER_BIND, "/mnt");
	mount->source_fd = add_fd(attempt, open_work("user", O_PATH));
	mount = add_mount(attempt, PLAN_MOUNT_FILE, PLAN_ORIGIN_FILE, "/etc/passwd");
	mount->source_fd = add_fd(attempt, make_memory("x:x:1:1:::\n", 11, true));
	mount->mode = 0644;
	mount->target_is_file = true;
	plan->fs_count = 2;
	plan->fs[1] = (struct plan_fs){.type = PLAN_FS_SQUASHFS,
				       .container = PLAN_CONTAINER_SQUASHFS,
				       .method = PLAN_METHOD_KERNEL,
				       .fd = add_fd(attempt, open_work("data.sqfs", O_RDONLY)),
				       .server_fd = PLAN_NO_FD, .go_fd = PLAN_NO_FD,
				       .size_bytes = DATA_BYTES};
	mount = add_mount(attempt, PLAN_MOUNT_IMAGE, PLAN_ORIGIN_USER_BIND, "/data");
	mount->fs = 1;
	mount->attrs |= PLAN_ATTR_RDONLY;
	mount->link = add_text(attempt, "/");
	mount = add_mount(attempt, PLAN_MOUNT_BIND, PLAN_ORIGIN_PROC, "/proc");
	mount->source_fd = add_fd(attempt, open("/proc", O_PATH | O_CLOEXEC));
	mount = add_mount(attempt, PLAN_MOUNT_BIND, PLAN_ORIGIN_DEV, "/dev");
	mount->source_fd = add_fd(attempt, open("/dev", O_PATH | O_CLOEXEC));
	mount->attrs = PLAN_ATTR_NOSUID;
	mount = add_mount(attempt, PLAN_MOUNT_SESSION_DIR, PLAN_ORIGIN_TMP, "/tmp");
	mount->mode = 01777;
}

void encode(struct attempt *attempt)
{
	struct err err = ERR_INIT;

	if (plan_encode(&attempt->plan, &attempt->bytes, &attempt->length, &err) < 0)
		give_up(err.message);
}

void send_record(int socket_fd, const void *head, size_t head_length, const int *fds, uint32_t count)
{
	static _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 512)];
	struct iovec part = {(void *)(uintptr_t)head, head_length};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (count) {
		struct cmsghdr *rights;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(rights), fds, sizeof(int) * count);
	}
	if (sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0)
		give_up("sendmsg");
}

_Noreturn void exec_starter(int channel_fd)
{
	char name[] = "starter", *argv[] = {name, NULL}, *envp[] = {NULL};

	if (channel_fd >= 0 && channel_fd != CHANNEL_FD && dup2(channel_fd, CHANNEL_FD) < 0)
		give_up("dup2");
	if (channel_fd == CHANNEL_FD)
		(void)fcntl(CHANNEL_FD, F_SETFD, 0);
	(void)execve(scene.starter, argv, envp);
	give_up("exec of the starter");
}

_Noreturn void launch_bytes(struct attempt *attempt)
{
	struct err err = ERR_INIT;
	int channel_fd;

	attempt->message_fd = make_memory(attempt->bytes, attempt->length, true);
	if (channel_send_plan(attempt->message_fd, attempt->fds, attempt->fd_count, &channel_fd, &err) < 0)
		give_up(err.message);
	exec_starter(channel_fd);
}

_Noreturn void launch(struct attempt *attempt)
{
	encode(attempt);
	launch_bytes(attempt);
}
