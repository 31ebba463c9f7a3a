/* SPDX-License-Identifier: BSD-3-Clause */
/* Scripts come with images: whatever they hold, the evaluator answers, and giving up changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/action/shell_eval.h"
#include "frontend/strlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fuzz_run(struct shell *shell, const char *command, char **out, int *status)
{
	(void)shell;
	*status = 0;
	*out = strdup(command);
	return *out ? 0 : -1;
}

static int fuzz_read(const char *path, char **out)
{
	*out = strdup(path);
	return *out ? 0 : -1;
}

static bool fuzz_test(char op, const char *path)
{
	return op == path[0];
}

static int fuzz_glob(const char *pattern, struct strlist *out)
{
	strlist_add(out, pattern);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct shell_host host = {fuzz_run, fuzz_read, fuzz_test, fuzz_glob};
	struct shell shell = {.host = &host, .name = "fuzz"};
	struct err err = ERR_INIT;
	char *text = strndup((const char *)data, size), *value = NULL;
	size_t before;
	int result;

	if (!text)
		return 0;
	strlist_add(&shell.env, "A=a b*c");
	strlist_add(&shell.params, "one");
	before = shell.env.count + shell.locals.count + shell.params.count;
	result = shell_eval_script(&shell, text, &err);
	if ((result < 0 || result == SHELL_EVAL_NEEDS_SHELL) &&
	    (shell.env.count + shell.locals.count + shell.params.count != before || shell.functions.count))
		abort();
	if (shell_eval_value(&shell, text, &value, &err) == 0)
		free(value);
	free(text);
	shell_fini(&shell);
	return 0;
}
