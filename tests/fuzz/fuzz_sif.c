/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "frontend/image/sif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct sif_header header;
	struct sif sif = {.count = 0};

	if (sif_parse_header(data, size, size, &header, &err) < 0)
		return 0;
	if (sif_parse_table(data + header.table_offset, (size_t)header.table_size, &header, size, &sif, &err) < 0)
		return 0;
	for (size_t i = 0; i < sif.count; i++) {
		/* What the parser lets through must be readable without another check. */
		if (sif.entries[i].offset > size || sif.entries[i].size > size - sif.entries[i].offset)
			abort();
		if (!sif_get_arch(&sif.entries[i]))
			abort();
	}
	sif_fini(&sif);
	return 0;
}
