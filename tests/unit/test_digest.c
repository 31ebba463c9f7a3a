/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/registry/digest.h"

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void digest_of_bytes_knows_the_standard_vectors(void **state)
{
	struct err err = ERR_INIT;
	char text[DIGEST_TEXT_MAX];

	(void)state;
	assert_int_equal(digest_of_bytes("", 0, text, &err), 0);
	assert_string_equal(text, EMPTY);
	assert_int_equal(digest_of_bytes("abc", 3, text, &err), 0);
	assert_string_equal(text, ABC);
}

static void digest_update_takes_pieces(void **state)
{
	struct err err = ERR_INIT;
	struct digest *digest = NULL;
	char text[DIGEST_TEXT_MAX];

	(void)state;
	assert_int_equal(digest_new(&digest, &err), 0);
	assert_int_equal(digest_update(digest, "a", 1, &err), 0);
	assert_int_equal(digest_update(digest, "bc", 2, &err), 0);
	assert_int_equal(digest_finish(digest, text, &err), 0);
	assert_string_equal(text, ABC);
	digest_free(digest);
	digest_free(NULL);
}

static void digest_is_valid_takes_one_form_only(void **state)
{
	(void)state;
	assert_true(digest_is_valid(ABC));
	assert_false(digest_is_valid(""));
	assert_false(digest_is_valid("sha256:"));
	assert_false(digest_is_valid("sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	assert_false(digest_is_valid("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"));
	assert_false(digest_is_valid("sha256:../../../../../../../../../../../../../../../../../../../etc/passwd"));
	assert_false(digest_is_valid(ABC "0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_of_bytes_knows_the_standard_vectors),
		cmocka_unit_test(digest_update_takes_pieces),
		cmocka_unit_test(digest_is_valid_takes_one_form_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
