/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the user namespace and its id maps. Must not: run in the setuid flavour (policy and plan_check() refuse such a
 * plan, and unshare(2) is called with the caller's rights only). Runs first of all namespaces.
 */
#include "starter/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/log.h"
#include "starter/chrooted.h"
#include "starter/stage.h"

#define MAP_TEXT_MAX (PLAN_MAX_EXTENTS * 36)
#define ARGS_PER_EXTENT 3

static int idmap_write_file(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t length = strlen(text);

	if (fd < 0)
		return -errno;
	return write(fd, text, length) == (ssize_t)length ? 0 : -errno;
}

static void idmap_format(const struct plan_extent *extents, uint32_t count, char text[MAP_TEXT_MAX])
{
	size_t used = 0;

	for (uint32_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, MAP_TEXT_MAX - used, "%u %u %u\n", extents[i].inside,
					 extents[i].outside, extents[i].count);
}

/* One write(2) carries the whole map: the kernel takes no second one. */
static int idmap_write(pid_t pid, const char *map, const struct plan_extent *extents, uint32_t count)
{
	static char text[MAP_TEXT_MAX];
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, map);
	idmap_format(extents, count, text);
	return idmap_write_file(path, text);
}

static int idmap_fail(const struct plan_idmap *map, int errnum, struct err *err)
{
	if (map->method == PLAN_IDMAP_TOOL)
		return err_sys(err, errnum, "cannot map the ids of the user namespace (see /etc/subuid and /etc/subgid)");
	if (errnum == EPERM && map->uid_count && map->uid[0].outside == 0)
		return err_set(err, ERR_SYSTEM, EPERM,
			       "cannot map id 0 in a user namespace: the kernel allows it to holders of CAP_SETFCAP, which the "
			       "outer container took away; run as another user there, or add the capability");
	return err_sys(err, errnum, "cannot write the id map of the user namespace");
}

static int idmap_write_self(const struct plan_idmap *map, struct err *err)
{
	int result = idmap_write_file("/proc/self/setgroups", "deny");

	if (result == 0)
		result = idmap_write(getpid(), "gid_map", map->gid, map->gid_count);
	if (result == 0)
		result = idmap_write(getpid(), "uid_map", map->uid, map->uid_count);
	return result < 0 ? idmap_fail(map, -result, err) : 0;
}

static int idmap_run_tool(int tool_fd, const char *name, pid_t pid, const struct plan_extent *extents, uint32_t count)
{
	static char numbers[PLAN_MAX_EXTENTS * ARGS_PER_EXTENT + 1][16];
	static char *argv[PLAN_MAX_EXTENTS * ARGS_PER_EXTENT + 3];
	char *envp[] = {NULL};
	size_t used = 0, number = 0;
	pid_t child;
	int status;

	argv[used++] = (char *)(uintptr_t)name;
	(void)snprintf(numbers[number], sizeof(numbers[0]), "%d", pid);
	argv[used++] = numbers[number++];
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t values[] = {extents[i].inside, extents[i].outside, extents[i].count};

		for (size_t k = 0; k < ARGS_PER_EXTENT; k++) {
			(void)snprintf(numbers[number], sizeof(numbers[0]), "%u", values[k]);
			argv[used++] = numbers[number++];
		}
	}
	argv[used] = NULL;
	child = fork();
	if (child == 0) {
		(void)execveat(tool_fd, "", argv, envp, AT_EMPTY_PATH);
		_exit(255);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -errno;
	return status == 0 ? 0 : -EPERM;
}

/* The mapper stays in the outer user namespace, where the right to write the maps is. */
_Noreturn static void idmap_mapper(const struct stage *stage, int start_fd)
{
	const struct plan_idmap *map = &stage->plan->idmap;
	pid_t parent = getppid();
	int result;
	char byte;

	if (read(start_fd, &byte, 1) != 1)
		_exit(255);
	if (map->method == PLAN_IDMAP_DIRECT) {
		result = idmap_write(parent, "gid_map", map->gid, map->gid_count);
		if (result == 0)
			result = idmap_write(parent, "uid_map", map->uid, map->uid_count);
	} else {
		result = idmap_run_tool(stage->record->fds[map->newgidmap_fd], "newgidmap", parent, map->gid,
					map->gid_count);
		if (result == 0)
			result = idmap_run_tool(stage->record->fds[map->newuidmap_fd], "newuidmap", parent,
						map->uid, map->uid_count);
	}
	_exit(-result & 0xff);
}

static const char *idmap_advice(int errnum)
{
	switch (errnum) {
	case ENOSPC:
		return "; user namespaces are nested too deep (33 levels), or user.max_user_namespaces is 0 here or "
		       "further out";
	case EPERM:
		return "; user namespaces are refused: by a seccomp filter of the outer container, inside a chroot, or "
		       "by kernel.unprivileged_userns_clone=0";
	case EACCES:
		return "; a security module refuses user namespaces";
	default:
		return "";
	}
}

static int idmap_unshare(struct err *err)
{
	int errnum;

	if (unshare(CLONE_NEWUSER) == 0)
		return 0;
	errnum = errno;
	if (errnum == EPERM && chrooted_leave() == 0 && unshare(CLONE_NEWUSER) == 0)
		return 0;
	return err_set(err, ERR_SYSTEM, errnum, "cannot create a user namespace: %s%s", strerror(errnum),
		       idmap_advice(errnum));
}

static int idmap_by_mapper(struct stage *stage, struct err *err)
{
	const struct plan_idmap *map = &stage->plan->idmap;
	int start[2], status, result;
	pid_t mapper;

	if (pipe2(start, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	mapper = fork();
	if (mapper < 0)
		return err_sys(err, errno, "cannot fork");
	if (mapper == 0) {
		(void)close(start[1]);
		idmap_mapper(stage, start[0]);
	}
	(void)close(start[0]);
	result = idmap_unshare(err);
	if (result == 0 && write(start[1], "", 1) != 1)
		result = err_sys(err, errno, "cannot start the id mapper");
	(void)close(start[1]);
	if (waitpid(mapper, &status, 0) < 0 && result == 0)
		result = err_sys(err, errno, "cannot wait for the id mapper");
	if (result == 0 && status != 0)
		result = idmap_fail(map, WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EIO, err);
	return result;
}

static int idmap_become_root(const struct plan_idmap *map, struct err *err)
{
	/* With one id mapped the kernel denies setgroups(2) for good: the caller's groups stay, shown as nobody. */
	if (!map->keep_groups && setgroups(0, NULL) < 0 && errno != EPERM)
		return err_sys(err, errno, "cannot clear the supplementary groups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, errno, "cannot become root of the user namespace");
	return 0;
}

static bool idmap_has_range(const struct plan_extent *extents, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (extents[i].count < 1 || extents[i].inside > UINT32_MAX - extents[i].count ||
		    extents[i].outside > UINT32_MAX - extents[i].count)
			return false;
	return true;
}

/* What plan_check() leaves to us, since the setuid starter has no use for it. */
static int idmap_check(const struct plan_idmap *map, struct err *err)
{
	if (!idmap_has_range(map->uid, map->uid_count) || !idmap_has_range(map->gid, map->gid_count))
		return err_set(err, ERR_PROTOCOL, EPROTO, "an id map overflows");
	if (map->method == PLAN_IDMAP_SELF &&
	    (map->uid_count != 1 || map->gid_count != 1 || map->uid[0].count != 1 || map->gid[0].count != 1))
		return err_set(err, ERR_PROTOCOL, EPROTO, "a map that a process writes itself has one id");
	return 0;
}

int idmap_enter(struct stage *stage, struct err *err)
{
	const struct plan_idmap *map = &stage->plan->idmap;
	int result;

	if (map->method == PLAN_IDMAP_NONE)
		return 0;
	result = idmap_check(map, err);
	if (result < 0)
		return result;
	if (map->method == PLAN_IDMAP_SELF) {
		result = idmap_unshare(err);
		if (result == 0)
			result = idmap_write_self(map, err);
	} else {
		result = idmap_by_mapper(stage, err);
	}
	if (result == 0 && stage->plan->flow == PLAN_FLOW_FAKEROOT)
		result = idmap_become_root(map, err);
	stage->own_userns = result == 0;
	return result;
}
