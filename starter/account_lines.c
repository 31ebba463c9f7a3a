/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: joining the image's passwd and group with the caller's lines, which only works once the image is mounted.
 * Must not: believe the image; its text is bounded, copied line by line, compared with one number. Runs while the binds are
 * applied; in the setuid flavour in a child that has dropped everything.
 */
#include "starter/account_lines.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "starter/resolve.h"

#define OWN_MAX (64 * 1024)

static char joined[ACCOUNT_LINES_MAX + OWN_MAX + 512];

/* "name:password:NUMBER:…", where @id is ":NUMBER:" */
static bool account_lines_has_id(const char *line, const char *id)
{
	const char *at = strchr(line, ':');

	at = at ? strchr(at + 1, ':') : NULL;
	return at && strncmp(at, id, strlen(id)) == 0;
}

size_t account_lines_join(char *text, const char *own, size_t own_length, bool replace, uid_t uid)
{
	const char *last = memrchr(own, ':', own_length);
	char id[16], shell[256] = "", *to = text;
	size_t length;

	(void)snprintf(id, sizeof(id), ":%u:", uid);
	for (char *line = text, *next; line && *line; line = next) {
		length = strcspn(line, "\n");
		next = line[length] ? line + length + 1 : NULL;
		line[length] = '\0';
		if (replace && account_lines_has_id(line, id)) {
			(void)snprintf(shell, sizeof(shell), "%.250s\n", strrchr(line, ':') + 1);
			continue;
		}
		memmove(to, line, length);
		to += length;
		*to++ = '\n';
	}
	length = shell[0] && last ? (size_t)(last + 1 - own) : own_length;
	memcpy(to, own, length);
	memcpy(to + length, shell, strlen(shell));
	return (size_t)(to - text) + length + strlen(shell);
}

void account_lines_add_image(int root_fd, const char *path, bool replace, const void **bytes, size_t *length)
{
	cleanup_fd int fd = -1;
	size_t used = 0;
	struct stat st;
	ssize_t n = 1;

	/* Opening a fifo or a device does not wait; nothing is read from it. */
	if (*length > OWN_MAX || resolve_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd) < 0 ||
	    fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	while (n > 0 && used < ACCOUNT_LINES_MAX) {
		n = read(fd, joined + used, ACCOUNT_LINES_MAX - used);
		used += n > 0 ? (size_t)n : 0;
	}
	if (n != 0)
		return;
	joined[used] = '\0';
	*length = account_lines_join(joined, *bytes, *length, replace, getuid());
	*bytes = joined;
}
