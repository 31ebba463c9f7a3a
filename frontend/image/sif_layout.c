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
