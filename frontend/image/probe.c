/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/image/probe.h"

#include <errno.h>
#include <string.h>

#define LAUNCH_WORD " run-singularity"

/* squashfs superblock */
enum { SQUASH_BLOCK_SIZE = 12, SQUASH_COMPRESSION = 20, SQUASH_BLOCK_LOG = 22, SQUASH_MAJOR = 28, SQUASH_MINOR = 30,
       SQUASH_USED = 40, SQUASH_SUPER_BYTES = 96 };
#define SQUASH_COMPRESSION_LAST 6
#define SQUASH_LOG_MIN 12
#define SQUASH_LOG_MAX 20

/* ext2/3/4: the superblock is 1024 bytes into the file system */
enum { EXT_MAGIC = 1080, EXT_COMPAT = 1116, EXT_INCOMPAT = 1120, EXT_RO_COMPAT = 1124, EXT_SUPER_END = 2048 };
#define EXT_COMPAT_JOURNAL UINT32_C(0x4)
#define EXT_INCOMPAT_KNOWN UINT32_C(0x16) /* file types, journal to replay, meta block groups */
#define EXT_RO_COMPAT_KNOWN UINT32_C(0x7) /* sparse superblocks, large files, directory trees */

static uint64_t get_le(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = bytes; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

size_t probe_skip_launch(const uint8_t *bytes, size_t size)
{
	const uint8_t *at = memmem(bytes, size < PROBE_BYTES ? size : PROBE_BYTES, LAUNCH_WORD, strlen(LAUNCH_WORD));

	if (!at || at == bytes)
		return 0;
	return (size_t)(at - bytes) + strlen(LAUNCH_WORD) + 1;
}

static int probe_squashfs(const uint8_t *bytes, uint64_t extent_bytes, struct probe_result *out, struct err *err)
{
	uint16_t compression = (uint16_t)get_le(bytes + SQUASH_COMPRESSION, 2);
	uint16_t block_log = (uint16_t)get_le(bytes + SQUASH_BLOCK_LOG, 2);
	uint32_t block_bytes = (uint32_t)get_le(bytes + SQUASH_BLOCK_SIZE, 4);
	uint64_t used_bytes = get_le(bytes + SQUASH_USED, 8);

	if (get_le(bytes + SQUASH_MAJOR, 2) != 4 || get_le(bytes + SQUASH_MINOR, 2) != 0)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot read squashfs: version is not 4.0");
	if (compression == 0 || compression > SQUASH_COMPRESSION_LAST)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot read squashfs: unknown compression %u", compression);
	if (block_log < SQUASH_LOG_MIN || block_log > SQUASH_LOG_MAX || block_bytes != UINT32_C(1) << block_log)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot read squashfs: bad block size");
	if (used_bytes < SQUASH_SUPER_BYTES || used_bytes > extent_bytes)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot read squashfs: the file system is cut short");
	out->fs = PROBE_SQUASHFS;
	out->compression = compression;
	out->block_bytes = block_bytes;
	out->used_bytes = used_bytes;
	return 0;
}

static int probe_ext3(const uint8_t *bytes, struct probe_result *out, struct err *err)
{
	uint32_t incompat = (uint32_t)get_le(bytes + EXT_INCOMPAT, 4) & ~EXT_INCOMPAT_KNOWN;
	uint32_t ro_compat = (uint32_t)get_le(bytes + EXT_RO_COMPAT, 4) & ~EXT_RO_COMPAT_KNOWN;

	if ((get_le(bytes + EXT_COMPAT, 4) & EXT_COMPAT_JOURNAL) == 0)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot use ext3 image: it has no journal");
	if (incompat != 0 || ro_compat != 0)
		return err_set(err, ERR_IMAGE, EINVAL,
			       "cannot use ext3 image: it has features that ext3 does not know (incompatible %#x, "
			       "read-only compatible %#x)",
			       incompat, ro_compat);
	out->fs = PROBE_EXT3;
	return 0;
}

int probe_filesystem(const uint8_t *bytes, size_t size, uint64_t extent_bytes, struct probe_result *out,
		     struct err *err)
{
	*out = (struct probe_result){.fs = PROBE_NONE};
	if (size >= SQUASH_SUPER_BYTES && memcmp(bytes, "hsqs", 4) == 0)
		return probe_squashfs(bytes, extent_bytes, out, err);
	if (size >= EXT_SUPER_END && extent_bytes >= EXT_SUPER_END && bytes[EXT_MAGIC] == 0x53 &&
	    bytes[EXT_MAGIC + 1] == 0xEF)
		return probe_ext3(bytes, out, err);
	return 0;
}
