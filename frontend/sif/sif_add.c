/* SPDX-License-Identifier: BSD-3-Clause */
/* imager sif add: from flags to a descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/imager.h"
#include "frontend/pack/sif_write.h"
#include "frontend/sif/sif_edit.h"
#include "frontend/sif/sif_names.h"
#include "frontend/sif/sif_tool.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define ALIGNMENT_MAX (UINT64_C(1) << 30)

enum { ADD_DATATYPE, ADD_PARTTYPE, ADD_PARTFS, ADD_PARTARCH, ADD_SIGNHASH, ADD_SIGNENTITY, ADD_SBOMFORMAT, ADD_GROUPID, ADD_LINK,
       ADD_ALIGNMENT, ADD_FILENAME, ADD_COUNT };

static const struct option long_options[] = {
	{"datatype", required_argument, NULL, ADD_DATATYPE},     {"parttype", required_argument, NULL, ADD_PARTTYPE},
	{"partfs", required_argument, NULL, ADD_PARTFS},         {"partarch", required_argument, NULL, ADD_PARTARCH},
	{"signhash", required_argument, NULL, ADD_SIGNHASH},     {"signentity", required_argument, NULL, ADD_SIGNENTITY},
	{"sbomformat", required_argument, NULL, ADD_SBOMFORMAT}, {"groupid", required_argument, NULL, ADD_GROUPID},
	{"link", required_argument, NULL, ADD_LINK},             {"alignment", required_argument, NULL, ADD_ALIGNMENT},
	{"filename", required_argument, NULL, ADD_FILENAME},     {NULL, 0, NULL, 0},
};

struct request {
	const char *values[ADD_COUNT]; /* borrowed; NULL: not given */
	const char *image, *file;
	struct sif_object object;
	uint64_t alignment;
};

static int parse_arguments(int argc, char **argv, struct request *request, struct err *err)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		if (option < 0 || option >= ADD_COUNT)
			return err_set(err, ERR_USAGE, EINVAL, "imager sif add does not know the option %s", argv[optind - 1]);
		request->values[option] = optarg;
	}
	if (argc - optind != 2)
		return err_set(err, ERR_USAGE, EINVAL, "imager sif add takes an image and a file");
	request->image = argv[optind];
	request->file = argv[optind + 1];
	return 0;
}

/* The number of an option that is given, within its range; @out stays where it is not. */
static int read_number(const struct request *request, int option, uint64_t min, uint64_t max, uint64_t *out, struct err *err)
{
	char what[32];

	if (!request->values[option])
		return 0;
	(void)snprintf(what, sizeof(what), "--%s", long_options[option].name);
	return sif_tool_parse_number(request->values[option], what, min, max, out, err);
}

static int fill_partition(struct request *request, struct err *err)
{
	uint64_t part = 0, fs = 0, arch = 0;
	uint8_t code[3] = "00";
	int rc = read_number(request, ADD_PARTTYPE, SIF_PART_SYSTEM, SIF_PART_OVERLAY, &part, err);

	if (rc == 0)
		rc = read_number(request, ADD_PARTFS, SIF_FS_SQUASHFS, SIF_FS_RAW, &fs, err);
	if (rc == 0)
		rc = read_number(request, ADD_PARTARCH, 1, 13, &arch, err);
	if (rc < 0)
		return rc;
	if (part == 0 || fs == 0 || arch == 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "with partition datatype, --partfs, --parttype and --partarch must be passed");
	code[0] = (uint8_t)('0' + arch / 10);
	code[1] = (uint8_t)('0' + arch % 10);
	if (!request->values[ADD_ALIGNMENT])
		request->alignment = SIF_PARTITION_ALIGN;
	return sif_object_set_partition(&request->object, (enum sif_fs)fs, (enum sif_part)part, sif_layout_arch_name(code), err);
}

static int parse_hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static int fill_signature(struct request *request, struct err *err)
{
	const char *entity = request->values[ADD_SIGNENTITY];
	uint64_t hash = 0;
	int rc = read_number(request, ADD_SIGNHASH, 1, 5, &hash, err);

	if (rc < 0)
		return rc;
	if (hash == 0 || !entity)
		return err_set(err, ERR_USAGE, EINVAL, "with signature datatype, --signhash and --signentity must be passed");
	if (strlen(entity) != 2 * SIF_FINGERPRINT_BYTES || strspn(entity, "0123456789abcdefABCDEF") != 2 * SIF_FINGERPRINT_BYTES)
		return err_set(err, ERR_USAGE, EINVAL, "--signentity '%s' is not a fingerprint of %d hexadecimal digits", entity,
			       2 * SIF_FINGERPRINT_BYTES);
	sif_layout_put(request->object.extra + X_HASH, hash, 4);
	for (size_t i = 0; i < SIF_FINGERPRINT_BYTES; i++)
		request->object.extra[X_ENTITY + i] = (uint8_t)(parse_hex(entity[2 * i]) << 4 | parse_hex(entity[2 * i + 1]));
	return 0;
}

static int fill_sbom(struct request *request, struct err *err)
{
	const char *name = request->values[ADD_SBOMFORMAT];
	uint32_t format = name ? sif_names_find_sbom(name) : 0;

	if (!name)
		return err_set(err, ERR_USAGE, EINVAL, "with SBOM datatype, --sbomformat must be passed");
	if (format == 0)
		return err_set(err, ERR_USAGE, EINVAL, "invalid SBOM format: %s", name);
	sif_layout_put(request->object.extra + X_SBOM, format, 4);
	return 0;
}

/* What belongs to another type of data would be forgotten without a word. */
static void warn_unused(const struct request *request)
{
	static const enum sif_data_type types[ADD_COUNT] = {
		[ADD_PARTTYPE] = SIF_DATA_PARTITION, [ADD_PARTFS] = SIF_DATA_PARTITION, [ADD_PARTARCH] = SIF_DATA_PARTITION,
		[ADD_SIGNHASH] = SIF_DATA_SIGNATURE, [ADD_SIGNENTITY] = SIF_DATA_SIGNATURE, [ADD_SBOMFORMAT] = SIF_DATA_SBOM,
	};

	for (int i = 0; i < ADD_COUNT; i++) {
		if (request->values[i] && types[i] != 0 && types[i] != request->object.type)
			log_warning("--%s has no effect on an object of type %s", long_options[i].name,
				    sif_names_get_type(request->object.type));
	}
}

static int fill_object(struct request *request, struct err *err)
{
	uint64_t type = 0, group = 0, link = 0;
	int rc = read_number(request, ADD_DATATYPE, 1, 11, &type, err);

	if (rc == 0 && type == 0)
		rc = err_set(err, ERR_USAGE, EINVAL, "--datatype flag is required, with a number from 1 to 11");
	if (rc == 0)
		rc = read_number(request, ADD_GROUPID, 0, ~SIF_GROUP_MARK, &group, err);
	if (rc == 0)
		rc = read_number(request, ADD_LINK, 1, UINT32_MAX, &link, err);
	if (rc == 0)
		rc = read_number(request, ADD_ALIGNMENT, 0, ALIGNMENT_MAX, &request->alignment, err);
	if (rc < 0)
		return rc;
	/* The numbers of the command line stand in the order of those in the file. */
	request->object.type = (enum sif_data_type)(SIF_DATA_DEFFILE + type - 1);
	request->object.group = (uint32_t)group;
	request->object.link = (uint32_t)link;
	request->object.name = request->values[ADD_FILENAME];
	warn_unused(request);
	if (request->object.type == SIF_DATA_PARTITION)
		return fill_partition(request, err);
	if (request->object.type == SIF_DATA_SIGNATURE)
		return fill_signature(request, err);
	return request->object.type == SIF_DATA_SBOM ? fill_sbom(request, err) : 0;
}

static int add(const struct request *request, struct err *err)
{
	cleanup_fd int fd = open(request->file, O_RDONLY | O_CLOEXEC);
	struct sif_source source = {.fd = fd, .alignment = request->alignment};
	struct sif_edit edit = SIF_EDIT_INIT;
	uint32_t id;
	int rc;

	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", request->file);
	rc = sif_edit_open(request->image, &edit, err);
	if (rc < 0)
		return rc;
	if (sif_edit_is_signed(&edit, request->object.group, 0))
		log_warning("group %u of %s is signed: its signature does not hold with another object", request->object.group,
			    request->image);
	rc = sif_edit_add(&edit, &request->object, &source, &id, err);
	sif_edit_close(&edit);
	return rc;
}

int sif_add_main(int argc, char **argv)
{
	struct request request = {.image = NULL};
	struct err err = ERR_INIT;
	int rc = parse_arguments(argc, argv, &request, &err);

	if (rc == 0)
		rc = fill_object(&request, &err);
	if (rc == 0)
		rc = add(&request, &err);
	return sif_tool_finish(rc, &err);
}
