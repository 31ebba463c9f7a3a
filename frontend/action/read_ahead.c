/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/read_ahead.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/pack/elf_read.h"
#include "ipc/cleanup.h"

#define FILE_BYTES_MAX (2 << 20) /* of a large program much is never touched */
#define STEP_BYTES (128 << 10)   /* one call reads no more: the kernel's default read-ahead */
#define HEAD_BYTES 4096

static bool allowed;

void read_ahead_allow(void)
{
	allowed = true;
}

static void read_ahead_fd(int fd, off_t size)
{
	for (off_t at = 0; at < size && at < FILE_BYTES_MAX; at += STEP_BYTES)
		(void)posix_fadvise(fd, at, STEP_BYTES, POSIX_FADV_WILLNEED);
}

static int read_ahead_open(const char *path, off_t *size)
{
	cleanup_fd int fd = allowed ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	*size = st.st_size;
	return fd_take(&fd);
}

void read_ahead_file(const char *path)
{
	off_t size;
	cleanup_fd int fd = read_ahead_open(path, &size);

	if (fd >= 0)
		read_ahead_fd(fd, size);
}

/* Those of the libraries at @fd that lie beside the loader at @path, which is lost. The pages are there or not before we look: a
 * damaged image must fail in its loader, with words, and not here by SIGBUS. */
static void read_ahead_libraries(int fd, size_t size, char path[PATH_MAX])
{
	static struct elf_facts facts;
	size_t directory = (size_t)(strrchr(path, '/') + 1 - path);
	void *bytes = size <= FILE_BYTES_MAX ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;

	if (bytes == MAP_FAILED)
		return;
	if (madvise(bytes, size, MADV_POPULATE_READ) == 0 && elf_read(bytes, size, &facts) == 0)
		for (size_t i = 0; i < facts.needed_count; i++)
			if (snprintf(path + directory, PATH_MAX - directory, "%s", facts.needed[i]) <
			    (int)(PATH_MAX - directory))
				read_ahead_file(path);
	(void)munmap(bytes, size);
}

void read_ahead_program(const char *path)
{
	static struct elf_facts facts;
	uint8_t head[HEAD_BYTES];
	char loader[PATH_MAX];
	off_t size;
	cleanup_fd int fd = read_ahead_open(path, &size);
	ssize_t got;

	if (fd < 0)
		return;
	read_ahead_fd(fd, size);
	got = pread(fd, head, sizeof(head), 0);
	/* Its tables lie further on, which is an error here; the loader's name is at the beginning. */
	if (got > 0)
		(void)elf_read(head, (size_t)got, &facts);
	if (!facts.loader[0] || !realpath(facts.loader, loader))
		return;
	read_ahead_file(loader);
	read_ahead_libraries(fd, (size_t)size, loader);
}
