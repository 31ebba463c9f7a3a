/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes a new SIF: create, add objects one after the other, finish. The descriptor table and the header are written last, so
 * that a file cut short never looks like an image.
 */
#ifndef FRONTEND_PACK_SIF_WRITE_H
#define FRONTEND_PACK_SIF_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "frontend/image/sif_layout.h"
#include "ipc/err.h"

#define SIF_LAUNCH_NATIVE "#!/usr/bin/env run-singularity\n"

struct sif_options {
	const char *launch; /* NULL: none */
	uint8_t uuid[16];
	int64_t time;       /* Unix seconds, for the image and its objects */
	uint32_t slots;
};

struct sif_writer;

/* sif_writer_make_uuid() - a random identifier. */
int sif_writer_make_uuid(uint8_t uuid[16], struct err *err);

/* sif_writer_create() - start an image in the empty file @fd (borrowed, open for writing). *@out owned. */
int sif_writer_create(int fd, const struct sif_options *options, struct sif_writer **out, struct err *err);
void sif_writer_free(struct sif_writer *writer);

/* sif_object_set_partition() - fill @object's type and extra. -EINVAL for an architecture that has no code. */
int sif_object_set_partition(struct sif_object *object, enum sif_fs fs, enum sif_part part, const char *arch,
			     struct err *err);

/* sif_writer_begin() - where the bytes of the next object go; the caller may write them there itself. */
uint64_t sif_writer_begin(const struct sif_writer *writer, enum sif_data_type type);

/* sif_writer_end() - record @object, whose @size bytes have been written at sif_writer_begin(). */
int sif_writer_end(struct sif_writer *writer, const struct sif_object *object, uint64_t size, struct err *err);

/* sif_writer_add() - write @bytes and record @object. */
int sif_writer_add(struct sif_writer *writer, const struct sif_object *object, const void *bytes, size_t size,
		   struct err *err);

/* sif_writer_set_uuid() - replace the identifier given at creation. */
void sif_writer_set_uuid(struct sif_writer *writer, const uint8_t uuid[16]);

/* sif_writer_finish() - write descriptor table and header and set the length of the file. */
int sif_writer_finish(struct sif_writer *writer, struct err *err);

#endif
