/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: facts, read by ourselves. Must not: believe the plan, judge, open a path the caller named. Runs between the
 * decoding of the plan and the verdict.
 */
#include "policy/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/plan.h"
#include "policy/conf.h"

#define INITIAL_USERNS_INODE 0xEFFFFFFDu /* PROC_USER_INIT_INO of the kernel */
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define WALK_MAX 256

#define SIF_HEADER_BYTES 128
#define SIF_DESCRIPTOR_BYTES 585
#define SIF_DESCRIPTORS_MAX 4096
#define SIF_TYPE_PARTITION 0x4004

static uint64_t facts_le(const unsigned char *at, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

static int facts_read_fd(int fd, struct facts_fd *out)
{
	struct statfs fs;
	int flags = fcntl(fd, F_GETFL), seals;

	if (flags < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	/* A user's own FUSE mount does not answer a process with euid 0. Nothing but its magic is known then, so it passes as a
	 * bind source only, where nothing else is asked. */
	if (fstat(fd, &out->stat) < 0) {
		if (errno != EACCES || !(flags & O_PATH))
			return -errno;
		memset(&out->stat, 0, sizeof(out->stat));
	}
	seals = fcntl(fd, F_GET_SEALS);
	out->fs_magic = (uint64_t)fs.f_type;
	out->access_mode = flags & O_ACCMODE;
	out->is_path = (flags & O_PATH) != 0;
	out->is_sealed = seals >= 0 && (seals & SEALS) == SEALS;
	return 0;
}

/* Walk up from the image to the root; "limit container paths" names a directory, whatever the path was called. */
static bool facts_lies_below(int dir_fd, const struct conf_list *paths)
{
	cleanup_fd int at_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);

	for (int depth = 0; at_fd >= 0 && depth < WALK_MAX; depth++) {
		struct stat here, allowed, up;
		int up_fd;

		if (fstat(at_fd, &here) < 0)
			return false;
		for (size_t i = 0; i < paths->count; i++)
			if (stat(paths->items[i], &allowed) == 0 && allowed.st_dev == here.st_dev &&
			    allowed.st_ino == here.st_ino)
				return true;
		up_fd = openat(at_fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up_fd < 0 || fstat(up_fd, &up) < 0 || (up.st_dev == here.st_dev && up.st_ino == here.st_ino)) {
			if (up_fd >= 0)
				(void)close(up_fd);
			return false;
		}
		(void)close(at_fd);
		at_fd = up_fd;
	}
	return false;
}

/* The kernel's own name of the open file, taken apart until its directory opens: never a path from the message. */
static bool facts_file_lies_below(int fd, const struct stat *st, const struct conf_list *paths)
{
	char link[32], path[PLAN_PATH_MAX], *name;
	cleanup_fd int dir_fd = -1;
	struct stat again;
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return false;
	path[length] = '\0';
	if (S_ISDIR(st->st_mode))
		return facts_lies_below(fd, paths);
	name = strrchr(path, '/');
	if (!name)
		return false;
	*name++ = '\0';
	/* The directory first, then the file in it: by name once more, and a renamed directory could stand in for another. A
	 * "(deleted)" or swapped file is not found. */
	dir_fd = open(path[0] ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir_fd >= 0 && fstatat(dir_fd, name, &again, AT_SYMLINK_NOFOLLOW) == 0 && again.st_dev == st->st_dev &&
	       again.st_ino == st->st_ino && facts_lies_below(dir_fd, paths);
}

int facts_read(const struct plan *plan, const struct conf *conf, const int *fds, uint32_t fd_count,
	       struct facts *facts, struct err *err)
{
	struct stat ns;

	if (stat("/proc/self/ns/user", &ns) < 0)
		return err_sys(err, errno, "cannot read the caller's identity");
	facts->uid = getuid();
	facts->initial_userns = ns.st_ino == INITIAL_USERNS_INODE;
	for (uint32_t i = 0; i < fd_count; i++) {
		int result = facts_read_fd(fds[i], &facts->fds[i]);

		if (result < 0)
			return err_sys(err, -result, "cannot read descriptor %u", i);
	}
	for (uint32_t i = 0; conf->limit_container_paths.count && i < plan->fs_count; i++)
		facts->in_limited_path[i] =
			facts_file_lies_below(fds[plan->fs[i].fd], &facts->fds[plan->fs[i].fd].stat,
					      &conf->limit_container_paths);
	return 0;
}

static int facts_bad_fd(const char *what, struct err *err)
{
	return err_set(err, ERR_PROTOCOL, EPROTO, "%s is not of the kind that the plan says", what);
}

/* The caller's own server: its connection and the socket it waits at. */
static int facts_check_server(const struct plan_fs *fs, const struct facts *facts, struct err *err)
{
	const struct facts_fd *fuse = &facts->fds[fs->server_fd];

	return !fuse->is_path && S_ISCHR(fuse->stat.st_mode) && fuse->stat.st_rdev == makedev(10, 229) &&
			       fs->go_fd != PLAN_NO_FD && S_ISSOCK(facts->fds[fs->go_fd].stat.st_mode)
		       ? 0
		       : facts_bad_fd("a file server", err);
}

static int facts_check_fs_fd(const struct plan_fs *fs, const struct facts_fd *fd, struct err *err)
{
	if (fs->type == PLAN_FS_DIRECTORY) /* a FUSE directory that hides from euid 0 cannot be judged: no image */
		return fd->is_path && S_ISDIR(fd->stat.st_mode) ? 0 : facts_bad_fd("a directory image", err);
	if (fd->is_path || !S_ISREG(fd->stat.st_mode) ||
	    fd->access_mode != (fs->writable ? O_RDWR : O_RDONLY))
		return facts_bad_fd("an image file", err);
	return 0;
}

int facts_check_fds(const struct plan *plan, const struct facts *facts, struct err *err)
{
	const struct plan_process *process = &plan->process;

	for (uint32_t i = 0; i < plan->fs_count; i++)
		if (facts_check_fs_fd(&plan->fs[i], &facts->fds[plan->fs[i].fd], err) < 0 ||
		    (plan->fs[i].method == PLAN_METHOD_FUSE && facts_check_server(&plan->fs[i], facts, err) < 0))
			return -EPROTO;
	for (uint32_t i = 0; i < plan->mount_count; i++) {
		const struct plan_mount *mount = &plan->mounts[i];
		const struct facts_fd *fd = mount->source_fd == PLAN_NO_FD ? NULL : &facts->fds[mount->source_fd];

		if (fd && S_ISLNK(fd->stat.st_mode))
			return facts_bad_fd("the source of a mount", err);
		if (fd && (plan_is_file(mount) ? !fd->is_sealed : !fd->is_path))
			return facts_bad_fd("the source of a mount", err);
	}
	if (!facts->fds[process->spec_fd].is_sealed ||
	    (process->seccomp_fd != PLAN_NO_FD && !facts->fds[process->seccomp_fd].is_sealed))
		return facts_bad_fd("a memory descriptor", err);
	if (!S_ISREG(facts->fds[process->action_fd].stat.st_mode))
		return facts_bad_fd("the action program", err);
	return 0;
}

static int facts_pread(int fd, void *out, size_t length, uint64_t offset)
{
	return pread(fd, out, length, (off_t)offset) == (ssize_t)length ? 0 : -EINVAL;
}

static bool facts_is_sif(int fd, unsigned char header[SIF_HEADER_BYTES])
{
	return facts_pread(fd, header, SIF_HEADER_BYTES, 0) == 0 && memcmp(header + 32, "SIF_MAGIC", 10) == 0;
}

/* Some descriptor of the SIF says exactly this extent. */
static bool facts_has_extent(int fd, const unsigned char *header, const struct plan_fs *fs)
{
	unsigned char row[SIF_DESCRIPTOR_BYTES];
	uint64_t total = facts_le(header + 88, 8), table = facts_le(header + 96, 8);

	if (total > SIF_DESCRIPTORS_MAX || table > INT64_MAX / 2)
		return false;
	for (uint64_t i = 0; i < total; i++) {
		if (facts_pread(fd, row, sizeof(row), table + i * SIF_DESCRIPTOR_BYTES) < 0)
			return false;
		if (row[4] && facts_le(row, 4) == SIF_TYPE_PARTITION && facts_le(row + 17, 8) == fs->offset_bytes &&
		    facts_le(row + 25, 8) == fs->size_bytes)
			return true;
	}
	return false;
}

static bool facts_has_superblock(int fd, const struct plan_fs *fs)
{
	unsigned char magic[4];

	if (fs->type == PLAN_FS_SQUASHFS)
		return facts_pread(fd, magic, 4, fs->offset_bytes) == 0 && memcmp(magic, "hsqs", 4) == 0;
	return facts_pread(fd, magic, 2, fs->offset_bytes + 1080) == 0 && magic[0] == 0x53 && magic[1] == 0xEF;
}

static const char *facts_find_defect(int fd, const struct plan_fs *fs)
{
	unsigned char header[SIF_HEADER_BYTES];
	struct stat st;
	bool sif;

	if (fstat(fd, &st) < 0 || fs->offset_bytes + fs->size_bytes > (uint64_t)st.st_size)
		return "the image is shorter than its partition";
	if (!facts_has_superblock(fd, fs))
		return "the image has no file system where one is said to be";
	/* Which `allow container` directive applies is read from the bytes, or one kind could pass for another. */
	sif = facts_is_sif(fd, header);
	if (fs->container != (sif				? PLAN_CONTAINER_SIF
			      : fs->type == PLAN_FS_SQUASHFS ? PLAN_CONTAINER_SQUASHFS
							     : PLAN_CONTAINER_EXTFS))
		return "the image is of another kind than the plan says";
	return sif && !facts_has_extent(fd, header, fs) ? "the SIF has no such partition" : NULL;
}

int facts_check_images(const struct plan *plan, const int *fds, struct err *err)
{
	for (uint32_t i = 0; i < plan->fs_count; i++) {
		const struct plan_fs *fs = &plan->fs[i];
		const char *defect = fs->type == PLAN_FS_DIRECTORY ? NULL : facts_find_defect(fds[fs->fd], fs);

		if (defect)
			return err_set(err, ERR_IMAGE, EINVAL, "%s", defect);
	}
	return 0;
}
