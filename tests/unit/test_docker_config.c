/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "frontend/registry/credential_helper.h"
#include "frontend/registry/docker_config.h"

static char directory[] = "/tmp/docker-config.XXXXXX";
static char file[64];

/* dTpw is u:p, and so on. */
static const char several[] =
	"{\"auths\": {\"h.x:5000\": {\"auth\": \"dTpw\"}, \"h.x:5000/a\": {\"auth\": \"YTpw\"},"
	" \"https://index.docker.io/v1/\": {\"auth\": \"aHViOnA6cQ==\"}, \"https://v.x/v2/\": {\"username\": \"n\", \"password\": \"s\"},"
	" \"t.x\": {\"identitytoken\": \"tok\"}, \"r.x\": {\"registrytoken\": \"raw\"}}}";

static struct credentials find(const char *text, const char *registry, const char *repository, char **helper)
{
	struct credentials found = CREDENTIALS_INIT;
	struct err err = ERR_INIT;

	if (docker_config_parse(text, strlen(text), registry, repository, &found, helper, &err) != 0)
		fail_msg("%s", err.message);
	return found;
}

static void expect(const char *registry, const char *repository, const char *username, const char *password)
{
	char *helper = NULL;
	struct credentials found = find(several, registry, repository, &helper);

	assert_null(helper);
	if (!username)
		assert_null(found.username);
	else
		assert_string_equal(found.username, username);
	if (password)
		assert_string_equal(found.password, password);
	credentials_fini(&found);
}

static void docker_config_parse_takes_the_closest_entry(void **state)
{
	(void)state;
	expect("h.x:5000", "b", "u", "p");
	expect("h.x:5000", "a", "a", "p");
	expect("h.x:5000", "a/b/c", "a", "p");
	expect("h.x:5000", "ab", "u", "p");
	expect("H.X:5000", "", "u", "p");
	expect("h.x", "a", NULL, NULL);
	expect("h.x:5001", "a", NULL, NULL);
	expect("index.docker.io", "library/alpine", "hub", "p:q");
	expect("v.x", "", "n", "s");
}

static void docker_config_parse_reads_tokens(void **state)
{
	char *helper = NULL;
	struct credentials found = find(several, "t.x", "", &helper);

	(void)state;
	assert_string_equal(found.identity_token, "tok");
	credentials_fini(&found);
	found = find(several, "r.x", "", &helper);
	assert_string_equal(found.registry_token, "raw");
	credentials_fini(&found);
}

static void docker_config_parse_names_helpers(void **state)
{
	static const char text[] = "{\"credsStore\": \"all\", \"credHelpers\": {\"h.x\": \"one\"}}";
	char *helper = NULL;
	struct credentials found = find(text, "h.x", "a", &helper);

	(void)state;
	assert_string_equal(helper, "one");
	free(helper);
	credentials_fini(&found);
	found = find(text, "other.x", "", &helper);
	assert_string_equal(helper, "all");
	free(helper);
	credentials_fini(&found);
}

static void docker_config_parse_refuses_what_could_do_harm(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{\"auths\": {\"h.x\": {\"auth\": \"!!!!\"}}}",
		"{\"auths\": {\"h.x\": {\"auth\": \"dXA=\"}}}",			/* no colon */
		"{\"auths\": {\"h.x\": {\"auth\": \"dTpwDQpYOiB5\"}}}",		/* a line break */
		"{\"auths\": {\"h.x\": {\"registrytoken\": \"a\\r\\nX: y\"}}}",
		"{\"auths\": {\"h.x\": {\"password\": \"a\\u0000b\"}}}",
		"{\"credsStore\": \"../../tmp/evil\"}",
		"{\"credHelpers\": {\"h.x\": \"-rf\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct credentials found = CREDENTIALS_INIT;
		struct err err = ERR_INIT;
		char *helper = NULL;

		if (docker_config_parse(texts[i], strlen(texts[i]), "h.x", "", &found, &helper, &err) != -EINVAL)
			fail_msg("%s was taken", texts[i]);
		assert_null(found.username);
		assert_null(helper);
	}
}

static void docker_config_store_keeps_the_rest(void **state)
{
	struct credentials found = CREDENTIALS_INIT;
	struct strlist names = {.count = 0};
	struct err err = ERR_INIT;
	struct stat st;
	FILE *stream = fopen(file, "w");

	(void)state;
	assert_non_null(stream);
	(void)fputs("{\"HttpHeaders\": {\"a\": \"b\"}, \"auths\": {\"https://h.x/v1/\": {\"auth\": \"dTpw\"}}}", stream);
	(void)fclose(stream);
	assert_int_equal(docker_config_store(file, "h.x", "new", "pass:word", &err), 0);
	assert_int_equal(docker_config_store(file, "index.docker.io", "hub", "x", &err), 0);
	assert_int_equal(docker_config_find(file, "h.x", "r", &found, &err), 0);
	assert_string_equal(found.username, "new");
	assert_string_equal(found.password, "pass:word");
	credentials_fini(&found);
	assert_int_equal(docker_config_list(file, &names, &err), 0);
	assert_int_equal(names.count, 2);
	strlist_fini(&names);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(docker_config_erase(file, "h.x", &err), 0);
	assert_int_equal(docker_config_erase(file, "h.x", &err), -ENOENT);
	assert_int_equal(docker_config_find(file, "h.x", "r", &found, &err), 0);
	assert_null(found.username);
	assert_int_equal(unlink(file), 0);
	/* A file that was named has to be there; the user's own need not. */
	assert_int_equal(docker_config_find(file, "h.x", "r", &found, &err), -ENOENT);
	assert_int_equal(setenv("SINGULARITY_CONFIGDIR", directory, 1), 0);
	assert_int_equal(docker_config_find(NULL, "h.x", "r", &found, &err), 0);
}

static void credential_helper_parse_reads_answers(void **state)
{
	struct credentials found = CREDENTIALS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(credential_helper_parse("{\"ServerURL\":\"s\",\"Username\":\"u\",\"Secret\":\"p\"}\n", &found, &err), 0);
	assert_string_equal(found.username, "u");
	assert_string_equal(found.password, "p");
	credentials_fini(&found);
	assert_int_equal(credential_helper_parse("{\"Username\":\"<token>\",\"Secret\":\"t\"}", &found, &err), 0);
	assert_null(found.username);
	assert_string_equal(found.identity_token, "t");
	credentials_fini(&found);
	assert_int_equal(credential_helper_parse("nonsense", &found, &err), -EPROTO);
	assert_int_equal(credential_helper_parse("{\"Username\":\"u\\n\",\"Secret\":\"p\"}", &found, &err), -EPROTO);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(file, sizeof(file), "%s/auth.json", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(file);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(docker_config_parse_takes_the_closest_entry),
		cmocka_unit_test(docker_config_parse_reads_tokens),
		cmocka_unit_test(docker_config_parse_names_helpers),
		cmocka_unit_test(docker_config_parse_refuses_what_could_do_harm),
		cmocka_unit_test(docker_config_store_keeps_the_rest),
		cmocka_unit_test(credential_helper_parse_reads_answers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
