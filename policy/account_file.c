/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: names of singularity.conf's lists → ids, from the local account files. Must not: load name services, reserve heap.
 */
#include "policy/account_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"

#define ID_TEXT_MAX 12
#define FILE_MAX (256 * 1024 * 1024)

/* Decimal, whole string, in range; names never look like this. */
static bool account_parse_id(const char *text, uint32_t *out)
{
	size_t length = strlen(text);
	uint64_t value = 0;

	if (length == 0 || length > 10 || strspn(text, "0123456789") != length)
		return false;
	while (*text)
		value = value * 10 + (uint64_t)(*text++ - '0');
	*out = (uint32_t)value;
	return value < UINT32_MAX;
}

/* Field @wanted of a line, as text. */
static bool account_get_field(const char *line, size_t length, unsigned int wanted, char *out, size_t size)
{
	const char *end = line + length, *colon;

	while ((colon = memchr(line, ':', (size_t)(end - line))) && wanted-- > 0)
		line = colon + 1;
	if (!colon && wanted > 0)
		return false;
	return (size_t)snprintf(out, size, "%.*s", (int)((colon ? colon : end) - line), line) < size;
}

/* Field @wanted of the first line whose field @key reads @text. */
static bool account_find(const char *file, unsigned int key, const char *text, unsigned int wanted, char *out, size_t size)
{
	cleanup_fd int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char found[256];
	const char *bytes, *line, *end;
	struct stat st;
	bool result = false;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0 || st.st_size > FILE_MAX)
		return false;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return false;
	end = bytes + st.st_size;
	for (line = bytes; line < end && !result;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline : end) - line);

		if (account_get_field(line, length, key, found, sizeof(found)) && strcmp(found, text) == 0)
			result = account_get_field(line, length, wanted, out, size);
		line += length + 1;
	}
	(void)munmap((void *)(uintptr_t)bytes, (size_t)st.st_size);
	return result;
}

/* name:x:id:… in either file */
bool account_file_matches(const char *file, const char *name, uint32_t id)
{
	char text[ID_TEXT_MAX];
	uint32_t number;

	if (account_parse_id(name, &number))
		return number == id;
	return account_find(file, 0, name, 2, text, sizeof(text)) && account_parse_id(text, &number) && number == id;
}

/* name:x:uid:gid:comment:home:shell */
bool account_file_get_home(const char *file, uint32_t uid, char *home, size_t size)
{
	char text[ID_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%u", uid);
	return account_find(file, 2, text, 5, home, size);
}
