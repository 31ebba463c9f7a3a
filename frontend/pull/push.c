/* SPDX-License-Identifier: BSD-3-Clause */
/* imager push: a SIF file to a registry. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "frontend/image/image.h"
#include "frontend/imager.h"
#include "frontend/oci/manifest.h"
#include "frontend/library/library_push.h"
#include "frontend/pull/interrupt.h"
#include "frontend/pull/options.h"
#include "frontend/pull/oras.h"
#include "frontend/pull/transport.h"
#include "frontend/registry/digest.h"
#include "frontend/registry/registry.h"
#include "frontend/ui/progress.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define EXIT_FATAL 255
#define READ_BYTES (1024 * 1024)

struct upload {
	const char *path;
	struct image image;
	uint64_t size;
	char digest[DIGEST_TEXT_MAX];
	struct registry *registry;
	struct reference reference;
};

static int sum_file(struct upload *upload, struct err *err)
{
	cleanup_ptr char *buffer = malloc(READ_BYTES);
	struct digest *sum = NULL;
	int rc = buffer ? digest_new(&sum, err) : err_sys(err, ENOMEM, "cannot push %s", upload->path);
	ssize_t n = 0;

	while (rc == 0 && (n = pread(upload->image.fd, buffer, READ_BYTES, (off_t)upload->size)) > 0) {
		rc = digest_update(sum, buffer, (size_t)n, err);
		upload->size += (uint64_t)n;
	}
	if (rc == 0 && n < 0)
		rc = err_sys(err, errno, "cannot read %s", upload->path);
	if (rc == 0)
		rc = digest_finish(sum, upload->digest, err);
	digest_free(sum);
	return rc;
}

static int open_sif(struct upload *upload, struct err *err)
{
	int rc = image_open(upload->path, false, &upload->image, err);

	if (rc == 0 && upload->image.kind != IMAGE_SIF && upload->image.kind != IMAGE_OCI_SIF)
		rc = err_set(err, ERR_IMAGE, EINVAL, "cannot push %s: it is not a SIF file", upload->path);
	return rc < 0 ? rc : sum_file(upload, err);
}

/* ---- oras ---- */

struct shown {
	struct progress *progress;
	int bar;
};

static void show(void *context, uint64_t bytes)
{
	const struct shown *shown = context;

	progress_update(shown->progress, shown->bar, bytes);
}

static int put_blob(struct upload *upload, const char *digest, int fd, uint64_t size, struct err *err)
{
	struct shown shown;
	const struct registry_upload blob = {.digest = digest, .fd = fd, .size = size, .sent = show, .context = &shown};
	bool has = false;
	int rc = registry_has_blob(upload->registry, digest, &has, err);

	if (rc < 0 || has)
		return rc;
	shown.progress = progress_new();
	shown.bar = progress_add(shown.progress, "Uploading", size);
	rc = registry_put_blob(upload->registry, &blob, err);
	progress_free(shown.progress);
	return rc;
}

static int put_config(struct upload *upload, char digest[DIGEST_TEXT_MAX], struct err *err)
{
	cleanup_file FILE *file = tmpfile();
	int rc;

	if (!file || fputs(ORAS_CONFIG, file) == EOF || fflush(file) == EOF)
		return err_sys(err, errno, "cannot push %s", upload->path);
	rc = digest_of_bytes(ORAS_CONFIG, strlen(ORAS_CONFIG), digest, err);
	return rc < 0 ? rc : put_blob(upload, digest, fileno(file), strlen(ORAS_CONFIG), err);
}

static char *make_manifest(const struct upload *upload, const char *config_digest)
{
	const char *slash = strrchr(upload->path, '/');
	json_t *root = json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:[{s:s, s:s, s:I, s:{s:s}}]}", "schemaVersion", 2, "mediaType",
				 OCI_TYPE_MANIFEST, "config", "mediaType", ORAS_TYPE_CONFIG, "digest", config_digest, "size",
				 (json_int_t)strlen(ORAS_CONFIG), "layers", "mediaType", ORAS_TYPE_LAYER, "digest",
				 upload->digest, "size", (json_int_t)upload->size, "annotations",
				 "org.opencontainers.image.title", slash ? slash + 1 : upload->path);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return text;
}

static int send_parts(struct upload *upload, struct err *err)
{
	char config_digest[DIGEST_TEXT_MAX];
	cleanup_ptr char *manifest = NULL;
	int rc = put_blob(upload, upload->digest, upload->image.fd, upload->size, err);

	if (rc == 0)
		rc = put_config(upload, config_digest, err);
	if (rc < 0)
		return rc;
	manifest = make_manifest(upload, config_digest);
	if (!manifest)
		return err_set(err, ERR_SYSTEM, EINVAL, "the name of the file is no text in UTF-8");
	return registry_put_manifest(upload->registry, reference_get_wanted(&upload->reference), OCI_TYPE_MANIFEST, manifest,
				     strlen(manifest), err);
}

static int push_oras(struct upload *upload, const char *uri, const struct pull_options *options, struct err *err)
{
	struct registry_options how = {.username = options->username,
				       .password = options->password,
				       .authfile = options->authfile,
				       .no_https = options->no_https,
				       .push = true};
	int rc = reference_parse(uri, &upload->reference, err);

	if (rc == 0 && upload->reference.digest[0])
		rc = err_set(err, ERR_SYSTEM, EINVAL, "cannot push to %s: images are pushed under a tag, not a digest", uri);
	if (rc == 0)
		rc = open_sif(upload, err);
	if (rc == 0)
		rc = registry_open(&upload->reference, &how, &upload->registry, err);
	if (rc < 0)
		return rc;
	interrupt_prepare(NULL);
	rc = send_parts(upload, err);
	if (rc < 0)
		return err_wrap(err, "cannot push %s to %s", upload->path, uri);
	log_info("Upload complete");
	return 0;
}

/* ---- library ---- */

static int push_library(const char *path, const char *uri, const struct pull_options *options, struct err *err)
{
	struct library_push_options how = {.library = options->library,
					   .description = options->description,
					   .allow_unsigned = options->allow_unsigned};
	int rc;

	interrupt_prepare(NULL);
	how.progress = progress_new();
	rc = library_push(path, uri, &how, err);
	progress_free(how.progress);
	return rc;
}

/* ---- which way ---- */

static int refuse_docker(struct upload *upload, struct err *err)
{
	int rc = open_sif(upload, err);

	if (rc < 0)
		return rc;
	if (upload->image.kind == IMAGE_SIF)
		return err_set(err, ERR_IMAGE, EOPNOTSUPP,
			       "cannot push %s: only OCI-SIF images can be pushed to docker://, use oras:// or library://",
			       upload->path);
	return err_set(err, ERR_SYSTEM, EOPNOTSUPP,
		       "cannot push %s: pushing OCI-SIF images to docker:// is not available in this version, use oras://",
		       upload->path);
}

static int run_push(const char *path, const char *uri, const struct pull_options *options, struct err *err)
{
	struct upload upload = {.path = path, .image = IMAGE_INIT, .reference = REFERENCE_INIT};
	int rc;

	if (strncmp(uri, "oras://", 7) == 0)
		rc = push_oras(&upload, uri, options, err);
	else if (strncmp(uri, "docker://", 9) == 0)
		rc = refuse_docker(&upload, err);
	else if (strncmp(uri, "library://", 10) == 0)
		rc = push_library(path, uri, options, err);
	else
		rc = err_set(err, ERR_SYSTEM, EINVAL, "bad uri %s", uri);
	registry_close(upload.registry);
	reference_fini(&upload.reference);
	image_close(&upload.image);
	return rc;
}

int push_main(int argc, char **argv)
{
	struct pull_options options = {.freshness = 0};
	struct err err = ERR_INIT;
	int first, rc = options_parse(argc, argv, &options, &first, &err);

	if (rc == 0 && argc - first != 2)
		rc = err_set(&err, ERR_BUG, EINVAL, "imager push takes two arguments");
	if (rc == 0)
		rc = run_push(argv[first], argv[first + 1], &options, &err);
	options_fini(&options);
	if (rc < 0)
		log_fatal("%s", err.message);
	return rc < 0 ? EXIT_FATAL : EXIT_SUCCESS;
}
