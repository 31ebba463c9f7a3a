/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/action/shell_eval.h"
#include "frontend/action/shell_word.h"
#include "frontend/strlist.h"

static int fake_run(struct shell *shell, const char *command, char **out, int *status)
{
	*status = strcmp(command, "fail") == 0 ? 3 : 0;
	return asprintf(out, "<%s%s>\n\n", command, shell_get(shell, "A") ? "+" : "") < 0 ? -1 : 0;
}

static int fake_read(const char *path, char **out)
{
	if (strcmp(path, "/part") != 0)
		return -2;
	*out = strdup("PART=$1; return 4; LATE=1");
	return 0;
}

static bool fake_test(char op, const char *path)
{
	return op == 'd' && strcmp(path, "/dir") == 0;
}

static int fake_glob(const char *pattern, struct strlist *out)
{
	if (strcmp(pattern, "/e/*.sh") == 0) {
		strlist_add(out, "/e/1.sh");
		strlist_add(out, "/e/2.sh");
	}
	return 0;
}

static const struct shell_host host = {fake_run, fake_read, fake_test, fake_glob};

/* One row: a script, and what R is afterwards; NULL: a shell is needed. */
struct row {
	const char *script, *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct shell shell = {.host = &host, .name = "me"};
		struct err err = ERR_INIT;
		int result;

		strlist_add(&shell.env, "E=exported");
		strlist_add(&shell.env, "EMPTY=");
		strlist_add(&shell.env, "P=/usr/lib/libx.so.1");
		strlist_add(&shell.env, "WORDS=a b  c");
		strlist_add(&shell.env, "HOME=/h");
		strlist_add(&shell.params, "one");
		strlist_add(&shell.params, "two words");
		result = shell_eval_script(&shell, rows[i].script, &err);
		if (!rows[i].expected && result != SHELL_EVAL_NEEDS_SHELL)
			fail_msg("%s: %d instead of a shell", rows[i].script, result);
		if (rows[i].expected && result != 0)
			fail_msg("%s: %d %s", rows[i].script, result, err.message);
		if (rows[i].expected && (!shell_get(&shell, "R") || strcmp(shell_get(&shell, "R"), rows[i].expected) != 0))
			fail_msg("%s: R is %s, not %s", rows[i].script, shell_get(&shell, "R"), rows[i].expected);
		if (!rows[i].expected && shell_get(&shell, "R"))
			fail_msg("%s: left R behind", rows[i].script);
		shell_fini(&shell);
	}
}

static void eval_expands_words(void **state)
{
	static const struct row rows[] = {
		{"R=plain", "plain"},
		{"R='a $E'", "a $E"},
		{"R=\"a $E\"", "a exported"},
		{"R=a\\ b\\\"", "a b\""},
		{"R=\"\\$E \\` \\\\ \\x\"", "$E ` \\ \\x"},
		{"R=${NONE}x", "x"},
		{"R=${NONE-d}", "d"},
		{"R=${EMPTY-d}", ""},
		{"R=${EMPTY:-d}", "d"},
		{"R=${E:+set}", "set"},
		{"R=${NONE:+set}", ""},
		{"R=${NONE:=new}; R=$R$NONE", "newnew"},
		{"R=${P##*/}", "libx.so.1"},
		{"R=${P#*/}", "usr/lib/libx.so.1"},
		{"R=${P%.*}", "/usr/lib/libx.so"},
		{"R=${P%%.*}", "/usr/lib/libx"},
		{"R=${P%\"*\"}", "/usr/lib/libx.so.1"},
		{"R=${#E}", "8"},
		{"R=$#", "2"},
		{"R=$1-$2-$3", "one-two words-"},
		{"R=$0", "me"},
		{"R=\"$*\"", "one two words"},
		{"R=~/x", "/h/x"},
		{"R=\"${R:-\"in \\\"q\\\"\"}\"", "in \"q\""},
		{"R=\"${NONE:-it's}\"", "it's"},
		{"R=$WORDS", "a b  c"},
		{"set -- $WORDS; R=$#", "3"},
		{"set -- \"$WORDS\"; R=$#", "1"},
		{"set -- \"$@\" x; R=$#$2", "3two words"},
		{"set --; set -- \"$@\"; R=$#", "0"},
		{"set -- ''; R=$#", "1"},
		{"set -- /e/*.sh; R=$2", "/e/2.sh"},
		{"set -- '/e/*.sh'; R=$1", "/e/*.sh"},
		{"set -- /none/*; R=$1", "/none/*"},
		{"R=$(cmd)", "<cmd>"},
		{"A=1; R=`a \\$b`", "<a $b+>"},
		{"R=$(fail); R=$R$?", "<fail>3"},
		{"R=$", "$"},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void eval_runs_commands(void **state)
{
	static const struct row rows[] = {
		{"#!/bin/sh\n# note\nR=1 # and\n", "1"},
		{"if [ -d /dir ]; then R=dir; else R=none; fi", "dir"},
		{"if [ -d /other ]; then R=dir; elif test $# -eq 2; then R=two; else R=none; fi", "two"},
		{"if false\nthen R=1\nfi\nR=$?", "0"},
		{"[ -z \"$NONE\" ] && R=unset || R=set", "unset"},
		{"[ \"$E\" = exported -a 3 -gt 2 ] && R=both", "both"},
		{"[ ! -n \"$E\" ] || R=kept", "kept"},
		{"! false && R=not", "not"},
		{"case $E in x*) R=1;; ex*ed|y) R=2;; *) R=3;; esac", "2"},
		{"case \"a*b\" in 'a*b') R=literal;; esac", "literal"},
		{"case x in (y) R=y;; esac; R=after", "after"},
		{"for i in a 'b c' $WORDS; do R=$R[$i]; done", "[a][b c][a][b][c]"},
		{"for i; do R=$i; break; done", "one"},
		{"for i in 1 2 3; do [ $i = 2 ] && continue; R=$R$i; done", "13"},
		{"for i in; do R=never; done; R=end", "end"},
		{"R=; while [ $# -gt 0 ]; do R=$R$1; shift; done", "onetwo words"},
		{"until [ \"$R\" = xx ]; do R=${R}x; done", "xx"},
		{"f() { R=$1$#; return 3; R=no; }\nf arg; R=$R$?", "arg13"},
		{"f() {\n R=old\n}\nunset -f f; R=new", "new"},
		{"{ R=group; }", "group"},
		{"eval 'R=\"$E\"'", "exported"},
		{"eval \"set \\\"a b\\\" c\"; R=$1$2", "a bc"},
		{". /part; R=$PART$?$LATE", "one4"},
		{"R=1; return; R=2", "1"},
		{"R=1; unset NONE R; R=${R-gone}", "gone"},
		{"export R=\"$WORDS\"", "a b  c"},
		{"if true; then R=1; else cmd | other > /file; (x); fi", "1"},
		{"true || unknown; R=fine", "fine"},
		{"f() { unknown; }; R=defined", "defined"},
		{"[ -n x ] 2>/dev/null && R=quiet", "quiet"},
		{"R=a\\\nb", "ab"},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void eval_leaves_the_rest_to_a_shell(void **state)
{
	static const struct row rows[] = {
		{"R=1; unknown", NULL},	      {"R=1; true | true", NULL},    {"R=1; (true)", NULL},
		{"R=1; true > /file", NULL},  {"R=$((1+1))", NULL},	      {"R=${P/a/b}", NULL},
		{"R=1; cat <<E\nE\n", NULL},  {"R=1; [[ a ]]", NULL},	      {"R=1; true &", NULL},
		{"R=1; if true; then", NULL}, {"R=1; fi", NULL},	      {"R='open", NULL},
		{"R=\"open", NULL},	      {"R=${open", NULL},	      {"R=$(open", NULL},
		{"R=1; . /missing", NULL},    {"R=1 true", NULL},	      {"R=1; ${NONE?gone}", NULL},
		{"R=1; [ a -lt 3 ]", NULL},   {"R=1; set -e", NULL},	      {"R=~root", NULL},
		{"R=1; esac", NULL},	      {"R=1; f() { true", NULL},      {"R=1; export -n E", NULL},
		{"R=$$", NULL},		      {"R=1; exec 3>&1", NULL},	      {"R=1; echo 'a\\n'", NULL},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void eval_tells_exported_from_local(void **state)
{
	struct shell shell = {.name = "me"};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(shell_eval_script(&shell, "A=1\nexport B=2 C\nC=3\nD=4; export D", &err), 0);
	assert_null(strlist_get_env(&shell.env, "A"));
	assert_string_equal(strlist_get_env(&shell.env, "B"), "2");
	assert_string_equal(strlist_get_env(&shell.env, "D"), "4");
	assert_null(strlist_get_env(&shell.locals, "D"));
	assert_int_equal(shell_eval_script(&shell, "set -a; X=1", &err), 0);
	assert_string_equal(strlist_get_env(&shell.env, "X"), "1");
	shell_fini(&shell);
}

static void eval_answers_exit_and_exec(void **state)
{
	struct shell shell = {.name = "me"};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(shell_eval_script(&shell, "echo 'no app' >&2\nexit 7\nunknown", &err), SHELL_EVAL_EXIT);
	assert_int_equal(shell.status, 7);
	assert_int_equal(shell.said.count, 1);
	assert_string_equal(shell.said.items[0], "2no app");
	assert_int_equal(shell_eval_script(&shell, "set -- 'a b'; exec prog \"$@\" $1", &err), SHELL_EVAL_EXEC);
	assert_int_equal(shell.exec.count, 4);
	assert_string_equal(shell.exec.items[1], "a b");
	assert_string_equal(shell.exec.items[3], "b");
	shell_fini(&shell);
}

static void eval_bounds_what_runs_away(void **state)
{
	static const char *const scripts[] = {
		"while true; do :; done",
		"f() { f; }; f",
		"eval_me='eval \"$eval_me\"'; eval \"$eval_me\"",
		"A=0123456789; while true; do A=$A$A; done",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct shell shell = {.name = "me"};
		struct err err = ERR_INIT;

		assert_int_equal(shell_eval_script(&shell, scripts[i], &err), -E2BIG);
		assert_int_equal(shell.locals.count, 0);
		assert_string_not_equal(err.message, "");
		shell_fini(&shell);
	}
}

static void value_is_double_quoted(void **state)
{
	struct shell shell = {.name = "me", .host = &host};
	struct err err = ERR_INIT;
	char *out = NULL;

	(void)state;
	strlist_add(&shell.env, "A=1");
	assert_int_equal(shell_eval_value(&shell, "$A \"it's\" * $(x) \\$A", &out, &err), 0);
	assert_string_equal(out, "1 \"it's\" * <x+> $A");
	free(out);
	shell.host = NULL;
	assert_int_equal(shell_eval_value(&shell, "$(x)", &out, &err), SHELL_EVAL_NEEDS_SHELL);
	shell_fini(&shell);
}

static void pattern_matches_as_in_a_shell(void **state)
{
	(void)state;
	assert_true(word_matches("a*b?c", "axxbyc", 6));
	assert_false(word_matches("a*b?c", "axxbc", 5));
	assert_true(word_matches("[a-c]x[!0-9]", "bxz", 3));
	assert_false(word_matches("[a-c]x[!0-9]", "bx5", 3));
	assert_true(word_matches("\\*", "*", 1));
	assert_false(word_matches("\\*", "x", 1));
	assert_true(word_matches("[open", "[open", 5));
	assert_true(word_matches("[]]", "]", 1));
	assert_true(word_matches("", "", 0));
	assert_false(word_matches("", "x", 1));
}

/* The runscript of images made from OCI ones, as SingularityCE writes it, in short. */
static const char oci_runscript[] =
	"#!/bin/sh\nOCI_ENTRYPOINT='\"/bin/entry\" \"two words\"'\nOCI_CMD='\"default\"'\n"
	"if [ -n \"$SINGULARITY_NO_EVAL\" ]; then\n"
	"    if [ -n \"$OCI_CMD\" ] && [ -n \"$OCI_ENTRYPOINT\" ]; then\n"
	"        if [ $# -eq 0 ]; then set -- 'default'; fi\n        set -- '/bin/entry' \"$@\"\n        exec \"$@\"\n    fi\nfi\n"
	"CMDLINE_ARGS=\"\"\nfor arg in \"$@\"; do\n    CMDLINE_ARGS=\"${CMDLINE_ARGS} \\\"$arg\\\"\"\ndone\n"
	"if [ $# -gt 0 ]; then\n    RUN=\"${OCI_ENTRYPOINT} ${CMDLINE_ARGS}\"\nelse\n    RUN=\"${OCI_ENTRYPOINT} ${OCI_CMD}\"\nfi\n"
	"eval \"set ${RUN}\"\nexec \"$@\"\n";

static void eval_runs_an_oci_runscript(void **state)
{
	struct shell shell = {.name = "me"};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(shell_eval_script(&shell, oci_runscript, &err), SHELL_EVAL_EXEC);
	assert_int_equal(shell.exec.count, 3);
	assert_string_equal(shell.exec.items[1], "two words");
	assert_string_equal(shell.exec.items[2], "default");
	shell_fini(&shell);
	memset(&shell, 0, sizeof(shell));
	strlist_add(&shell.env, "HOME=/h");
	strlist_add(&shell.params, "$HOME x");
	assert_int_equal(shell_eval_script(&shell, oci_runscript, &err), SHELL_EVAL_EXEC);
	assert_string_equal(shell.exec.items[2], "/h x");
	shell_fini(&shell);
	memset(&shell, 0, sizeof(shell));
	strlist_add(&shell.env, "SINGULARITY_NO_EVAL=1");
	strlist_add(&shell.params, "$HOME x");
	assert_int_equal(shell_eval_script(&shell, oci_runscript, &err), SHELL_EVAL_EXEC);
	assert_int_equal(shell.exec.count, 2);
	assert_string_equal(shell.exec.items[1], "$HOME x");
	shell_fini(&shell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eval_expands_words),
		cmocka_unit_test(eval_runs_commands),
		cmocka_unit_test(eval_leaves_the_rest_to_a_shell),
		cmocka_unit_test(eval_tells_exported_from_local),
		cmocka_unit_test(eval_answers_exit_and_exec),
		cmocka_unit_test(eval_bounds_what_runs_away),
		cmocka_unit_test(value_is_double_quoted),
		cmocka_unit_test(pattern_matches_as_in_a_shell),
		cmocka_unit_test(eval_runs_an_oci_runscript),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
