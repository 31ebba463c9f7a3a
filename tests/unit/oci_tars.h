/* SPDX-License-Identifier: BSD-3-Clause */
/* Layers for tests, written member by member into unlinked files. */
#ifndef TESTS_UNIT_OCI_TARS_H
#define TESTS_UNIT_OCI_TARS_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#define DIR_MODE (S_IFDIR | 0755)
#define FILE_MODE (S_IFREG | 0644)
#define LINK_MODE (S_IFLNK | 0777)
#define HARD 0 /* a hard link to `text` */

struct tar_member {
	const char *name;
	mode_t mode;
	const char *text;
	uint32_t uid;
};

struct tar_file {
	int fd;
	struct archive *archive;
};

static inline void tar_begin(struct tar_file *tar, int filter)
{
	tar->fd = memfd_create("layer", MFD_CLOEXEC);
	tar->archive = archive_write_new();
	(void)archive_write_add_filter(tar->archive, filter);
	(void)archive_write_set_format_pax_restricted(tar->archive);
	(void)archive_write_open_fd(tar->archive, tar->fd);
}

static inline void tar_put(struct tar_file *tar, const struct tar_member *member)
{
	struct archive_entry *entry = archive_entry_new();
	size_t size = member->mode != HARD && S_ISREG(member->mode) && member->text ? strlen(member->text) : 0;

	archive_entry_set_pathname(entry, member->name);
	archive_entry_set_mode(entry, member->mode == HARD ? FILE_MODE : member->mode);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_uid(entry, member->uid);
	archive_entry_set_gid(entry, member->uid);
	archive_entry_set_mtime(entry, 1000, 0);
	if (member->mode == HARD)
		archive_entry_set_hardlink(entry, member->text);
	else if (S_ISLNK(member->mode))
		archive_entry_set_symlink(entry, member->text);
	else if (S_ISCHR(member->mode) || S_ISBLK(member->mode))
		archive_entry_set_rdev(entry, makedev(1, 259));
	(void)archive_write_header(tar->archive, entry);
	if (size > 0)
		(void)archive_write_data(tar->archive, member->text, size);
	archive_entry_free(entry);
}

static inline int tar_end(struct tar_file *tar, uint64_t *size)
{
	struct stat st;

	(void)archive_write_free(tar->archive);
	(void)fstat(tar->fd, &st);
	*size = (uint64_t)st.st_size;
	return tar->fd;
}

/* A whole layer from a table that ends with a name NULL. */
static inline int tar_make(const struct tar_member *members, int filter, uint64_t *size)
{
	struct tar_file tar;

	tar_begin(&tar, filter);
	for (; members->name; members++)
		tar_put(&tar, members);
	return tar_end(&tar, size);
}

#endif
