/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads and runs at the same time: what must not run (the other branch, the rest after return) is read with @active false. A
 * loop reads its body again for each turn. The whole works on copies of the variables, so that giving up changes nothing.
 */
#include "frontend/action/shell_eval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/action/shell_builtin.h"
#include "frontend/action/shell_word.h"
#include "frontend/strlist.h"
#include "ipc/cleanup.h"

#define SCRIPT_MAX (1024 * 1024)
#define STEPS_MAX 200000L
#define BLANKS " \t"

struct reader {
	struct shell *shell;
	const char *at;
};

static int read_list(struct reader *reader, bool active);
static int read_command(struct reader *reader, bool active);

const char *shell_get(const struct shell *shell, const char *name)
{
	const char *value = strlist_get_env(&shell->env, name);

	return value ? value : strlist_get_env(&shell->locals, name);
}

void shell_set(struct shell *shell, const char *name, const char *value)
{
	bool exported = shell->export_all || strlist_get_env(&shell->env, name);

	shell->written_bytes += (long)strlen(value);
	strlist_set_env(exported ? &shell->env : &shell->locals, name, value);
}

void shell_fini(struct shell *shell)
{
	strlist_fini(&shell->env);
	strlist_fini(&shell->locals);
	strlist_fini(&shell->functions);
	strlist_fini(&shell->params);
	strlist_fini(&shell->exec);
	strlist_fini(&shell->said);
}

/* ---- reading ---- */

static bool goes_on(const struct reader *reader, bool active)
{
	return active && reader->shell->unwinding == SHELL_GOES_ON;
}

static void skip_blanks(struct reader *reader)
{
	for (;;) {
		reader->at += strspn(reader->at, BLANKS);
		if (strncmp(reader->at, "\\\n", 2) != 0)
			break;
		reader->at += 2;
	}
	if (*reader->at == '#')
		reader->at += strcspn(reader->at, "\n");
}

static void skip_lines(struct reader *reader)
{
	skip_blanks(reader);
	while (*reader->at == '\n') {
		reader->at++;
		skip_blanks(reader);
	}
}

static bool is_at(const struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	return strncmp(reader->at, word, length) == 0 &&
	       (reader->at[length] == '\0' || strchr(" \t\n;&|<>()", reader->at[length]));
}

static bool take(struct reader *reader, const char *word)
{
	if (!is_at(reader, word))
		return false;
	reader->at += strlen(word);
	return true;
}

static int take_parenthesis(struct reader *reader)
{
	if (*reader->at != ')')
		return SHELL_EVAL_NEEDS_SHELL;
	reader->at++;
	return 0;
}

static int expect(struct reader *reader, const char *word)
{
	skip_lines(reader);
	return take(reader, word) ? 0 : SHELL_EVAL_NEEDS_SHELL;
}

static bool is_at_end_of_list(const struct reader *reader)
{
	static const char *const words[] = {"then", "elif", "else", "fi", "do", "done", "esac", "}"};

	if (*reader->at == '\0' || *reader->at == ')' || strncmp(reader->at, ";;", 2) == 0)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_at(reader, words[i]))
			return true;
	return false;
}

/* One raw word, appended to @words. */
static int read_word(struct reader *reader, struct strlist *words)
{
	const char *end = word_skip(reader->at);
	cleanup_ptr char *raw = end && end != reader->at ? strndup(reader->at, (size_t)(end - reader->at)) : NULL;

	if (!raw)
		return SHELL_EVAL_NEEDS_SHELL;
	strlist_add(words, raw);
	reader->at = end;
	return 0;
}

/* Output may go nowhere, or to the other of the two outputs: *@to_error. Everything else is for a shell. */
static int read_redirection(struct reader *reader, bool active, bool *to_error)
{
	struct strlist target = {0, NULL};
	bool known, error = *reader->at == '2';
	int result;

	reader->at += *reader->at == '1' || *reader->at == '2' ? 1 : 0;
	if (strncmp(reader->at, "<<", 2) == 0 || strncmp(reader->at, "<(", 2) == 0 || strncmp(reader->at, ">(", 2) == 0)
		return SHELL_EVAL_NEEDS_SHELL;
	known = *reader->at == '>';
	reader->at++;
	if (*reader->at == '&' || *reader->at == '>' || *reader->at == '|') {
		known = known && *reader->at == '&';
		reader->at++;
		skip_blanks(reader);
		result = read_word(reader, &target);
		known = known && result == 0 && strcmp(target.items[0], error ? "1" : "2") == 0;
		*to_error = *to_error || (known && !error);
	} else {
		skip_blanks(reader);
		result = read_word(reader, &target);
		known = known && error && result == 0 && strcmp(target.items[0], "/dev/null") == 0;
	}
	strlist_fini(&target);
	return result == 0 && active && !known ? SHELL_EVAL_NEEDS_SHELL : result;
}

static bool is_at_redirection(const struct reader *reader)
{
	const char *at = reader->at;

	if ((*at == '1' || *at == '2') && (at[1] == '>' || at[1] == '<'))
		return true;
	return *at == '<' || *at == '>';
}

/* ---- simple commands ---- */

static int assign_raw(struct shell *shell, const char *raw)
{
	size_t length = word_name_length(raw);
	const char *value = raw + length + 1;
	cleanup_ptr char *name = strndup(raw, length), *text = NULL;
	int result = strstr(value, ":~") ? SHELL_EVAL_NEEDS_SHELL : 0;

	if (!name)
		return -ENOMEM;
	if (result == 0)
		result = word_expand(shell, value, strlen(value), false, &text, NULL);
	if (result == 0)
		shell_set(shell, name, text);
	return result;
}

static bool is_assignment(const char *raw)
{
	size_t length = word_name_length(raw);

	return length && raw[length] == '=';
}

static int call_function(struct shell *shell, const char *body, const struct strlist *args)
{
	struct strlist saved = shell->params, params = {0, NULL};
	cleanup_ptr char *text = strdup(body); /* it may redefine itself */
	int result;

	for (size_t i = 1; i < args->count; i++)
		strlist_add(&params, args->items[i]);
	shell->params = params;
	result = text ? shell_run_text(shell, text) : -ENOMEM;
	if (shell->unwinding == SHELL_RETURNS)
		shell->unwinding = SHELL_GOES_ON;
	strlist_fini(&shell->params);
	shell->params = saved;
	return result;
}

/* Kept until the script has come to its end: it may yet turn out to need a shell, which would say it again. */
static int run_echo(struct shell *shell, const struct strlist *args, bool to_error)
{
	cleanup_ptr char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);
	bool plain = true;

	if (!out)
		return -ENOMEM;
	(void)fputc(to_error ? '2' : '1', out);
	for (size_t i = 1; i < args->count; i++) {
		plain = plain && !strchr(args->items[i], '\\') && (i > 1 || args->items[i][0] != '-');
		(void)fprintf(out, "%s%s", i > 1 ? " " : "", args->items[i]);
	}
	if (fclose(out) != 0)
		return -ENOMEM;
	shell->written_bytes += (long)size;
	if (plain)
		strlist_add(&shell->said, line);
	shell->status = 0;
	return plain ? 0 : SHELL_EVAL_NEEDS_SHELL;
}

static int run_words(struct shell *shell, const struct strlist *words, bool to_error)
{
	struct strlist args = {0, NULL};
	const char *first = words->items[0], *body;
	bool declares = strcmp(first, "export") == 0 || strcmp(first, "readonly") == 0;
	int result = 0;

	for (size_t i = 0; result == 0 && i < words->count; i++) {
		const char *raw = words->items[i];

		if (declares && is_assignment(raw)) {
			size_t length = word_name_length(raw);
			cleanup_ptr char *text = NULL;

			result = word_expand(shell, raw + length + 1, strlen(raw + length + 1), false, &text, NULL);
			if (result == 0)
				strlist_addf(&args, "%.*s=%s", (int)length, raw, text);
		} else {
			result = word_expand_fields(shell, raw, &args);
		}
	}
	body = result == 0 && args.count ? strlist_get_env(&shell->functions, args.items[0]) : NULL;
	if (body)
		result = call_function(shell, body, &args);
	else if (result == 0 && args.count && strcmp(args.items[0], "echo") == 0)
		result = run_echo(shell, &args, to_error);
	else if (result == 0 && args.count)
		result = shell_run_builtin(shell, &args);
	strlist_fini(&args);
	return result;
}

static int run_simple(struct shell *shell, const struct strlist *words, bool to_error)
{
	int result = 0, substitutions = shell->substitutions;

	if (++shell->steps > STEPS_MAX)
		return -E2BIG;
	if (!is_assignment(words->items[0]))
		return run_words(shell, words, to_error);
	for (size_t i = 0; result == 0 && i < words->count; i++)
		result = is_assignment(words->items[i]) ? assign_raw(shell, words->items[i]) : SHELL_EVAL_NEEDS_SHELL;
	if (shell->substitutions == substitutions)
		shell->status = 0; /* else it is that of the last $(command) */
	return result;
}

/* name() compound-command; @reader is at the parenthesis. */
static int read_function(struct reader *reader, bool active, const char *name)
{
	cleanup_ptr char *body = NULL;
	const char *start;
	int result;

	reader->at++;
	skip_blanks(reader);
	if (*reader->at != ')' || word_name_length(name) != strlen(name))
		return SHELL_EVAL_NEEDS_SHELL;
	reader->at++;
	skip_lines(reader);
	start = reader->at;
	if (*start != '{')
		return SHELL_EVAL_NEEDS_SHELL;
	result = read_command(reader, false);
	body = strndup(start, (size_t)(reader->at - start));
	if (result == 0 && !body)
		result = -ENOMEM;
	if (result == 0 && active) {
		reader->shell->written_bytes += (long)strlen(body);
		strlist_set_env(&reader->shell->functions, name, body);
		reader->shell->status = 0;
	}
	return result;
}

static int read_simple(struct reader *reader, bool active)
{
	struct strlist words = {0, NULL};
	bool to_error = false;
	int result = 0;

	while (result == 0) {
		skip_blanks(reader);
		if (is_at_redirection(reader))
			result = read_redirection(reader, active, &to_error);
		else if (*reader->at == '\0' || strchr("\n;&|)", *reader->at))
			break;
		else if (*reader->at == '(') {
			result = words.count == 1 ? read_function(reader, active, words.items[0]) : SHELL_EVAL_NEEDS_SHELL;
			strlist_fini(&words);
			return result;
		} else {
			result = read_word(reader, &words);
		}
	}
	if (result == 0 && words.count == 0)
		result = SHELL_EVAL_NEEDS_SHELL;
	if (result == 0 && active)
		result = run_simple(reader->shell, &words, to_error);
	strlist_fini(&words);
	return result;
}

/* ---- compound commands ---- */

static int read_if(struct reader *reader, bool active)
{
	struct shell *shell = reader->shell;
	bool taken = false, chosen;
	int result;

	do {
		result = read_list(reader, active && !taken);
		if (result == 0)
			result = expect(reader, "then");
		chosen = goes_on(reader, active) && !taken && shell->status == 0;
		taken = taken || chosen;
		if (result == 0)
			result = read_list(reader, chosen);
	} while (result == 0 && take(reader, "elif"));
	if (result != 0)
		return result;
	if (take(reader, "else"))
		result = read_list(reader, active && !taken);
	else if (goes_on(reader, active) && !taken)
		shell->status = 0;
	return result == 0 ? expect(reader, "fi") : result;
}

/* The words behind `in`, or "$@" without it. */
static int read_for_words(struct reader *reader, bool active, struct strlist *fields)
{
	struct strlist words = {0, NULL};
	int result = 0;

	skip_lines(reader);
	if (!take(reader, "in")) {
		for (size_t i = 0; active && i < reader->shell->params.count; i++)
			strlist_add(fields, reader->shell->params.items[i]);
		reader->at += *reader->at == ';' ? 1 : 0;
		return 0;
	}
	skip_blanks(reader);
	while (result == 0 && *reader->at && !strchr("\n;", *reader->at)) {
		result = read_word(reader, &words);
		skip_blanks(reader);
	}
	reader->at += *reader->at == ';' ? 1 : 0;
	for (size_t i = 0; result == 0 && active && i < words.count; i++)
		result = word_expand_fields(reader->shell, words.items[i], fields);
	strlist_fini(&words);
	return result;
}

/* After one turn: did break, return or a failure end the loop? */
static bool loop_ends(struct shell *shell)
{
	bool ends = shell->unwinding != SHELL_GOES_ON && shell->unwinding != SHELL_CONTINUES;

	if (shell->unwinding == SHELL_BREAKS || shell->unwinding == SHELL_CONTINUES)
		shell->unwinding = SHELL_GOES_ON;
	return ends;
}

static int read_for(struct reader *reader, bool active)
{
	struct shell *shell = reader->shell;
	struct strlist names = {0, NULL}, fields = {0, NULL};
	const char *body;
	bool ended = false;
	int result;

	skip_blanks(reader);
	result = read_word(reader, &names);
	if (result == 0 && word_name_length(names.items[0]) != strlen(names.items[0]))
		result = SHELL_EVAL_NEEDS_SHELL;
	if (result == 0)
		result = read_for_words(reader, active, &fields);
	if (result == 0)
		result = expect(reader, "do");
	body = reader->at;
	if (active)
		shell->status = 0;
	for (size_t i = 0; result == 0 && i < fields.count && !ended; i++) {
		reader->at = body;
		if (++shell->steps > STEPS_MAX)
			result = -E2BIG;
		shell_set(shell, names.items[0], fields.items[i]);
		if (result == 0)
			result = read_list(reader, true);
		ended = loop_ends(shell);
	}
	if (result == 0 && fields.count == 0)
		result = read_list(reader, false);
	strlist_fini(&names);
	strlist_fini(&fields);
	return result == 0 ? expect(reader, "done") : result;
}

static int read_while(struct reader *reader, bool active, bool until)
{
	struct shell *shell = reader->shell;
	const char *condition = reader->at;
	bool turns = active;
	int result = 0;

	do {
		reader->at = condition;
		if (++shell->steps > STEPS_MAX)
			return -E2BIG;
		result = read_list(reader, turns);
		if (result == 0)
			result = expect(reader, "do");
		turns = goes_on(reader, turns) && (shell->status == 0) != until;
		if (result == 0)
			result = read_list(reader, turns);
		if (result == 0)
			result = expect(reader, "done");
		if (turns)
			turns = !loop_ends(shell);
		else if (active && shell->unwinding == SHELL_GOES_ON)
			shell->status = 0;
	} while (result == 0 && turns);
	return result;
}

/* The patterns of one branch, up to and with the parenthesis. */
static int read_patterns(struct reader *reader, const char *value, bool *matched)
{
	struct strlist words = {0, NULL};
	int result;

	reader->at += *reader->at == '(' ? 1 : 0;
	do {
		skip_blanks(reader);
		result = read_word(reader, &words);
		skip_blanks(reader);
	} while (result == 0 && *reader->at == '|' && reader->at++);
	if (result == 0)
		result = take_parenthesis(reader);
	for (size_t i = 0; result == 0 && value && !*matched && i < words.count; i++) {
		cleanup_ptr char *pattern = NULL;

		result = word_expand(reader->shell, words.items[i], strlen(words.items[i]), false, NULL, &pattern);
		*matched = result == 0 && word_matches(pattern, value, strlen(value));
	}
	strlist_fini(&words);
	return result;
}

static int read_branches(struct reader *reader, bool active, const char *value)
{
	bool taken = false;

	for (;;) {
		bool matched = false;
		int result;

		skip_lines(reader);
		if (take(reader, "esac"))
			return 0;
		result = read_patterns(reader, taken ? NULL : value, &matched);
		if (result == 0)
			result = read_list(reader, active && matched);
		if (result != 0)
			return result;
		taken = taken || matched;
		if (strncmp(reader->at, ";;", 2) == 0)
			reader->at += 2;
		else if (!is_at(reader, "esac"))
			return SHELL_EVAL_NEEDS_SHELL;
	}
}

static int read_case(struct reader *reader, bool active)
{
	struct strlist words = {0, NULL};
	cleanup_ptr char *value = NULL;
	int result;

	skip_blanks(reader);
	result = read_word(reader, &words);
	if (result == 0)
		result = expect(reader, "in");
	if (result == 0 && active) {
		reader->shell->status = 0;
		result = word_expand(reader->shell, words.items[0], strlen(words.items[0]), false, &value, NULL);
	}
	strlist_fini(&words);
	return result == 0 ? read_branches(reader, active, value) : result;
}

static int read_group(struct reader *reader, bool active)
{
	int result = read_list(reader, active);

	return result == 0 ? expect(reader, "}") : result;
}

static int read_subshell(struct reader *reader, bool active)
{
	int result = active ? SHELL_EVAL_NEEDS_SHELL : 0;

	reader->at++;
	if (result == 0)
		result = read_list(reader, false);
	return result == 0 ? take_parenthesis(reader) : result;
}

static int read_compound(struct reader *reader, bool active, bool *found)
{
	*found = true;
	if (take(reader, "if"))
		return read_if(reader, active);
	if (take(reader, "for"))
		return read_for(reader, active);
	if (take(reader, "case"))
		return read_case(reader, active);
	if (take(reader, "while"))
		return read_while(reader, active, false);
	if (take(reader, "until"))
		return read_while(reader, active, true);
	if (take(reader, "{"))
		return read_group(reader, active);
	if (*reader->at == '(')
		return read_subshell(reader, active);
	*found = false;
	return is_at(reader, "function") || is_at(reader, "[[") || is_at(reader, "select") ? SHELL_EVAL_NEEDS_SHELL : 0;
}

static int read_command(struct reader *reader, bool active)
{
	bool compound, to_error = false;
	int result;

	if (++reader->shell->depth > SHELL_DEPTH_MAX) {
		reader->shell->depth--;
		return -E2BIG;
	}
	result = read_compound(reader, active, &compound);
	if (result == 0 && !compound)
		result = read_simple(reader, active);
	skip_blanks(reader);
	while (result == 0 && compound && is_at_redirection(reader)) {
		result = read_redirection(reader, active, &to_error);
		if (result == 0 && active)
			result = SHELL_EVAL_NEEDS_SHELL; /* what it says went the wrong way */
		skip_blanks(reader);
	}
	reader->shell->depth--;
	return result;
}

static int read_pipeline(struct reader *reader, bool active)
{
	bool negated = take(reader, "!");
	int result;

	skip_blanks(reader);
	result = read_command(reader, active);
	skip_blanks(reader);
	while (result == 0 && reader->at[0] == '|' && reader->at[1] != '|') {
		if (active)
			return SHELL_EVAL_NEEDS_SHELL;
		reader->at++;
		skip_lines(reader);
		result = read_command(reader, false);
		skip_blanks(reader);
	}
	if (negated && goes_on(reader, active))
		reader->shell->status = !reader->shell->status;
	return result;
}

static int read_and_or(struct reader *reader, bool active)
{
	int result = read_pipeline(reader, active);

	while (result == 0 && (strncmp(reader->at, "&&", 2) == 0 || strncmp(reader->at, "||", 2) == 0)) {
		bool wants_success = *reader->at == '&';

		reader->at += 2;
		skip_lines(reader);
		result = read_pipeline(reader, goes_on(reader, active) && (reader->shell->status == 0) == wants_success);
	}
	return result;
}

/* Up to a word that ends the list; whoever called knows which one it must be. */
static int read_list(struct reader *reader, bool active)
{
	for (;;) {
		int result;

		skip_lines(reader);
		if (is_at_end_of_list(reader))
			return 0;
		result = read_and_or(reader, goes_on(reader, active));
		if (result != 0)
			return result;
		if (reader->at[0] == ';' && reader->at[1] != ';')
			reader->at++;
		else if (reader->at[0] == '&') {
			if (goes_on(reader, active))
				return SHELL_EVAL_NEEDS_SHELL;
			reader->at++;
		} else if (reader->at[0] != '\n' && !is_at_end_of_list(reader)) {
			return SHELL_EVAL_NEEDS_SHELL;
		}
	}
}

int shell_run_text(struct shell *shell, const char *text)
{
	struct reader reader = {shell, text};
	int result;

	if (strlen(text) > SCRIPT_MAX || ++shell->depth > SHELL_DEPTH_MAX)
		return -E2BIG;
	result = read_list(&reader, true);
	shell->depth--;
	return result == 0 && *reader.at ? SHELL_EVAL_NEEDS_SHELL : result;
}

/* ---- the calls ---- */

static struct strlist copy_list(const struct strlist *list)
{
	struct strlist copy = {0, NULL};

	for (size_t i = 0; i < list->count; i++)
		strlist_add(&copy, list->items[i]);
	return copy;
}

static struct shell copy_shell(const struct shell *shell)
{
	struct shell copy = *shell;

	copy.env = copy_list(&shell->env);
	copy.locals = copy_list(&shell->locals);
	copy.functions = copy_list(&shell->functions);
	copy.params = copy_list(&shell->params);
	copy.exec = copy_list(&shell->exec);
	copy.said = copy_list(&shell->said);
	copy.written_bytes = copy.steps = 0;
	copy.depth = copy.unwinding = copy.substitutions = 0;
	return copy;
}

int shell_eval_script(struct shell *shell, const char *text, struct err *err)
{
	struct shell work = copy_shell(shell);
	int result = shell_run_text(&work, text), unwinding = work.unwinding;

	if (result != 0) {
		shell_fini(&work);
		return result < 0 ? err_sys(err, -result, "cannot evaluate the script") : result;
	}
	work.unwinding = work.depth = 0;
	shell_fini(shell);
	*shell = work;
	return unwinding == SHELL_EXITS ? SHELL_EVAL_EXIT : unwinding == SHELL_EXECS ? SHELL_EVAL_EXEC : 0;
}

int shell_eval_value(struct shell *shell, const char *text, char **out, struct err *err)
{
	int result;

	shell->written_bytes = shell->steps = 0;
	result = word_expand(shell, text, strlen(text), true, out, NULL);
	return result < 0 ? err_sys(err, -result, "cannot evaluate the value") : result;
}
