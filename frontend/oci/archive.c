/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The archive has no OCI manifest, so one is made: of the digests that its configuration gives for the layers, which hold for tar
 * archives that are not compressed. The digest of a layer that is compressed is computed by reading it.
 */
#include "frontend/oci/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "frontend/oci/config.h"
#include "frontend/oci/members.h"
#include "frontend/oci/spool.h"
#include "ipc/cleanup.h"

#define MAGIC_BYTES ((size_t)6)

struct blob_member {
	char digest[DIGEST_TEXT_MAX];
	char *name; /* owned */
};

struct docker_archive {
	struct oci_source base; /* first */
	struct members *members;
	char *path;
	struct blob_member *blobs; /* the configuration, then the layers */
	size_t count;
	char *manifest; /* the one made here */
	char digest[DIGEST_TEXT_MAX];
};

static struct docker_archive *as_archive(struct oci_source *source)
{
	return (struct docker_archive *)(void *)source;
}

static int refuse(const struct docker_archive *archive, const char *reason, struct err *err)
{
	return err_set(err, ERR_IMAGE, EINVAL, "cannot use the archive %s: %s", archive->path, reason);
}

/* ---- manifest.json ---- */

static bool has_name(json_t *entry, const char *wanted)
{
	json_t *names = json_object_get(entry, "RepoTags");
	size_t i;
	json_t *value;

	json_array_foreach(names, i, value)
	{
		const char *name = json_string_value(value);
		size_t len = strlen(wanted);

		/* "alpine" is "alpine:latest", and "docker.io/library/alpine:latest" ends in it. */
		if (!name)
			continue;
		if (strcmp(name, wanted) == 0 || (strncmp(name, wanted, len) == 0 && strcmp(name + len, ":latest") == 0))
			return true;
		if (strlen(name) > len && strcmp(name + strlen(name) - len, wanted) == 0 && name[strlen(name) - len - 1] == '/')
			return true;
	}
	return false;
}

/* The entry of the list @root; borrowed. */
static int choose_image(const struct docker_archive *archive, json_t *root, const char *wanted, json_t **out, struct err *err)
{
	size_t i;
	json_t *entry;

	if (!json_is_array(root) || json_array_size(root) == 0)
		return refuse(archive, "its manifest.json lists no image", err);
	if (!wanted && json_array_size(root) > 1)
		return refuse(archive, "it holds several images: name one, as in docker-archive:file.tar:name:tag", err);
	json_array_foreach(root, i, entry)
	{
		if (!wanted || has_name(entry, wanted)) {
			*out = entry;
			return 0;
		}
	}
	return err_set(err, ERR_IMAGE, ENOENT, "cannot use the archive %s: it has no image '%s'", archive->path, wanted);
}

static int read_member(const struct docker_archive *archive, const char *name, char **bytes, size_t *size, struct err *err)
{
	cleanup_fd int fd = -1;
	uint64_t offset, length;
	int rc = members_find(archive->members, name, &fd, &offset, &length, err);

	if (rc < 0)
		return rc;
	if (length > OCI_DOCUMENT_BYTES_MAX)
		return refuse(archive, "a document in it is too large", err);
	*size = (size_t)length;
	return spool_read(fd, offset, (size_t)length, bytes, err);
}

/* ---- blobs ---- */

static int update_sum(void *context, const void *bytes, size_t size, struct err *err)
{
	return digest_update(context, bytes, size, err);
}

static int sum_range(int fd, uint64_t offset, uint64_t size, char digest[DIGEST_TEXT_MAX], struct err *err)
{
	struct digest *sum = NULL;
	int rc = digest_new(&sum, err);

	if (rc == 0)
		rc = spool_copy(fd, offset, size, update_sum, sum, err);
	if (rc == 0)
		rc = digest_finish(sum, digest, err);
	digest_free(sum);
	return rc;
}

static bool is_compressed(const char *magic)
{
	return memcmp(magic, "\x1f\x8b", 2) == 0 || memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0 ||
	       memcmp(magic, "\xfd" "7zXZ", 6) == 0 || memcmp(magic, "BZh", 3) == 0;
}

/* @diff_id NULL: not known. */
static int describe_layer(struct docker_archive *archive, const char *name, const char *diff_id, json_t *layers, struct err *err)
{
	struct blob_member *blob = &archive->blobs[archive->count];
	cleanup_fd int fd = -1;
	cleanup_ptr char *magic = NULL;
	uint64_t offset, size;
	int rc = members_find(archive->members, name, &fd, &offset, &size, err);

	if (rc == 0 && size >= MAGIC_BYTES)
		rc = spool_read(fd, offset, MAGIC_BYTES, &magic, err);
	if (rc < 0)
		return rc;
	if (diff_id && magic && !is_compressed(magic))
		memcpy(blob->digest, diff_id, strlen(diff_id) + 1);
	else
		rc = sum_range(fd, offset, size, blob->digest, err);
	blob->name = strdup(name);
	archive->count++;
	if (rc < 0 || !blob->name)
		return rc < 0 ? rc : err_sys(err, ENOMEM, "cannot read the archive %s", archive->path);
	(void)json_array_append_new(layers, json_pack("{s:s,s:I,s:s}", "mediaType", "application/vnd.docker.image.rootfs.diff.tar",
						      "size", (json_int_t)size, "digest", blob->digest));
	return 0;
}

static int describe_layers(struct docker_archive *archive, json_t *names, const struct oci_config *config, json_t *layers,
			   struct err *err)
{
	size_t count = json_array_size(names);

	if (!json_is_array(names) || count > OCI_LAYERS_MAX)
		return refuse(archive, "its manifest.json lists no layers, or too many", err);
	if (config->diff_ids.count > 0 && config->diff_ids.count != count)
		return refuse(archive, "its manifest.json and its configuration have different numbers of layers", err);
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(names, i));
		int rc = name ? describe_layer(archive, name, config->diff_ids.count ? config->diff_ids.items[i] : NULL, layers, err)
			      : refuse(archive, "its manifest.json lists a layer without a name", err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int describe_config(struct docker_archive *archive, json_t *entry, struct oci_config *config, uint64_t *size, struct err *err)
{
	const char *name = json_string_value(json_object_get(entry, "Config"));
	cleanup_ptr char *text = NULL;
	size_t length;
	int rc = name ? read_member(archive, name, &text, &length, err) : refuse(archive, "its manifest.json names no configuration", err);

	if (rc == 0)
		rc = digest_of_bytes(text, length, archive->blobs[0].digest, err);
	if (rc == 0)
		rc = oci_config_parse(text, config, err);
	if (rc < 0)
		return rc;
	*size = length;
	archive->count = 1;
	archive->blobs[0].name = strdup(name);
	return archive->blobs[0].name ? 0 : err_sys(err, ENOMEM, "cannot read the archive %s", archive->path);
}

static int make_manifest(struct docker_archive *archive, json_t *entry, struct err *err)
{
	struct oci_config config = OCI_CONFIG_INIT;
	json_t *names = json_object_get(entry, "Layers"), *layers = json_array(), *manifest;
	uint64_t size = 0;
	int rc;

	archive->blobs = calloc(json_array_size(names) + 1, sizeof(*archive->blobs));
	rc = archive->blobs ? describe_config(archive, entry, &config, &size, err) : err_sys(err, ENOMEM, "cannot read the archive");
	if (rc == 0)
		rc = describe_layers(archive, names, &config, layers, err);
	oci_config_fini(&config);
	if (rc < 0) {
		json_decref(layers);
		return rc;
	}
	manifest = json_pack("{s:i,s:s,s:{s:s,s:I,s:s},s:o}", "schemaVersion", 2, "mediaType", OCI_TYPE_DOCKER_MANIFEST, "config",
			     "mediaType", OCI_TYPE_DOCKER_CONFIG, "size", (json_int_t)size, "digest", archive->blobs[0].digest,
			     "layers", layers);
	archive->manifest = json_dumps(manifest, JSON_COMPACT);
	json_decref(manifest);
	if (!archive->manifest)
		return err_sys(err, ENOMEM, "cannot read the archive %s", archive->path);
	return digest_of_bytes(archive->manifest, strlen(archive->manifest), archive->digest, err);
}

static int read_archive(struct docker_archive *archive, const char *wanted, struct err *err)
{
	cleanup_ptr char *text = NULL;
	json_t *root = NULL, *entry = NULL;
	size_t size;
	int rc = read_member(archive, "manifest.json", &text, &size, err);

	if (rc == 0) {
		root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
		rc = choose_image(archive, root, wanted, &entry, err);
	}
	if (rc == 0)
		rc = make_manifest(archive, entry, err);
	json_decref(root);
	return rc;
}

/* ---- the source ---- */

static int archive_get_manifest(struct oci_source *source, const char *digest, char **bytes, size_t *size, char **media_type,
				char out_digest[DIGEST_TEXT_MAX], struct err *err)
{
	struct docker_archive *archive = as_archive(source);

	if (digest && strcmp(digest, archive->digest) != 0)
		return err_set(err, ERR_IMAGE, ENOENT, "cannot use the archive %s: there is no manifest %s", archive->path, digest);
	*bytes = strdup(archive->manifest);
	if (!*bytes)
		return err_sys(err, ENOMEM, "cannot read the archive %s", archive->path);
	*size = strlen(archive->manifest);
	*media_type = NULL;
	memcpy(out_digest, archive->digest, DIGEST_TEXT_MAX);
	return 0;
}

static int archive_open_blob(struct oci_source *source, const struct oci_descriptor *blob, int *fd, uint64_t *offset, struct err *err)
{
	struct docker_archive *archive = as_archive(source);
	uint64_t size;

	for (size_t i = 0; i < archive->count; i++) {
		if (strcmp(archive->blobs[i].digest, blob->digest) == 0)
			return members_find(archive->members, archive->blobs[i].name, fd, offset, &size, err);
	}
	return err_set(err, ERR_IMAGE, ENOENT, "cannot use the archive %s: there is no %s", archive->path, blob->digest);
}

static int archive_get_blob(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset, oci_sink sink,
			    void *context, struct err *err)
{
	cleanup_fd int fd = -1;
	uint64_t begin;
	int rc = archive_open_blob(source, blob, &fd, &begin, err);

	if (rc < 0 || offset >= blob->size)
		return rc;
	return spool_copy(fd, begin + offset, blob->size - offset, sink, context, err);
}

static void archive_close(struct oci_source *source)
{
	struct docker_archive *archive = as_archive(source);

	for (size_t i = 0; i < archive->count; i++)
		free(archive->blobs[i].name);
	free(archive->blobs);
	free(archive->manifest);
	free(archive->path);
	members_close(archive->members);
	free(archive);
}

static const struct oci_source_ops archive_ops = {
	.get_manifest = archive_get_manifest,
	.get_blob = archive_get_blob,
	.open_blob = archive_open_blob,
	.close = archive_close,
	.parallel = true,
};

int archive_open_consume(int fd, const char *path, const char *wanted, const struct source_options *options,
			 struct oci_source **out, struct err *err)
{
	struct docker_archive *archive = calloc(1, sizeof(*archive));
	int rc;

	if (archive)
		archive->path = strdup(path);
	if (!archive || !archive->path) {
		(void)close(fd);
		free(archive);
		return err_sys(err, ENOMEM, "cannot read the archive %s", path);
	}
	archive->base.ops = &archive_ops;
	rc = members_open_consume(fd, path, options->tmpdir, &archive->members, err);
	if (rc == 0)
		rc = read_archive(archive, wanted, err);
	if (rc < 0)
		archive_close(&archive->base);
	else
		*out = &archive->base;
	return rc;
}

int archive_open(const char *rest, const struct source_options *options, struct oci_source **out, struct err *err)
{
	cleanup_ptr char *path = strdup(rest);
	char *wanted = NULL;
	int fd;

	if (!path)
		return err_sys(err, ENOMEM, "cannot open %s", rest);
	/* "file.tar:name:tag": the path ends at the first colon that leaves a file that is there. */
	for (char *colon = strchr(path, ':'); colon && access(path, F_OK) < 0 && !wanted; colon = strchr(colon + 1, ':')) {
		*colon = '\0';
		if (access(path, F_OK) == 0)
			wanted = colon + 1;
		else
			*colon = ':';
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "cannot open the archive %s", path);
	return archive_open_consume(fd, path, wanted, options, out, err);
}
