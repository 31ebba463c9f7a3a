/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two libarchive objects: the thread's one knows compressions and takes what comes out as raw bytes, the caller's one knows tar and
 * takes those bytes from a ring of buffers. Between them the sums of both forms are taken.
 */
#include "frontend/oci/layer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "frontend/registry/digest.h"
#include "ipc/cleanup.h"

#define SLOTS 8
#define SLOT_BYTES ((size_t)512 * 1024)
#define READ_BYTES ((size_t)256 * 1024)

struct slot {
	size_t used;
	uint8_t *bytes; /* SLOT_BYTES */
};

struct layer {
	struct layer_request request;
	struct archive *raw; /* the thread's */
	uint64_t at;         /* compressed bytes read */
	uint8_t *input;      /* READ_BYTES */
	struct digest *compressed_sum, *archive_sum; /* NULL: not wanted */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock. */
	struct slot slots[SLOTS];
	unsigned int filled, first; /* slots with bytes, and the oldest of them */
	bool ended, stop;
	uint64_t done;
	struct err failure; /* of the thread; valid when `ended` and its kind is set */
	/* The caller's. */
	struct archive *tar;
	bool holding; /* the oldest slot is in use */
};

/* ---- thread: compressed bytes → ring ---- */

static la_ssize_t read_compressed(struct archive *raw, void *context, const void **bytes)
{
	struct layer *layer = context;
	uint64_t left = layer->request.size - layer->at;
	size_t want = left < READ_BYTES ? (size_t)left : READ_BYTES;
	ssize_t got;

	do {
		got = pread(layer->request.fd, layer->input, want, (off_t)(layer->request.offset + layer->at));
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		archive_set_error(raw, errno, "cannot read the layer: %s", strerror(errno));
		return -1;
	}
	if (got == 0 && want > 0) {
		archive_set_error(raw, EINVAL, "the layer is shorter than its manifest says");
		return -1;
	}
	if (layer->compressed_sum && digest_update(layer->compressed_sum, layer->input, (size_t)got, NULL) < 0) {
		archive_set_error(raw, ENOMEM, "cannot compute its digest");
		return -1;
	}
	layer->at += (uint64_t)got;
	*bytes = layer->input;
	return got;
}

static int refuse(struct err *err, const char *text)
{
	return err_set(err, ERR_IMAGE, EINVAL, "cannot read the layer: %s", text);
}

static int fail_archive(struct archive *archive, struct err *err)
{
	const char *text = archive_error_string(archive);

	return refuse(err, text ? text : "the archive is damaged");
}

/* The next free slot, or NULL when the caller wants no more. */
static struct slot *wait_for_space(struct layer *layer)
{
	struct slot *slot = NULL;

	(void)pthread_mutex_lock(&layer->lock);
	while (layer->filled == SLOTS && !layer->stop)
		(void)pthread_cond_wait(&layer->changed, &layer->lock);
	if (!layer->stop)
		slot = &layer->slots[(layer->first + layer->filled) % SLOTS];
	(void)pthread_mutex_unlock(&layer->lock);
	return slot;
}

static void publish(struct layer *layer)
{
	(void)pthread_mutex_lock(&layer->lock);
	layer->filled++;
	layer->done = layer->at;
	(void)pthread_cond_signal(&layer->changed);
	(void)pthread_mutex_unlock(&layer->lock);
}

static int fill_slot(struct layer *layer, struct slot *slot, struct err *err)
{
	slot->used = 0;
	while (slot->used < SLOT_BYTES) {
		la_ssize_t got = archive_read_data(layer->raw, slot->bytes + slot->used, SLOT_BYTES - slot->used);

		if (got < 0)
			return fail_archive(layer->raw, err);
		if (got == 0)
			break;
		slot->used += (size_t)got;
	}
	return layer->archive_sum && slot->used > 0 ? digest_update(layer->archive_sum, slot->bytes, slot->used, err) : 0;
}

static int check_sum(struct digest *sum, const char *want, const char *what, struct err *err)
{
	char text[DIGEST_TEXT_MAX];
	int rc;

	if (!sum)
		return 0;
	rc = digest_finish(sum, text, err);
	if (rc == 0 && strcmp(text, want) != 0)
		return err_set(err, ERR_IMAGE, EBADMSG, "cannot use the layer: its %s is %s, not %s", what, text, want);
	return rc;
}

/* Decompressors stop where their format ends; what lies behind that belongs to the blob all the same. */
static int finish_sums(struct layer *layer, struct err *err)
{
	int rc;

	while (layer->at < layer->request.size) {
		const void *rest;

		if (read_compressed(layer->raw, layer, &rest) < 0)
			return fail_archive(layer->raw, err);
	}
	rc = check_sum(layer->compressed_sum, layer->request.digest, "digest", err);
	return rc < 0 ? rc : check_sum(layer->archive_sum, layer->request.diff_id, "diff_id", err);
}

static int open_raw(struct layer *layer, struct err *err)
{
	struct archive_entry *entry;
	int status;

	layer->raw = archive_read_new();
	if (!layer->raw)
		return err_sys(err, ENOMEM, "cannot read the layer");
	(void)archive_read_support_filter_gzip(layer->raw);
	(void)archive_read_support_filter_zstd(layer->raw);
	(void)archive_read_support_filter_xz(layer->raw);
	(void)archive_read_support_filter_bzip2(layer->raw);
	(void)archive_read_support_format_raw(layer->raw);
	(void)archive_read_support_format_empty(layer->raw);
	status = archive_read_open(layer->raw, layer, NULL, read_compressed, NULL);
	if (status == ARCHIVE_OK)
		status = archive_read_next_header(layer->raw, &entry);
	if (status == ARCHIVE_EOF)
		return 1;
	return status < ARCHIVE_WARN ? fail_archive(layer->raw, err) : 0;
}

static int decompress(struct layer *layer, struct err *err)
{
	uint64_t total = 0;
	int rc = open_raw(layer, err);

	while (rc == 0) {
		struct slot *slot = wait_for_space(layer);

		if (!slot)
			return 0;
		rc = fill_slot(layer, slot, err);
		if (rc < 0)
			return rc;
		total += slot->used;
		if (total > layer->request.bytes_max)
			return err_set(err, ERR_IMAGE, EFBIG, "cannot read the layer: it unpacks to far more than its size of %llu bytes allows",
				       (unsigned long long)layer->request.size);
		if (slot->used == 0)
			break;
		publish(layer);
	}
	return rc < 0 ? rc : finish_sums(layer, err);
}

static void *run_thread(void *context)
{
	struct layer *layer = context;
	struct err err = ERR_INIT;
	int rc = decompress(layer, &err);

	(void)pthread_mutex_lock(&layer->lock);
	if (rc < 0)
		layer->failure = err;
	layer->done = layer->at;
	layer->ended = true;
	(void)pthread_cond_signal(&layer->changed);
	(void)pthread_mutex_unlock(&layer->lock);
	return NULL;
}

/* ---- caller: ring → entries ---- */

/* Gives the oldest slot back, and the bytes of the next one; 0 at the end, also of a layer that cannot be read on. */
static la_ssize_t read_ring(struct archive *tar, void *context, const void **bytes)
{
	struct layer *layer = context;
	la_ssize_t got = 0;

	(void)tar;
	(void)pthread_mutex_lock(&layer->lock);
	if (layer->holding) {
		layer->first = (layer->first + 1) % SLOTS;
		layer->filled--;
		(void)pthread_cond_signal(&layer->changed);
	}
	layer->holding = false;
	while (layer->filled == 0 && !layer->ended)
		(void)pthread_cond_wait(&layer->changed, &layer->lock);
	if (layer->filled > 0) {
		layer->holding = true;
		*bytes = layer->slots[layer->first].bytes;
		got = (la_ssize_t)layer->slots[layer->first].used;
	}
	(void)pthread_mutex_unlock(&layer->lock);
	return got;
}

/* The thread's error tells more than "truncated", which is what the caller's side sees of it. */
static int get_failure(struct layer *layer, struct err *err)
{
	int rc = 0;

	(void)pthread_mutex_lock(&layer->lock);
	if (layer->ended && layer->failure.kind != ERR_NONE) {
		rc = -layer->failure.errnum;
		if (err)
			*err = layer->failure;
	}
	(void)pthread_mutex_unlock(&layer->lock);
	return rc;
}

static int fail_tar(struct layer *layer, struct err *err)
{
	int rc = get_failure(layer, err);

	return rc < 0 ? rc : fail_archive(layer->tar, err);
}

static int open_tar(struct layer *layer, struct err *err)
{
	layer->tar = archive_read_new();
	if (!layer->tar)
		return err_sys(err, ENOMEM, "cannot read the layer");
	(void)archive_read_support_filter_none(layer->tar);
	(void)archive_read_support_format_tar(layer->tar);
	(void)archive_read_support_format_empty(layer->tar);
	/* Without a seek or skip callback: everything passes through the ring. */
	return archive_read_open(layer->tar, layer, NULL, read_ring, NULL) < ARCHIVE_WARN ? fail_tar(layer, err) : 0;
}

static int open_buffers(struct layer *layer, struct err *err)
{
	int rc = 0;

	layer->input = malloc(READ_BYTES);
	for (size_t i = 0; i < SLOTS; i++) {
		layer->slots[i].bytes = malloc(SLOT_BYTES);
		if (!layer->slots[i].bytes || !layer->input)
			return err_sys(err, ENOMEM, "cannot read the layer");
	}
	if (layer->request.digest)
		rc = digest_new(&layer->compressed_sum, err);
	if (rc == 0 && layer->request.diff_id)
		rc = digest_new(&layer->archive_sum, err);
	return rc;
}

int layer_open(const struct layer_request *request, struct layer **out, struct err *err)
{
	struct layer *layer = calloc(1, sizeof(*layer));
	int rc;

	if (!layer)
		return err_sys(err, ENOMEM, "cannot read the layer");
	layer->request = *request;
	(void)pthread_mutex_init(&layer->lock, NULL);
	(void)pthread_cond_init(&layer->changed, NULL);
	rc = open_buffers(layer, err);
	if (rc == 0) {
		int status = pthread_create(&layer->thread, NULL, run_thread, layer);

		layer->started = status == 0;
		rc = status == 0 ? open_tar(layer, err) : err_sys(err, status, "cannot start a thread for the layer");
	}
	if (rc < 0)
		layer_close(layer);
	else
		*out = layer;
	return rc;
}

/* Bytes behind the end of the archive count for its digest. */
static int drain(struct layer *layer, struct err *err)
{
	const void *bytes;

	while (read_ring(layer->tar, layer, &bytes) > 0)
		;
	return get_failure(layer, err);
}

int layer_next(struct layer *layer, struct archive_entry **entry, struct err *err)
{
	int status = archive_read_next_header(layer->tar, entry);

	if (status == ARCHIVE_EOF)
		return drain(layer, err);
	/* A warning is about names that are not in the locale's character set, which are taken as they are. */
	return status < ARCHIVE_WARN ? fail_tar(layer, err) : 1;
}

int layer_read(struct layer *layer, const void **bytes, size_t *size, uint64_t *offset, struct err *err)
{
	la_int64_t at;
	int status = archive_read_data_block(layer->tar, bytes, size, &at);

	if (status == ARCHIVE_EOF)
		return 0;
	if (status < ARCHIVE_WARN)
		return fail_tar(layer, err);
	*offset = (uint64_t)at;
	return 1;
}

uint64_t layer_done(struct layer *layer)
{
	uint64_t done;

	(void)pthread_mutex_lock(&layer->lock);
	done = layer->done;
	(void)pthread_mutex_unlock(&layer->lock);
	return done;
}

void layer_close(struct layer *layer)
{
	if (!layer)
		return;
	if (layer->started) {
		(void)pthread_mutex_lock(&layer->lock);
		layer->stop = true;
		(void)pthread_cond_signal(&layer->changed);
		(void)pthread_mutex_unlock(&layer->lock);
		(void)pthread_join(layer->thread, NULL);
	}
	if (layer->tar)
		(void)archive_read_free(layer->tar);
	if (layer->raw)
		(void)archive_read_free(layer->raw);
	digest_free(layer->compressed_sum);
	digest_free(layer->archive_sum);
	for (size_t i = 0; i < SLOTS; i++)
		free(layer->slots[i].bytes);
	free(layer->input);
	(void)pthread_cond_destroy(&layer->changed);
	(void)pthread_mutex_destroy(&layer->lock);
	free(layer);
}
