/* SPDX-License-Identifier: BSD-3-Clause */
/* The few facts of a program that packing needs: its architecture, its loader, the libraries it asks for. */
#ifndef FRONTEND_PACK_ELF_READ_H
#define FRONTEND_PACK_ELF_READ_H

#include <stddef.h>
#include <stdint.h>

#define ELF_NEEDED_MAX 32
#define ELF_NAME_MAX 256

struct elf_facts {
	const char *arch; /* Go name, or "unknown" */
	char loader[ELF_NAME_MAX]; /* "" when static */
	size_t needed_count;
	char needed[ELF_NEEDED_MAX][ELF_NAME_MAX];
};

/* elf_read() - read the ELF file of @size bytes at @bytes. Only the architecture is told for 32-bit and foreign byte orders.
 * Returns 0, or -ENOEXEC when it is not ELF or its tables point outside. Pure. */
int elf_read(const uint8_t *bytes, size_t size, struct elf_facts *out);

#endif
