/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Layers into one tree in memory. The first reading of a layer applies its names: whiteouts, links, replaced types. The second hands
 * the contents of the files that survived to a sink. Names are resolved inside the tree and never reach a file system here.
 */
#ifndef FRONTEND_OCI_MERGE_H
#define FRONTEND_OCI_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/oci/layer.h"
#include "frontend/pack/tree.h"

struct merge;

/* merge_new() - merge into the fresh @tree (borrowed; to be released before the merge, which its files refer to). With
 * @squash_ids everything belongs to root, and devices become empty files of mode 000. Files of more than @bytes_max together are
 * refused. */
int merge_new(struct tree *tree, bool squash_ids, uint64_t bytes_max, struct merge **out, struct err *err);
void merge_free(struct merge *merge);

/* merge_apply() - put the next higher @layer on what is there. */
int merge_apply(struct merge *merge, struct layer *layer, struct err *err);

/* merge_rewind() - start the second reading; no layer may be applied after that, but the tree may have changed. */
void merge_rewind(struct merge *merge);

/* merge_needs() - has the layer number @index, counted from 0 in the order of merge_apply(), contents that the tree still wants? */
bool merge_needs(const struct merge *merge, uint32_t index);

/* merge_feed() - hand the contents of @layer, which is number @index, to @sink. Layers come in the order of merge_apply(); those that
 * are not needed may be left out. */
int merge_feed(struct merge *merge, uint32_t index, struct layer *layer, struct tree_sink *sink, struct err *err);

#endif
