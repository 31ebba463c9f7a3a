/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OCI layers to a native image, without unpacking them to disk: each layer is read twice, once for the names, which are merged
 * into a tree in memory, and once for the contents that survived, which go straight into the target.
 */
#ifndef FRONTEND_OCI_CONVERT_H
#define FRONTEND_OCI_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/oci/source.h"
#include "frontend/pack/build_sif.h"
#include "frontend/pack/squash_write.h"
#include "frontend/registry/digest.h"
#include "ipc/err.h"

/* A layer: @size bytes of @fd (borrowed, seekable) from @offset on. Compression is told from the contents. */
struct convert_layer {
	int fd;
	uint64_t offset, size;
	char *media_type;             /* borrowed; may be NULL; for messages */
	char digest[DIGEST_TEXT_MAX]; /* of the compressed bytes, verified while reading; "" when that has been done */
};

struct convert_options {
	struct build_clock clock;     /* build_clock_read() */
	struct squash_options squash; /* compression and progress; times are set by the conversion */
	const char *bootstrap, *from; /* of the definition: "docker", "alpine:3.18" */
	bool squash_ids;              /* all files belong to root, devices become empty files: the caller is not root */
	bool fix_perms;               /* --fix-perms */
};

/* convert_to_sif() - merge the @count @layers (lowest first), add the metadata of the OCI configuration @config_json (borrowed, the
 * whole document; its diff_ids are verified), and write a SIF into the empty file @fd (borrowed, readable and writable). */
int convert_to_sif(const struct convert_layer *layers, size_t count, const char *config_json,
		   const struct convert_options *options, int fd, struct err *err);

/* convert_to_sandbox() - the same into the empty directory @root_fd (borrowed). Nothing is written outside it. After a failure
 * it holds what was written until then. */
int convert_to_sandbox(const struct convert_layer *layers, size_t count, const char *config_json,
		       const struct convert_options *options, int root_fd, struct err *err);

/* convert_open_layers() - layers of @image as convert_to_sif() takes them: opened where @source has them as files, else spooled
 * to @tmpdir. *@out owned, image->manifest.count of them: convert_close_layers(). */
int convert_open_layers(struct oci_source *source, const struct oci_image *image, const char *tmpdir,
			struct convert_layer **out, struct err *err);
void convert_close_layers(struct convert_layer *layers, size_t count);

#endif
