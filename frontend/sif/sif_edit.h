/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes a SIF in place. Whatever moment a kill falls into, what is left is a valid image, as before or as after the change: data
 * goes where nothing is, then the descriptor is written and only then marked as used, by one byte; the header comes last. What the
 * header says of free descriptors is worked out from the table, never believed.
 */
#ifndef FRONTEND_SIF_SIF_EDIT_H
#define FRONTEND_SIF_SIF_EDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/image/sif.h"
#include "ipc/err.h"

struct sif_edit {
	const char *path; /* borrowed; for messages */
	int fd;           /* owned; read and write, locked */
	uint64_t file_size;
	int64_t now; /* the time that changes get */
	uint8_t header[SIF_HEADER_BYTES];
	uint8_t *table; /* owned */
	struct sif sif; /* header and table, decoded */
};

#define SIF_EDIT_INIT {.fd = -1}

struct sif_source {
	int fd;             /* borrowed; read from its position to its end */
	uint64_t alignment; /* 0: none */
	bool reserve;       /* give its holes blocks of the file system, too */
};

/* sif_edit_open() - open @path for changes, alone. Fails with ERR_IMAGE for what is no SIF or is in use, -EACCES. */
int sif_edit_open(const char *path, struct sif_edit *out, struct err *err);
void sif_edit_close(struct sif_edit *edit);

/* sif_edit_find() - the object with the number @id. -ENOENT. */
int sif_edit_find(const struct sif_edit *edit, uint32_t id, const struct sif_entry **out, struct err *err);

/* sif_edit_is_signed() - is there a signature of @group (0: no group), or of the object @id? */
bool sif_edit_is_signed(const struct sif_edit *edit, uint32_t group, uint32_t id);

/* sif_edit_add() - add @object with the bytes of @source; *@id is its number. For the types of OCI the digest in its extra area is
 * filled in. After failure the file has its length back. -ENOSPC: no descriptor is free; -EEXIST: a second primary partition. */
int sif_edit_add(struct sif_edit *edit, const struct sif_object *object, const struct sif_source *source, uint32_t *id,
		 struct err *err);

/* sif_edit_delete() - take the object @id out of the table; its bytes stay in the file until something is added. */
int sif_edit_delete(struct sif_edit *edit, uint32_t id, struct err *err);

/* sif_edit_set_primary() - make the system partition @id the one that is run; the one before becomes an ordinary one. */
int sif_edit_set_primary(struct sif_edit *edit, uint32_t id, struct err *err);

#endif
