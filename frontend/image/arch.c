/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/image/arch.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "frontend/image/image.h"
#include "ipc/cleanup.h"

#define HANDLERS "/proc/sys/fs/binfmt_misc"
#define HANDLER_BYTES 4096
#define MAGIC_MAX 128

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

struct arch {
	const char *name;     /* Go */
	const char *machines; /* uname(2), space-separated */
	const char *runs;     /* other Go name that this one's processors run as well, or NULL */
	uint8_t class, data;
	uint16_t machine;
};

static const struct arch archs[] = {
	{"386", "i386 i486 i586 i686", NULL, ELFCLASS32, ELFDATA2LSB, EM_386},
	{"amd64", "x86_64", "386", ELFCLASS64, ELFDATA2LSB, EM_X86_64},
	{"arm", "armv5l armv6l armv7l armv8l", NULL, ELFCLASS32, ELFDATA2LSB, EM_ARM},
	{"arm64", "aarch64", "arm", ELFCLASS64, ELFDATA2LSB, EM_AARCH64},
	{"ppc64", "ppc64", NULL, ELFCLASS64, ELFDATA2MSB, EM_PPC64},
	{"ppc64le", "ppc64le", NULL, ELFCLASS64, ELFDATA2LSB, EM_PPC64},
	{"mips", "mips", NULL, ELFCLASS32, ELFDATA2MSB, EM_MIPS},
	{"mipsle", "mipsel", NULL, ELFCLASS32, ELFDATA2LSB, EM_MIPS},
	{"mips64", "mips64", "mips", ELFCLASS64, ELFDATA2MSB, EM_MIPS},
	{"mips64le", "mips64el", "mipsle", ELFCLASS64, ELFDATA2LSB, EM_MIPS},
	{"s390x", "s390x", NULL, ELFCLASS64, ELFDATA2MSB, EM_S390},
	{"riscv64", "riscv64", NULL, ELFCLASS64, ELFDATA2LSB, EM_RISCV},
	{"loong64", "loongarch64", NULL, ELFCLASS64, ELFDATA2LSB, EM_LOONGARCH},
};

#define ARCH_COUNT (sizeof(archs) / sizeof(archs[0]))

static const struct arch *find_arch(const char *name)
{
	for (size_t i = 0; i < ARCH_COUNT; i++) {
		if (strcmp(archs[i].name, name) == 0)
			return &archs[i];
	}
	return NULL;
}

/* Is @word one of the words of @list? */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
		bool begins = at == list || at[-1] == ' ';

		if (begins && (at[length] == '\0' || at[length] == ' '))
			return true;
		if (length == 0)
			return false;
	}
	return false;
}

const char *arch_from_machine(const char *machine)
{
	for (size_t i = 0; i < ARCH_COUNT; i++) {
		if (has_word(archs[i].machines, machine))
			return archs[i].name;
	}
	return "unknown";
}

const char *arch_get_host(void)
{
	struct utsname names;

	return uname(&names) == 0 ? arch_from_machine(names.machine) : "unknown";
}

bool arch_make_elf(const char *arch, uint8_t out[ARCH_ELF_BYTES])
{
	const struct arch *found = find_arch(arch);
	uint8_t low, high;

	if (!found)
		return false;
	memset(out, 0, ARCH_ELF_BYTES);
	memcpy(out, ELFMAG, SELFMAG);
	out[EI_CLASS] = found->class;
	out[EI_DATA] = found->data;
	out[EI_VERSION] = EV_CURRENT;
	low = (uint8_t)(found->machine & 0xff);
	high = (uint8_t)(found->machine >> 8);
	/* e_type (executable) and e_machine are in the byte order of the file. */
	out[16] = found->data == ELFDATA2LSB ? ET_EXEC : 0;
	out[17] = found->data == ELFDATA2LSB ? 0 : ET_EXEC;
	out[18] = found->data == ELFDATA2LSB ? low : high;
	out[19] = found->data == ELFDATA2LSB ? high : low;
	return true;
}

bool arch_can_run(const char *arch, const char *host)
{
	const struct arch *here = find_arch(host);

	if (!here || !find_arch(arch))
		return true;
	return strcmp(arch, host) == 0 || (here->runs && strcmp(arch, here->runs) == 0);
}

/* The value of the line "@key value" of a handler's file, *@length bytes of it; NULL if there is none. */
static const char *find_line(const char *text, const char *key, size_t *length)
{
	size_t key_length = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (strncmp(line, key, key_length) != 0)
			continue;
		*length = strcspn(line + key_length, "\n");
		return line + key_length;
	}
	return NULL;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Decode the hex digits of a line; -1 if they are none or too many. */
static int parse_hex(const char *text, size_t length, uint8_t out[MAGIC_MAX])
{
	if (length % 2 != 0 || length / 2 > MAGIC_MAX)
		return -1;
	for (size_t i = 0; i < length / 2; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return (int)(length / 2);
}

bool arch_handler_matches(const char *text, const uint8_t *elf, size_t size)
{
	uint8_t magic[MAGIC_MAX], mask[MAGIC_MAX];
	const char *flags, *offset, *value;
	size_t length;
	int count;

	flags = find_line(text, "flags: ", &length);
	if (strncmp(text, "enabled", strlen("enabled")) != 0 || !flags || !memchr(flags, 'F', length))
		return false;
	offset = find_line(text, "offset ", &length);
	value = find_line(text, "magic ", &length);
	if (!value || (offset && strtoul(offset, NULL, 10) != 0))
		return false;
	count = parse_hex(value, length, magic);
	if (count <= 0 || (size_t)count > size)
		return false;
	memset(mask, 0xff, sizeof(mask));
	value = find_line(text, "mask ", &length);
	if (value && parse_hex(value, length, mask) != count)
		return false;
	for (int i = 0; i < count; i++) {
		if ((elf[i] ^ magic[i]) & mask[i])
			return false;
	}
	return true;
}

static bool handler_runs(int dir_fd, const char *name, const uint8_t *elf)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[HANDLER_BYTES];
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	if (got <= 0)
		return false;
	text[got] = '\0';
	return arch_handler_matches(text, elf, ARCH_ELF_BYTES);
}

/* Without binfmt_misc, or without leave to look at it, there is no handler. */
static bool has_handler(const char *arch)
{
	cleanup_dir DIR *dir = opendir(HANDLERS);
	uint8_t elf[ARCH_ELF_BYTES];
	const struct dirent *entry;

	if (!dir || !arch_make_elf(arch, elf))
		return false;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "register") == 0 ||
		    strcmp(entry->d_name, "status") == 0)
			continue;
		if (handler_runs(dirfd(dir), entry->d_name, elf))
			return true;
	}
	return false;
}

int image_check_arch(const struct image *image, struct err *err)
{
	const struct image_partition *root = image_get_root(image);
	const char *host = arch_get_host();

	if (!root || arch_can_run(root->arch, host) || has_handler(root->arch))
		return 0;
	return err_set(err, ERR_IMAGE, ENOEXEC, "image targets '%s', cannot run on '%s'", root->arch, host);
}
