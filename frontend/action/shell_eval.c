/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/shell_eval.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/strlist.h"
#include "ipc/cleanup.h"

#define DEPTH_MAX 16
#define SCRIPT_MAX (1024 * 1024)
#define NAME_MAX_BYTES 256
#define EXPANDED_MAX (8 * 1024 * 1024) /* defaults inside defaults can grow */

struct eval {
	const char *at;
	const struct strlist *env;
	int depth;
	long written;
};

static int eval_put(struct eval *eval, FILE *out, const char *text, size_t length)
{
	eval->written += (long)length;
	if (eval->written > EXPANDED_MAX)
		return -E2BIG;
	return fwrite(text, 1, length, out) == length ? 0 : -ENOMEM;
}

static size_t eval_name_length(const char *at)
{
	size_t length = 0;

	if (isalpha((unsigned char)at[0]) || at[0] == '_')
		while (isalnum((unsigned char)at[length]) || at[length] == '_')
			length++;
	return length < NAME_MAX_BYTES ? length : 0;
}

static int eval_word(struct eval *eval, FILE *out, bool quoted, char stop);

/* ${NAME}, ${NAME:-word}, ${NAME-word}, ${NAME:+word}, ${NAME+word}; @eval->at is behind the brace. */
static int eval_braces(struct eval *eval, FILE *out, bool quoted)
{
	size_t length = eval_name_length(eval->at);
	char name[NAME_MAX_BYTES], *text = NULL;
	const char *value;
	bool colon, use_word, plus;
	size_t size = 0;
	FILE *word;
	int result;

	if (length == 0)
		return SHELL_EVAL_NEEDS_SHELL;
	memcpy(name, eval->at, length);
	name[length] = '\0';
	eval->at += length;
	value = strlist_get_env(eval->env, name);
	if (*eval->at == '}') {
		eval->at++;
		return value ? eval_put(eval, out, value, strlen(value)) : 0;
	}
	colon = *eval->at == ':';
	eval->at += colon ? 1 : 0;
	if (*eval->at != '-' && *eval->at != '+')
		return SHELL_EVAL_NEEDS_SHELL;
	plus = *eval->at++ == '+';
	use_word = (value && (!colon || *value)) == plus;
	word = open_memstream(&text, &size);
	if (!word)
		return -ENOMEM;
	result = eval_word(eval, word, quoted, '}');
	if (fclose(word) != 0 && result == 0)
		result = -ENOMEM;
	if (result == 0 && *eval->at != '}')
		result = SHELL_EVAL_NEEDS_SHELL;
	if (result == 0) {
		eval->at++;
		if (use_word)
			result = eval_put(eval, out, text, size);
		else if (!plus && value)
			result = eval_put(eval, out, value, strlen(value));
	}
	free(text);
	return result;
}

static int eval_dollar(struct eval *eval, FILE *out, bool quoted)
{
	char name[NAME_MAX_BYTES];
	const char *value;
	size_t length;

	eval->at++;
	if (*eval->at == '{') {
		eval->at++;
		return eval_braces(eval, out, quoted);
	}
	length = eval_name_length(eval->at);
	if (length == 0)
		return *eval->at == '\0' || strchr(" \t\n\"/:.,%+=", *eval->at) ? eval_put(eval, out, "$", 1)
										: SHELL_EVAL_NEEDS_SHELL;
	memcpy(name, eval->at, length);
	name[length] = '\0';
	eval->at += length;
	value = strlist_get_env(eval->env, name);
	return value ? eval_put(eval, out, value, strlen(value)) : 0;
}

static int eval_double(struct eval *eval, FILE *out)
{
	int result = 0;

	eval->at++;
	while (result == 0 && *eval->at && *eval->at != '"') {
		if (*eval->at == '\\' && eval->at[1] && strchr("$`\"\\\n", eval->at[1])) {
			if (eval->at[1] != '\n')
				result = eval_put(eval, out, eval->at + 1, 1);
			eval->at += 2;
		} else if (*eval->at == '`') {
			result = SHELL_EVAL_NEEDS_SHELL;
		} else if (*eval->at == '$') {
			result = eval_dollar(eval, out, true);
		} else {
			result = eval_put(eval, out, eval->at++, 1);
		}
	}
	if (result == 0 && *eval->at++ != '"')
		return SHELL_EVAL_NEEDS_SHELL;
	return result;
}

static int eval_single(struct eval *eval, FILE *out)
{
	const char *end = strchr(eval->at + 1, '\'');
	int result;

	if (!end)
		return SHELL_EVAL_NEEDS_SHELL;
	result = eval_put(eval, out, eval->at + 1, (size_t)(end - eval->at - 1));
	eval->at = end + 1;
	return result;
}

static int eval_piece(struct eval *eval, FILE *out, bool quoted)
{
	switch (*eval->at) {
	case '\\':
		if (quoted && !strchr("$`\"\\}", eval->at[1]))
			return eval_put(eval, out, eval->at++, 1);
		if (eval->at[1] == '\0')
			return SHELL_EVAL_NEEDS_SHELL;
		eval->at += 2;
		return eval->at[-1] == '\n' ? 0 : eval_put(eval, out, eval->at - 1, 1);
	case '"':
		return eval_double(eval, out);
	case '\'':
		return quoted ? eval_put(eval, out, eval->at++, 1) : eval_single(eval, out);
	case '$':
		return eval_dollar(eval, out, quoted);
	case '`':
		return SHELL_EVAL_NEEDS_SHELL;
	default:
		return eval_put(eval, out, eval->at++, 1);
	}
}

/* Up to the end of the word: @stop, or unquoted white space or ';'. */
static int eval_word(struct eval *eval, FILE *out, bool quoted, char stop)
{
	int result = 0;

	if (++eval->depth > DEPTH_MAX)
		return -E2BIG;
	while (result == 0 && *eval->at && *eval->at != stop) {
		if (!quoted && stop != '}' && strchr(" \t\n;", *eval->at))
			break;
		if (!quoted && strchr("|&<>()~{", *eval->at))
			result = SHELL_EVAL_NEEDS_SHELL;
		else
			result = eval_piece(eval, out, quoted);
	}
	eval->depth--;
	return result;
}

static int eval_assign(struct eval *eval, struct strlist *env, size_t length)
{
	char name[NAME_MAX_BYTES], *value = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&value, &size);
	int result;

	if (!out)
		return -ENOMEM;
	memcpy(name, eval->at, length);
	name[length] = '\0';
	eval->at += length + 1;
	result = eval_word(eval, out, false, '\0');
	if (fclose(out) != 0 && result == 0)
		result = -ENOMEM;
	if (result == 0)
		strlist_set_env(env, name, value);
	free(value);
	return result;
}

static void eval_skip(struct eval *eval, const char *set)
{
	while (*eval->at && strchr(set, *eval->at))
		eval->at++;
}

/* [export] NAME=word …; export NAME; a comment. A NAME=word before a command would be something else. */
static int eval_statement(struct eval *eval, struct strlist *env)
{
	bool exported = strncmp(eval->at, "export", 6) == 0 && (eval->at[6] == ' ' || eval->at[6] == '\t');
	int result = 0;

	eval->at += exported ? 6 : 0;
	for (;;) {
		size_t length;

		eval_skip(eval, " \t");
		length = eval_name_length(eval->at);
		if (*eval->at == '#')
			eval->at += strcspn(eval->at, "\n");
		if (*eval->at == '\0' || *eval->at == '\n' || *eval->at == ';')
			return 0;
		if (length && eval->at[length] == '=')
			result = eval_assign(eval, env, length);
		else if (exported && length && strchr(" \t\n;", eval->at[length]))
			eval->at += length; /* every name is exported here */
		else
			return SHELL_EVAL_NEEDS_SHELL;
		if (result != 0)
			return result;
	}
}

int shell_eval_script(const char *text, struct strlist *env, struct err *err)
{
	struct strlist work = {0, NULL};
	struct eval eval = {.at = text, .env = &work};
	int result = 0;

	if (strlen(text) > SCRIPT_MAX)
		return err_set(err, ERR_IMAGE, E2BIG, "the script is too long");
	for (size_t i = 0; i < env->count; i++)
		strlist_add(&work, env->items[i]);
	for (;;) {
		eval_skip(&eval, " \t\n;");
		if (*eval.at == '\0' || result != 0)
			break;
		result = eval_statement(&eval, &work);
	}
	if (result == 0) {
		strlist_fini(env);
		*env = work;
		return 0;
	}
	strlist_fini(&work);
	return result < 0 ? err_sys(err, -result, "cannot evaluate the script") : result;
}

int shell_eval_value(const char *text, const struct strlist *env, char **out, struct err *err)
{
	struct eval eval = {.at = text, .env = env};
	size_t size = 0;
	char *value = NULL;
	FILE *stream = open_memstream(&value, &size);
	int result = 0;

	if (!stream)
		return err_sys(err, errno, "cannot evaluate a value");
	while (result == 0 && *eval.at) {
		if (*eval.at == '"' || *eval.at == '\'')
			result = eval_put(&eval, stream, eval.at++, 1);
		else
			result = eval_piece(&eval, stream, true);
	}
	if (fclose(stream) != 0 && result == 0)
		result = -ENOMEM;
	if (result != 0) {
		free(value);
		return result < 0 ? err_sys(err, -result, "cannot evaluate a value") : result;
	}
	*out = value;
	return 0;
}
