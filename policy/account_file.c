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

bool account_file_matches(const char *file, const char *name, uint32_t id)
{
	cleanup_fd int fd = -1;
	char line[ACCOUNT_LINE_MAX], byte[512];
	size_t used = 0;
	uint32_t number;
	ssize_t n;

	if (account_parse_id(name, strlen(name), &number))
		return number == id;
	fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, byte, sizeof(byte))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (byte[i] != '\n') {
				if (used < sizeof(line) - 1)
					line[used++] = byte[i];
				continue;
			}
			line[used] = '\0';
			used = 0;
			if (account_line_matches(line, name, id))
				return true;
		}
	return false;
}
