/* SPDX-License-Identifier: BSD-3-Clause */
/* passwd and group as the setuid starter reads them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/account_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	char home[64];
	FILE *file;

	/* The reader follows no link, so memory behind /proc/self/fd would not do. */
	(void)snprintf(path, sizeof(path), "/dev/shm/fuzz-accounts-%d", getpid());
	file = fopen(path, "we");
	if (!file)
		return 0;
	(void)fwrite(data, 1, size, file);
	(void)fclose(file);
	(void)account_file_matches(path, "user", 1000);
	(void)account_file_matches(path, "1000", 1000);
	if (account_file_get_home(path, 1000, home, sizeof(home)) && strlen(home) >= sizeof(home))
		abort();
	(void)unlink(path);
	return 0;
}
