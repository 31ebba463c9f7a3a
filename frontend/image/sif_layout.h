/* SPDX-License-Identifier: BSD-3-Clause */
/* Where things stand in a SIF, for its reader and its writer: a header, a table of descriptors, the objects. Numbers are
 * little-endian; the fields are not aligned. */
#ifndef FRONTEND_IMAGE_SIF_LAYOUT_H
#define FRONTEND_IMAGE_SIF_LAYOUT_H

#include <stdint.h>

#define SIF_MAGIC "SIF_MAGIC" /* with its NUL */
#define SIF_HEADER_BYTES 128
#define SIF_DESCRIPTOR_BYTES 585
#define SIF_TABLE_OFFSET 4096 /* where every writer puts the table */
#define SIF_SLOTS_MAX 65536   /* what an image may claim; SingularityCE writes 48 */
#define SIF_GROUP_MARK UINT32_C(0xF0000000)

/* Offsets in the header, in a descriptor, and in the extra area of a partition's descriptor. */
enum { H_LAUNCH = 0, H_MAGIC = 32, H_VERSION = 42, H_ARCH = 45, H_UUID = 48, H_CTIME = 64, H_MTIME = 72, H_FREE = 80,
       H_TOTAL = 88, H_TABLE = 96, H_TABLE_SIZE = 104, H_DATA = 112, H_DATA_SIZE = 120 };
enum { D_TYPE = 0, D_USED = 4, D_ID = 5, D_GROUP = 9, D_LINK = 13, D_OFFSET = 17, D_SIZE = 25, D_PADDED = 33,
       D_CTIME = 41, D_MTIME = 49, D_NAME = 73, D_EXTRA = 201 };
enum { X_FS = 0, X_PART = 4, X_ARCH = 8 };

/* sif_layout_arch_name() - Go's name of the architecture with the two digits @code and a NUL; "unknown" for one nobody gave out. */
const char *sif_layout_arch_name(const uint8_t code[3]);

/* sif_layout_arch_code() - fill the two digits of the architecture @name. Returns 0, or -ENOENT if it has none. */
int sif_layout_arch_code(const char *name, uint8_t digits[2]);

#endif
