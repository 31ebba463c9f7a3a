/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: /proc/self and the links below /proc/PID, which name host paths, or the supervisor where it is the one who asks.
 * Must not: change anything. Runs in the supervisor.
 */
#include "starter/confined/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "starter/confined/tracee.h"

#define DELETED " (deleted)"

enum proc_link {
	PROC_NONE, /* not one of these */
	PROC_SELF,
	PROC_THREAD_SELF,
	PROC_EXE,
	PROC_ROOT,
	PROC_OPEN, /* cwd, fd/N, ns/N and the like: the text is no path that could be walked */
};

static const char *proc_skip_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && text[digits] == '/' ? text + digits + 1 : NULL;
}

/* *@tid: whose link it is. */
static enum proc_link proc_classify(const char *host, pid_t *tid)
{
	const char *at;

	if (strncmp(host, "/proc/", 6) != 0)
		return PROC_NONE;
	host += 6;
	if (strcmp(host, "self") == 0)
		return PROC_SELF;
	if (strcmp(host, "thread-self") == 0)
		return PROC_THREAD_SELF;
	at = proc_skip_number(host);
	*tid = at ? atoi(host) : 0;
	if (at && strncmp(at, "task/", 5) == 0 && proc_skip_number(at + 5)) {
		*tid = atoi(at + 5);
		at = proc_skip_number(at + 5);
	}
	if (!at)
		return PROC_NONE;
	if (strcmp(at, "exe") == 0)
		return PROC_EXE;
	if (strcmp(at, "root") == 0)
		return PROC_ROOT;
	if (strcmp(at, "cwd") == 0 ||
	    (strncmp(at, "fd/", 3) == 0 && strspn(at + 3, "0123456789") == strlen(at + 3)) ||
	    strncmp(at, "ns/", 3) == 0 || strncmp(at, "map_files/", 10) == 0)
		return PROC_OPEN;
	return PROC_NONE;
}

static ssize_t proc_copy(const char *text, char *out, size_t size)
{
	size_t length = strlen(text);

	length = length < size ? length : size;
	memcpy(out, text, length);
	return (ssize_t)length;
}

static ssize_t proc_read_raw(const char *host, char *out, size_t size)
{
	ssize_t length = readlink(host, out, size);

	return length < 0 ? -errno : length;
}

/* The container's name for what the link says; -EINVAL where it has none. */
static ssize_t proc_read_inside(const struct path_table *table, const char *host, char *out,
				size_t size)
{
	char text[PATH_MAX], guest[PATH_MAX];
	ssize_t length = proc_read_raw(host, text, sizeof(text) - 1);

	if (length < 0)
		return length;
	text[length] = '\0';
	if (text[0] != '/' || !path_to_guest(table, text, guest, sizeof(guest)))
		return -EINVAL;
	return proc_copy(guest, out, size);
}

ssize_t proc_read_link(struct tracee *tracee, const struct path_table *table, const char *host,
		       bool last, char *out, size_t size)
{
	const struct tracee *other;
	char text[64];
	pid_t tid = 0;

	switch (proc_classify(host, &tid)) {
	case PROC_SELF:
		(void)snprintf(text, sizeof(text), "%d", (int)tracee_get_tgid(tracee));
		return proc_copy(text, out, size);
	case PROC_THREAD_SELF:
		(void)snprintf(text, sizeof(text), "%d/task/%d", (int)tracee_get_tgid(tracee),
			       (int)tracee->tid);
		return proc_copy(text, out, size);
	case PROC_EXE:
		other = tracee_find(tid);
		if (other && other->space && other->space->exe)
			return proc_copy(other->space->exe, out, size);
		return proc_read_inside(table, host, out, size);
	case PROC_ROOT:
		return tracee_find(tid) ? proc_copy("/", out, size) : -EINVAL;
	case PROC_OPEN:
		/* At the end of a path the kernel opens the thing itself, also where it has no name. */
		return last ? -EINVAL : proc_read_inside(table, host, out, size);
	case PROC_NONE:
		break;
	}
	return proc_read_raw(host, out, size);
}

ssize_t proc_read_link_text(struct tracee *tracee, const struct path_table *table, const char *host,
			    char *out, size_t size)
{
	ssize_t length = proc_read_link(tracee, table, host, false, out, size);

	return length == -EINVAL ? proc_read_raw(host, out, size) : length;
}

int proc_get_directory(struct tracee *tracee, int dir_fd, char *host, size_t size)
{
	char link[48];
	ssize_t length;

	if (dir_fd == AT_FDCWD)
		(void)snprintf(link, sizeof(link), "/proc/%d/cwd", (int)tracee->tid);
	else
		(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)tracee->tid, dir_fd);
	length = readlink(link, host, size - 1);
	if (length < 0 && errno == EACCES && dir_fd == AT_FDCWD && tracee->cwd &&
	    strlen(tracee->cwd) < size) {
		memcpy(host, tracee->cwd, strlen(tracee->cwd) + 1);
		return 0;
	}
	if (length <= 0 || host[0] != '/' || (size_t)length == size - 1)
		return -EBADF;
	host[length] = '\0';
	if ((size_t)length > strlen(DELETED) &&
	    strcmp(host + length - strlen(DELETED), DELETED) == 0 && access(host, F_OK) < 0)
		return -ENOENT;
	return 0;
}
