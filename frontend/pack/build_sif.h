/* SPDX-License-Identifier: BSD-3-Clause */
/* A tree and its metadata as a SIF file. */
#ifndef FRONTEND_PACK_BUILD_SIF_H
#define FRONTEND_PACK_BUILD_SIF_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/pack/squash_write.h"
#include "frontend/pack/tree.h"

struct build_clock {
	uint32_t now;     /* Unix seconds; SOURCE_DATE_EPOCH where that is set */
	bool repeatable;  /* SOURCE_DATE_EPOCH is set */
};

/* build_clock_read() - the time of this build. -EINVAL for a SOURCE_DATE_EPOCH that is no time. */
int build_clock_read(struct build_clock *clock, struct err *err);

/* build_sif_write() - write the image into the empty file @fd (borrowed, readable and writable): @definition, what the tree
 * says about itself, and the tree packed as @options say (their times are set here). */
int build_sif_write(struct tree *tree, const char *definition, const struct build_clock *clock,
		    struct squash_options *options, int fd, struct err *err);

#endif
