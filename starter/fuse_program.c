/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: fuse2fs and fuse-overlayfs. Both outlive the launch and end with their mount, so neither may live in the container's
 * mount namespace (it would keep itself alive) or in its PID namespace (it would be killed with changes unwritten).
 * Plain flavour only: they hold capabilities of the caller's own user namespace, nothing that the caller lacks.
 *
 * fuse2fs can only mount by itself. It does so in a mount namespace of its own, from where a clone of the mount is taken; then the mount
 * is taken away there, and the container has the only one. fuse-overlayfs takes a mounted connection as a descriptor, but its
 * directories by name; they exist only when the images are mounted: it waits for them at a socket.
 */
#include "starter/fuse_program.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/log.h"
#include "ipc/plan.h"
#include "starter/layer.h"
#include "starter/mnt.h"
#include "starter/privs.h"
#include "starter/stage.h"

#define PASS_MAX (PLAN_MAX_OVERLAYS + 4) /* namespace, upper, work, and every lower directory */
#define PATH_BYTES 32
#define OPTIONS_BYTES (PASS_MAX * 64 + 128)
#define WORK_NAME "fuse"
#define MOUNT_WAIT_MS 10000

/* ---- descriptors over a socket ------------------------------------------------------------------------------------ */

static int program_send(int socket_fd, const int *fds, size_t count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * PASS_MAX)];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	char byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				 .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(head), fds, sizeof(int) * count);
	return sendmsg(socket_fd, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* The number of descriptors; 0 when the other side has gone without a word. */
static size_t program_receive(int socket_fd, int fds[PASS_MAX])
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * PASS_MAX)];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *head = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC) == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	size_t count;

	if (!head || head->cmsg_type != SCM_RIGHTS || message.msg_flags & MSG_CTRUNC)
		return 0;
	count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(head), count * sizeof(int));
	return count;
}

/* ---- the programs ------------------------------------------------------------------------------------------------- */

static void program_keep(int fd)
{
	(void)fcntl(fd, F_SETFD, 0);
}

/* @quiet: without standard error, where a program that works may say things, too. */
_Noreturn static void program_exec(int program_fd, const char *const *argv, uint64_t caps, bool quiet)
{
	const struct plan_process process = {.caps = caps, .no_new_privs = true};
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *envp[] = {NULL};

	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0 || (quiet && dup2(null_fd, 2) < 0))
		_exit(255);
	privs_drop(&process);
	(void)execveat(program_fd, "", (char *const *)(uintptr_t)argv, envp, AT_EMPTY_PATH);
	_exit(255);
}

/* fuse2fs IMAGE PLACE: the partition begins at an offset, its end the file system knows. */
_Noreturn static void program_exec_fuse2fs(const struct stage *stage, const struct plan_fs *fs, const char *place)
{
	char image[PATH_BYTES], options[128];
	const char *argv[] = {"fuse2fs", "-f", "-o", options, image, place, NULL};

	(void)snprintf(image, sizeof(image), "/proc/self/fd/%d", stage->record->fds[fs->fd]);
	(void)snprintf(options, sizeof(options), "allow_other,default_permissions,offset=%llu%s",
		       (unsigned long long)fs->offset_bytes, fs->writable ? "" : ",ro");
	program_keep(stage->record->fds[fs->fd]);
	program_exec(stage->record->fds[fs->server_fd], argv, CAP_BIT(CAP_SYS_ADMIN), false);
}

/* Twice forked and in a session of its own: no child of the payload, out of reach of the terminal's signals. */
static pid_t program_fork(void)
{
	pid_t child = fork();

	if (child == 0 && setsid() < 0)
		_exit(255);
	return child;
}

/* ---- fuse2fs ------------------------------------------------------------------------------------------------------ */

static bool program_is_mounted(int place_fd)
{
	struct statfs st;

	return place_fd >= 0 && fstatfs(place_fd, &st) == 0 && st.f_type == FUSE_SUPER_MAGIC;
}

static int program_wait_for_mount(pid_t server, const char *place, int *out_fd)
{
	for (int i = 0; i < MOUNT_WAIT_MS; i++) {
		cleanup_fd int place_fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (program_is_mounted(place_fd)) {
			*out_fd = fd_take(&place_fd);
			return 0;
		}
		if (waitpid(server, NULL, WNOHANG) == server)
			return -EIO;
		(void)usleep(1000);
	}
	return -ETIMEDOUT;
}

/* An empty directory: any does in a mount namespace of our own. */
static int program_make_place(const char **place, struct err *err)
{
	static const char *const places[] = {"/mnt", "/srv", "/opt", "/var", "/usr", "/tmp"};
	int result = -ENOENT;

	for (size_t i = 0; result < 0 && i < sizeof(places) / sizeof(places[0]); i++) {
		cleanup_fd int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		*place = places[i];
		if (fd >= 0)
			result = mnt_attach_fs("tmpfs", NULL, PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV, PRIVS_MOUNT, fd, NULL, err);
	}
	return result;
}

/* In the process that lends fuse2fs its mount namespace. */
static int program_lend_namespace(const struct stage *stage, const struct plan_fs *fs, int socket_fd, struct err *err)
{
	cleanup_fd int mounted_fd = -1, clone_fd = -1;
	const char *place;
	pid_t server;
	int result;

	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, errno, "cannot create a mount namespace");
	result = mnt_set_propagation(true, err);
	if (result == 0)
		result = program_make_place(&place, err);
	if (result < 0)
		return result;
	server = fork();
	if (server == 0)
		program_exec_fuse2fs(stage, fs, place);
	if (server < 0)
		return err_sys(err, errno, "cannot fork");
	result = program_wait_for_mount(server, place, &mounted_fd);
	if (result < 0)
		return err_sys(err, -result, "fuse2fs did not mount it");
	result = mnt_clone(mounted_fd, &clone_fd, err);
	/* From here on the clone is the only one, and the server ends with it. */
	if (umount2(place, MNT_DETACH) < 0 && result == 0)
		result = err_sys(err, errno, "cannot detach");
	return result < 0 ? result : program_send(socket_fd, &clone_fd, 1);
}

static int program_serve_ext3(struct stage *stage, uint32_t index, struct err *err)
{
	const struct plan_fs *fs = &stage->plan->fs[index];
	int ends[2], fds[PASS_MAX], status;
	size_t count;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	child = program_fork();
	if (child == 0) {
		int result = program_lend_namespace(stage, fs, ends[1], err);

		if (result < 0)
			log_error("%s", err->message);
		_exit(-result & 0xff);
	}
	(void)close(ends[1]);
	count = child < 0 ? 0 : program_receive(ends[0], fds);
	(void)close(ends[0]);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return err_sys(err, EAGAIN, "cannot fork for fuse2fs");
	if (count != 1)
		return err_sys(err, WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EIO,
			       "cannot serve an ext3 image by fuse2fs");
	stage->directory_fd[index] = fds[0];
	return 0;
}

/* ---- fuse-overlayfs ----------------------------------------------------------------------------------------------- */

/* One id mapped: whatever the images say, their files belong to the caller. */
static size_t program_squash(const struct plan *plan, char *options, size_t size)
{
	int n = plan->idmap.method == PLAN_IDMAP_SELF
			? snprintf(options, size, "squash_to_uid=%u,squash_to_gid=%u,", getuid(), getgid())
			: 0;

	return n < 0 ? 0 : (size_t)n;
}

/* noacl: an image without ACLs answers EOPNOTSUPP, and the kernel would take that for the verdict on every access.
 * The directories by name: fuse-overlayfs resolves them, and a descriptor of another mount namespace has no name. */
static int program_name_dirs(const struct plan *plan, const int *fds, size_t count, char options[OPTIONS_BYTES])
{
	static const char *const keys[] = {"noacl,upperdir=", ",workdir=", ",lowerdir="};
	size_t used = program_squash(plan, options, OPTIONS_BYTES);

	for (size_t i = 0; i < count; i++) {
		char link[PATH_BYTES], path[PLAN_PATH_MAX];
		ssize_t length;
		int n;

		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fds[i]);
		length = readlink(link, path, sizeof(path) - 1);
		if (length < 0)
			return -errno;
		path[length] = '\0';
		/* The names are the session's own: none has a colon or a comma. What the kernel's overlayfs leaves in its work directory
		 * has mode 0, and fuse2fs heeds that: another one. */
		if (i == 1 && mkdirat(fds[i], WORK_NAME, 0700) < 0 && errno != EEXIST)
			return -errno;
		n = snprintf(options + used, OPTIONS_BYTES - used, "%s%s%s", i < 3 ? keys[i] : ":", path,
			     i == 1 ? "/" WORK_NAME : "");
		if (n < 0 || (size_t)n >= OPTIONS_BYTES - used)
			return -E2BIG;
		used += (size_t)n;
	}
	return 0;
}

/*
 * Waits for the container's mount namespace, upper, work and lower directories. Takes a copy of that namespace, while the merged root is
 * not in it yet: otherwise it would hold its own mount for ever. Says so, and waits for the connection.
 */
_Noreturn static void program_exec_overlay(const struct stage *stage, int socket_fd)
{
	static char options[OPTIONS_BYTES], place[PATH_BYTES];
	const char *argv[] = {"fuse-overlayfs", "-f", "-o", options, place, NULL};
	int fds[PASS_MAX], connection[PASS_MAX];
	size_t count = program_receive(socket_fd, fds);
	int result = 0;
	char byte;

	if (count < 4)
		_exit(0); /* another rung served, or the launch failed */
	if (setns(fds[0], CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0)
		result = -errno;
	if (result == 0)
		result = program_name_dirs(stage->plan, fds + 1, count - 1, options);
	byte = (char)-result;
	if (write(socket_fd, &byte, 1) != 1 || result < 0)
		_exit(255);
	if (program_receive(socket_fd, connection) != 1)
		_exit(0);
	(void)snprintf(place, sizeof(place), "/dev/fd/%d", connection[0]);
	program_keep(connection[0]);
	program_exec(stage->record->fds[stage->plan->fuse_overlayfs_fd], argv, UINT64_MAX,
		     log_get_level() < LOG_LEVEL_DEBUG);
}

static int program_prepare_overlay(struct stage *stage, struct err *err)
{
	int ends[2], status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	child = program_fork();
	if (child == 0) {
		(void)close(ends[0]);
		child = fork();
		if (child == 0)
			program_exec_overlay(stage, ends[1]);
		_exit(child < 0 ? 255 : 0);
	}
	(void)close(ends[1]);
	stage->overlay_fd = ends[0];
	if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
		return err_sys(err, EAGAIN, "cannot fork fuse-overlayfs");
	return 0;
}

/* The server has its copy of our mount namespace after this. */
static int program_give_dirs(const struct stage *stage, const struct layer_dirs *dirs, struct err *err)
{
	cleanup_fd int ns_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int pass[PASS_MAX] = {ns_fd, dirs->upper, dirs->work};
	char byte;

	if (stage->overlay_fd < 0)
		return err_set(err, ERR_SYSTEM, ENOENT, "fuse-overlayfs was not started");
	if (ns_fd < 0)
		return err_sys(err, errno, "cannot open the mount namespace");
	for (uint32_t i = 0; i < dirs->lower_count; i++)
		pass[3 + i] = dirs->lower[i];
	if (program_send(stage->overlay_fd, pass, 3 + dirs->lower_count) < 0 || read(stage->overlay_fd, &byte, 1) != 1)
		return err_set(err, ERR_SYSTEM, EPERM, "fuse-overlayfs cannot enter the mount namespace");
	if (byte == EACCES)
		return err_sys(err, byte, "fuse-overlayfs cannot use the overlay: its directories upper and work must be yours to "
					  "write");
	return byte ? err_sys(err, byte, "fuse-overlayfs cannot enter the mount namespace") : 0;
}

int fuse_program_mount_overlay(struct stage *stage, const struct layer_dirs *dirs, int target_fd, struct err *err)
{
	cleanup_fd int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char fd[16], uid[16], gid[16];
	const struct mnt_option options[] = {
		{"source", "fuse-overlayfs"}, {"fd", fd}, {"rootmode", "40000"}, {"user_id", uid}, {"group_id", gid},
		{"default_permissions", NULL}, {"allow_other", NULL}, {NULL, NULL},
	};
	struct stat st;
	int result;

	if (fuse_fd < 0)
		return err_sys(err, errno, "cannot open /dev/fuse");
	result = program_give_dirs(stage, dirs, err);
	if (result < 0)
		return result;
	(void)snprintf(fd, sizeof(fd), "%d", fuse_fd);
	(void)snprintf(uid, sizeof(uid), "%u", getuid());
	(void)snprintf(gid, sizeof(gid), "%u", getgid());
	result = mnt_attach_fs("fuse", options, PLAN_ATTR_NODEV | (stage->plan->allow_setuid_files ? 0 : PLAN_ATTR_NOSUID),
			       PRIVS_MOUNT, target_fd, &stage->root_fd, err);
	if (result < 0)
		return result;
	result = program_send(stage->overlay_fd, &fuse_fd, 1);
	if (result < 0)
		return err_sys(err, -result, "cannot start fuse-overlayfs");
	/* Its first answer, or its end. */
	return fstat(stage->root_fd, &st) < 0 ? err_sys(err, errno, "fuse-overlayfs ended at once (--debug shows what it says)") : 0;
}

int fuse_program_start_all(struct stage *stage, struct err *err)
{
	const struct plan *plan = stage->plan;
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < plan->fs_count; i++)
		if (plan->fs[i].method == PLAN_METHOD_FUSE && plan->fs[i].type == PLAN_FS_EXT3)
			result = program_serve_ext3(stage, i, err);
	if (result == 0 && plan->layers & PLAN_LAYER_FUSE_OVERLAY)
		result = program_prepare_overlay(stage, err);
	return result;
}
