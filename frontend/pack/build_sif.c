/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/build_sif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frontend/pack/hotset.h"
#include "frontend/pack/metadata.h"
#include "frontend/pack/sif_write.h"
#include "ipc/cleanup.h"

#define BUILD_GROUP 1
#define MIX_BYTES ((size_t)1024 * 1024)

int build_clock_read(struct build_clock *clock, struct err *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	unsigned long long value;
	char *end;

	*clock = (struct build_clock){.now = (uint32_t)time(NULL)};
	if (!text || !*text)
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || value > UINT32_MAX)
		return err_set(err, ERR_USAGE, EINVAL, "cannot use SOURCE_DATE_EPOCH '%s': not a number of seconds", text);
	clock->now = (uint32_t)value;
	clock->repeatable = true;
	return 0;
}

/* An identifier that depends on the bytes alone. It has to differ between images, not to resist an attacker: integrity is
 * the signature's matter. Two sums of 64 bits, each step a multiplication by an odd number and a shift. */
static int mix_contents(int fd, uint8_t uuid[16], struct err *err)
{
	cleanup_ptr uint8_t *buffer = malloc(MIX_BYTES);
	uint64_t sums[2] = {UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b)};
	off_t at = 0;

	if (!buffer)
		return err_sys(err, ENOMEM, "cannot identify the image");
	for (;;) {
		ssize_t got = pread(fd, buffer, MIX_BYTES, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "cannot read the image back");
		if (got == 0)
			break;
		for (ssize_t i = 0; i < got; i += 8) {
			uint64_t word = 0;

			memcpy(&word, buffer + i, got - i < 8 ? (size_t)(got - i) : 8);
			sums[0] = (sums[0] ^ word) * UINT64_C(0x9e3779b97f4a7c15);
			sums[0] ^= sums[0] >> 29;
			sums[1] = (sums[1] + word) * UINT64_C(0xc2b2ae3d27d4eb4f);
			sums[1] ^= sums[1] >> 31;
		}
		at += got;
	}
	memcpy(uuid, sums, sizeof(sums));
	return 0;
}

static int make_uuid(int fd, const struct build_clock *clock, uint8_t uuid[16], struct err *err)
{
	int rc;

	if (!clock->repeatable)
		return sif_writer_make_uuid(uuid, err);
	rc = mix_contents(fd, uuid, err);
	/* RFC 9562: version 8 is "made by the vendor's rule". */
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return rc;
}

static int add_json(struct sif_writer *writer, const char *name, const char *text, struct err *err)
{
	struct sif_object json = {.type = SIF_DATA_JSON, .group = BUILD_GROUP, .name = name};

	return sif_writer_add(writer, &json, text, strlen(text), err);
}

static int add_metadata(struct tree *tree, struct sif_writer *writer, const char *definition, const char *oci_config,
			struct err *err)
{
	struct sif_object deffile = {.type = SIF_DATA_DEFFILE, .group = BUILD_GROUP};
	cleanup_ptr char *inspect = NULL;
	int rc = sif_writer_add(writer, &deffile, definition, strlen(definition), err);

	if (rc == 0)
		rc = metadata_inspect(tree, &inspect, err);
	if (rc == 0)
		rc = add_json(writer, "inspect-metadata.json", inspect, err);
	return rc < 0 || !oci_config ? rc : add_json(writer, "oci-config.json", oci_config, err);
}

static int add_root(struct tree *tree, struct sif_writer *writer, const char *arch, const struct squash_options *options,
		    int fd, struct err *err)
{
	struct sif_object object = {.group = BUILD_GROUP};
	uint64_t size;
	int rc = sif_object_set_partition(&object, SIF_FS_SQUASHFS, SIF_PART_PRIMARY, arch, err);

	if (rc == 0)
		rc = squash_write(tree, options, fd, sif_writer_begin(writer, SIF_DATA_PARTITION), &size, err);
	return rc < 0 ? rc : sif_writer_end(writer, &object, size, err);
}

int build_sif_describe(struct tree *tree, const struct build_sif_request *request, char **definition, struct err *err)
{
	uint32_t now = request->clock->now;
	cleanup_ptr char *text = NULL;
	int rc;

	if (asprintf(&text, "bootstrap: %s\nfrom: %s\n", request->bootstrap, request->from) < 0) {
		text = NULL;
		return err_sys(err, ENOMEM, "cannot describe the image");
	}
	rc = metadata_add_base(tree, now, err);
	if (rc == 0)
		rc = metadata_set_definition(tree, text, now, err);
	if (rc == 0)
		rc = metadata_set_labels(tree, request->bootstrap, request->from, now, err);
	if (rc == 0 && definition)
		*definition = ptr_take(text);
	return rc;
}

int build_sif_write(struct tree *tree, const struct build_sif_request *request, int fd, struct err *err)
{
	const struct build_clock *clock = request->clock;
	struct sif_options sif = {.launch = SIF_LAUNCH_NATIVE, .time = clock->now, .slots = SIF_SLOTS_DEFAULT};
	struct sif_writer *writer = NULL;
	cleanup_ptr char *definition = NULL;
	uint8_t uuid[16] = {0};
	int rc = build_sif_describe(tree, request, &definition, err);

	if (rc < 0)
		return rc;
	hotset_mark(tree);
	request->squash->time = clock->now;
	request->squash->time_max = clock->repeatable ? clock->now : UINT32_MAX;
	rc = sif_writer_create(fd, &sif, &writer, err);
	if (rc == 0)
		rc = add_metadata(tree, writer, definition, request->oci_config, err);
	if (rc == 0)
		rc = add_root(tree, writer, metadata_arch(tree), request->squash, fd, err);
	/* The length is final from here on; the identifier must not depend on leftovers behind the end. */
	if (rc == 0)
		rc = sif_writer_finish(writer, err);
	if (rc == 0)
		rc = make_uuid(fd, clock, uuid, err);
	if (rc == 0) {
		sif_writer_set_uuid(writer, uuid);
		rc = sif_writer_finish(writer, err);
	}
	sif_writer_free(writer);
	return rc;
}
