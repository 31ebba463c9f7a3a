/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the bytes of the configuration and whether they may be trusted. Must not: parse them. The trusted form runs in the
 * setuid starter with fsuid 0.
 */
#include "policy/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "policy/conf.h"

int conf_file_read(int fd, const char *path, const char **out, size_t *len, struct err *err)
{
	static char bytes[CONF_TEXT_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_SYSTEM, EINVAL, "cannot use %s: it is not a regular file", path);
	*out = bytes;
	*len = 0;
	do {
		n = read(fd, bytes + *len, sizeof(bytes) - *len);
		*len += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? err_sys(err, errno, "cannot read %s", path) : 0;
}

static int conf_file_refuse(const char *path, struct err *err)
{
	return err_set(err, ERR_DENIED, EPERM,
		       "%s must be owned by root, it and its directories not writable by others and not links", path);
}

static bool conf_file_is_roots(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Every directory on the way is proven, or whoever owns one could swap what lies below it. */
static int conf_file_walk(const char *path, int *out_fd, struct err *err)
{
	cleanup_fd int at_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *rest = path;

	while (at_fd >= 0 && *rest == '/') {
		char name[NAME_MAX + 1];
		size_t length = strcspn(++rest, "/");
		int next_fd;

		if (length == 0 || length > NAME_MAX || !conf_file_is_roots(at_fd))
			return conf_file_refuse(path, err);
		memcpy(name, rest, length);
		name[length] = '\0';
		rest += length;
		next_fd = openat(at_fd, name, (*rest ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK) | O_NOFOLLOW | O_CLOEXEC);
		if (next_fd < 0)
			return errno == ENOENT ? err_sys(err, ENOENT, "cannot open configuration %s", path)
					       : conf_file_refuse(path, err);
		(void)close(at_fd);
		at_fd = next_fd;
	}
	if (at_fd < 0 || !conf_file_is_roots(at_fd))
		return conf_file_refuse(path, err);
	*out_fd = fd_take(&at_fd);
	return 0;
}

int conf_file_load_trusted(const char *path, struct conf *conf, struct err *err)
{
	cleanup_fd int fd = -1;
	const char *bytes;
	struct stat st;
	size_t len;

	if (conf_file_walk(path, &fd, err) < 0)
		return -EPERM;
	if (fstat(fd, &st) < 0 || st.st_nlink != 1)
		return conf_file_refuse(path, err);
	if (conf_file_read(fd, path, &bytes, &len, err) < 0)
		return -EINVAL;
	return conf_parse(bytes, len, conf, err) < 0 ? err_wrap(err, "cannot use %s", path) : 0;
}
