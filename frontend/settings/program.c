/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/settings/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/cleanup.h"

static int try_program(const char *dir, size_t length, const char *name, int *out_fd)
{
	cleanup_ptr char *path = NULL;
	int fd;

	if (length == 0 || asprintf(&path, "%.*s/%s", (int)length, dir, name) < 0 || access(path, X_OK) < 0)
		return -ENOENT;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*out_fd = fd;
	return 0;
}

int program_open(const char *name, const char *search_path, int *out_fd)
{
	while (search_path && *search_path) {
		size_t n = strcspn(search_path, ":");
		const char *own = getenv("PATH");
		int result = strncmp(search_path, "$PATH", n) == 0 && n == 5
				     ? program_open(name, own && !strstr(own, "$PATH") ? own : "", out_fd)
				     : try_program(search_path, n, name, out_fd);

		if (result == 0)
			return 0;
		search_path += n + (search_path[n] ? 1 : 0);
	}
	return -ENOENT;
}
