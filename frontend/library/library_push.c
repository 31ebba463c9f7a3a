/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/library/library_push.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "frontend/image/sif.h"
#include "frontend/library/library_api.h"
#include "frontend/library/library_pull.h"
#include "frontend/library/library_upload.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define NO_TOKEN "no authentication token, log in with \"singularity remote login\""
#define NO_DESCRIPTION "No description"
#define READ_BYTES ((size_t)1024 * 1024)
#define SHA256_HEX 65
#define MD5_HEX 33

struct push {
	const char *path;
	const struct library_push_options *options;
	struct library_ref ref;
	struct library_api api;
	int fd;
	uint64_t size;
	char arch[16];
	char sha256[SHA256_HEX], md5[MD5_HEX]; /* md5 empty where that sum is not to be had */
	char *container_id, *image_id;         /* owned */
	bool is_uploaded;
};

static int out_of_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot push to the library");
}

/* ---- the image ---- */

static void print_tips(const char *path)
{
	printf("TIP: You can push unsigned images with 'singularity push -U %s'.\n", path);
	printf("TIP: Learn how to sign your own containers by using 'singularity help sign'\n\n");
	(void)fflush(stdout);
}

static int check_signature(const struct push *push, const struct sif *sif, struct err *err)
{
	if (push->options->allow_unsigned) {
		log_warning("Skipping container verification");
		return 0;
	}
	for (size_t i = 0; i < sif->count; i++)
		if (sif->entries[i].type == SIF_DATA_SIGNATURE) {
			log_warning("%s is signed, but this version cannot verify the signature", push->path);
			return 0;
		}
	print_tips(push->path);
	return err_set(err, ERR_IMAGE, EPERM, "Unable to upload container: unable to verify signature");
}

static int open_image(struct push *push, struct err *err)
{
	struct sif sif = {.count = 0};
	struct stat st;
	int rc;

	push->fd = open(push->path, O_RDONLY | O_CLOEXEC);
	if (push->fd < 0 || fstat(push->fd, &st) < 0)
		return err_sys(err, errno, "cannot open %s", push->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IMAGE, EINVAL, "cannot push %s: not a SIF file", push->path);
	push->size = (uint64_t)st.st_size;
	rc = sif_load(push->fd, push->size, &sif, err);
	if (rc < 0)
		return err_wrap(err, "cannot push %s", push->path);
	for (size_t i = 0; i < sif.count && rc == 0; i++)
		if (sif.entries[i].type == SIF_DATA_OCI_INDEX)
			rc = err_set(err, ERR_IMAGE, EOPNOTSUPP, "cannot push %s: it is an OCI-SIF, and OCI mode is missing so far",
				     push->path);
	if (rc == 0 && strcmp(sif.header.arch, "unknown") == 0)
		rc = err_set(err, ERR_IMAGE, EINVAL, "cannot push %s: it does not say for which architecture it is", push->path);
	if (rc == 0)
		rc = check_signature(push, &sif, err);
	(void)snprintf(push->arch, sizeof(push->arch), "%s", sif.header.arch);
	sif_fini(&sif);
	return rc;
}

static void write_hex(EVP_MD_CTX *context, char *out, size_t size)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	out[0] = '\0';
	if (EVP_DigestFinal_ex(context, sum, &length) != 1)
		return;
	for (unsigned int i = 0; i < length && 2 * (size_t)i + 2 < size; i++)
		(void)snprintf(out + 2 * (size_t)i, 3, "%02x", sum[i]);
}

/* Both sums in one reading. MD5 is for storage that knows no better; where it may not be made, it is left out. */
static int sum_image(struct push *push, struct err *err)
{
	cleanup_ptr char *bytes = malloc(READ_BYTES);
	EVP_MD_CTX *sha256 = EVP_MD_CTX_new(), *md5 = EVP_MD_CTX_new();
	uint64_t at = 0;
	bool has_md5;
	int rc = 0;

	if (!bytes || !sha256 || !md5 || EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) != 1)
		rc = out_of_memory(err);
	has_md5 = rc == 0 && EVP_DigestInit_ex(md5, EVP_md5(), NULL) == 1;
	while (rc == 0 && at < push->size) {
		ssize_t got = pread(push->fd, bytes, READ_BYTES, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			rc = err_sys(err, got < 0 ? errno : EIO, "cannot read %s", push->path);
			break;
		}
		(void)EVP_DigestUpdate(sha256, bytes, (size_t)got);
		if (has_md5)
			(void)EVP_DigestUpdate(md5, bytes, (size_t)got);
		at += (uint64_t)got;
	}
	if (rc == 0)
		write_hex(sha256, push->sha256, sizeof(push->sha256));
	if (rc == 0 && has_md5)
		write_hex(md5, push->md5, sizeof(push->md5));
	EVP_MD_CTX_free(sha256);
	EVP_MD_CTX_free(md5);
	if (rc == 0 && strlen(push->sha256) != SHA256_HEX - 1)
		rc = err_set(err, ERR_SYSTEM, EIO, "cannot sum %s", push->path);
	return rc;
}

/* ---- entity, collection, container, image ---- */

static int take_id(const json_t *data, const char *kind, char **id, struct err *err)
{
	const char *text = json_string_value(json_object_get(data, "id"));

	if (!library_api_is_id(text))
		return err_set(err, ERR_SYSTEM, EPROTO, "the library describes one of its %s without a proper id", kind);
	*id = strdup(text);
	return *id ? 0 : out_of_memory(err);
}

/* The thing of @kind at @path, made out of @body (consumed) where there is none: *@id owned. */
static int find_or_create(struct push *push, const char *kind, const char *path, json_t *body, char **id, struct err *err)
{
	cleanup_ptr char *where = NULL, *make = NULL, *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct err own = ERR_INIT;
	json_t *data;
	int rc;

	json_decref(body);
	if (asprintf(&where, "v1/%s/%s", kind, path) < 0)
		where = NULL;
	if (asprintf(&make, "v1/%s", kind) < 0)
		make = NULL;
	if (!text || !where || !make)
		return out_of_memory(err);
	rc = library_api_call(&push->api, "GET", where, NULL, &data, &own);
	if (rc == -ENOENT) {
		log_verbose("%s %s is new in the library", kind, path);
		rc = library_api_call(&push->api, "POST", make, text, &data, &own);
	}
	if (rc < 0)
		return err_set(err, own.kind, own.errnum, "%s", own.message);
	rc = take_id(data, kind, id, err);
	json_decref(data);
	return rc;
}

/* The three names of the path, cut apart in @copy. */
static void cut_names(char *copy, const char *names[3])
{
	for (int i = 0; i < 3; i++) {
		names[i] = copy;
		copy += strcspn(copy, "/");
		if (*copy)
			*copy++ = '\0';
	}
}

static int prepare_container(struct push *push, struct err *err)
{
	cleanup_ptr char *copy = strdup(push->ref.path), *collection = NULL, *entity_id = NULL, *collection_id = NULL;
	const char *names[3];
	int rc;

	if (!copy)
		return out_of_memory(err);
	cut_names(copy, names);
	if (asprintf(&collection, "%s/%s", names[0], names[1]) < 0) {
		collection = NULL;
		return out_of_memory(err);
	}
	rc = find_or_create(push, "entities", names[0],
			    json_pack("{s:s, s:s}", "name", names[0], "description", NO_DESCRIPTION), &entity_id, err);
	if (rc == 0)
		rc = find_or_create(push, "collections", collection,
				    json_pack("{s:s, s:s, s:s}", "name", names[1], "description", NO_DESCRIPTION, "entity",
					      entity_id),
				    &collection_id, err);
	if (rc == 0)
		rc = find_or_create(push, "containers", push->ref.path,
				    json_pack("{s:s, s:s, s:s}", "name", names[2], "description", NO_DESCRIPTION, "collection",
					      collection_id),
				    &push->container_id, err);
	return rc;
}

static int create_image(struct push *push, const char *hash, struct library_image *out, struct err *err)
{
	const char *description = push->options->description ? push->options->description : "";
	json_t *body = json_pack("{s:s, s:s, s:s}", "hash", hash, "description", description, "container", push->container_id);
	cleanup_ptr char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_t *data;
	int rc;

	json_decref(body);
	if (!text)
		return err_set(err, ERR_SYSTEM, EINVAL, "cannot send the description: not UTF-8, or memory is out");
	rc = library_api_call(&push->api, "POST", "v1/images", text, &data, err);
	if (rc < 0)
		return rc;
	rc = library_api_read_image(data, out, err);
	json_decref(data);
	return rc;
}

static int prepare_image(struct push *push, struct err *err)
{
	struct library_image image = LIBRARY_IMAGE_INIT;
	struct err own = ERR_INIT;
	char hash[sizeof("sha256.") + SHA256_HEX];
	int rc;

	(void)snprintf(hash, sizeof(hash), "sha256.%s", push->sha256);
	rc = library_api_get_image(&push->api, push->ref.path, hash, push->arch, &image, &own);
	if (rc == -ENOENT)
		rc = create_image(push, hash, &image, &own);
	if (rc < 0)
		return err_set(err, own.kind, own.errnum, "%s", own.message);
	push->image_id = ptr_take(image.id);
	push->is_uploaded = image.is_uploaded;
	library_image_fini(&image);
	return 0;
}

/* ---- upload, tags ---- */

static int upload_image(struct push *push, json_t **quota, struct err *err)
{
	struct progress *progress = push->options->progress;
	struct library_upload upload = {.api = &push->api,
					.image_id = push->image_id,
					.fd = push->fd,
					.size = push->size,
					.sha256 = push->sha256,
					.md5 = *push->md5 ? push->md5 : NULL,
					.progress = progress,
					.bar = progress_add(progress, push->ref.path, push->size)};
	int rc = library_upload_send(&upload, quota, err);

	progress_finish(progress, upload.bar, rc == 0 ? "done" : "failed");
	return rc;
}

static int set_tag(struct push *push, enum library_api_version version, const char *tag, struct err *err)
{
	bool has_arch = version >= LIBRARY_API_V2_ARCH_TAGS;
	json_t *body = has_arch ? json_pack("{s:s, s:s, s:s}", "Arch", push->arch, "Tag", tag, "ImageID", push->image_id) :
				  json_pack("{s:s, s:s}", "Tag", tag, "ImageID", push->image_id);
	cleanup_ptr char *text = body ? json_dumps(body, JSON_COMPACT) : NULL, *path = NULL;

	json_decref(body);
	if (!text || asprintf(&path, "%s/tags/%s", has_arch ? "v2" : "v1", push->container_id) < 0) {
		path = NULL;
		return out_of_memory(err);
	}
	return library_api_call(&push->api, "POST", path, text, NULL, err);
}

static int set_tags(struct push *push, struct err *err)
{
	enum library_api_version version;
	int rc = library_api_get_version(&push->api, &version, err);

	for (size_t i = 0; rc == 0 && i < push->ref.tags.count; i++) {
		/* An image has its sum as a name anyway. */
		if (library_ref_is_hash(push->ref.tags.items[i]))
			continue;
		rc = set_tag(push, version, push->ref.tags.items[i], err);
		if (rc < 0)
			rc = err_wrap(err, "cannot set the tag %s", push->ref.tags.items[i]);
	}
	return rc;
}

static void print_storage(const struct push *push, const json_t *answer)
{
	const json_t *quota = json_object_get(answer, "quota");
	json_int_t used = json_integer_value(json_object_get(quota, "quotaUsage"));
	json_int_t total = json_integer_value(json_object_get(quota, "quotaTotal"));
	const char *url = json_string_value(json_object_get(answer, "containerUrl"));
	char used_text[32], total_text[32];

	if (!quota && !url)
		return;
	progress_format_size(used_text, sizeof(used_text), used > 0 ? (uint64_t)used : 0);
	progress_format_size(total_text, sizeof(total_text), total > 0 ? (uint64_t)total : 0);
	if (total <= 0)
		printf("\nLibrary storage: using %s out of unlimited quota\n", used_text);
	else
		printf("\nLibrary storage: using %s out of %s quota (%.1f%% used)\n", used_text, total_text,
		       (double)used / (double)total * 100.0);
	if (url && !push->options->library && !push->ref.host)
		printf("Container URL: %s/%s\n", push->api.endpoint.url, url + (*url == '/'));
	(void)fflush(stdout);
}

static int push_all(struct push *push, struct err *err)
{
	json_t *quota = NULL;
	int rc = sum_image(push, err);

	if (rc == 0)
		rc = prepare_container(push, err);
	if (rc == 0)
		rc = prepare_image(push, err);
	if (rc == 0 && push->is_uploaded)
		log_info("The library has this image already: not sending it again");
	else if (rc == 0)
		rc = upload_image(push, &quota, err);
	if (rc == 0)
		rc = set_tags(push, err);
	if (rc == 0) {
		log_info("Uploaded %llu bytes", (unsigned long long)push->size);
		print_storage(push, quota);
	}
	json_decref(quota);
	return rc < 0 ? err_wrap(err, "Unable to push image to library") : 0;
}

static int push_checked(struct push *push, struct err *err)
{
	int rc = library_api_open(push->options->library, &push->ref, false, &push->api, err);

	if (rc < 0)
		return rc;
	if (!push->api.token)
		return err_set(err, ERR_SYSTEM, EACCES, "Cannot push image to library: " NO_TOKEN);
	rc = open_image(push, err);
	return rc < 0 ? rc : push_all(push, err);
}

int library_push(const char *path, const char *reference, const struct library_push_options *options, struct err *err)
{
	struct push push = {.path = path, .options = options, .ref = LIBRARY_REF_INIT, .api = LIBRARY_API_INIT, .fd = -1};
	int rc = library_ref_parse(reference, &push.ref, err);

	if (rc == 0 && !library_ref_is_full(&push.ref))
		rc = err_set(err, ERR_SYSTEM, EINVAL,
			     "malformed image path: %s: a push needs library://entity/collection/container[:tag]", reference);
	if (rc == 0)
		rc = push_checked(&push, err);
	if (push.fd >= 0)
		(void)close(push.fd);
	free(push.container_id);
	free(push.image_id);
	library_api_close(&push.api);
	library_ref_fini(&push.ref);
	return rc;
}
