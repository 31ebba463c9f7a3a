/* SPDX-License-Identifier: BSD-3-Clause */
/* A layer from outside, on top of a small one: the tree must stay whole, and the second reading must find what the first has seen. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/oci/merge.h"
#include "frontend/pack/elf_read.h"

#define BYTES_MAX (UINT64_C(1) << 26)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t taken;

static int take_begin(struct tree_sink *sink, struct tree_inode *inode, struct err *err)
{
	(void)sink;
	(void)err;
	taken = inode->size;
	return 0;
}

static int take(struct tree_sink *sink, const void *bytes, size_t size, struct err *err)
{
	volatile uint8_t last;

	(void)sink;
	(void)err;
	if (size > taken)
		abort();
	taken -= size;
	if (bytes && size > 0)
		last = ((const uint8_t *)bytes)[size - 1];
	(void)last;
	return 0;
}

static int take_end(struct tree_sink *sink, struct err *err)
{
	(void)sink;
	(void)err;
	if (taken != 0)
		abort();
	return 0;
}

static void check_node(const struct tree_node *node)
{
	if (node->inode->nlink == 0)
		abort();
	for (uint32_t i = 0; i < node->count; i++) {
		const struct tree_node *child = node->children[i];

		if (child->parent != node || child->position != i || !*child->name || strchr(child->name, '/') ||
		    strcmp(child->name, "..") == 0)
			abort();
		check_node(child);
	}
}

static void feed(struct merge *merge, const struct layer_request *request)
{
	struct tree_sink sink = {.begin = take_begin, .append = take, .end = take_end};
	struct layer *layer = NULL;

	merge_rewind(merge);
	/* May fail: sparse maps that make no sense are met only when contents are read. */
	if (merge_needs(merge, 0) && layer_open(request, &layer, NULL) == 0)
		(void)merge_feed(merge, 0, layer, &sink, NULL);
	layer_close(layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_request request = {.fd = memfd_create("layer", MFD_CLOEXEC), .size = size, .bytes_max = BYTES_MAX};
	struct merge *merge = NULL;
	struct layer *layer = NULL;
	struct err err = ERR_INIT;
	struct tree tree;
	int rc = 0;

	if (request.fd < 0 || write(request.fd, data, size) != (ssize_t)size || tree_init(&tree, NULL) < 0)
		abort();
	if (merge_new(&tree, size & 1, BYTES_MAX, &merge, NULL) < 0)
		abort();
	rc = layer_open(&request, &layer, NULL);
	if (rc == 0)
		rc = merge_apply(merge, layer, &err);
	layer_close(layer);
	layer = NULL;
	/* The same once more, as a higher layer: replaces everything by itself. */
	if (rc == 0) {
		feed(merge, &request);
		if (layer_open(&request, &layer, NULL) == 0)
			(void)merge_apply(merge, layer, &err);
		layer_close(layer);
	}
	check_node(tree.root);
	tree_fini(&tree);
	merge_free(merge);
	(void)close(request.fd);
	return 0;
}
