/* SPDX-License-Identifier: BSD-3-Clause */
/* Where things stand in a SIF, for its reader and its writer: a header, a table of descriptors, the objects. Numbers are
 * little-endian; the fields are not aligned. */
#ifndef FRONTEND_IMAGE_SIF_LAYOUT_H
#define FRONTEND_IMAGE_SIF_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

#define SIF_MAGIC "SIF_MAGIC" /* with its NUL */
#define SIF_HEADER_BYTES 128
#define SIF_DESCRIPTOR_BYTES 585
#define SIF_TABLE_OFFSET 4096 /* where every writer puts the table */
#define SIF_SLOTS_MAX 65536   /* what an image may claim; SingularityCE writes 48 */
#define SIF_SLOTS_DEFAULT 48
#define SIF_GROUP_MARK UINT32_C(0xF0000000)
#define SIF_TIME_NONE INT64_C(-62135596800) /* year 1, the time of deterministic images */
#define SIF_EXTRA_BYTES 384
#define SIF_NAME_BYTES 128
#define SIF_ENTITY_BYTES 256      /* of a signature */
#define SIF_FINGERPRINT_BYTES 20  /* the first of them */
#define SIF_PARTITION_ALIGN 4096

enum sif_data_type {
	SIF_DATA_DEFFILE = 0x4001,
	SIF_DATA_ENV = 0x4002,
	SIF_DATA_LABELS = 0x4003,
	SIF_DATA_PARTITION = 0x4004,
	SIF_DATA_SIGNATURE = 0x4005,
	SIF_DATA_JSON = 0x4006,
	SIF_DATA_GENERIC = 0x4007,
	SIF_DATA_CRYPTO = 0x4008,
	SIF_DATA_SBOM = 0x4009,
	SIF_DATA_OCI_INDEX = 0x400A,
	SIF_DATA_OCI_BLOB = 0x400B,
};

enum sif_fs { SIF_FS_SQUASHFS = 1, SIF_FS_EXT3, SIF_FS_ARCHIVE, SIF_FS_RAW, SIF_FS_ENCRYPTED };
enum sif_part { SIF_PART_SYSTEM = 1, SIF_PART_PRIMARY, SIF_PART_DATA, SIF_PART_OVERLAY };

/* Offsets in the header, in a descriptor, and in the extra area of a descriptor: of a partition, a signature, an SBOM, a
 * cryptographic message. */
enum { H_LAUNCH = 0, H_MAGIC = 32, H_VERSION = 42, H_ARCH = 45, H_UUID = 48, H_CTIME = 64, H_MTIME = 72, H_FREE = 80,
       H_TOTAL = 88, H_TABLE = 96, H_TABLE_SIZE = 104, H_DATA = 112, H_DATA_SIZE = 120 };
enum { D_TYPE = 0, D_USED = 4, D_ID = 5, D_GROUP = 9, D_LINK = 13, D_OFFSET = 17, D_SIZE = 25, D_PADDED = 33,
       D_CTIME = 41, D_MTIME = 49, D_NAME = 73, D_EXTRA = 201 };
enum { X_FS = 0, X_PART = 4, X_ARCH = 8 };
enum { X_HASH = 0, X_ENTITY = 4 };
enum { X_SBOM = 0 };
enum { X_FORMAT = 0, X_MESSAGE = 4 };

/* An object to be recorded. */
struct sif_object {
	enum sif_data_type type;
	const char *name; /* NULL: none */
	uint32_t group;   /* 0: none */
	uint32_t link;    /* as stored */
	uint8_t extra[SIF_EXTRA_BYTES];
};

/* Where its bytes stand. */
struct sif_place {
	uint32_t id;
	uint64_t plain, offset; /* where the data before it ends, and where it begins behind the padding */
	uint64_t size;
	int64_t time;
};

/* sif_layout_get(), sif_layout_put() - the little-endian number of @bytes bytes at @at. */
uint64_t sif_layout_get(const uint8_t *at, size_t bytes);
void sif_layout_put(uint8_t *at, uint64_t value, size_t bytes);

/* sif_layout_align() - the first offset from @at on that @alignment divides; 0: @at. */
uint64_t sif_layout_align(uint64_t at, uint64_t alignment);

/* sif_layout_put_descriptor() - fill the empty @slot. -ENAMETOOLONG, and the slot is still empty. */
int sif_layout_put_descriptor(uint8_t slot[SIF_DESCRIPTOR_BYTES], const struct sif_object *object,
			      const struct sif_place *place, struct err *err);

/* sif_layout_arch_name() - Go's name of the architecture with the two digits @code and a NUL; "unknown" for one nobody gave out. */
const char *sif_layout_arch_name(const uint8_t code[3]);

/* sif_layout_arch_code() - fill the two digits of the architecture @name. Returns 0, or -ENOENT if it has none. */
int sif_layout_arch_code(const char *name, uint8_t digits[2]);

#endif
