/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/image/sif_layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* The code is the place in this list. */
static const char *const arch_names[] = {
	"unknown", "386",  "amd64",  "arm",      "arm64", "ppc64",   "ppc64le",
	"mips",    "mipsle", "mips64", "mips64le", "s390x", "riscv64", "loong64",
};
#define ARCH_COUNT (sizeof(arch_names) / sizeof(arch_names[0]))

const char *sif_layout_arch_name(const uint8_t code[3])
{
	size_t number;

	if (code[0] < '0' || code[0] > '9' || code[1] < '0' || code[1] > '9' || code[2] != '\0')
		return arch_names[0];
	number = (size_t)(code[0] - '0') * 10 + (size_t)(code[1] - '0');
	return number < ARCH_COUNT ? arch_names[number] : arch_names[0];
}

int sif_layout_arch_code(const char *name, uint8_t digits[2])
{
	for (size_t code = 1; code < ARCH_COUNT; code++) {
		if (strcmp(arch_names[code], name) == 0) {
			digits[0] = (uint8_t)('0' + code / 10);
			digits[1] = (uint8_t)('0' + code % 10);
			return 0;
		}
	}
	return -ENOENT;
}

uint64_t sif_layout_get(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = bytes; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

void sif_layout_put(uint8_t *at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

uint64_t sif_layout_align(uint64_t at, uint64_t alignment)
{
	return alignment == 0 || at % alignment == 0 ? at : at + (alignment - at % alignment);
}

int sif_layout_put_descriptor(uint8_t slot[SIF_DESCRIPTOR_BYTES], const struct sif_object *object,
			      const struct sif_place *place, struct err *err)
{
	size_t name_len = object->name ? strlen(object->name) : 0;

	if (name_len > SIF_NAME_BYTES)
		return err_set(err, ERR_IMAGE, ENAMETOOLONG, "cannot add an object: its name is longer than %d bytes",
			       SIF_NAME_BYTES);
	sif_layout_put(slot + D_TYPE, object->type, 4);
	slot[D_USED] = 1;
	sif_layout_put(slot + D_ID, place->id, 4);
	sif_layout_put(slot + D_GROUP, object->group | SIF_GROUP_MARK, 4);
	sif_layout_put(slot + D_LINK, object->link, 4);
	sif_layout_put(slot + D_OFFSET, place->offset, 8);
	sif_layout_put(slot + D_SIZE, place->size, 8);
	sif_layout_put(slot + D_PADDED, place->size + (place->offset - place->plain), 8);
	sif_layout_put(slot + D_CTIME, (uint64_t)place->time, 8);
	sif_layout_put(slot + D_MTIME, (uint64_t)place->time, 8);
	if (name_len > 0)
		memcpy(slot + D_NAME, object->name, name_len);
	memcpy(slot + D_EXTRA, object->extra, SIF_EXTRA_BYTES);
	return 0;
}
