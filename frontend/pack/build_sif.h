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

/* Everything is borrowed. */
struct build_sif_request {
	const char *bootstrap, *from; /* of the definition: "localimage", "docker", … and what was built from */
	const char *oci_config;       /* becomes the object oci-config.json; NULL: none */
	const struct build_clock *clock;
	struct squash_options *squash; /* its times are set here */
};

/* build_sif_describe() - complete @tree with what an image says about itself: base files, definition, labels. *@definition (owned;
 * may be NULL) is the text of the definition. */
int build_sif_describe(struct tree *tree, const struct build_sif_request *request, char **definition, struct err *err);

/* build_sif_write() - describe @tree, pack it, and write the image into the empty file @fd (borrowed, readable and writable). */
int build_sif_write(struct tree *tree, const struct build_sif_request *request, int fd, struct err *err);

#endif
