/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/oci/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/oci/config.h"
#include "frontend/oci/layer.h"
#include "frontend/oci/merge.h"
#include "frontend/pack/metadata.h"
#include "frontend/pack/tree_unpack.h"
#include "ipc/cleanup.h"

#define BYTES_FREE (UINT64_C(16) << 30) /* of contents, without asking for the ratio, as extract.c has it */
#define RATIO_MAX 512                   /* bytes of contents for one byte of layer */

struct conversion {
	struct tree_feed feed; /* first: what the writer sees */
	const struct convert_layer *layers;
	size_t count;
	const struct convert_options *options;
	uint64_t bytes_max;
	struct oci_config config;
	struct tree tree;
	struct merge *merge;
};

static struct layer_request make_request(const struct conversion *work, size_t index)
{
	const struct convert_layer *layer = &work->layers[index];

	return (struct layer_request){
		.fd = layer->fd, .offset = layer->offset, .size = layer->size, .bytes_max = work->bytes_max};
}

static int apply_layer(struct conversion *work, size_t index, struct err *err)
{
	struct layer_request request = make_request(work, index);
	struct layer *layer = NULL;
	int rc;

	if (work->layers[index].digest[0])
		request.digest = work->layers[index].digest;
	if (work->config.diff_ids.count > 0)
		request.diff_id = work->config.diff_ids.items[index];
	rc = layer_open(&request, &layer, err);
	if (rc == 0)
		rc = merge_apply(work->merge, layer, err);
	layer_close(layer);
	return rc;
}

/* The second reading needs no sums: its contents have been summed, and end where they ended. */
static int run_feed(struct tree_feed *feed, struct tree_sink *sink, struct err *err)
{
	struct conversion *work = (struct conversion *)(void *)feed;
	int rc = 0;

	merge_rewind(work->merge);
	for (size_t i = 0; i < work->count && rc == 0; i++) {
		struct layer_request request = make_request(work, i);
		struct layer *layer = NULL;

		if (!merge_needs(work->merge, (uint32_t)i))
			continue;
		rc = layer_open(&request, &layer, err);
		if (rc == 0)
			rc = merge_feed(work->merge, (uint32_t)i, layer, sink, err);
		layer_close(layer);
	}
	return rc;
}

static int check_layers(const struct conversion *work, struct err *err)
{
	size_t count = work->config.diff_ids.count;

	if (work->count == 0)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot convert the image: it has no layers");
	if (work->count > OCI_LAYERS_MAX)
		return err_set(err, ERR_IMAGE, E2BIG, "cannot convert the image: it has more than %d layers", OCI_LAYERS_MAX);
	if (count > 0 && count != work->count)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot convert the image: its configuration names %zu layers, its manifest %zu",
			       count, work->count);
	return 0;
}

static int limit_bytes(struct conversion *work, struct err *err)
{
	uint64_t size = 0;

	for (size_t i = 0; i < work->count; i++) {
		if (work->layers[i].size > (UINT64_MAX >> 16) - size)
			return err_set(err, ERR_IMAGE, EFBIG, "cannot convert the image: its layers are too large");
		size += work->layers[i].size;
	}
	work->bytes_max = BYTES_FREE + size * RATIO_MAX;
	return 0;
}

/* The tree with everything that will be in the image, contents of files apart. */
static int make_tree(struct conversion *work, const char *config_json, struct err *err)
{
	int rc = oci_config_parse(config_json, &work->config, err);

	if (rc == 0)
		rc = check_layers(work, err);
	if (rc == 0)
		rc = limit_bytes(work, err);
	if (rc == 0)
		rc = tree_init(&work->tree, err);
	if (rc == 0)
		rc = merge_new(&work->tree, work->options->squash_ids, work->bytes_max, &work->merge, err);
	for (size_t i = 0; i < work->count && rc == 0; i++)
		rc = apply_layer(work, i, err);
	if (rc == 0)
		rc = oci_config_apply(&work->config, &work->tree, work->options->clock.now, err);
	if (rc == 0 && work->options->fix_perms)
		tree_fix_permissions(&work->tree);
	return rc;
}

static void fini(struct conversion *work)
{
	if (work->tree.root)
		tree_fini(&work->tree);
	merge_free(work->merge);
	oci_config_fini(&work->config);
}

int convert_to_sif(const struct convert_layer *layers, size_t count, const char *config_json,
		   const struct convert_options *options, int fd, struct err *err)
{
	struct conversion work = {
		.feed.run = run_feed, .layers = layers, .count = count, .options = options, .config = OCI_CONFIG_INIT};
	struct build_sif_request request = {.clock = &options->clock, .bootstrap = options->bootstrap, .from = options->from};
	struct squash_options squash = options->squash;
	int rc = make_tree(&work, config_json, err);

	squash.feed = &work.feed;
	request.squash = &squash;
	request.oci_config = work.config.inner;
	if (rc == 0)
		rc = build_sif_write(&work.tree, &request, fd, err);
	fini(&work);
	return rc;
}

int convert_to_sandbox(const struct convert_layer *layers, size_t count, const char *config_json,
		       const struct convert_options *options, int root_fd, struct err *err)
{
	struct conversion work = {
		.feed.run = run_feed, .layers = layers, .count = count, .options = options, .config = OCI_CONFIG_INIT};
	struct build_sif_request request = {.clock = &options->clock, .bootstrap = options->bootstrap, .from = options->from};
	int rc = make_tree(&work, config_json, err);

	if (rc == 0)
		rc = build_sif_describe(&work.tree, &request, NULL, err);
	if (rc == 0)
		rc = tree_unpack(&work.tree, &work.feed, !options->squash_ids, root_fd, err);
	fini(&work);
	return rc;
}

/* ---- layers of a source ---- */

static int open_layer(struct oci_source *source, const struct oci_descriptor *blob, const char *tmpdir,
		      struct convert_layer *layer, struct err *err)
{
	int rc = source->ops->open_blob(source, blob, &layer->fd, &layer->offset, err);

	layer->size = blob->size;
	layer->media_type = blob->media_type;
	if (rc == 0)
		memcpy(layer->digest, blob->digest, sizeof(layer->digest));
	return rc == -EOPNOTSUPP ? oci_source_spool(source, blob, tmpdir, &layer->fd, err) : rc;
}

int convert_open_layers(struct oci_source *source, const struct oci_image *image, const char *tmpdir,
			struct convert_layer **out, struct err *err)
{
	size_t count = image->manifest.count;
	struct convert_layer *layers = calloc(count ? count : 1, sizeof(*layers));

	if (!layers)
		return err_sys(err, ENOMEM, "cannot open the layers");
	for (size_t i = 0; i < count; i++)
		layers[i].fd = -1;
	for (size_t i = 0; i < count; i++) {
		int rc = open_layer(source, &image->manifest.items[i], tmpdir, &layers[i], err);

		if (rc < 0) {
			convert_close_layers(layers, count);
			return rc;
		}
	}
	*out = layers;
	return 0;
}

void convert_close_layers(struct convert_layer *layers, size_t count)
{
	for (size_t i = 0; layers && i < count; i++) {
		if (layers[i].fd >= 0)
			(void)close(layers[i].fd);
	}
	free(layers);
}
