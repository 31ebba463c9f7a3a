/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/oci/spool.h"
#include "frontend/pull/interrupt.h"
#include "frontend/pull/into_file.h"
#include "frontend/registry/digest.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define WORKERS 3
#define LABEL_BYTES 20 /* "sha256:" and 12 digits, as Docker shows them */

struct work {
	struct oci_source *source;
	const struct oci_image *image;
	struct cache *cache;
	const char *tmpdir;
	struct progress *progress;
	struct convert_layer *layers;
	pthread_mutex_t lock;
	size_t next;
	int result; /* of the first that failed, with its error: the others stop */
	struct err err;
};

/* One blob on its way into a file. */
struct arrival {
	struct work *work;
	const struct oci_descriptor *blob;
	struct digest *sum;
	uint64_t done;
	int fd, bar;
};

static bool has_failed(struct work *work)
{
	bool failed;

	(void)pthread_mutex_lock(&work->lock);
	failed = work->result < 0;
	(void)pthread_mutex_unlock(&work->lock);
	return failed;
}

static int take_bytes(void *context, const void *bytes, size_t size, struct err *err)
{
	struct arrival *arrival = context;
	int rc;

	if (has_failed(arrival->work))
		return err_set(err, ERR_SYSTEM, ECANCELED, "another layer has failed");
	if (size > arrival->blob->size - arrival->done)
		return err_set(err, ERR_IMAGE, EFBIG, "it is longer than the %" PRIu64 " bytes of its manifest",
			       arrival->blob->size);
	rc = digest_update(arrival->sum, bytes, size, err);
	if (rc == 0)
		rc = into_file_write(arrival->fd, bytes, size, err);
	arrival->done += size;
	progress_update(arrival->work->progress, arrival->bar, arrival->done);
	return rc;
}

static void name_layer(const struct oci_descriptor *blob, char out[LABEL_BYTES])
{
	(void)snprintf(out, LABEL_BYTES, "%.19s", blob->digest);
}

/* All of @blob into the empty file @fd, verified. */
static int receive(struct work *work, const struct oci_descriptor *blob, int fd, struct err *err)
{
	struct arrival arrival = {.work = work, .blob = blob, .fd = fd};
	char digest[DIGEST_TEXT_MAX], label[LABEL_BYTES];
	int rc = digest_new(&arrival.sum, err);

	name_layer(blob, label);
	if (rc < 0)
		return rc;
	arrival.bar = progress_add(work->progress, label, blob->size);
	rc = work->source->ops->get_blob(work->source, blob, 0, take_bytes, &arrival, err);
	if (rc == 0)
		rc = digest_finish(arrival.sum, digest, err);
	if (rc == 0 && arrival.done != blob->size)
		rc = err_set(err, ERR_IMAGE, ENODATA, "it has %" PRIu64 " bytes, and its manifest says %" PRIu64, arrival.done,
			     blob->size);
	if (rc == 0 && strcmp(digest, blob->digest) != 0)
		rc = err_set(err, ERR_IMAGE, EBADMSG, "what came has the digest %s", digest);
	digest_free(arrival.sum);
	progress_finish(work->progress, arrival.bar, rc < 0 ? "failed" : "done");
	return rc;
}

/* A file of the cache, if it has the right size; the conversion verifies it while reading. */
static int use_cached(const struct oci_descriptor *blob, const char *path, struct convert_layer *layer)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != blob->size)
		return -ENOENT;
	layer->fd = fd_take(&fd);
	memcpy(layer->digest, blob->digest, sizeof(layer->digest));
	return 0;
}

static int fill_entry(struct work *work, const struct oci_descriptor *blob, struct cache_entry *entry,
		      struct convert_layer *layer, struct err *err)
{
	cleanup_fd int fd = fcntl(cache_entry_fd(entry), F_DUPFD_CLOEXEC, 3);
	int rc = fd < 0 ? err_sys(err, errno, "cannot keep it open") : receive(work, blob, fd, err);

	if (rc == 0) {
		rc = cache_entry_commit_consume(entry, NULL, err);
		if (rc == 0)
			interrupt_note_layer();
	} else {
		cache_entry_abandon_consume(entry);
	}
	if (rc == 0)
		layer->fd = fd_take(&fd);
	else if (err->errnum == ENOSPC || err->errnum == EDQUOT)
		rc = err_wrap(err, "the cache %s is full (SINGULARITY_CACHEDIR names another place)", cache_get_path(work->cache));
	return rc;
}

static int get_cached(struct work *work, const struct oci_descriptor *blob, struct convert_layer *layer, struct err *err)
{
	char label[LABEL_BYTES];
	int rc;

	name_layer(blob, label);
	for (;;) {
		cleanup_ptr char *path = NULL;
		struct cache_entry *entry;

		rc = cache_get(work->cache, CACHE_BLOB, blob->digest, label, &path, &entry, err);
		if (rc < 0)
			return rc;
		if (!path)
			return fill_entry(work, blob, entry, layer, err);
		if (use_cached(blob, path, layer) == 0)
			return 0;
		log_verbose("Layer %s in the cache is damaged, and fetched again", blob->digest);
		cache_remove(work->cache, CACHE_BLOB, blob->digest);
	}
}

static int get_spooled(struct work *work, const struct oci_descriptor *blob, struct convert_layer *layer, struct err *err)
{
	cleanup_fd int fd = -1;
	int rc = spool_open(work->tmpdir, &fd, err);

	if (rc == 0)
		rc = receive(work, blob, fd, err);
	if (rc == 0)
		layer->fd = fd_take(&fd);
	else if (err->errnum == ENOSPC || err->errnum == EDQUOT)
		rc = err_wrap(err, "%s is full (SINGULARITY_TMPDIR names another place)", work->tmpdir);
	return rc;
}

static int get_layer(struct work *work, size_t index, struct err *err)
{
	const struct oci_descriptor *blob = &work->image->manifest.items[index];
	struct convert_layer *layer = &work->layers[index];
	int rc = work->source->ops->open_blob(work->source, blob, &layer->fd, &layer->offset, err);

	if (rc == 0)
		memcpy(layer->digest, blob->digest, sizeof(layer->digest));
	if (rc != -EOPNOTSUPP)
		return rc;
	*err = (struct err)ERR_INIT;
	rc = work->cache ? get_cached(work, blob, layer, err) : get_spooled(work, blob, layer, err);
	return rc < 0 ? err_wrap(err, "cannot get the layer %s", blob->digest) : 0;
}

/* The first layer with the digest of layer @index. */
static size_t find_first(const struct oci_image *image, size_t index)
{
	size_t first = 0;

	while (strcmp(image->manifest.items[first].digest, image->manifest.items[index].digest) != 0)
		first++;
	return first;
}

static void *get_layers(void *argument)
{
	struct work *work = argument;

	(void)pthread_mutex_lock(&work->lock);
	while (work->result == 0 && work->next < work->image->manifest.count) {
		size_t index = work->next++;
		struct err err = ERR_INIT;
		int rc;

		if (find_first(work->image, index) != index)
			continue;
		(void)pthread_mutex_unlock(&work->lock);
		rc = get_layer(work, index, &err);
		(void)pthread_mutex_lock(&work->lock);
		if (rc < 0 && work->result == 0) {
			work->result = rc;
			work->err = err;
		}
	}
	(void)pthread_mutex_unlock(&work->lock);
	return NULL;
}

static void run_workers(struct work *work)
{
	pthread_t threads[WORKERS];
	size_t count = 0, wanted = work->source->ops->parallel ? WORKERS : 1;

	while (count + 1 < wanted && count + 1 < work->image->manifest.count &&
	       pthread_create(&threads[count], NULL, get_layers, work) == 0)
		count++;
	(void)get_layers(work);
	while (count > 0)
		(void)pthread_join(threads[--count], NULL);
}

/* Layers that the image has twice. */
static int share_layers(struct work *work, struct err *err)
{
	for (size_t i = 0; i < work->image->manifest.count; i++) {
		const struct convert_layer *first = &work->layers[find_first(work->image, i)];
		struct convert_layer *layer = &work->layers[i];

		if (layer == first)
			continue;
		layer->fd = fcntl(first->fd, F_DUPFD_CLOEXEC, 3);
		if (layer->fd < 0)
			return err_sys(err, errno, "cannot keep a layer open");
		layer->offset = first->offset;
		memcpy(layer->digest, first->digest, sizeof(layer->digest));
	}
	return 0;
}

int layers_get(struct oci_source *source, const struct oci_image *image, struct cache *cache, const char *tmpdir,
	       struct progress *progress, struct convert_layer **out, struct err *err)
{
	size_t count = image->manifest.count;
	struct work work = {.source = source, .image = image, .cache = cache, .tmpdir = tmpdir, .progress = progress};
	int rc;

	work.layers = calloc(count ? count : 1, sizeof(*work.layers));
	if (!work.layers)
		return err_sys(err, ENOMEM, "cannot get the layers of the image");
	for (size_t i = 0; i < count; i++) {
		work.layers[i].fd = -1;
		work.layers[i].size = image->manifest.items[i].size;
		work.layers[i].media_type = image->manifest.items[i].media_type;
	}
	(void)pthread_mutex_init(&work.lock, NULL);
	run_workers(&work);
	(void)pthread_mutex_destroy(&work.lock);
	rc = work.result;
	if (rc < 0 && err)
		*err = work.err;
	if (rc == 0)
		rc = share_layers(&work, err);
	if (rc < 0) {
		convert_close_layers(work.layers, count);
		return rc;
	}
	*out = work.layers;
	return 0;
}
