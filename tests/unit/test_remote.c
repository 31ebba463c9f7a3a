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

#include "frontend/settings/remote.h"

static const char sample[] = "Active: mine\n"
			     "Remotes:\n"
			     "  zoo: {URI: zoo.example/api, System: true, Exclusive: false}\n"
			     "  mine:\n"
			     "    URI: lib.example:8443\n"
			     "    Token: abc.def\n"
			     "    System: false\n"
			     "    Exclusive: false\n"
			     "    Insecure: true\n"
			     "    Keyservers:\n"
			     "    - URI: https://keys.example\n"
			     "      External: true\n"
			     "    - {URI: https://own.example, Skip: true}\n"
			     "Credentials:\n"
			     "- URI: docker://reg.example\n"
			     "  Auth: Basic dTpw\n"
			     "  Insecure: false\n";

static void parse(const char *text, struct remote_config *out)
{
	struct err err = ERR_INIT;

	if (remote_parse(text, strlen(text), out, &err) != 0)
		fail_msg("%s", err.message);
}

static void check_sample(const struct remote_config *config)
{
	assert_string_equal(config->active, "mine");
	assert_int_equal(config->count, 2);
	assert_string_equal(config->remotes[0].name, "mine");
	assert_string_equal(config->remotes[0].uri, "lib.example:8443");
	assert_string_equal(config->remotes[0].token, "abc.def");
	assert_true(config->remotes[0].is_insecure);
	assert_int_equal(config->remotes[0].keyserver_count, 2);
	assert_true(config->remotes[0].keyservers[0].external);
	assert_true(config->remotes[0].keyservers[1].skip);
	assert_string_equal(config->remotes[1].name, "zoo");
	assert_true(config->remotes[1].is_system);
	assert_null(config->remotes[1].token);
	assert_int_equal(config->credential_count, 1);
	assert_string_equal(config->credentials[0].auth, "Basic dTpw");
}

static void remote_parse_reads_all_keys(void **state)
{
	struct remote_config config = REMOTE_CONFIG_INIT;

	(void)state;
	parse(sample, &config);
	check_sample(&config);
	remote_config_fini(&config);
	parse("", &config);
	assert_int_equal(config.count, 0);
	assert_null(config.active);
	remote_config_fini(&config);
	parse("# nothing\n", &config);
	remote_config_fini(&config);
	parse("Active: \"\"\nRemotes: {}\n", &config);
	assert_null(config.active);
	remote_config_fini(&config);
}

static void remote_parse_refuses_surprises(void **state)
{
	static const char *const bad[] = {
		"Remotes: []\n",
		"- a\n",
		"text\n",
		"Aktive: x\n",
		"Active: x\nActive: y\n",
		"Active: [x]\n",
		"Remotes: {a: {URI: x, Colour: red}}\n",
		"Remotes: {a: {URI: x}, a: {URI: y}}\n",
		"Remotes: {a: {Token: x}}\n",
		"Remotes: {a: {URI: x, System: maybe}}\n",
		"Remotes: {a: {URI: x, Keyservers: {URI: y}}}\n",
		"Remotes: {a: {URI: x, Keyservers: [{Skip: true}]}}\n",
		"Remotes: {[a]: {URI: x}}\n",
		"Remotes: {a: *nowhere}\n",
		"Credentials: [{Auth: x}]\n",
		"Credentials: x\n",
		"Active: \"a\\0b\"\n",
		"Active: x\n---\nActive: y\n",
		"Active: x\n\tRemotes: {}\n",
		"{",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct remote_config config = REMOTE_CONFIG_INIT;
		struct err err = ERR_INIT;

		if (remote_parse(bad[i], strlen(bad[i]), &config, &err) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_string_not_equal(err.message, "");
	}
}

static void remote_format_parses_to_the_same(void **state)
{
	struct remote_config config = REMOTE_CONFIG_INIT, again = REMOTE_CONFIG_INIT;
	struct err err = ERR_INIT;
	char *text = NULL;
	size_t size;

	(void)state;
	parse(sample, &config);
	/* Names that YAML would take for something else. */
	assert_int_equal(remote_add(&config, "null", "a.example", false, &err), 0);
	assert_int_equal(remote_add(&config, "true", "a.example", false, &err), 0);
	assert_int_equal(remote_add(&config, "a: b # c", "a.example", false, &err), 0);
	assert_int_equal(remote_add(&config, "42", "a.example", false, &err), 0);
	assert_int_equal(remote_format(&config, &text, &size, &err), 0);
	assert_int_equal(strlen(text), size);
	parse(text, &again);
	assert_int_equal(again.count, 6);
	for (size_t i = 0; i < again.count; i++)
		assert_string_equal(again.remotes[i].name, config.remotes[i].name);
	free(text);
	remote_config_fini(&again);
	remote_config_fini(&config);
}

static void remote_add_normalizes_uris(void **state)
{
	static const char *const bad[] = {"", "  ", "http://", "/path", "a b", "user@host", "host?x", "host#x", "ho\nst"};
	struct remote_config config = REMOTE_CONFIG_INIT;
	struct err err = ERR_INIT;
	struct remote *remote;

	(void)state;
	assert_int_equal(remote_add(&config, "a", "https://lib.example:80/x/", false, &err), 0);
	assert_int_equal(remote_find(&config, "a", &remote, &err), 0);
	assert_string_equal(remote->uri, "lib.example:80/x");
	assert_int_equal(remote_add(&config, "a", "other.example", false, &err), -EEXIST);
	assert_int_equal(remote_add(&config, " ", "other.example", false, &err), -EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(remote_add(&config, "b", bad[i], false, &err), -EINVAL);
	remote_config_fini(&config);
}

static void remote_merge_lets_the_administrator_win(void **state)
{
	struct remote_config user = REMOTE_CONFIG_INIT, system = REMOTE_CONFIG_INIT;
	struct err err = ERR_INIT;
	struct remote *remote;

	(void)state;
	parse("Active: mine\nRemotes:\n  mine: {URI: m}\n  sys: {URI: old, Token: t, System: true}\n"
	      "  gone: {URI: g, System: true}\n",
	      &user);
	parse("Active: sys\nRemotes:\n  sys: {URI: new, Insecure: true, Keyservers: [{URI: k, External: true}]}\n", &system);
	assert_int_equal(remote_merge(&user, &system, &err), 0);
	assert_int_equal(user.count, 2);
	assert_string_equal(user.active, "mine");
	assert_int_equal(remote_find(&user, "sys", &remote, &err), 0);
	assert_string_equal(remote->uri, "new");
	assert_string_equal(remote->token, "t");
	assert_true(remote->is_system && remote->is_insecure);
	assert_int_equal(remote->keyserver_count, 1);
	assert_int_equal(remote_remove(&user, "sys", &err), -EPERM);
	system.remotes[0].is_exclusive = true;
	assert_int_equal(remote_merge(&user, &system, &err), 0);
	assert_string_equal(user.active, "sys");
	assert_int_equal(remote_use(&user, "mine", false, &err), -EPERM);
	remote_config_fini(&user);
	parse("Remotes: {sys: {URI: mine}}\n", &user);
	assert_int_equal(remote_merge(&user, &system, &err), -EEXIST);
	remote_config_fini(&user);
	remote_config_fini(&system);
}

static void remote_use_has_one_exclusive(void **state)
{
	struct remote_config system = REMOTE_CONFIG_INIT;
	struct err err = ERR_INIT;

	(void)state;
	parse("Remotes: {a: {URI: a, System: true}, b: {URI: b, System: true}}\n", &system);
	assert_int_equal(remote_use(&system, "a", true, &err), -EPERM);
	system.is_system = true;
	assert_int_equal(remote_use(&system, "a", true, &err), 0);
	assert_int_equal(remote_use(&system, "b", true, &err), 0);
	assert_false(system.remotes[0].is_exclusive);
	assert_true(system.remotes[1].is_exclusive);
	assert_string_equal(system.active, "b");
	assert_int_equal(remote_use(&system, "c", false, &err), -ENOENT);
	assert_int_equal(remote_remove(&system, "b", &err), 0);
	assert_null(system.active);
	remote_config_fini(&system);
}

static void keyservers_keep_their_order(void **state)
{
	struct remote_config config = REMOTE_CONFIG_INIT;
	struct err err = ERR_INIT;
	struct remote *remote;

	(void)state;
	parse("Active: a\nRemotes: {a: {URI: a, Keyservers: [{URI: 'https://own'}]}}\n", &config);
	assert_int_equal(remote_find(&config, NULL, &remote, &err), 0);
	assert_int_equal(remote_add_keyserver(remote, "https://x", 1, false, &err), 0);
	assert_int_equal(remote_add_keyserver(remote, "https://y", 0, true, &err), 0);
	assert_int_equal(remote_add_keyserver(remote, "https://x/", 0, false, &err), -EEXIST);
	assert_int_equal(remote_add_keyserver(remote, "https://z", 9, false, &err), -EINVAL);
	assert_string_equal(remote->keyservers[0].uri, "https://x");
	assert_string_equal(remote->keyservers[2].uri, "https://y");
	/* The endpoint's own is hidden, the others go. */
	assert_int_equal(remote_remove_keyserver(remote, "https://own", &err), 0);
	assert_int_equal(remote_remove_keyserver(remote, "https://x", &err), 0);
	assert_int_equal(remote->keyserver_count, 2);
	assert_true(remote->keyservers[0].skip);
	assert_int_equal(remote_remove_keyserver(remote, "https://x", &err), -ENOENT);
	remote_config_fini(&config);
}

static void remote_check_token_wants_header_text(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(remote_check_token("eyJ.a-b_c", &err), 0);
	assert_int_equal(remote_check_token("", &err), -EINVAL);
	assert_int_equal(remote_check_token("a b", &err), -EINVAL);
	assert_int_equal(remote_check_token("a\r\nX-Evil: 1", &err), -EINVAL);
}

static void logins_are_noted_and_forgotten(void **state)
{
	char dir[] = "/tmp/test_remote.XXXXXX", path[64];
	struct remote_config config = REMOTE_CONFIG_INIT;
	struct err err = ERR_INIT;
	struct stat st;
	bool found;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/new/remote.yaml", dir);
	assert_int_equal(remote_note_login(path, "docker://a", NULL, false, &err), 0);
	assert_int_equal(remote_note_login(path, "https://b", "Basic x", true, &err), 0);
	assert_int_equal(remote_note_login(path, "docker://a", NULL, true, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(remote_load(path, false, &config, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(config.credential_count, 2);
	remote_config_fini(&config);
	assert_int_equal(remote_note_logout(path, "https://b/", &found, &err), 0);
	assert_true(found);
	assert_int_equal(remote_note_logout(path, "https://b/", &found, &err), 0);
	assert_false(found);
	(void)unlink(path);
	/* A link is not followed: it could lead anywhere. */
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(remote_load(path, false, &config, &err), -ELOOP);
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remote_parse_reads_all_keys),
		cmocka_unit_test(remote_parse_refuses_surprises),
		cmocka_unit_test(remote_format_parses_to_the_same),
		cmocka_unit_test(remote_add_normalizes_uris),
		cmocka_unit_test(remote_merge_lets_the_administrator_win),
		cmocka_unit_test(remote_use_has_one_exclusive),
		cmocka_unit_test(keyservers_keep_their_order),
		cmocka_unit_test(remote_check_token_wants_header_text),
		cmocka_unit_test(logins_are_noted_and_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
