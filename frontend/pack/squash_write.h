/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a tree as squashfs 4.0, compressed on all processors, straight to its place inside a file. */
#ifndef FRONTEND_PACK_SQUASH_WRITE_H
#define FRONTEND_PACK_SQUASH_WRITE_H

#include <stdint.h>

#include "frontend/pack/tree.h"

enum squash_compression { SQUASH_GZIP, SQUASH_ZSTD, SQUASH_LZ4, SQUASH_XZ, SQUASH_NONE };

struct squash_options {
	enum squash_compression compression;
	int level;          /* -1: the default of the kind */
	uint32_t time;      /* of the file system */
	uint32_t time_max;  /* later times of files are set to this */
	unsigned int workers; /* 0: one per processor this process may use */
	struct tree_feed *feed; /* for the files whose source only streams; borrowed; NULL when there are none */
	/* Called now and then with the bytes of contents read so far; may be NULL. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *progress_context;
};

/* squash_parse_compression() - "kind[:level]" → @options. Returns 0 or -EINVAL with @err. */
int squash_parse_compression(const char *text, struct squash_options *options, struct err *err);

/* squash_write() - write @tree into @fd (borrowed, readable and writable) at @offset. *@size is the length, a multiple of 4096.
 * Inodes marked hot come first, and their contents stay uncompressed; streamed ones lie where the feed brings them. */
int squash_write(struct tree *tree, const struct squash_options *options, int fd, uint64_t offset, uint64_t *size,
		 struct err *err);

#endif
