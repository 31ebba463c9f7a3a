/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/oci/manifest.h"

#define D "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define CONFIG "\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG "\",\"digest\":\"" D "\",\"size\":2}"
#define LAYER "{\"mediaType\":\"" OCI_TYPE_LAYER "+gzip\",\"digest\":\"" D "\",\"size\":5}"
#define ENTRY(arch) "{\"digest\":\"" D "\",\"size\":7,\"platform\":{\"os\":\"linux\",\"architecture\":" arch "}}"

static int parse(const char *text, const char *type, struct oci_document *out, struct err *err)
{
	return oci_document_parse(text, strlen(text), type, out, err);
}

static void parse_reads_a_manifest(void **state)
{
	struct oci_document document = OCI_DOCUMENT_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse("{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "," LAYER "]}", "text/plain", &document, &err), 0);
	assert_int_equal(document.kind, OCI_MANIFEST);
	assert_string_equal(document.media_type, OCI_TYPE_MANIFEST);
	assert_int_equal(document.count, 2);
	assert_string_equal(document.items[1].digest, D);
	assert_int_equal(document.items[1].size, 5);
	assert_int_equal(document.config.size, 2);
	oci_document_fini(&document);
}

static void parse_refuses(void **state)
{
	static const char *const cases[][3] = {
		{"", NULL, "not JSON"},
		{"[]", NULL, "not a JSON object"},
		{"{\"schemaVersion\":2}", NULL, "neither an index nor a manifest"},
		{"{" CONFIG ",\"layers\":[]}", NULL, "schemaVersion"},
		{"{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, "schema 1"},
		{"{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, "at the same time"},
		{"{\"schemaVersion\":2,\"schemaVersion\":2," CONFIG ",\"layers\":[]}", NULL, "not JSON"},
		{"{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\"," CONFIG ",\"layers\":[]}", NULL, "not of its type"},
		{"{\"schemaVersion\":2," CONFIG ",\"layers\":[]}", OCI_TYPE_DOCKER_INDEX, "not of its type"},
		{"{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\"," CONFIG ",\"layers\":[]}", OCI_TYPE_DOCKER_MANIFEST, "its source says"},
		{"{\"schemaVersion\":2," CONFIG "}", NULL, "list is missing"},
		{"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"sha256:../../x\",\"size\":1}]}", NULL, "no sha256 digest"},
		{"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"" D "\",\"size\":-1}]}", NULL, "no number of bytes"},
		{"{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"digest\":\"" D "\"}]}", NULL, "no number of bytes"},
		{"{\"schemaVersion\":2," CONFIG ",\"layers\":[7]}", NULL, "not an object"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oci_document document = OCI_DOCUMENT_INIT;
		struct err err = ERR_INIT;

		assert_true(parse(cases[i][0], cases[i][1], &document, &err) < 0);
		if (!strstr(err.message, cases[i][2]))
			fail_msg("case %zu: not '%s': %s", i, cases[i][2], err.message);
		assert_int_equal(document.count, 0);
	}
}

static const char *choose(const char *entries, const char *architecture, const char *variant, struct err *err)
{
	static char found[16];
	struct oci_document document = OCI_DOCUMENT_INIT;
	struct oci_platform want = {.os = (char *)(uintptr_t)"linux", .architecture = (char *)(uintptr_t)architecture,
				    .variant = (char *)(uintptr_t)variant};
	const struct oci_descriptor *chosen;
	char text[4096];

	(void)snprintf(text, sizeof(text), "{\"schemaVersion\":2,\"manifests\":[%s]}", entries);
	assert_int_equal(parse(text, NULL, &document, err), 0);
	chosen = oci_document_choose(&document, &want, err);
	(void)snprintf(found, sizeof(found), "%d", chosen ? (int)(chosen - document.items) : -1);
	oci_document_fini(&document);
	return found;
}

static void choose_takes_the_platform(void **state)
{
	static const char many[] = ENTRY("\"amd64\"") "," ENTRY("\"arm\",\"variant\":\"v6\"") "," ENTRY("\"arm\",\"variant\":\"v7\"") ","
		ENTRY("\"arm64\",\"variant\":\"v8\"") ",{\"digest\":\"" D "\",\"size\":7,\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}}";
	struct err err = ERR_INIT;

	(void)state;
	assert_string_equal(choose(many, "amd64", NULL, &err), "0");
	assert_string_equal(choose(many, "arm", NULL, &err), "2");
	assert_string_equal(choose(many, "arm", "v6", &err), "1");
	assert_string_equal(choose(many, "arm64", NULL, &err), "3");
	assert_string_equal(choose(many, "arm64", "v9", &err), "-1");
	assert_string_equal(choose(many, "riscv64", NULL, &err), "-1");
	assert_string_equal(err.message, "no image for linux/riscv64 in the index: it has linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64/v8");
	assert_string_equal(choose("{\"digest\":\"" D "\",\"size\":7}", "amd64", NULL, &err), "0");
	assert_string_equal(choose("", "amd64", NULL, &err), "-1");
}

static void types_are_told_apart(void **state)
{
	(void)state;
	assert_true(oci_type_is_layer(OCI_TYPE_LAYER));
	assert_true(oci_type_is_layer(OCI_TYPE_LAYER "+zstd"));
	assert_true(oci_type_is_layer("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"));
	assert_true(oci_type_is_layer("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"));
	assert_false(oci_type_is_layer("application/vnd.sylabs.sif.layer.v1.sif"));
	assert_false(oci_type_is_layer(OCI_TYPE_LAYER "x"));
	assert_false(oci_type_is_layer(NULL));
	assert_true(oci_type_is_index(OCI_TYPE_DOCKER_INDEX));
	assert_false(oci_type_is_index(OCI_TYPE_MANIFEST));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_reads_a_manifest),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(choose_takes_the_platform),
		cmocka_unit_test(types_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
