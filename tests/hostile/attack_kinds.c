/* SPDX-License-Identifier: BSD-3-Clause */
/* Every kind of descriptor in every slot. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/driver.h"

/* Where a kind belongs; anywhere else it must be refused. */
enum fits { FITS_NOTHING = 0, FITS_BIND = 1, FITS_IMAGE = 2, FITS_MEMORY = 4, FITS_PROC = 8, FITS_DEV = 16 };

/* The same inode, opened O_PATH: for objects that no path leads to. */
static int as_path(int fd)
{
	char link[64];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return open(link, O_PATH | O_CLOEXEC);
}

static int kind_socket(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }
static int kind_tcp(void) { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
static int kind_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }
static int kind_eventfd(void) { return eventfd(0, EFD_CLOEXEC); }
static int kind_timerfd(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC); }
static int kind_inotify(void) { return inotify_init1(IN_CLOEXEC); }
static int kind_pidfd(void) { return (int)syscall(SYS_pidfd_open, getpid(), 0); }
static int kind_memory(void) { return make_memory("data", 4, false); }
static int kind_sealed(void) { return make_memory("data", 4, true); }
static int kind_path_socket(void) { return as_path(kind_socket()); }
static int kind_path_pidfd(void) { return as_path(kind_pidfd()); }
static int kind_path_memory(void) { return as_path(kind_memory()); }
static int kind_path_epoll(void) { return as_path(kind_epoll()); }
static int kind_nsfs(void) { return open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC); }
static int kind_path_nsfs(void) { return open("/proc/self/ns/net", O_PATH | O_CLOEXEC); }
static int kind_proc(void) { return open("/proc", O_PATH | O_CLOEXEC); }
static int kind_proc_fd(void) { return open("/proc/self/fd", O_PATH | O_CLOEXEC); }
static int kind_proc_mem(void) { return open("/proc/self/mem", O_RDWR | O_CLOEXEC); }
static int kind_path_proc_mem(void) { return open("/proc/self/mem", O_PATH | O_CLOEXEC); }
static int kind_sys(void) { return open("/sys", O_PATH | O_CLOEXEC); }
static int kind_pts(void) { return open("/dev/pts", O_PATH | O_CLOEXEC); }
static int kind_dir(void) { return open_work("user", O_RDONLY | O_DIRECTORY); }
static int kind_path_dir(void) { return open_work("box", O_PATH); }
static int kind_file(void) { return open_work("user/file", O_RDWR | O_CREAT); }
static int kind_write_only(void) { return open_work("user/file", O_WRONLY | O_CREAT); }
static int kind_path_file(void) { return open_work("data.sqfs", O_PATH); }
static int kind_link(void) { return open_work("link", O_PATH | O_NOFOLLOW); }
static int kind_path_fifo(void) { return open_work("fifo", O_PATH); }
static int kind_fifo(void) { return open_work("fifo", O_RDWR | O_NONBLOCK); }
static int kind_device(void) { return open("/dev/null", O_RDWR | O_CLOEXEC); }
static int kind_path_device(void) { return open("/dev/null", O_PATH | O_CLOEXEC); }
static int kind_fuse(void) { return open("/dev/fuse", O_RDWR | O_CLOEXEC); }

static int kind_pipe(void)
{
	int pair[2];

	return pipe2(pair, O_CLOEXEC) < 0 ? -1 : pair[0];
}

static int kind_write_only_image(void)
{
	int fd = open_work("user/copy.sqfs", O_WRONLY | O_CREAT), from = open_work("data.sqfs", O_RDONLY);
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n <= 0 || write(fd, bytes, (size_t)n) != n)
		give_up("copy of the image");
	return fd;
}

/* From a mount namespace of the caller's own, through a socket. @detached: a tree that is attached nowhere. */
static int foreign(bool detached)
{
	int pair[2], fd = -1, status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		give_up("socketpair");
	child = fork();
	if (child == 0) {
		int root_fd;

		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			_exit(1);
		root_fd = open("/tmp", O_PATH | O_CLOEXEC);
		fd = detached ? (int)syscall(SYS_open_tree, root_fd, "", 1 /* OPEN_TREE_CLONE */ | AT_EMPTY_PATH | AT_RECURSIVE | O_CLOEXEC)
			      : root_fd;
		if (fd < 0)
			_exit(1);
		send_record(pair[1], "x", 1, &fd, 1);
		_exit(0);
	}
	(void)close(pair[1]);
	if (waitpid(child, &status, 0) == child && status == 0) {
		_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
		char byte;
		struct iovec part = {&byte, 1};
		struct msghdr message = {
			.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};

		if (recvmsg(pair[0], &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message))
			memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	}
	return fd;
}

static int kind_foreign(void) { return foreign(false); }
static int kind_detached(void) { return foreign(true); }

static const struct {
	const char *name;
	int (*open)(void);
	enum fits fits;
} kinds[] = {
	{"a socket", kind_socket, FITS_NOTHING},
	{"a TCP socket", kind_tcp, FITS_NOTHING},
	{"a pipe", kind_pipe, FITS_NOTHING},
	{"an epoll", kind_epoll, FITS_NOTHING},
	{"an eventfd", kind_eventfd, FITS_NOTHING},
	{"a timerfd", kind_timerfd, FITS_NOTHING},
	{"an inotify", kind_inotify, FITS_NOTHING},
	{"a pidfd", kind_pidfd, FITS_NOTHING},
	{"open memory", kind_memory, FITS_NOTHING},
	{"sealed memory", kind_sealed, FITS_MEMORY},
	{"the path of a socket", kind_path_socket, FITS_NOTHING},
	{"the path of a pidfd", kind_path_pidfd, FITS_NOTHING},
	{"the path of memory", kind_path_memory, FITS_NOTHING},
	{"the path of an epoll", kind_path_epoll, FITS_NOTHING},
	{"a namespace", kind_nsfs, FITS_NOTHING},
	{"the path of a namespace", kind_path_nsfs, FITS_NOTHING},
	{"/proc", kind_proc, FITS_PROC},
	{"/proc/self/fd", kind_proc_fd, FITS_PROC},
	{"/proc/self/mem", kind_proc_mem, FITS_NOTHING},
	{"the path of /proc/self/mem", kind_path_proc_mem, FITS_PROC},
	{"/sys", kind_sys, FITS_NOTHING},
	{"/dev/pts", kind_pts, FITS_DEV},
	{"an open directory", kind_dir, FITS_NOTHING},
	{"the path of a directory", kind_path_dir, FITS_BIND | FITS_IMAGE},
	{"a file", kind_file, FITS_NOTHING},
	{"a file opened for writing", kind_write_only, FITS_NOTHING},
	{"an image opened for writing", kind_write_only_image, FITS_NOTHING},
	{"the path of an image", kind_path_file, FITS_BIND},
	{"a link", kind_link, FITS_NOTHING},
	{"the path of a fifo", kind_path_fifo, FITS_BIND},
	{"a fifo", kind_fifo, FITS_NOTHING},
	{"a device", kind_device, FITS_NOTHING},
	{"the path of a device", kind_path_device, FITS_BIND},
	{"/dev/fuse", kind_fuse, FITS_NOTHING},
	{"a tree of another mount namespace", kind_foreign, FITS_NOTHING},
	{"a detached tree", kind_detached, FITS_NOTHING},
};

static const struct {
	const char *name;
	enum fits takes;
} slots[SLOT_COUNT] = {
	[SLOT_IMAGE] = {"the image", FITS_IMAGE},	[SLOT_ACTION] = {"the action program", FITS_NOTHING},
	[SLOT_SPEC] = {"the action spec", FITS_MEMORY}, [SLOT_BIND] = {"a bind", FITS_BIND},
	[SLOT_CONTENT] = {"a generated file", FITS_MEMORY}, [SLOT_DATA] = {"an image file", FITS_NOTHING},
	[SLOT_PROC] = {"/proc", FITS_PROC | FITS_BIND}, [SLOT_DEV] = {"/dev", FITS_BIND | FITS_DEV},
};

static void swap_kind(struct attempt *attempt, intptr_t argument)
{
	size_t slot = (size_t)argument % SLOT_COUNT, kind = (size_t)argument / SLOT_COUNT;
	int fd;

	base_full(attempt);
	fd = kinds[kind].open();
	if (fd < 0)
		give_up(kinds[kind].name);
	attempt->fds[slot] = fd;
	launch(attempt);
}

void attack_kinds(void)
{
	size_t count = sizeof(kinds) / sizeof(kinds[0]);
	char name[128], path[512];

	(void)snprintf(path, sizeof(path), "%s/link", scene.work);
	(void)symlink("/etc", path);
	(void)snprintf(path, sizeof(path), "%s/fifo", scene.work);
	if (mkfifo(path, 0666) < 0 || chmod(path, 0666) < 0)
		give_up("mkfifo");
	for (size_t i = 0; i < count * SLOT_COUNT; i++) {
		(void)snprintf(name, sizeof(name), "%s as %s", kinds[i / SLOT_COUNT].name, slots[i % SLOT_COUNT].name);
		run_attempt(name, kinds[i / SLOT_COUNT].fits & slots[i % SLOT_COUNT].takes ? MAY_RUN : MUST_REFUSE, NULL,
			    swap_kind, (intptr_t)i);
	}
}
