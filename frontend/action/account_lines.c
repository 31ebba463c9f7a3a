/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/account_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup.h"

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

/* The whole text of the image, or nothing of it. */
static size_t account_lines_read(int image_fd, char *text)
{
	size_t used = 0;
	struct stat st;
	ssize_t n = 1;

	if (image_fd < 0 || fstat(image_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	while (n > 0 && used < ACCOUNT_LINES_MAX) {
		n = read(image_fd, text + used, ACCOUNT_LINES_MAX - used);
		used += n > 0 ? (size_t)n : 0;
	}
	return n == 0 ? used : 0;
}

/* The caller's limit on file sizes is for the payload: at 0 this write would end us. */
static int account_lines_store(int out_fd, const char *text, size_t length, struct err *err)
{
	struct rlimit saved, raised;
	ssize_t n = 1;

	if (getrlimit(RLIMIT_FSIZE, &saved) < 0)
		return err_sys(err, errno, "cannot read a resource limit");
	raised = (struct rlimit){saved.rlim_max, saved.rlim_max};
	(void)setrlimit(RLIMIT_FSIZE, &raised);
	while (n > 0 && length > 0) {
		n = write(out_fd, text, length);
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		(void)err_sys(err, errno, "cannot write");
	(void)setrlimit(RLIMIT_FSIZE, &saved);
	return n < 0 ? -err->errnum : 0;
}

int account_lines_write(int image_fd, int out_fd, const char *own, bool replace, struct err *err)
{
	size_t own_length = strlen(own), used;
	cleanup_ptr char *text = malloc(ACCOUNT_LINES_MAX + own_length + 512);

	if (!text)
		return err_sys(err, ENOMEM, "cannot join the lines");
	text[account_lines_read(image_fd, text)] = '\0';
	used = account_lines_join(text, own, own_length, replace, getuid());
	return account_lines_store(out_fd, text, used, err);
}
