/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a container of ours hands down to the containers inside it, at /.singularity.d/outer: `fuse` (the node of /dev/fuse),
 * `proc` (a proc file system that nothing covers), `image` (the tree of the image it runs, read-only) and `facts` (lines
 * NAME=VALUE). Each is a read-only mount of its own; what is absent means nothing. An image asks for them by having the
 * mount points, a caller by --nest.
 */
#ifndef FRONTEND_LAUNCH_OUTER_H
#define FRONTEND_LAUNCH_OUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/image/image.h"

#define OUTER_DIR "/.singularity.d/outer"
#define OUTER_FACTS_MAX 4096
#define OUTER_FACTS_VERSION 1

/* The same file at both levels, unchanged since: then its mounted tree can be used again. */
struct outer_image {
	uint64_t dev, ino, size_bytes, offset_bytes;
	int64_t mtime_ns;
};

struct outer_facts {
	char flow[16];    /* as plan_print names it */
	uint32_t id_count; /* user ids mapped; 1: only the caller's */
	bool has_image;
	struct outer_image image;
};

/* outer_format() - @facts as text in @text of @size bytes, NUL-terminated. -E2BIG when it does not fit. */
int outer_format(const struct outer_facts *facts, char *text, size_t size);

/* outer_parse() - read what outer_format() wrote; @text is NUL-terminated. Unknown names are skipped, a version that is not ours is
 * -EPROTONOSUPPORT, a line that is none -EINVAL. Filled on success only. */
int outer_parse(const char *text, struct outer_facts *out);

/* outer_read() - the facts of the container around us; -ENOENT when there are none. A file that the image brings along does not
 * count: facts are handed down on a mount of their own. */
int outer_read(struct outer_facts *out);

/* outer_identify() - what tells @partition of @image from others. Negative errno from fstat(2). */
int outer_identify(const struct image *image, const struct image_partition *partition, struct outer_image *out);

/* outer_has_image() - is this the image the outer container runs? */
bool outer_has_image(const struct outer_facts *facts, const struct outer_image *image);

#endif
