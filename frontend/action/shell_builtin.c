/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/shell_builtin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/action/shell_word.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"

#define TEST_DEPTH_MAX 32

/* ---- test ---- */

struct test {
	struct shell *shell;
	char **args;
	size_t count, at;
	int depth;
	bool unknown; /* only a shell can tell */
};

static bool test_or(struct test *test);

static bool test_number(struct test *test, const char *text, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno || end == text || *end)
		test->unknown = true;
	return !test->unknown;
}

static bool test_is_binary(const char *op)
{
	static const char *const ops[] = {"=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(op, ops[i]) == 0)
			return true;
	return false;
}

static bool test_binary(struct test *test, const char *left, const char *op, const char *right)
{
	long a, b;

	if (op[0] != '-')
		return (strcmp(left, right) == 0) == (op[0] == '=');
	if (!test_number(test, left, &a) || !test_number(test, right, &b))
		return false;
	switch (op[1] << 8 | op[2]) {
	case 'e' << 8 | 'q':
		return a == b;
	case 'n' << 8 | 'e':
		return a != b;
	case 'l' << 8 | 't':
		return a < b;
	case 'l' << 8 | 'e':
		return a <= b;
	case 'g' << 8 | 't':
		return a > b;
	default:
		return a >= b;
	}
}

static bool test_unary(struct test *test, char op, const char *operand)
{
	const struct shell_host *host = test->shell->host;

	if (op == 'n' || op == 'z')
		return (*operand != '\0') == (op == 'n');
	if (strchr("efdrwxsLhpSbc", op) && host && host->test)
		return host->test(op, operand);
	test->unknown = true;
	return false;
}

static bool test_primary(struct test *test)
{
	char **args = test->args + test->at;
	size_t left = test->count - test->at;

	if (left == 0 || ++test->depth > TEST_DEPTH_MAX) {
		test->unknown = true;
		return false;
	}
	if (left >= 3 && test_is_binary(args[1])) {
		test->at += 3;
		return test_binary(test, args[0], args[1], args[2]);
	}
	if (strcmp(args[0], "!") == 0 && left > 1) {
		test->at++;
		return !test_primary(test);
	}
	if (strcmp(args[0], "(") == 0 && left > 2) {
		bool value;

		test->at++;
		value = test_or(test);
		if (test->at == test->count || strcmp(test->args[test->at++], ")") != 0)
			test->unknown = true;
		return value;
	}
	if (left >= 2 && args[0][0] == '-' && args[0][1] && !args[0][2]) {
		test->at += 2;
		return test_unary(test, args[0][1], args[1]);
	}
	test->at++;
	return args[0][0] != '\0';
}

static bool test_takes(struct test *test, const char *op)
{
	if (test->at == test->count || strcmp(test->args[test->at], op) != 0)
		return false;
	test->at++;
	return true;
}

static bool test_and(struct test *test)
{
	bool value = test_primary(test);

	test->depth = 0;
	while (!test->unknown && test_takes(test, "-a"))
		value = test_primary(test) && value;
	return value;
}

static bool test_or(struct test *test)
{
	bool value = test_and(test);

	while (!test->unknown && test_takes(test, "-o"))
		value = test_and(test) || value;
	return value;
}

static int builtin_test(struct shell *shell, struct strlist *args)
{
	struct test test = {.shell = shell, .args = args->items + 1, .count = args->count - 1};
	bool value = false;

	if (strcmp(args->items[0], "[") == 0 && (test.count == 0 || strcmp(test.args[--test.count], "]") != 0))
		return SHELL_EVAL_NEEDS_SHELL;
	if (test.count)
		value = test_or(&test);
	if (test.unknown || test.at != test.count)
		return SHELL_EVAL_NEEDS_SHELL;
	shell->status = value ? 0 : 1;
	return 0;
}

/* ---- the others ---- */

static int builtin_true(struct shell *shell, struct strlist *args)
{
	shell->status = strcmp(args->items[0], "false") == 0 ? 1 : 0;
	return 0;
}

/* Their NAME=value arguments have been expanded without splitting. */
static int builtin_export(struct shell *shell, struct strlist *args)
{
	bool exported = strcmp(args->items[0], "export") == 0;

	for (size_t i = 1; i < args->count; i++) {
		const char *item = args->items[i];
		size_t length = word_name_length(item);
		cleanup_ptr char *name = strndup(item, length), *value = NULL;
		const char *current;

		if (!name)
			return -ENOMEM;
		if (length == 0 || (item[length] && item[length] != '='))
			return SHELL_EVAL_NEEDS_SHELL; /* options */
		if (item[length] == '=')
			shell_set(shell, name, item + length + 1);
		current = shell_get(shell, name);
		if (!exported || !current)
			continue;
		value = strdup(current);
		if (!value)
			return -ENOMEM;
		strlist_unset_env(&shell->locals, name);
		strlist_set_env(&shell->env, name, value);
	}
	shell->status = 0;
	return 0;
}

static int builtin_unset(struct shell *shell, struct strlist *args)
{
	bool functions = false;

	for (size_t i = 1; i < args->count; i++) {
		const char *name = args->items[i];

		if (i == 1 && (strcmp(name, "-f") == 0 || strcmp(name, "-v") == 0)) {
			functions = name[1] == 'f';
			continue;
		}
		if (word_name_length(name) != strlen(name) || !*name)
			return SHELL_EVAL_NEEDS_SHELL;
		if (!functions) {
			strlist_unset_env(&shell->env, name);
			strlist_unset_env(&shell->locals, name);
		}
		strlist_unset_env(&shell->functions, name);
	}
	shell->status = 0;
	return 0;
}

static int builtin_set(struct shell *shell, struct strlist *args)
{
	size_t first = 1;

	if (args->count == 2 && (strcmp(args->items[1], "-a") == 0 || strcmp(args->items[1], "+a") == 0)) {
		shell->export_all = args->items[1][0] == '-';
		return 0;
	}
	if (args->count < 2)
		return SHELL_EVAL_NEEDS_SHELL;
	if (strcmp(args->items[1], "--") == 0)
		first = 2;
	else if (strchr("-+", args->items[1][0]) && args->items[1][0])
		return SHELL_EVAL_NEEDS_SHELL;
	strlist_fini(&shell->params);
	for (size_t i = first; i < args->count; i++)
		strlist_add(&shell->params, args->items[i]);
	shell->status = 0;
	return 0;
}

static int builtin_number(const struct strlist *args, long unset, long *out)
{
	char *end = NULL;

	*out = unset;
	if (args->count == 1)
		return 0;
	*out = strtol(args->items[1], &end, 10);
	return args->count > 2 || end == args->items[1] || *end || *out < 0 || *out > 1000000 ? SHELL_EVAL_NEEDS_SHELL : 0;
}

static int builtin_shift(struct shell *shell, struct strlist *args)
{
	struct strlist rest = {0, NULL};
	long count;

	if (builtin_number(args, 1, &count) != 0 || (size_t)count > shell->params.count)
		return SHELL_EVAL_NEEDS_SHELL;
	for (size_t i = (size_t)count; i < shell->params.count; i++)
		strlist_add(&rest, shell->params.items[i]);
	strlist_fini(&shell->params);
	shell->params = rest;
	shell->status = 0;
	return 0;
}

static int builtin_return(struct shell *shell, struct strlist *args)
{
	long status;

	if (builtin_number(args, shell->status, &status) != 0)
		return SHELL_EVAL_NEEDS_SHELL;
	shell->status = (int)(status & 0xff);
	shell->unwinding = strcmp(args->items[0], "exit") == 0 ? SHELL_EXITS : SHELL_RETURNS;
	return 0;
}

static int builtin_break(struct shell *shell, struct strlist *args)
{
	if (args->count > 1)
		return SHELL_EVAL_NEEDS_SHELL;
	shell->unwinding = strcmp(args->items[0], "break") == 0 ? SHELL_BREAKS : SHELL_CONTINUES;
	return 0;
}

static int builtin_eval(struct shell *shell, struct strlist *args)
{
	cleanup_ptr char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	for (size_t i = 1; i < args->count; i++)
		(void)fprintf(out, "%s%s", i > 1 ? " " : "", args->items[i]);
	if (fclose(out) != 0)
		return -ENOMEM;
	shell->status = 0;
	return shell_run_text(shell, text);
}

static int builtin_source(struct shell *shell, struct strlist *args)
{
	cleanup_ptr char *text = NULL;
	int result;

	/* A file that cannot be read, or one on PATH, is what shells differ in. */
	if (args->count != 2 || !strchr(args->items[1], '/') || !shell->host || !shell->host->read ||
	    shell->host->read(args->items[1], &text) < 0)
		return SHELL_EVAL_NEEDS_SHELL;
	shell->status = 0;
	result = shell_run_text(shell, text);
	if (shell->unwinding == SHELL_RETURNS)
		shell->unwinding = SHELL_GOES_ON;
	return result;
}

static int builtin_exec(struct shell *shell, struct strlist *args)
{
	if (args->count < 2 || args->items[1][0] == '-')
		return SHELL_EVAL_NEEDS_SHELL;
	strlist_fini(&shell->exec);
	for (size_t i = 1; i < args->count; i++)
		strlist_add(&shell->exec, args->items[i]);
	shell->unwinding = SHELL_EXECS;
	return 0;
}

int shell_run_builtin(struct shell *shell, struct strlist *args)
{
	static const struct {
		const char *name;
		int (*run)(struct shell *shell, struct strlist *args);
	} builtins[] = {
		{":", builtin_true},	  {"true", builtin_true},     {"false", builtin_true},
		{"[", builtin_test},	  {"test", builtin_test},     {"export", builtin_export},
		{"readonly", builtin_export}, {"unset", builtin_unset}, {"set", builtin_set},
		{"shift", builtin_shift}, {"return", builtin_return}, {"exit", builtin_return},
		{"break", builtin_break}, {"continue", builtin_break}, {"eval", builtin_eval},
		{".", builtin_source},	  {"source", builtin_source}, {"exec", builtin_exec},
	};

	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (strcmp(args->items[0], builtins[i].name) == 0)
			return builtins[i].run(shell, args);
	return SHELL_EVAL_NEEDS_SHELL;
}
