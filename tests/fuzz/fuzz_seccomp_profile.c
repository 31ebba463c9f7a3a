/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frontend/seccomp_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct seccomp_host host = {UINT64_MAX, 6, 1};
	struct err err = ERR_INIT;
	int fd = memfd_create("filter", MFD_CLOEXEC);

	(void)seccomp_profile_compile((const char *)data, size, &host, fd, &err);
	(void)close(fd);
	return 0;
}
