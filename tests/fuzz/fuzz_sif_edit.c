/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever image is let in, each change of it leaves one that is let in, too. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frontend/pack/sif_write.h"
#include "frontend/sif/sif_edit.h"

#define FUZZ_BYTES_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sif_edit *edit, uint32_t id, int present)
{
	if ((sif_find_id(&edit->sif, id) != NULL) != present)
		abort();
}

static void change(const char *path)
{
	int fd = memfd_create("object", MFD_CLOEXEC);
	struct sif_object object = {.type = SIF_DATA_OCI_BLOB, .group = 1};
	struct sif_source source = {.fd = fd, .alignment = 64};
	struct sif_edit edit;
	struct err err = ERR_INIT;
	uint32_t id;

	if (fd < 0 || write(fd, "object", 6) != 6 || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	if (sif_edit_open(path, &edit, &err) == 0) {
		if (sif_edit_add(&edit, &object, &source, &id, &err) == 0)
			check(&edit, id, 1);
		for (uint32_t i = 1; i < 6; i++)
			(void)sif_edit_set_primary(&edit, i, &err);
		for (uint32_t i = 1; i < 4; i++) {
			if (sif_edit_delete(&edit, i, &err) == 0)
				check(&edit, i, 0);
		}
		sif_edit_close(&edit);
		/* Nothing of this may have damaged it. */
		if (sif_edit_open(path, &edit, &err) < 0)
			abort();
		sif_edit_close(&edit);
	}
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	char path[32];

	if (size > FUZZ_BYTES_MAX)
		size = FUZZ_BYTES_MAX;
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	change(path);
	(void)close(fd);
	return 0;
}
