/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/oci/manifest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ipc/cleanup.h"

#define MEMBERS_MAX 4096 /* entries of an index */

int oci_type_is_index(const char *type)
{
	return type && (strcmp(type, OCI_TYPE_INDEX) == 0 || strcmp(type, OCI_TYPE_DOCKER_INDEX) == 0);
}

int oci_type_is_manifest(const char *type)
{
	return type && (strcmp(type, OCI_TYPE_MANIFEST) == 0 || strcmp(type, OCI_TYPE_DOCKER_MANIFEST) == 0);
}

/* The compression is told from the contents, so the end of the name does not matter. */
int oci_type_is_layer(const char *type)
{
	static const char *const kinds[] = {
		OCI_TYPE_LAYER,
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
		"application/vnd.docker.image.rootfs.diff.tar",
		"application/vnd.docker.image.rootfs.foreign.diff.tar",
	};

	for (size_t i = 0; type && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i]);

		if (strncmp(type, kinds[i], len) == 0 && (type[len] == '\0' || type[len] == '+' || type[len] == '.'))
			return 1;
	}
	return 0;
}

static int refuse(struct err *err, const char *reason)
{
	return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's manifest: %s", reason);
}

static char *copy_string(json_t *value)
{
	const char *text = json_string_value(value);

	return text ? strdup(text) : NULL;
}

static void descriptor_fini(struct oci_descriptor *descriptor)
{
	free(descriptor->media_type);
	free(descriptor->platform.os);
	free(descriptor->platform.architecture);
	free(descriptor->platform.variant);
	free(descriptor->reference);
}

static void read_platform(json_t *object, struct oci_platform *out)
{
	out->os = copy_string(json_object_get(object, "os"));
	out->architecture = copy_string(json_object_get(object, "architecture"));
	out->variant = copy_string(json_object_get(object, "variant"));
}

/* What is filled is released by the caller, also after failure. */
static int read_descriptor(json_t *object, struct oci_descriptor *out, struct err *err)
{
	const char *digest = json_string_value(json_object_get(object, "digest"));
	json_t *size = json_object_get(object, "size");

	if (!json_is_object(object))
		return refuse(err, "a descriptor is not an object");
	if (!digest)
		return refuse(err, "a descriptor has no digest");
	if (!digest_is_valid(digest))
		return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's manifest: '%.100s' is no sha256 digest", digest);
	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's manifest: the size of %s is no number of bytes",
			       digest);
	memcpy(out->digest, digest, strlen(digest) + 1);
	out->size = (uint64_t)json_integer_value(size);
	out->media_type = copy_string(json_object_get(object, "mediaType"));
	read_platform(json_object_get(object, "platform"), &out->platform);
	out->reference = copy_string(json_object_get(json_object_get(object, "annotations"), OCI_REFERENCE_ANNOTATION));
	return 0;
}

static int read_items(json_t *array, size_t max, struct oci_document *document, struct err *err)
{
	size_t count = json_array_size(array);

	if (!json_is_array(array))
		return refuse(err, "its list is missing");
	if (count > max)
		return err_set(err, ERR_IMAGE, E2BIG, "cannot use the image's manifest: %zu entries, at most %zu are read", count,
			       max);
	document->items = calloc(count ? count : 1, sizeof(*document->items));
	if (!document->items)
		return err_sys(err, ENOMEM, "cannot read a manifest");
	for (size_t i = 0; i < count; i++) {
		int rc;

		document->count = i + 1;
		rc = read_descriptor(json_array_get(array, i), &document->items[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Two parsers must not see two different images in the same bytes: what could be read either way is refused (CVE-2021-41190). */
static int find_kind(json_t *root, const char *type, enum oci_document_kind *kind, struct err *err)
{
	bool index = json_object_get(root, "manifests") != NULL;
	bool manifest = json_object_get(root, "layers") || json_object_get(root, "config");

	if (json_object_get(root, "fsLayers"))
		return refuse(err, "it is of the old schema 1, which names no configuration; push the image again with a newer tool");
	if (index && manifest)
		return refuse(err, "it is an index and a manifest at the same time");
	if (!index && !manifest)
		return refuse(err, "it is neither an index nor a manifest");
	if (type && (index ? oci_type_is_manifest(type) : oci_type_is_index(type)))
		return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's manifest: its contents are not of its type %.100s",
			       type);
	*kind = index ? OCI_INDEX : OCI_MANIFEST;
	return 0;
}

static int check_type(json_t *root, const char *told, const char **type, struct err *err)
{
	const char *own = json_string_value(json_object_get(root, "mediaType"));
	json_int_t schema = json_integer_value(json_object_get(root, "schemaVersion"));

	if (schema != 2 && schema != 1)
		return refuse(err, "its schemaVersion is not 2");
	/* Some registries answer with a general type; only one of a document's kinds can contradict. */
	if (own && told && strcmp(own, told) != 0 && (oci_type_is_index(told) || oci_type_is_manifest(told)))
		return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's manifest: it says that it is %.100s, its source says %.100s",
			       own, told);
	*type = own ? own : told;
	return 0;
}

static int read_document(json_t *root, const char *told, struct oci_document *document, struct err *err)
{
	const char *type = NULL;
	int rc;

	if (!json_is_object(root))
		return refuse(err, "it is not a JSON object");
	rc = check_type(root, told, &type, err);
	if (rc == 0)
		rc = find_kind(root, type, &document->kind, err);
	if (rc < 0)
		return rc;
	if (!oci_type_is_index(type) && !oci_type_is_manifest(type))
		type = document->kind == OCI_INDEX ? OCI_TYPE_INDEX : OCI_TYPE_MANIFEST;
	document->media_type = strdup(type);
	if (!document->media_type)
		return err_sys(err, ENOMEM, "cannot read a manifest");
	if (document->kind == OCI_INDEX)
		return read_items(json_object_get(root, "manifests"), MEMBERS_MAX, document, err);
	rc = read_descriptor(json_object_get(root, "config"), &document->config, err);
	return rc < 0 ? rc : read_items(json_object_get(root, "layers"), OCI_LAYERS_MAX, document, err);
}

int oci_document_parse(const char *bytes, size_t size, const char *media_type, struct oci_document *out, struct err *err)
{
	struct oci_document document = OCI_DOCUMENT_INIT;
	json_error_t error;
	json_t *root;
	int rc;

	if (size > OCI_DOCUMENT_BYTES_MAX)
		return refuse(err, "it is too large");
	root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot use the image's manifest: it is not JSON (line %d: %s)", error.line,
			       error.text);
	rc = read_document(root, media_type, &document, err);
	json_decref(root);
	if (rc < 0)
		oci_document_fini(&document);
	else
		*out = document;
	return rc;
}

void oci_document_fini(struct oci_document *document)
{
	for (size_t i = 0; i < document->count; i++)
		descriptor_fini(&document->items[i]);
	descriptor_fini(&document->config);
	free(document->items);
	free(document->media_type);
	*document = (struct oci_document)OCI_DOCUMENT_INIT;
}

/* ---- choice of a platform ---- */

/* The variant that an architecture has when nothing is said. */
static const char *default_variant(const char *architecture)
{
	if (strcmp(architecture, "arm64") == 0)
		return "v8";
	return strcmp(architecture, "arm") == 0 ? "v7" : "";
}

/* Larger is better, 0 is no match. */
static int rate(const struct oci_platform *have, const struct oci_platform *want)
{
	const char *usual = default_variant(want->architecture);
	const char *wanted = want->variant ? want->variant : usual;

	if (!have->os || !have->architecture || strcmp(have->os, want->os) != 0 ||
	    strcmp(have->architecture, want->architecture) != 0)
		return 0;
	if (strcmp(have->variant ? have->variant : usual, wanted) == 0)
		return 4;
	if (want->variant)
		return 0;
	/* A program for an older ARM runs on a newer one, and v1 of x86-64 on all. */
	return have->variant ? 2 : 3;
}

static int refuse_platforms(const struct oci_document *document, const struct oci_platform *want, struct err *err)
{
	char list[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < document->count; i++) {
		const struct oci_platform *have = &document->items[i].platform;
		int put;

		if (!have->os || !have->architecture || strcmp(have->os, "unknown") == 0)
			continue;
		put = snprintf(list + used, sizeof(list) - used, "%s%s/%s%s%s", used ? ", " : "", have->os, have->architecture,
			       have->variant ? "/" : "", have->variant ? have->variant : "");
		if (put < 0 || (size_t)put >= sizeof(list) - used) {
			list[used] = '\0';
			break;
		}
		used += (size_t)put;
	}
	return err_set(err, ERR_IMAGE, ENOENT, "no image for %s/%s%s%s in the index: it has %s", want->os, want->architecture,
		       want->variant ? "/" : "", want->variant ? want->variant : "", used ? list : "none");
}

const struct oci_descriptor *oci_document_choose(const struct oci_document *document, const struct oci_platform *want,
						 struct err *err)
{
	const struct oci_descriptor *best = NULL;
	int best_rate = 0;

	for (size_t i = 0; i < document->count; i++) {
		int rating = rate(&document->items[i].platform, want);

		if (rating > best_rate) {
			best = &document->items[i];
			best_rate = rating;
		}
	}
	/* Tools that write layouts of one image leave the platform out; the configuration will tell. */
	if (!best && document->count == 1 && !document->items[0].platform.architecture)
		best = &document->items[0];
	if (!best)
		(void)refuse_platforms(document, want, err);
	return best;
}
