/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/sif/sif_names.h"

#include <stddef.h>
#include <string.h>

#include "frontend/image/sif_layout.h"

#define SBOM_GITHUB 3

struct name_row {
	uint32_t number;
	const char *name;
};

static const struct name_row type_names[] = {
	{SIF_DATA_DEFFILE, "Def.FILE"},
	{SIF_DATA_ENV, "Env.Vars"},
	{SIF_DATA_LABELS, "JSON.Labels"},
	{SIF_DATA_PARTITION, "FS"},
	{SIF_DATA_SIGNATURE, "Signature"},
	{SIF_DATA_JSON, "JSON.Generic"},
	{SIF_DATA_GENERIC, "Generic/Raw"},
	{SIF_DATA_CRYPTO, "Cryptographic Message"},
	{SIF_DATA_SBOM, "SBOM"},
	{SIF_DATA_OCI_INDEX, "OCI.RootIndex"},
	{SIF_DATA_OCI_BLOB, "OCI.Blob"},
	{0, NULL},
};
static const struct name_row fs_names[] = {
	{SIF_FS_SQUASHFS, "Squashfs"},
	{SIF_FS_EXT3, "Ext3"},
	{SIF_FS_ARCHIVE, "Archive"},
	{SIF_FS_RAW, "Raw"},
	{SIF_FS_ENCRYPTED, "Encrypted squashfs"},
	{0, NULL},
};
static const struct name_row part_names[] = {
	{SIF_PART_SYSTEM, "System"},
	{SIF_PART_PRIMARY, "*System"},
	{SIF_PART_DATA, "Data"},
	{SIF_PART_OVERLAY, "Overlay"},
	{0, NULL},
};
static const struct name_row hash_names[] = {
	{1, "SHA-256"}, {2, "SHA-384"}, {3, "SHA-512"}, {4, "BLAKE2s-256"}, {5, "BLAKE2b-256"}, {0, NULL},
};
static const struct name_row format_names[] = {{1, "OpenPGP"}, {2, "PEM"}, {0, NULL}};
static const struct name_row message_names[] = {{0x100, "Clear Signature"}, {0x200, "RSA-OAEP"}, {0, NULL}};
static const struct name_row sbom_names[] = {
	{1, "cyclonedx-json"},
	{2, "cyclonedx-xml"},
	{SBOM_GITHUB, "github-json"},
	{4, "spdx-json"},
	{5, "spdx-rdf"},
	{6, "spdx-tag-value"},
	{7, "spdx-yaml"},
	{8, "syft-json"},
	{0, NULL},
};

static const char *find_name(const struct name_row *rows, uint32_t number, const char *otherwise)
{
	for (; rows->name; rows++) {
		if (rows->number == number)
			return rows->name;
	}
	return otherwise;
}

const char *sif_names_get_type(uint32_t type)
{
	return find_name(type_names, type, "Unknown");
}

const char *sif_names_get_fs(uint32_t fs)
{
	return find_name(fs_names, fs, "Unknown");
}

const char *sif_names_get_part(uint32_t part)
{
	return find_name(part_names, part, "Unknown");
}

const char *sif_names_get_hash(uint32_t hash)
{
	return find_name(hash_names, hash, "Unknown");
}

const char *sif_names_get_format(uint32_t format)
{
	return find_name(format_names, format, "Unknown");
}

const char *sif_names_get_message(uint32_t message)
{
	return find_name(message_names, message, "Unknown");
}

const char *sif_names_get_sbom(uint32_t sbom)
{
	return find_name(sbom_names, sbom, "unknown");
}

uint32_t sif_names_find_sbom(const char *name)
{
	for (const struct name_row *row = sbom_names; row->name; row++) {
		if (strcmp(row->name, name) == 0)
			return row->number;
	}
	return strcmp(name, "github") == 0 ? SBOM_GITHUB : 0;
}
