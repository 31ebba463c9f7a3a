/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: names of singularity.conf's lists → ids, from the local account files. Must not: load name services.
 */
#include "policy/account_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ipc/cleanup.h"

#define ACCOUNT_LINE_MAX 1024

/* Decimal, whole string, in range; names never look like this. */
static bool account_parse_id(const char *text, size_t length, uint32_t *out)
{
	uint64_t value = 0;

	if (length == 0 || length > 10)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*out = (uint32_t)value;
	return value < UINT32_MAX;
}

/* name:x:id:… */
static bool account_line_matches(const char *line, const char *name, uint32_t id)
{
	size_t length = strlen(name);
	const char *field;
	uint32_t found;

	if (strncmp(line, name, length) != 0 || line[length] != ':')
		return false;
	field = strchr(line + length + 1, ':');
	if (!field)
		return false;
	field++;
	return account_parse_id(field, strcspn(field, ":"), &found) && found == id;
}

/* Lines of the file, one after the other; what exceeds ACCOUNT_LINE_MAX is cut off. */
struct account_lines {
	int fd;
	size_t at, have, used;
	char buffer[512], line[ACCOUNT_LINE_MAX];
};

static bool account_next_byte(struct account_lines *lines, char *out)
{
	if (lines->at == lines->have) {
		ssize_t n = read(lines->fd, lines->buffer, sizeof(lines->buffer));

		if (n <= 0)
			return false;
		lines->at = 0;
		lines->have = (size_t)n;
	}
	*out = lines->buffer[lines->at++];
	return true;
}

static bool account_next_line(struct account_lines *lines)
{
	bool any = false;
	char c = '\0';

	lines->used = 0;
	while (account_next_byte(lines, &c) && c != '\n') {
		any = true;
		if (lines->used < sizeof(lines->line) - 1)
			lines->line[lines->used++] = c;
	}
	lines->line[lines->used] = '\0';
	return any || c == '\n';
}

bool account_file_matches(const char *file, const char *name, uint32_t id)
{
	cleanup_fd int fd = -1;
	struct account_lines lines = {.fd = -1};
	uint32_t number;

	if (account_parse_id(name, strlen(name), &number))
		return number == id;
	lines.fd = fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	while (fd >= 0 && account_next_line(&lines))
		if (account_line_matches(lines.line, name, id))
			return true;
	return false;
}

/* name:x:uid:gid:comment:home:shell */
static bool account_line_home(char *line, uint32_t uid, char **home)
{
	char *field[6];
	uint32_t found;

	for (size_t i = 0; i < 6; i++) {
		size_t length = strcspn(line, ":");

		if (line[length] != ':')
			return false;
		field[i] = line;
		line[length] = '\0';
		line += length + 1;
	}
	*home = field[5];
	return account_parse_id(field[2], strlen(field[2]), &found) && found == uid;
}

bool account_file_get_home(const char *file, uint32_t uid, char *home, size_t size)
{
	cleanup_fd int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct account_lines lines = {.fd = fd};
	char *found;

	while (fd >= 0 && account_next_line(&lines)) {
		if (!account_line_home(lines.line, uid, &found) || strlen(found) >= size)
			continue;
		memcpy(home, found, strlen(found) + 1);
		return true;
	}
	return false;
}
