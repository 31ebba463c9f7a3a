/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: capability names and the reader of capability.json, a closed form of JSON: one object of two objects of arrays of
 * strings. Must not: decide who gets what, ask the kernel. The setuid starter links this file and calls none of it: grants
 * concern the frontend's plan only, and a setuid plan with capabilities is refused by policy/policy.c.
 */
#include "policy/capability.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup.h"
#include "ipc/log.h"

#define BAD(reader, what)                                                                                              \
	err_set((reader)->err, ERR_SYSTEM, EINVAL, "cannot read capability.json: %s at byte %zu", what, (reader)->at)

static const char *const capability_names[CAPABILITY_LAST + 1] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
	"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
	"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

const char *capability_get_name(unsigned int number)
{
	return number <= CAPABILITY_LAST ? capability_names[number] : NULL;
}

static bool capability_equals(const char *name, size_t length, const char *text)
{
	return strlen(text) == length && strncasecmp(name, text, length) == 0;
}

bool capability_find(const char *name, size_t length, unsigned int *number)
{
	for (unsigned int i = 0; i <= CAPABILITY_LAST; i++) {
		const char *full = capability_names[i];

		if (!capability_equals(name, length, full) && !capability_equals(name, length, full + 4))
			continue;
		*number = i;
		return true;
	}
	return false;
}

static bool capability_append(char *out, size_t size, const char *text, size_t length)
{
	size_t used = strlen(out), comma = used > 0;

	if (size - used <= length + comma)
		return false;
	if (comma)
		out[used] = ',';
	memcpy(out + used + comma, text, length);
	out[used + comma + length] = '\0';
	return true;
}

int capability_parse_list(const char *text, uint64_t *mask, struct err *err)
{
	uint64_t found = 0;

	for (text += strspn(text, ", \t"); *text; text += strspn(text, ", \t")) {
		size_t length = strcspn(text, ", \t");
		unsigned int number;

		if (length > CAPABILITY_NAME_MAX)
			return err_set(err, ERR_USAGE, EINVAL, "cannot read the list of capabilities: a name is too long");
		if (capability_equals(text, length, "all"))
			found |= CAPABILITY_ALL;
		else if (capability_find(text, length, &number))
			found |= UINT64_C(1) << number;
		else
			log_warning("unknown capability %.*s is left out", (int)length, text);
		text += length;
	}
	*mask = found;
	return 0;
}

bool capability_format_list(uint64_t mask, char *out, size_t size)
{
	bool fits = true;

	out[0] = '\0';
	for (unsigned int i = 0; i <= CAPABILITY_LAST && fits; i++)
		if (mask & UINT64_C(1) << i)
			fits = capability_append(out, size, capability_names[i], strlen(capability_names[i]));
	return fits;
}

struct reader {
	const char *bytes;
	size_t len, at;
	const struct capability_subject *subject;
	uint64_t mask;
	struct err *err;
};

static char reader_peek(struct reader *reader)
{
	while (reader->at < reader->len && memchr(" \t\r\n", reader->bytes[reader->at], 4))
		reader->at++;
	return reader->at < reader->len ? reader->bytes[reader->at] : '\0';
}

static bool reader_take(struct reader *reader, char c)
{
	if (reader_peek(reader) != c)
		return false;
	reader->at++;
	return true;
}

/* Account and capability names need no escapes: a text with one is refused rather than half understood. */
static int reader_text(struct reader *reader, char out[CAPABILITY_NAME_MAX])
{
	size_t used = 0;

	if (!reader_take(reader, '"'))
		return BAD(reader, "no text");
	while (reader->at < reader->len && reader->bytes[reader->at] != '"') {
		unsigned char c = (unsigned char)reader->bytes[reader->at];

		if (c < 0x20 || c == '\\' || used == CAPABILITY_NAME_MAX - 1)
			return BAD(reader, "a text with an escape, a control character or too many bytes");
		out[used++] = (char)c;
		reader->at++;
	}
	out[used] = '\0';
	return reader_take(reader, '"') ? 0 : BAD(reader, "an unfinished text");
}

/* ["CAP_X", …] */
static int reader_capabilities(struct reader *reader, uint64_t *mask)
{
	char name[CAPABILITY_NAME_MAX];
	unsigned int number;

	if (!reader_take(reader, '['))
		return BAD(reader, "no list of capabilities");
	if (reader_take(reader, ']'))
		return 0;
	do {
		if (reader_text(reader, name) < 0)
			return -EINVAL;
		if (!capability_find(name, strlen(name), &number))
			return BAD(reader, "an unknown capability");
		*mask |= UINT64_C(1) << number;
	} while (reader_take(reader, ','));
	return reader_take(reader, ']') ? 0 : BAD(reader, "an unfinished list");
}

static bool reader_is_subject(const struct reader *reader, bool users, const char *name)
{
	const struct capability_subject *subject = reader->subject;

	if (users)
		return subject->user && strcmp(subject->user, name) == 0;
	for (size_t i = 0; i < subject->group_count; i++)
		if (strcmp(subject->groups[i], name) == 0)
			return true;
	return false;
}

/* {"name": [...], …} */
static int reader_accounts(struct reader *reader, bool users)
{
	char name[CAPABILITY_NAME_MAX];

	if (!reader_take(reader, '{'))
		return BAD(reader, "no object of accounts");
	if (reader_take(reader, '}'))
		return 0;
	do {
		uint64_t mask = 0;

		if (reader_text(reader, name) < 0)
			return -EINVAL;
		if (!reader_take(reader, ':'))
			return BAD(reader, "no colon");
		if (reader_capabilities(reader, &mask) < 0)
			return -EINVAL;
		if (reader_is_subject(reader, users, name))
			reader->mask |= mask;
	} while (reader_take(reader, ','));
	return reader_take(reader, '}') ? 0 : BAD(reader, "an unfinished object");
}

static int reader_document(struct reader *reader)
{
	char key[CAPABILITY_NAME_MAX];
	bool seen[2] = {false, false};

	if (!reader_take(reader, '{'))
		return BAD(reader, "no object");
	if (reader_take(reader, '}'))
		return 0;
	do {
		bool users;

		if (reader_text(reader, key) < 0)
			return -EINVAL;
		users = strcmp(key, "users") == 0;
		if ((!users && strcmp(key, "groups") != 0) || seen[users])
			return BAD(reader, "an unknown or repeated key");
		seen[users] = true;
		if (!reader_take(reader, ':'))
			return BAD(reader, "no colon");
		if (reader_accounts(reader, users) < 0)
			return -EINVAL;
	} while (reader_take(reader, ','));
	return reader_take(reader, '}') ? 0 : BAD(reader, "an unfinished object");
}

int capability_parse_grants(const char *bytes, size_t len, const struct capability_subject *subject, uint64_t *mask,
			    struct err *err)
{
	struct reader reader = {bytes, len, 0, subject, 0, err};

	(void)reader_peek(&reader);
	if (reader.at < len && reader_document(&reader) < 0)
		return -EINVAL;
	(void)reader_peek(&reader);
	if (reader.at != len)
		return BAD(&reader, "trailing text");
	*mask = reader.mask;
	return 0;
}

int capability_load_grants(const char *path, const struct capability_subject *subject, uint64_t *mask, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	void *bytes;
	int result;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > CAPABILITY_GRANTS_MAX)
		return err_set(err, ERR_SYSTEM, EINVAL, "cannot read %s: no regular file, or too large", path);
	if (st.st_size == 0)
		return capability_parse_grants("", 0, subject, mask, err);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_sys(err, errno, "cannot read %s", path);
	result = capability_parse_grants(bytes, (size_t)st.st_size, subject, mask, err);
	(void)munmap(bytes, (size_t)st.st_size);
	return result;
}
