/* SPDX-License-Identifier: BSD-3-Clause */
/* What remotes and libraries say about themselves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "frontend/library/endpoint.h"
#include "frontend/library/library_api.h"
#include "frontend/library/library_upload.h"

static int parse(const char *json, bool insecure, struct endpoint_services *out)
{
	struct err err = ERR_INIT;

	return endpoint_parse_services(json, strlen(json), insecure, out, &err);
}

static void endpoint_parse_services_names_them(void **state)
{
	struct endpoint_services services;

	(void)state;
	assert_int_equal(parse("{\"libraryAPI\":{\"uri\":\"https://library.example/\",\"registryUri\":\"https://reg.example\"},"
			       "\"keystoreAPI\":{\"uri\":\"https://keys.example\"},\"colour\":\"green\",\"empty\":{},"
			       "\"tokenAPI\":{\"uri\":\"https://auth.example/token\"},\"consentAPI\":{\"uri\":\"\"}}",
			       false, &services),
			 0);
	assert_int_equal(services.count, 3);
	assert_string_equal(endpoint_find_service(&services, "library"), "https://library.example");
	assert_string_equal(endpoint_find_service(&services, "keyserver"), "https://keys.example");
	assert_string_equal(endpoint_find_service(&services, "token"), "https://auth.example/token");
	assert_null(endpoint_find_service(&services, "consent"));
	assert_string_equal(services.registry_uri, "https://reg.example");
	endpoint_services_fini(&services);
}

static void endpoint_parse_services_refuses_what_is_not_safe(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"libraryAPI\":",
		"{\"libraryAPI\":{\"uri\":\"http://library.example\"}}",
		"{\"libraryAPI\":{\"uri\":\"file:///etc/passwd\"}}",
		"{\"libraryAPI\":{\"uri\":\"https://user:pw@library.example\"}}",
		"{\"libraryAPI\":{\"uri\":\"https://library.example/?x\"}}",
		"{\"libraryAPI\":{\"uri\":\"https://library.example/\\r\\nX: y\"}}",
		"{\"a\":{},\"a\":{}}",
	};
	struct endpoint_services services;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i], false, &services) != -EPROTO)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(parse(bad[3], true, &services), 0);
	endpoint_services_fini(&services);
}

static void library_api_parse_version_compares(void **state)
{
	(void)state;
	assert_int_equal(library_api_parse_version("1.0.0"), LIBRARY_API_V1);
	assert_int_equal(library_api_parse_version("nonsense"), LIBRARY_API_V1);
	assert_int_equal(library_api_parse_version("2.0.0-alpha"), LIBRARY_API_V1);
	assert_int_equal(library_api_parse_version("2.0.0-alpha.1"), LIBRARY_API_V2_UPLOAD);
	assert_int_equal(library_api_parse_version("2.0.0-alpha.2"), LIBRARY_API_V2_ARCH_TAGS);
	assert_int_equal(library_api_parse_version("2.0.0-alpha.10"), LIBRARY_API_V2_ARCH_TAGS);
	assert_int_equal(library_api_parse_version("2.0.0-beta.1"), LIBRARY_API_V2_ARCH_TAGS);
	assert_int_equal(library_api_parse_version("2.0.0"), LIBRARY_API_V2_ARCH_TAGS);
	assert_int_equal(library_api_parse_version("2.1.0-alpha.0"), LIBRARY_API_V2_ARCH_TAGS);
	assert_int_equal(library_api_parse_version("3.0.0"), LIBRARY_API_V2_ARCH_TAGS);
}

static int read_image(const char *json, struct library_image *out)
{
	struct err err = ERR_INIT;
	json_t *root = json_loads(json, 0, NULL);
	int rc;

	assert_non_null(root);
	rc = library_api_read_image(root, out, &err);
	json_decref(root);
	return rc;
}

static void library_api_read_image_checks_names(void **state)
{
	struct library_image image = LIBRARY_IMAGE_INIT;

	(void)state;
	assert_int_equal(read_image("{\"id\":\"5f\",\"size\":7,\"uploaded\":true,\"hash\":\"sha256."
				    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}",
				    &image),
			 0);
	assert_int_equal(image.size, 7);
	assert_true(image.is_uploaded);
	library_image_fini(&image);
	/* Both become parts of paths. */
	assert_int_equal(read_image("{\"id\":\"../x\"}", &image), -EPROTO);
	assert_int_equal(read_image("{\"id\":\"5f\",\"hash\":\"../../x\"}", &image), -EPROTO);
	assert_int_equal(read_image("{\"id\":\"5f\",\"hash\":\"sha256.00\"}", &image), -EPROTO);
	assert_int_equal(read_image("{\"id\":\"5f\",\"size\":-1}", &image), -EPROTO);
	assert_int_equal(read_image("{}", &image), -EPROTO);
}

static void library_upload_signs_sum_reads_the_query(void **state)
{
	(void)state;
	assert_true(library_upload_signs_sum("https://s/x?X-Amz-SignedHeaders=host;x-amz-content-sha256"));
	assert_true(library_upload_signs_sum("https://s/x?a=b&X-Amz-SignedHeaders=host%3Bx-amz-content-sha256&c=d"));
	assert_true(library_upload_signs_sum("https://s/x?X-Amz-SignedHeaders=x-amz-content-sha256"));
	assert_false(library_upload_signs_sum("https://s/x?X-Amz-SignedHeaders=host"));
	assert_false(library_upload_signs_sum("https://s/x?X-Amz-SignedHeaders="));
	assert_false(library_upload_signs_sum("https://s/x?Y-X-Amz-SignedHeaders=x-amz-content-sha256"));
	assert_false(library_upload_signs_sum("https://s/x-amz-content-sha256"));
	assert_false(library_upload_signs_sum("https://s/x?X-Amz-SignedHeaders=x-amz-content-sha256-not%3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoint_parse_services_names_them),
		cmocka_unit_test(endpoint_parse_services_refuses_what_is_not_safe),
		cmocka_unit_test(library_api_parse_version_compares),
		cmocka_unit_test(library_api_read_image_checks_names),
		cmocka_unit_test(library_upload_signs_sum_reads_the_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
