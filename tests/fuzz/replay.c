/* SPDX-License-Identifier: BSD-3-Clause */
/* Feeds each file named on the command line to the harness: the corpus without a fuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fprintf(stderr, "the corpus is empty\n");
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		static uint8_t bytes[4 * 1024 * 1024];
		FILE *file = fopen(argv[i], "rb");
		size_t size;

		if (!file) {
			perror(argv[i]);
			return 1;
		}
		size = fread(bytes, 1, sizeof(bytes), file);
		(void)fclose(file);
		(void)LLVMFuzzerTestOneInput(bytes, size);
	}
	return 0;
}
