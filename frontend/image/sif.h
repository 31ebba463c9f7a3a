/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads SIF images. Every number of the file is a claim: nothing is believed before it is bounds-checked, and what fails a
 * check is refused as a whole, so that callers can use offsets and sizes without looking again.
 */
#ifndef FRONTEND_IMAGE_SIF_H
#define FRONTEND_IMAGE_SIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/image/sif_layout.h"
#include "ipc/err.h"

struct sif_header {
	char launch[33];
	char arch[16]; /* Go name, "unknown" for a code nobody gave out */
	uint8_t uuid[16];
	int64_t ctime, mtime;
	uint64_t slots_free, slots_total;
	uint64_t table_offset, table_size;
	uint64_t data_offset, data_size;
};

struct sif_entry {
	uint32_t type; /* enum sif_data_type, or a value nobody gave out */
	uint32_t id;
	uint32_t group; /* without the mark; 0: none */
	uint32_t link;  /* object id, or group number if link_is_group; 0: none. May name nothing that exists */
	bool link_is_group;
	uint64_t offset, size, padded_size;
	int64_t ctime, mtime;
	char name[SIF_NAME_BYTES + 1];
	uint8_t extra[SIF_EXTRA_BYTES];
};

struct sif {
	struct sif_header header;
	size_t count;
	struct sif_entry *entries; /* owned; used slots in the order of the table */
};

/* sif_is_image() - do these first @size bytes of a file carry the magic of a SIF? */
bool sif_is_image(const uint8_t *bytes, size_t size);

/* sif_parse_header() - decode and check the first SIF_HEADER_BYTES of a file of @file_size bytes. -EINVAL with ERR_IMAGE. */
int sif_parse_header(const uint8_t *bytes, size_t size, uint64_t file_size, struct sif_header *out, struct err *err);

/* sif_parse_table() - decode and check the descriptor table @bytes (header->table_size of them). Fills @out, whose header is
 * copied from @header. */
int sif_parse_table(const uint8_t *bytes, size_t size, const struct sif_header *header, uint64_t file_size,
		    struct sif *out, struct err *err);

/* sif_load() - read header and table from @fd (borrowed), a file of @file_size bytes. */
int sif_load(int fd, uint64_t file_size, struct sif *out, struct err *err);
void sif_fini(struct sif *sif);

/* sif_find() - the only object of @type (with @name unless NULL). *@out is NULL if there is none; -EINVAL if several match. */
int sif_find(const struct sif *sif, enum sif_data_type type, const char *name, const struct sif_entry **out,
	     struct err *err);

/* sif_find_id() - the object with the number @id; NULL if there is none. */
const struct sif_entry *sif_find_id(const struct sif *sif, uint32_t id);

/* sif_read_object() - the bytes of @entry, at most @max, in *@out (owned, with a NUL after the last). */
int sif_read_object(int fd, const struct sif_entry *entry, size_t max, char **out, size_t *size, struct err *err);

/* The extra area of a partition. */
uint32_t sif_get_fs(const struct sif_entry *entry);   /* enum sif_fs or unknown */
uint32_t sif_get_part(const struct sif_entry *entry); /* enum sif_part or unknown */
const char *sif_get_arch(const struct sif_entry *entry);

#endif
