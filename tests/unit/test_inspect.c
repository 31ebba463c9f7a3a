/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/image/attributes.h"
#include "frontend/inspect.h"

static const char records[] = "/.singularity.d/labels.json\0" "21\0" "{\"b\": \"2\", \"a\": \"1\" }"
			      "/.singularity.d/runscript\0" "9\0" "#!/bin/sh"
			      "/.singularity.d/env/90-environment.sh\0" "4\0" "X=1\n"
			      "/.singularity.d/env/99-base.sh\0" "1\0" "Y"
			      "/scif/apps/foo/\0" "0\0"
			      "/scif/apps/foo/scif/runscript\0" "3\0" "foo";

static void check(const struct cli_inspect *options, const char *expected)
{
	struct err err = ERR_INIT;
	json_t *attributes;
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (attributes_parse_records(records, sizeof(records) - 1, &attributes, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(inspect_print(options, attributes, to, &err), 0);
	(void)fclose(to);
	assert_string_equal(text, expected);
	free(text);
	json_decref(attributes);
}

static void inspect_print_shows_labels_by_default(void **state)
{
	(void)state;
	check(&(struct cli_inspect){.json = false}, "a: 1\nb: 2\n");
}

static void inspect_print_keeps_the_order(void **state)
{
	const struct cli_inspect options = {.labels = true, .runscript = true, .environment = true, .list_apps = true};

	(void)state;
	check(&options, "foo\n#!/bin/sh\n=== /.singularity.d/env/90-environment.sh ===\nX=1\n\na: 1\nb: 2\n");
}

static void inspect_print_writes_json_with_tabs(void **state)
{
	(void)state;
	check(&(struct cli_inspect){.json = true},
	      "{\n\t\"data\": {\n\t\t\"attributes\": {\n\t\t\t\"labels\": {\n\t\t\t\t\"a\": \"1\",\n\t\t\t\t\"b\": \"2\"\n"
	      "\t\t\t}\n\t\t}\n\t},\n\t\"type\": \"container\"\n}\n");
}

static void inspect_print_knows_apps(void **state)
{
	struct err err = ERR_INIT;
	char app[] = "foo", other[] = "bar";
	json_t *attributes;

	(void)state;
	check(&(struct cli_inspect){.runscript = true, .app = app}, "foo\n");
	assert_int_equal(attributes_parse_records(records, sizeof(records) - 1, &attributes, &err), 0);
	assert_true(inspect_print(&(struct cli_inspect){.app = other}, attributes, stdout, &err) < 0);
	json_decref(attributes);
}

static void attributes_parse_refuses_damage(void **state)
{
	static const char metadata[] = "{\"data\":{\"attributes\":{\"runscript\":\"x\"}},\"type\":\"container\"}";
	struct err err = ERR_INIT;
	json_t *attributes;

	(void)state;
	assert_true(attributes_parse_records(records, sizeof(records) - 2, &attributes, &err) < 0);
	assert_true(attributes_parse_records("/x\0" "-1\0", 6, &attributes, &err) < 0);
	assert_true(attributes_parse_metadata("[]", 2, &attributes, &err) < 0);
	assert_true(attributes_parse_metadata(metadata, sizeof(metadata) - 2, &attributes, &err) < 0);
	assert_int_equal(attributes_parse_metadata(metadata, sizeof(metadata) - 1, &attributes, &err), 0);
	assert_string_equal(json_string_value(json_object_get(attributes, "runscript")), "x");
	json_decref(attributes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inspect_print_shows_labels_by_default),
		cmocka_unit_test(inspect_print_keeps_the_order),
		cmocka_unit_test(inspect_print_writes_json_with_tabs),
		cmocka_unit_test(inspect_print_knows_apps),
		cmocka_unit_test(attributes_parse_refuses_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
