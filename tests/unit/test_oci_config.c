/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "frontend/action/shell_eval.h"
#include "frontend/oci/config.h"

static struct oci_config parse(const char *text)
{
	struct oci_config config = OCI_CONFIG_INIT;
	struct err err = ERR_INIT;

	if (oci_config_parse(text, &config, &err) < 0)
		fail_msg("%s", err.message);
	return config;
}

static void parse_reads_what_is_there(void **state)
{
	struct oci_config config = parse("{\"architecture\":\"arm64\",\"os\":\"linux\",\"rootfs\":{\"diff_ids\":["
					 "\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"]},"
					 "\"config\":{\"Env\":[\"A=b\"],\"Cmd\":null,\"Labels\":{\"k\":\"v\",\"n\":7},\"User\":\"x\"}}");

	(void)state;
	assert_string_equal(config.platform.architecture, "arm64");
	assert_int_equal(config.diff_ids.count, 1);
	assert_int_equal(config.cmd.count, 0);
	assert_string_equal(config.labels, "{\n    \"k\": \"v\"\n}");
	assert_string_equal(config.inner, "{\"Cmd\":null,\"Env\":[\"A=b\"],\"Labels\":{\"k\":\"v\",\"n\":7},\"User\":\"x\"}");
	oci_config_fini(&config);
	config = parse("{}");
	assert_string_equal(config.inner, "{}");
	assert_string_equal(config.labels, "{}");
	oci_config_fini(&config);
}

static void parse_refuses(void **state)
{
	static const char *const cases[] = {
		"", "[]", "{\"config\":[]}", "{\"config\":{\"Env\":\"x\"}}", "{\"config\":{\"Cmd\":[1]}}", "{\"config\":{\"Env\":[\"a\\u0000b\"]}}",
		"{\"rootfs\":{\"diff_ids\":[\"md5:x\"]}}", "{\"config\":{},\"config\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oci_config config = OCI_CONFIG_INIT;
		struct err err = ERR_INIT;

		assert_true(oci_config_parse(cases[i], &config, &err) < 0);
		assert_null(config.inner);
	}
}

#define HARD_VALUE "a  b\"c'd$HOME`id`\\\\}*{;e"

static void environment_survives_any_value(void **state)
{
	struct oci_config config = OCI_CONFIG_INIT;
	struct shell shell = {.name = "env"};
	struct err err = ERR_INIT;
	char *text;

	(void)state;
	strlist_add(&config.env, "HARD=" HARD_VALUE);
	strlist_add(&config.env, "SET=image");
	strlist_add(&config.env, "PATH=/image/bin");
	strlist_add(&config.env, "NAKED");
	strlist_add(&config.env, "not-a-name=x");
	strlist_add(&config.env, "=x");
	strlist_add(&config.env, "EMPTY=");
	text = oci_config_environment(&config);
	assert_null(strstr(text, "not-a-name"));
	strlist_add(&shell.env, "SET=caller");
	strlist_add(&shell.env, "PATH=/host/bin");
	strlist_add(&shell.env, "NAKED=caller's");
	assert_int_equal(shell_eval_script(&shell, text, &err), 0);
	assert_string_equal(shell_get(&shell, "HARD"), HARD_VALUE);
	assert_string_equal(shell_get(&shell, "SET"), "caller");
	assert_string_equal(shell_get(&shell, "PATH"), "/image/bin");
	assert_string_equal(shell_get(&shell, "NAKED"), "caller's");
	assert_string_equal(shell_get(&shell, "EMPTY"), "");
	shell_fini(&shell);
	/* A real shell reads the same. */
	{
		char path[] = "/tmp/oci-env-XXXXXX", command[256], line[256] = "";
		int fd = mkstemp(path);
		FILE *out;

		assert_true(fd >= 0);
		assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
		(void)close(fd);
		(void)snprintf(command, sizeof(command), "env -i /bin/sh -c '. %s; printf %%s \"$HARD\"'", path);
		out = popen(command, "r");
		assert_non_null(out);
		assert_non_null(fgets(line, sizeof(line), out));
		(void)pclose(out);
		(void)unlink(path);
		assert_string_equal(line, HARD_VALUE);
	}
	free(text);
	oci_config_fini(&config);
}

/* "|"-joined words that the runscript executes; "exit N" when it ends by itself. */
static const char *run(const struct oci_config *config, bool no_eval, const char *first, const char *second)
{
	static char words[512];
	struct shell shell = {.name = "run"};
	struct err err = ERR_INIT;
	char *text = oci_config_runscript(config);
	int result;

	assert_int_equal(strncmp(text, "#!/bin/sh\nOCI_ENTRYPOINT=", 25), 0);
	assert_non_null(strstr(text, "\nOCI_CMD="));
	strlist_add(&shell.env, "HOME=/h");
	if (no_eval)
		strlist_add(&shell.env, "SINGULARITY_NO_EVAL=1");
	if (first)
		strlist_add(&shell.params, first);
	if (second)
		strlist_add(&shell.params, second);
	result = shell_eval_script(&shell, text, &err);
	words[0] = '\0';
	if (result == SHELL_EVAL_EXEC) {
		for (size_t i = 0; i < shell.exec.count; i++) {
			strcat(words, i ? "|" : "");
			strcat(words, shell.exec.items[i]);
		}
	} else {
		(void)snprintf(words, sizeof(words), "exit %d", shell.status);
	}
	shell_fini(&shell);
	free(text);
	return words;
}

static void runscript_puts_words_together(void **state)
{
	struct oci_config config = OCI_CONFIG_INIT;

	(void)state;
	assert_string_equal(run(&config, false, NULL, NULL), "exit 1");
	assert_string_equal(run(&config, false, "a b", "c"), "a b|c");
	strlist_add(&config.cmd, "cmd");
	strlist_add(&config.cmd, "it's \"$HOME\" \\n");
	assert_string_equal(run(&config, false, NULL, NULL), "cmd|it's \"/h\" \\n");
	assert_string_equal(run(&config, true, NULL, NULL), "cmd|it's \"$HOME\" \\n");
	assert_string_equal(run(&config, false, "x", NULL), "x");
	strlist_add(&config.entrypoint, "/entry point");
	strlist_add(&config.entrypoint, "-e");
	assert_string_equal(run(&config, false, NULL, NULL), "/entry point|-e|cmd|it's \"/h\" \\n");
	assert_string_equal(run(&config, false, "$HOME", "two words"), "/entry point|-e|/h|two words");
	assert_string_equal(run(&config, true, "$HOME", "\"q\""), "/entry point|-e|$HOME|\"q\"");
	strlist_fini(&config.cmd);
	config.cmd = (struct strlist){0, NULL};
	assert_string_equal(run(&config, false, NULL, NULL), "/entry point|-e");
	assert_string_equal(run(&config, true, NULL, NULL), "/entry point|-e");
	oci_config_fini(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_reads_what_is_there),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(environment_survives_any_value),
		cmocka_unit_test(runscript_puts_words_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
