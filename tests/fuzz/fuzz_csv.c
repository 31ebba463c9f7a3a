/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/cli_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strlist list = {0, NULL};
	struct err err = ERR_INIT;
	char *text = malloc(size + 1);
	size_t total = 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (cli_csv_split(text, &list, &err) == 0) {
		for (size_t i = 0; i < list.count; i++)
			total += strlen(list.items[i]);
		if (total > size)
			abort();
	} else if (list.count != 0 || err.message[0] == '\0') {
		abort();
	}
	cli_csv_free(&list, 0);
	free(text);
	return 0;
}
