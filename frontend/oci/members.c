/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/oci/members.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "frontend/oci/spool.h"
#include "ipc/cleanup.h"

#define MEMBERS_MAX 100000
#define LINKS_MAX 8
#define BLOCK_BYTES ((size_t)128 * 1024)

struct member {
	char *name; /* cleaned */
	char *link; /* cleaned name of what it stands for; NULL: a file */
	uint64_t offset, size;
};

struct members {
	int fd;
	char *name;
	size_t count;
	void *by_name; /* tsearch(3) of struct member */
};

static int compare_members(const void *left, const void *right)
{
	return strcmp(((const struct member *)left)->name, ((const struct member *)right)->name);
}

static void free_member(void *context)
{
	struct member *member = context;

	free(member->name);
	free(member->link);
	free(member);
}

/* @path as seen from the directory of @from (NULL: the top), cleaned; owned, NULL without memory or when it leads out. */
static char *join(const char *from, const char *path)
{
	const char *slash = from && *path != '/' ? strrchr(from, '/') : NULL;
	size_t used = slash ? (size_t)(slash - from) : 0;
	char *made = malloc(used + strlen(path) + 2);

	if (!made)
		return NULL;
	if (slash)
		memcpy(made, from, used);
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && memcmp(path, "..", 2) == 0) {
			if (used == 0) {
				free(made);
				return NULL;
			}
			while (used > 0 && made[--used] != '/')
				;
		} else if (len > 0 && !(len == 1 && *path == '.')) {
			if (used > 0)
				made[used++] = '/';
			memcpy(made + used, path, len);
			used += len;
		}
		path += len;
		path += strspn(path, "/");
	}
	made[used] = '\0';
	return made;
}

static int fail_archive(const struct members *members, struct archive *archive, struct err *err)
{
	const char *text = archive_error_string(archive);

	return err_set(err, ERR_IMAGE, EINVAL, "cannot read the archive %s: %s", members->name, text ? text : "it is damaged");
}

static int add_member(struct members *members, struct archive *archive, struct archive_entry *entry, struct err *err)
{
	const char *name = archive_entry_pathname(entry);
	const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
	struct member *member = NULL, **found;
	bool is_file = archive_entry_filetype(entry) == AE_IFREG && !hard;

	if (!name || (!is_file && !hard && !soft))
		return 0;
	/* What is found by its place in the file must lie there in one piece. */
	if (is_file && (archive_entry_sparse_count(entry) > 0 || archive_entry_size(entry) < 0))
		return err_set(err, ERR_IMAGE, EINVAL, "cannot read the archive %s: %s is a sparse member", members->name, name);
	if (++members->count > MEMBERS_MAX)
		return err_set(err, ERR_IMAGE, E2BIG, "cannot read the archive %s: it has too many members", members->name);
	member = calloc(1, sizeof(*member));
	if (member)
		member->name = join(NULL, name);
	if (!member || !member->name) {
		free(member);
		return err_set(err, ERR_IMAGE, EINVAL, "cannot read the archive %s: %s leads out of it", members->name, name);
	}
	member->offset = (uint64_t)archive_filter_bytes(archive, 0);
	member->size = is_file ? (uint64_t)archive_entry_size(entry) : 0;
	if (!is_file)
		member->link = hard ? join(NULL, hard) : join(member->name, soft);
	/* The later one of a name counts. */
	found = tfind(member, &members->by_name, compare_members);
	if (found) {
		struct member *old = *found;

		*found = member;
		free_member(old);
	} else if (!tsearch(member, &members->by_name, compare_members)) {
		free_member(member);
		return err_sys(err, ENOMEM, "cannot read the archive %s", members->name);
	}
	return 0;
}

static struct archive *new_reader(void)
{
	struct archive *archive = archive_read_new();

	if (!archive)
		return NULL;
	(void)archive_read_support_filter_gzip(archive);
	(void)archive_read_support_filter_zstd(archive);
	(void)archive_read_support_filter_xz(archive);
	(void)archive_read_support_filter_bzip2(archive);
	return archive;
}

/* *@compressed: nothing was listed, the places of members would mean nothing. */
static int list_members(struct members *members, bool *compressed, struct err *err)
{
	struct archive *archive = new_reader();
	struct archive_entry *entry;
	int rc = 0, status = ARCHIVE_FATAL;

	if (!archive)
		return err_sys(err, ENOMEM, "cannot read the archive %s", members->name);
	(void)archive_read_support_format_tar(archive);
	*compressed = false;
	if (lseek(members->fd, 0, SEEK_SET) == 0)
		status = archive_read_open_fd(archive, members->fd, BLOCK_BYTES);
	while (status >= ARCHIVE_WARN && status != ARCHIVE_EOF && rc == 0) {
		status = archive_read_next_header(archive, &entry);
		if (status == ARCHIVE_EOF || status < ARCHIVE_WARN)
			break;
		if (archive_filter_code(archive, 0) != ARCHIVE_FILTER_NONE) {
			*compressed = true;
			break;
		}
		rc = add_member(members, archive, entry, err);
	}
	if (rc == 0 && !*compressed && status != ARCHIVE_EOF)
		rc = fail_archive(members, archive, err);
	(void)archive_read_free(archive);
	return rc;
}

/* Decompress the whole archive; the file takes the place of the one before. */
static int decompress(struct members *members, const char *tmpdir, struct err *err)
{
	cleanup_fd int fd = -1;
	struct archive *archive = new_reader();
	struct archive_entry *entry;
	int status, rc;

	if (!archive)
		return err_sys(err, ENOMEM, "cannot read the archive %s", members->name);
	(void)archive_read_support_format_raw(archive);
	rc = spool_open(tmpdir, &fd, err);
	if (rc == 0 && lseek(members->fd, 0, SEEK_SET) < 0)
		rc = err_sys(err, errno, "cannot read the archive %s", members->name);
	if (rc == 0) {
		status = archive_read_open_fd(archive, members->fd, BLOCK_BYTES);
		if (status >= ARCHIVE_WARN)
			status = archive_read_next_header(archive, &entry);
		if (status >= ARCHIVE_WARN)
			status = archive_read_data_into_fd(archive, fd);
		if (status < ARCHIVE_WARN)
			rc = fail_archive(members, archive, err);
	}
	(void)archive_read_free(archive);
	if (rc < 0)
		return rc;
	(void)close(members->fd);
	members->fd = fd_take(&fd);
	return 0;
}

int members_open_consume(int fd, const char *name, const char *tmpdir, struct members **out, struct err *err)
{
	struct members *members = calloc(1, sizeof(*members));
	bool compressed = false;
	int rc;

	if (members)
		members->name = strdup(name);
	if (!members || !members->name) {
		(void)close(fd);
		free(members);
		return err_sys(err, ENOMEM, "cannot read the archive %s", name);
	}
	members->fd = fd;
	rc = list_members(members, &compressed, err);
	if (rc == 0 && compressed) {
		rc = decompress(members, tmpdir, err);
		if (rc == 0)
			rc = list_members(members, &compressed, err);
		if (rc == 0 && compressed)
			rc = err_set(err, ERR_IMAGE, EINVAL, "cannot read the archive %s: it is compressed twice", name);
	}
	if (rc < 0)
		members_close(members);
	else
		*out = members;
	return rc;
}

void members_close(struct members *members)
{
	if (!members)
		return;
	tdestroy(members->by_name, free_member);
	(void)close(members->fd);
	free(members->name);
	free(members);
}

int members_find(const struct members *members, const char *path, int *fd, uint64_t *offset, uint64_t *size, struct err *err)
{
	cleanup_ptr char *name = join(NULL, path);
	struct member key = {.name = name};
	const struct member *member = NULL;

	for (int links = 0; key.name && links < LINKS_MAX; links++) {
		void *const *found = tfind(&key, (void *const *)&members->by_name, compare_members);

		member = found ? *found : NULL;
		if (!member || !member->link)
			break;
		key.name = member->link;
		member = NULL;
	}
	if (!member)
		return err_set(err, ERR_IMAGE, ENOENT, "cannot read the archive %s: there is no %s in it", members->name, path);
	*fd = fcntl(members->fd, F_DUPFD_CLOEXEC, 3);
	if (*fd < 0)
		return err_sys(err, errno, "cannot read the archive %s", members->name);
	*offset = member->offset;
	*size = member->size;
	return 0;
}
