/* SPDX-License-Identifier: BSD-3-Clause */
/* Index, manifest and configuration: what is let through must be safe to use in paths, and its scripts must end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/oci/config.h"
#include "frontend/oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_descriptor(const struct oci_descriptor *descriptor)
{
	if (!digest_is_valid(descriptor->digest))
		abort();
	(void)oci_type_is_layer(descriptor->media_type);
}

static void try_document(const char *bytes, size_t size, const char *type)
{
	struct oci_document document = OCI_DOCUMENT_INIT;
	struct oci_platform want = {.os = (char *)(uintptr_t)"linux", .architecture = (char *)(uintptr_t)"arm"};
	struct err err = ERR_INIT;

	if (oci_document_parse(bytes, size, type, &document, &err) < 0)
		return;
	for (size_t i = 0; i < document.count; i++)
		check_descriptor(&document.items[i]);
	if (document.kind == OCI_MANIFEST)
		check_descriptor(&document.config);
	else
		(void)oci_document_choose(&document, &want, &err);
	oci_document_fini(&document);
}

static void try_config(const char *text)
{
	struct oci_config config = OCI_CONFIG_INIT;
	struct err err = ERR_INIT;

	if (oci_config_parse(text, &config, &err) < 0)
		return;
	free(oci_config_environment(&config));
	free(oci_config_runscript(&config));
	oci_config_fini(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_document(text, size, NULL);
	try_document(text, size, OCI_TYPE_INDEX);
	try_config(text);
	free(text);
	return 0;
}
