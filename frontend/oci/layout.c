/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/oci/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frontend/oci/members.h"
#include "frontend/oci/spool.h"
#include "ipc/cleanup.h"

struct layout {
	struct oci_source base; /* first */
	int dir_fd;              /* a directory, or */
	struct members *members; /* an archive */
	char *path, *tag;
	char digest[DIGEST_TEXT_MAX];
};

static struct layout *as_layout(struct oci_source *source)
{
	return (struct layout *)(void *)source;
}

int layout_split(const char *text, char **path, char **tag, char digest[DIGEST_TEXT_MAX], struct err *err)
{
	const char *at = strrchr(text, '@');
	cleanup_ptr char *copy = NULL;
	char *colon;

	digest[0] = '\0';
	if (at && strncmp(at + 1, "sha", 3) == 0 && strchr(at, '/') == NULL) {
		if (!digest_is_valid(at + 1))
			return err_set(err, ERR_USAGE, EINVAL, "cannot open %s: '%s' is no sha256 digest", text, at + 1);
		memcpy(digest, at + 1, DIGEST_TEXT_MAX - 1 < strlen(at + 1) + 1 ? DIGEST_TEXT_MAX : strlen(at + 1) + 1);
	} else {
		at = text + strlen(text);
	}
	copy = strndup(text, (size_t)(at - text));
	if (!copy)
		return err_sys(err, ENOMEM, "cannot open %s", text);
	colon = access(copy, F_OK) == 0 ? NULL : strrchr(copy, ':');
	*tag = NULL;
	if (colon && strchr(colon, '/') == NULL) {
		*colon = '\0';
		*tag = colon[1] ? strdup(colon + 1) : NULL;
	}
	*path = ptr_take(copy);
	return 0;
}

/* ---- files ---- */

static int open_below(int dir_fd, const char *path)
{
	/* Not a pipe's end to wait at, and nothing outside the layout. */
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

static int open_file(const struct layout *layout, const char *name, int *fd, uint64_t *offset, uint64_t *size, struct err *err)
{
	cleanup_fd int opened = -1;
	struct stat st;

	if (layout->members)
		return members_find(layout->members, name, fd, offset, size, err);
	opened = open_below(layout->dir_fd, name);
	if (opened < 0 || fstat(opened, &st) < 0)
		return err_sys(err, errno, "cannot read %s of the layout %s", name, layout->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IMAGE, EINVAL, "cannot read %s of the layout %s: it is no file", name, layout->path);
	*fd = fd_take(&opened);
	*offset = 0;
	*size = (uint64_t)st.st_size;
	return 0;
}

static int read_file(const struct layout *layout, const char *name, char **bytes, size_t *size, struct err *err)
{
	cleanup_fd int fd = -1;
	uint64_t offset, length;
	int rc = open_file(layout, name, &fd, &offset, &length, err);

	if (rc < 0)
		return rc;
	if (length > OCI_DOCUMENT_BYTES_MAX)
		return err_set(err, ERR_IMAGE, EFBIG, "cannot read %s of %s: it is too large for a document", name, layout->path);
	*size = (size_t)length;
	return spool_read(fd, offset, (size_t)length, bytes, err);
}

/* @digest has been checked: it is part of a path now. */
static void name_blob(const char *digest, char name[128])
{
	(void)snprintf(name, 128, "blobs/sha256/%s", digest + strlen("sha256:"));
}

/* ---- the index ---- */

static int refuse_choice(const struct layout *layout, const struct oci_document *index, struct err *err)
{
	char list[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < index->count; i++) {
		const char *name = index->items[i].reference ? index->items[i].reference : index->items[i].digest;
		int put = snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", name);

		if (put < 0 || (size_t)put >= sizeof(list) - used) {
			list[used] = '\0';
			break;
		}
		used += (size_t)put;
	}
	if (layout->tag)
		return err_set(err, ERR_IMAGE, ENOENT, "cannot use %s: it has no image '%s'; it has: %s", layout->path, layout->tag,
			       used ? list : "none");
	if (index->count == 0)
		return err_set(err, ERR_IMAGE, ENOENT, "cannot use %s: its index is empty", layout->path);
	return err_set(err, ERR_IMAGE, EINVAL, "cannot use %s: it has %zu images, name one by :tag or @digest: %s", layout->path,
		       index->count, list);
}

/* Entries for several platforms and nothing else are one image. */
static bool is_one_image(const struct oci_document *index)
{
	for (size_t i = 0; i < index->count; i++) {
		if (!index->items[i].platform.architecture)
			return false;
	}
	return index->count > 1;
}

/* The digest of what the layout's user asked for in @digest; "" for the index itself. */
static int choose_entry(const struct layout *layout, const char *bytes, size_t size, char digest[DIGEST_TEXT_MAX], struct err *err)
{
	struct oci_document index = OCI_DOCUMENT_INIT;
	const struct oci_descriptor *found = NULL;
	int rc = oci_document_parse(bytes, size, OCI_TYPE_INDEX, &index, err);

	if (rc < 0)
		return err_wrap(err, "%s", layout->path);
	for (size_t i = 0; i < index.count && layout->tag && !found; i++) {
		const char *name = index.items[i].reference;

		if (name && strcmp(name, layout->tag) == 0)
			found = &index.items[i];
	}
	if (!layout->tag && index.count == 1)
		found = &index.items[0];
	digest[0] = '\0';
	if (found)
		memcpy(digest, found->digest, DIGEST_TEXT_MAX);
	else if (layout->tag || !is_one_image(&index))
		rc = refuse_choice(layout, &index, err);
	oci_document_fini(&index);
	return rc;
}

static int get_document(const struct layout *layout, const char *digest, char **bytes, size_t *size, char out[DIGEST_TEXT_MAX],
			struct err *err)
{
	cleanup_ptr char *found = NULL;
	char name[128];
	int rc;

	name_blob(digest, name);
	rc = read_file(layout, name, &found, size, err);
	if (rc == 0)
		rc = digest_of_bytes(found, *size, out, err);
	if (rc == 0 && strcmp(out, digest) != 0)
		rc = err_set(err, ERR_IMAGE, EBADMSG, "cannot use %s: its %s has the digest %s", layout->path, digest, out);
	if (rc == 0)
		*bytes = ptr_take(found);
	return rc;
}

static int layout_get_manifest(struct oci_source *source, const char *digest, char **bytes, size_t *size, char **media_type,
			       char out_digest[DIGEST_TEXT_MAX], struct err *err)
{
	struct layout *layout = as_layout(source);
	cleanup_ptr char *index = NULL;
	char chosen[DIGEST_TEXT_MAX] = "";
	int rc = 0;

	*media_type = NULL;
	if (!digest && layout->digest[0])
		digest = layout->digest;
	if (digest)
		return get_document(layout, digest, bytes, size, out_digest, err);
	rc = read_file(layout, "index.json", &index, size, err);
	if (rc == 0)
		rc = choose_entry(layout, index, *size, chosen, err);
	if (rc < 0)
		return rc;
	if (chosen[0])
		return get_document(layout, chosen, bytes, size, out_digest, err);
	rc = digest_of_bytes(index, *size, out_digest, err);
	if (rc == 0)
		*bytes = ptr_take(index);
	return rc;
}

/* ---- blobs ---- */

static int layout_open_blob(struct oci_source *source, const struct oci_descriptor *blob, int *fd, uint64_t *offset, struct err *err)
{
	struct layout *layout = as_layout(source);
	cleanup_fd int opened = -1;
	char name[128];
	uint64_t size;
	int rc;

	name_blob(blob->digest, name);
	rc = open_file(layout, name, &opened, offset, &size, err);
	if (rc == 0 && size != blob->size)
		rc = err_set(err, ERR_IMAGE, EBADMSG, "cannot use %s: %s has %llu bytes, the manifest says %llu", layout->path,
			     blob->digest, (unsigned long long)size, (unsigned long long)blob->size);
	if (rc == 0)
		*fd = fd_take(&opened);
	return rc;
}

static int layout_get_blob(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset, oci_sink sink,
			   void *context, struct err *err)
{
	cleanup_fd int fd = -1;
	uint64_t begin;
	int rc = layout_open_blob(source, blob, &fd, &begin, err);

	if (rc < 0 || offset >= blob->size)
		return rc;
	return spool_copy(fd, begin + offset, blob->size - offset, sink, context, err);
}

static void layout_close(struct oci_source *source)
{
	struct layout *layout = as_layout(source);

	if (layout->dir_fd >= 0)
		(void)close(layout->dir_fd);
	members_close(layout->members);
	free(layout->path);
	free(layout->tag);
	free(layout);
}

static const struct oci_source_ops layout_ops = {
	.get_manifest = layout_get_manifest,
	.get_blob = layout_get_blob,
	.open_blob = layout_open_blob,
	.close = layout_close,
	.parallel = true,
};

static int new_layout(const char *rest, struct layout **out, struct err *err)
{
	struct layout *layout = calloc(1, sizeof(*layout));
	int rc;

	if (!layout)
		return err_sys(err, ENOMEM, "cannot open %s", rest);
	layout->base.ops = &layout_ops;
	layout->dir_fd = -1;
	rc = layout_split(rest, &layout->path, &layout->tag, layout->digest, err);
	if (rc < 0)
		layout_close(&layout->base);
	else
		*out = layout;
	return rc;
}

int layout_open_directory(const char *rest, const struct source_options *options, struct oci_source **out, struct err *err)
{
	struct layout *layout = NULL;
	int rc = new_layout(rest, &layout, err);

	(void)options;
	if (rc < 0)
		return rc;
	layout->dir_fd = open(layout->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layout->dir_fd < 0) {
		rc = err_sys(err, errno, "cannot open the layout %s", layout->path);
		layout_close(&layout->base);
		return rc;
	}
	*out = &layout->base;
	return 0;
}

int layout_open_archive(const char *rest, const struct source_options *options, struct oci_source **out, struct err *err)
{
	struct layout *layout = NULL;
	int fd, rc = new_layout(rest, &layout, err);

	if (rc < 0)
		return rc;
	fd = open(layout->path, O_RDONLY | O_CLOEXEC);
	rc = fd < 0 ? err_sys(err, errno, "cannot open the archive %s", layout->path)
		    : members_open_consume(fd, layout->path, options->tmpdir, &layout->members, err);
	if (rc < 0)
		layout_close(&layout->base);
	else
		*out = &layout->base;
	return rc;
}
