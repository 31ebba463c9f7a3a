/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/from_oci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/pull/layers.h"
#include "frontend/registry/digest.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define READ_BYTES (1024 * 1024)

static int resolve(struct from_oci *oci, struct err *err)
{
	struct source_options options = options_for_source(oci->transport.options);
	int rc = oci_source_open(oci->transport.reference, &options, &oci->source, err);

	return rc < 0 ? rc : oci_source_resolve(oci->source, &options, &oci->image, err);
}

int from_oci_get_layers(struct from_oci *oci, struct progress *progress, struct err *err)
{
	return layers_get(oci->source, &oci->image, oci->transport.cache, oci->transport.options->tmpdir, progress, &oci->layers,
			  err);
}

void from_oci_fini(struct from_oci *oci)
{
	convert_close_layers(oci->layers, oci->image.manifest.count);
	oci_image_fini(&oci->image);
	oci_source_close(oci->source);
}

int from_oci_resolve(const char *reference, const struct pull_options *options, struct cache *cache, struct from_oci *out,
		     struct err *err)
{
	*out = (struct from_oci){.transport = {.reference = reference, .options = options, .cache = cache}};
	return resolve(out, err);
}

/* ---- as a transport ---- */

static int identify(struct transport *transport, enum cache_type *type, char **key, struct err *err)
{
	struct from_oci *oci = (struct from_oci *)transport;
	int rc = resolve(oci, err);

	if (rc < 0)
		return rc;
	*type = CACHE_OCI_TMP;
	*key = strdup(oci->image.digest);
	return *key ? 0 : err_sys(err, ENOMEM, "cannot name the image");
}

struct shown {
	struct progress *progress;
	int bar;
};

static void show(void *context, uint64_t done, uint64_t total)
{
	const struct shown *shown = context;

	progress_set_total(shown->progress, shown->bar, total);
	progress_update(shown->progress, shown->bar, done);
}

static int convert(struct from_oci *oci, struct progress *progress, int fd, struct err *err)
{
	struct shown shown = {progress, progress_add(progress, "Converting", 0)};
	size_t length;
	const char *from = transport_find_rest(oci->transport.reference, &length);
	cleanup_ptr char *bootstrap = strndup(oci->transport.reference, length);
	struct convert_options options = {
		.squash = {.level = -1, .progress = show, .progress_context = &shown},
		.bootstrap = bootstrap,
		.from = from,
		.squash_ids = geteuid() != 0,
	};
	int rc = bootstrap ? build_clock_read(&options.clock, err) : err_sys(err, ENOMEM, "cannot convert the image");

	if (rc == 0)
		rc = convert_to_sif(oci->layers, oci->image.manifest.count, oci->image.config_json, &options, fd, err);
	progress_finish(progress, shown.bar, NULL);
	return rc;
}

static bool is_intact(const struct convert_layer *layer, const char *digest)
{
	cleanup_ptr char *buffer = malloc(READ_BYTES);
	char text[DIGEST_TEXT_MAX] = "";
	struct digest *sum = NULL;
	uint64_t done = 0;
	int rc = buffer ? digest_new(&sum, NULL) : -ENOMEM;

	while (rc == 0 && done < layer->size) {
		ssize_t n = pread(layer->fd, buffer, READ_BYTES, (off_t)(layer->offset + done));

		if (n <= 0)
			break;
		rc = digest_update(sum, buffer, (size_t)n, NULL);
		done += (uint64_t)n;
	}
	if (rc == 0)
		rc = digest_finish(sum, text, NULL);
	digest_free(sum);
	return rc < 0 || strcmp(text, digest) == 0;
}

/* Damage in the cache would make the conversion fail again and again. Is any layer gone that was damaged? */
static bool drop_damaged(const struct from_oci *oci)
{
	bool dropped = false;

	for (size_t i = 0; oci->transport.cache && i < oci->image.manifest.count; i++) {
		const char *digest = oci->image.manifest.items[i].digest;

		if (is_intact(&oci->layers[i], digest))
			continue;
		log_warning("Layer %s in the cache is damaged, and fetched again", digest);
		cache_remove(oci->transport.cache, CACHE_BLOB, digest);
		dropped = true;
	}
	return dropped;
}

/* @again: layers were damaged, have been dropped, and the work is worth another try. */
static int fill_once(struct from_oci *oci, int fd, bool *again, struct err *err)
{
	struct progress *progress = progress_new();
	int rc = from_oci_get_layers(oci, progress, err);

	*again = false;
	if (rc == 0) {
		log_info("Creating SIF file...");
		rc = convert(oci, progress, fd, err);
		*again = rc < 0 && err->kind == ERR_IMAGE && drop_damaged(oci);
		convert_close_layers(ptr_take(oci->layers), oci->image.manifest.count);
	}
	progress_free(progress);
	return rc;
}

static int fill(struct transport *transport, int fd, struct err *err)
{
	struct from_oci *oci = (struct from_oci *)transport;
	bool again;
	int rc;

	log_info("Converting OCI blobs to SIF format");
	rc = fill_once(oci, fd, &again, err);
	if (again && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		rc = fill_once(oci, fd, &again, err);
	return rc < 0 ? err_wrap(err, "cannot convert %s", transport->reference) : 0;
}

static void close_transport(struct transport *transport)
{
	struct from_oci *oci = (struct from_oci *)transport;

	from_oci_fini(oci);
	free(oci);
}

int from_oci_open(const char *reference, const struct pull_options *options, struct cache *cache, struct transport **out,
		  struct err *err)
{
	static const struct transport_ops ops = {identify, fill, close_transport};
	struct from_oci *oci = calloc(1, sizeof(*oci));

	if (!oci)
		return err_sys(err, ENOMEM, "cannot fetch %s", reference);
	oci->transport = (struct transport){&ops, reference, options, cache};
	*out = &oci->transport;
	return 0;
}
