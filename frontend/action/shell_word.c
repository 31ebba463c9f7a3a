/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/action/shell_word.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/strlist.h"
#include "ipc/cleanup.h"

#define WRITTEN_MAX (8L * 1024 * 1024) /* defaults inside defaults can grow */
#define BLANKS " \t\n"

enum quoting { UNQUOTED, QUOTED, QUOTED_BRACES };

struct buffer {
	char *bytes;
	size_t length, room;
};

/* What an expansion writes to: one text, and its form as a pattern; or fields. */
struct sink {
	struct shell *shell;
	struct strlist *fields; /* NULL: no splitting */
	struct buffer text, pattern;
	bool started; /* a quoted empty string is a field too */
	bool wild, bracket; /* the command [ alone is no pattern */
};

/* ---- where things end ---- */

static const char *skip_double(const char *at, int depth);
static const char *skip_dollar(const char *at, bool quoted, int depth);

static const char *skip_single(const char *at)
{
	const char *end = strchr(at, '\'');

	return end ? end + 1 : NULL;
}

static const char *skip_backquote(const char *at)
{
	while (*at && *at != '`')
		at += *at == '\\' && at[1] ? 2 : 1;
	return *at ? at + 1 : NULL;
}

/* One unit of text: a quoted piece, an expansion, or a character. */
static const char *skip_unit(const char *at, bool quoted, int depth)
{
	switch (*at) {
	case '\\':
		return at[1] ? at + 2 : NULL;
	case '\'':
		return quoted ? at + 1 : skip_single(at + 1);
	case '"':
		return skip_double(at + 1, depth + 1);
	case '`':
		return skip_backquote(at + 1);
	case '$':
		return skip_dollar(at, quoted, depth + 1);
	default:
		return at + 1;
	}
}

static const char *skip_double(const char *at, int depth)
{
	while (at && *at && *at != '"')
		at = depth > SHELL_DEPTH_MAX ? NULL : skip_unit(at, true, depth);
	return at && *at ? at + 1 : NULL;
}

/* @at is behind "${"; the answer is behind its brace. */
static const char *skip_braces(const char *at, bool quoted, int depth)
{
	while (at && *at && *at != '}')
		at = depth > SHELL_DEPTH_MAX ? NULL : skip_unit(at, quoted, depth);
	return at && *at ? at + 1 : NULL;
}

static const char *skip_parens(const char *at, int depth)
{
	int open = 1;

	while (at && *at && depth <= SHELL_DEPTH_MAX) {
		if (*at == ')' && --open == 0)
			return at + 1;
		open += *at == '(' ? 1 : 0;
		at = skip_unit(at, false, depth);
	}
	return NULL;
}

static const char *skip_dollar(const char *at, bool quoted, int depth)
{
	if (at[1] == '{')
		return skip_braces(at + 2, quoted, depth);
	if (at[1] == '(')
		return skip_parens(at + 2, depth);
	return at + 1;
}

const char *word_skip(const char *at)
{
	while (at && *at && !strchr(BLANKS ";&|<>()", *at))
		at = skip_unit(at, false, 0);
	return at;
}

size_t word_name_length(const char *at)
{
	size_t length = 0;

	if (isalpha((unsigned char)at[0]) || at[0] == '_')
		while (isalnum((unsigned char)at[length]) || at[length] == '_')
			length++;
	return length < SHELL_NAME_BYTES ? length : 0;
}

/* ---- patterns ---- */

/* The set at @at (behind its bracket) against @c; *@end is behind it, NULL when it is no set. */
static bool set_matches(const char *at, char c, const char **end)
{
	bool negated = *at == '!' || *at == '^', found = false, first = true;

	for (at += negated ? 1 : 0; *at && (*at != ']' || first); first = false) {
		unsigned char low, high, wanted = (unsigned char)c;

		at += *at == '\\' && at[1] ? 1 : 0;
		low = high = (unsigned char)*at++;
		if (at[0] == '-' && at[1] && at[1] != ']') {
			at += at[1] == '\\' && at[2] ? 2 : 1;
			high = (unsigned char)*at++;
		}
		found = found || (low <= wanted && wanted <= high);
	}
	*end = *at ? at + 1 : NULL;
	return found != negated;
}

/* One character of @text against the head of the pattern; *@next is the rest of it. */
static bool head_matches(const char *pattern, char c, const char **next)
{
	*next = pattern + 1;
	if (*pattern == '[') {
		const char *end;
		bool matched = set_matches(pattern + 1, c, &end);

		if (end) {
			*next = end;
			return matched;
		}
	}
	if (*pattern == '\\' && pattern[1]) {
		*next = pattern + 2;
		return pattern[1] == c;
	}
	return *pattern == '?' || *pattern == c;
}

bool word_matches(const char *pattern, const char *text, size_t length)
{
	const char *star = NULL, *next;
	size_t at = 0, retry = 0;

	/* Only the last star needs to be tried again: time is length times pattern. */
	while (at < length) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = at;
		} else if (*pattern && head_matches(pattern, text[at], &next)) {
			pattern = next;
			at++;
		} else if (star) {
			pattern = star;
			at = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* ---- writing ---- */

static int buffer_add(struct buffer *buffer, char c)
{
	if (buffer->length + 1 >= buffer->room) {
		size_t room = buffer->room ? buffer->room * 2 : 64;
		char *bytes = realloc(buffer->bytes, room);

		if (!bytes)
			return -ENOMEM;
		buffer->bytes = bytes;
		buffer->room = room;
	}
	buffer->bytes[buffer->length++] = c;
	buffer->bytes[buffer->length] = '\0';
	return 0;
}

static int sink_put(struct sink *sink, char c, bool quoted)
{
	int result = 0;

	if (++sink->shell->written_bytes > WRITTEN_MAX)
		return -E2BIG;
	sink->started = true;
	sink->bracket = sink->bracket || (c == '[' && !quoted);
	if (!quoted && (c == '*' || c == '?' || (c == ']' && sink->bracket)))
		sink->wild = true;
	if (quoted && strchr("*?[]\\-!^", c))
		result = buffer_add(&sink->pattern, '\\');
	if (result == 0)
		result = buffer_add(&sink->pattern, c);
	return result == 0 ? buffer_add(&sink->text, c) : result;
}

static int sink_put_quoted(struct sink *sink, const char *text, size_t length)
{
	int result = 0;

	sink->started = true;
	for (size_t i = 0; result == 0 && i < length; i++)
		result = sink_put(sink, text[i], true);
	return result;
}

static int sink_end_field(struct sink *sink)
{
	const struct shell_host *host = sink->shell->host;
	size_t before = sink->fields->count;
	int result = 0;

	if (!sink->started)
		return 0;
	if (sink->wild)
		result = host && host->glob ? host->glob(sink->pattern.bytes, sink->fields) : SHELL_EVAL_NEEDS_SHELL;
	if (result == 0 && sink->fields->count == before)
		strlist_add(sink->fields, sink->text.length ? sink->text.bytes : "");
	sink->text.length = sink->pattern.length = 0;
	if (sink->text.bytes)
		sink->text.bytes[0] = '\0';
	if (sink->pattern.bytes)
		sink->pattern.bytes[0] = '\0';
	sink->started = sink->wild = sink->bracket = false;
	return result;
}

/* The value of an expansion: only that is split. */
static int sink_put_value(struct sink *sink, const char *value, bool quoted)
{
	const char *ifs = shell_get(sink->shell, "IFS");
	int result = 0;

	if (quoted)
		return sink_put_quoted(sink, value, strlen(value));
	for (; result == 0 && *value; value++) {
		if (!sink->fields || !strchr(ifs ? ifs : BLANKS, *value)) {
			result = sink_put(sink, *value, false);
		} else {
			sink->started = sink->started || !strchr(BLANKS, *value);
			result = sink_end_field(sink);
		}
	}
	return result;
}

static void sink_fini(struct sink *sink)
{
	free(sink->text.bytes);
	free(sink->pattern.bytes);
}

/* ---- expansions ---- */

static int expand_range(struct sink *sink, const char *at, const char *end, enum quoting quoting);

static int expand_params(struct sink *sink, char which, bool quoted)
{
	const struct strlist *params = &sink->shell->params;
	int result = 0;

	for (size_t i = 0; result == 0 && i < params->count; i++) {
		if (i && which == '@' && sink->fields)
			result = sink_end_field(sink);
		else if (i)
			result = quoted ? sink_put(sink, ' ', true) : sink_put_value(sink, " ", false);
		if (result == 0)
			result = sink_put_value(sink, params->items[i], quoted);
	}
	return result;
}

/* $(command) and `command`. */
static int expand_command(struct sink *sink, const char *command, bool quoted)
{
	struct shell *shell = sink->shell;
	cleanup_ptr char *out = NULL;
	size_t length;

	/* Functions are ours alone: a shell run beside us does not know them. */
	if (!shell->host || !shell->host->run || shell->functions.count)
		return SHELL_EVAL_NEEDS_SHELL;
	if (shell->host->run(shell, command, &out, &shell->status) != 0)
		return SHELL_EVAL_NEEDS_SHELL;
	shell->substitutions++;
	for (length = strlen(out); length && out[length - 1] == '\n'; length--)
		out[length - 1] = '\0';
	return sink_put_value(sink, out, quoted);
}

static int expand_backquote(struct sink *sink, const char *at, const char *end, bool quoted)
{
	cleanup_ptr char *command = malloc((size_t)(end - at) + 1);
	char *to = command;

	if (!command)
		return -ENOMEM;
	while (at < end) {
		if (*at == '\\' && at + 1 < end && (strchr("$`\\", at[1]) || (quoted && at[1] == '"')))
			at++;
		*to++ = *at++;
	}
	*to = '\0';
	return expand_command(sink, command, quoted);
}

/* A parameter by the text of its name; numbers are written into @scratch. */
static const char *find_value(const struct shell *shell, const char *name, char scratch[32])
{
	if (strcmp(name, "#") == 0 || strcmp(name, "?") == 0) {
		(void)snprintf(scratch, 32, "%ld", *name == '#' ? (long)shell->params.count : (long)shell->status);
		return scratch;
	}
	if (isdigit((unsigned char)*name)) {
		size_t number = strtoul(name, NULL, 10);

		if (number == 0)
			return shell->name ? shell->name : "sh";
		return number <= shell->params.count ? shell->params.items[number - 1] : NULL;
	}
	return shell_get(shell, name);
}

/* ${V#p} ${V##p} ${V%p} ${V%%p} */
static int expand_trimmed(struct sink *sink, const char *value, const char *at, const char *end, bool quoted)
{
	cleanup_ptr char *pattern = NULL, *kept = NULL;
	char op = *at;
	bool longest = at[1] == op;
	size_t length = strlen(value), cut = 0;
	int result;

	at += longest ? 2 : 1;
	result = word_expand(sink->shell, at, (size_t)(end - at), false, NULL, &pattern);
	if (result != 0)
		return result;
	for (size_t i = 0; i <= length; i++) {
		size_t n = longest ? length - i : i;

		sink->shell->written_bytes += (long)n;
		if (sink->shell->written_bytes > WRITTEN_MAX)
			return -E2BIG;
		if (word_matches(pattern, op == '#' ? value : value + length - n, n)) {
			cut = n;
			break;
		}
	}
	kept = op == '#' ? strdup(value + cut) : strndup(value, length - cut);
	return kept ? sink_put_value(sink, kept, quoted) : -ENOMEM;
}

/* ${V-word} and its kin; @at is at the operator without its colon. */
static int expand_default(struct sink *sink, const char *name, const char *value, const char *at, const char *end,
			  bool quoted)
{
	bool present = value != NULL;
	int result;

	if (*at == '+')
		return present ? expand_range(sink, at + 1, end, quoted ? QUOTED_BRACES : UNQUOTED) : 0;
	if (present)
		return sink_put_value(sink, value, quoted);
	if (*at == '-')
		return expand_range(sink, at + 1, end, quoted ? QUOTED_BRACES : UNQUOTED);
	if (*at == '=' && word_name_length(name) == strlen(name)) {
		cleanup_ptr char *text = NULL;

		result = word_expand(sink->shell, at + 1, (size_t)(end - at - 1), false, &text, NULL);
		if (result != 0)
			return result;
		shell_set(sink->shell, name, text);
		return sink_put_value(sink, text, quoted);
	}
	return SHELL_EVAL_NEEDS_SHELL; /* ${V?message} of an unset name ends a shell */
}

/* @at is behind "${", @end at its brace. */
static int expand_braces(struct sink *sink, const char *at, const char *end, bool quoted)
{
	char name[SHELL_NAME_BYTES], scratch[32];
	bool count = *at == '#' && at + 1 < end && strchr("-+=?:#%}", at[1]) == NULL;
	const char *value;
	size_t length;

	at += count ? 1 : 0;
	length = word_name_length(at);
	if (length == 0 && at < end)
		length = isdigit((unsigned char)*at) ? strspn(at, "0123456789") : strchr("#?@*", *at) ? 1 : 0;
	if (length == 0 || length > (size_t)(end - at) || length >= sizeof(name))
		return SHELL_EVAL_NEEDS_SHELL;
	memcpy(name, at, length);
	name[length] = '\0';
	at += length;
	if (strchr("@*", *name))
		return at == end && !count ? expand_params(sink, *name, quoted) : SHELL_EVAL_NEEDS_SHELL;
	value = find_value(sink->shell, name, scratch);
	if (count) {
		char number[32];

		(void)snprintf(number, sizeof(number), "%zu", value ? strlen(value) : 0);
		return at == end ? sink_put_value(sink, number, quoted) : SHELL_EVAL_NEEDS_SHELL;
	}
	if (at == end)
		return value ? sink_put_value(sink, value, quoted) : 0;
	if (*at == '#' || *at == '%')
		return expand_trimmed(sink, value ? value : "", at, end, quoted);
	if (*at == ':') {
		at++;
		value = value && *value ? value : NULL;
	}
	return at < end && strchr("-+=?", *at) ? expand_default(sink, name, value, at, end, quoted)
					       : SHELL_EVAL_NEEDS_SHELL;
}

/* $name, $1, $@ …; *@at is behind the dollar. */
static int expand_plain(struct sink *sink, const char **at, const char *end, bool quoted)
{
	char name[SHELL_NAME_BYTES], scratch[32];
	size_t length = word_name_length(*at);
	const char *value;

	if (*at < end && strchr("@*", **at))
		return expand_params(sink, *(*at)++, quoted);
	if (*at < end && strchr("$!-", **at))
		return SHELL_EVAL_NEEDS_SHELL;
	if (length == 0 && *at < end && (isdigit((unsigned char)**at) || strchr("#?", **at)))
		length = 1;
	if (length == 0)
		return sink_put(sink, '$', true);
	memcpy(name, *at, length);
	name[length] = '\0';
	*at += length;
	value = find_value(sink->shell, name, scratch);
	return value ? sink_put_value(sink, value, quoted) : 0;
}

/* *@at is at the dollar and moves behind the expansion. */
static int expand_dollar(struct sink *sink, const char **at, const char *end, bool quoted)
{
	const char *start = *at, *behind;

	if (start + 1 >= end || !strchr("{(", start[1])) {
		(*at)++;
		return expand_plain(sink, at, end, quoted);
	}
	behind = skip_dollar(start, quoted, 0);
	if (!behind || behind > end || strncmp(start, "$((", 3) == 0)
		return SHELL_EVAL_NEEDS_SHELL;
	*at = behind;
	if (start[1] == '{')
		return expand_braces(sink, start + 2, behind - 1, quoted);
	else {
		cleanup_ptr char *command = strndup(start + 2, (size_t)(behind - start - 3));

		return command ? expand_command(sink, command, quoted) : -ENOMEM;
	}
}

static int expand_backslash(struct sink *sink, const char **at, const char *end, bool quoted)
{
	const char *here = *at;

	if (here + 1 >= end) {
		*at = end;
		return sink_put(sink, '\\', true);
	}
	*at += 2;
	if (here[1] == '\n')
		return 0;
	if (quoted && !strchr("$`\"\\", here[1])) {
		(*at)--;
		return sink_put(sink, '\\', true);
	}
	return sink_put(sink, here[1], true);
}

/* A piece in double quotes; *@at is behind the opening one. */
static int expand_double(struct sink *sink, const char **at, const char *end)
{
	const char *start = *at, *behind = skip_double(start, 0);

	if (!behind || behind > end)
		return SHELL_EVAL_NEEDS_SHELL;
	*at = behind;
	/* "$@" of no parameters is no field, unlike "". */
	if (behind - start != 3 || strncmp(start, "$@", 2) != 0)
		sink->started = true;
	return expand_range(sink, start, behind - 1, QUOTED);
}

static int expand_unit(struct sink *sink, const char **at, const char *end, enum quoting quoting)
{
	bool quoted = quoting != UNQUOTED;
	const char *behind, *start = *at;

	switch (*start) {
	case '\\':
		return expand_backslash(sink, at, end, quoted);
	case '$':
		return expand_dollar(sink, at, end, quoted);
	case '`':
		behind = skip_backquote(start + 1);
		if (!behind || behind > end)
			return SHELL_EVAL_NEEDS_SHELL;
		*at = behind;
		return expand_backquote(sink, start + 1, behind - 1, quoted);
	case '"':
		if (quoting == QUOTED)
			break;
		(*at)++;
		return expand_double(sink, at, end);
	case '\'':
		behind = quoted ? NULL : skip_single(start + 1);
		if (quoted || !behind || behind > end)
			break;
		*at = behind;
		return sink_put_quoted(sink, start + 1, (size_t)(behind - start - 2));
	default:
		break;
	}
	(*at)++;
	return sink_put(sink, *start, quoted);
}

static int expand_range(struct sink *sink, const char *at, const char *end, enum quoting quoting)
{
	int result = 0;

	if (++sink->shell->depth > SHELL_DEPTH_MAX)
		result = -E2BIG;
	while (result == 0 && at < end) {
		/* White space inside an unquoted ${V:-a b} splits like a value does. */
		if (quoting == UNQUOTED && sink->fields && strchr(BLANKS, *at)) {
			result = sink_end_field(sink);
			at++;
		} else {
			result = expand_unit(sink, &at, end, quoting);
		}
	}
	sink->shell->depth--;
	return result;
}

/* ~ and ~/path; another user's home needs a shell. */
static int expand_tilde(struct sink *sink, const char **raw, const char *end)
{
	const char *home = shell_get(sink->shell, "HOME");

	if (*raw == end || **raw != '~')
		return 0;
	if ((*raw + 1 < end && (*raw)[1] != '/') || !home)
		return SHELL_EVAL_NEEDS_SHELL;
	(*raw)++;
	return sink_put_quoted(sink, home, strlen(home));
}

int word_expand(struct shell *shell, const char *raw, size_t length, bool double_quoted, char **text, char **pattern)
{
	struct sink sink = {.shell = shell};
	const char *end = raw + length;
	int result = double_quoted ? 0 : expand_tilde(&sink, &raw, end);

	if (result == 0)
		result = expand_range(&sink, raw, end, double_quoted ? QUOTED : UNQUOTED);
	if (result == 0 && text)
		*text = sink.text.bytes ? ptr_take(sink.text.bytes) : strdup("");
	if (result == 0 && pattern)
		*pattern = sink.pattern.bytes ? ptr_take(sink.pattern.bytes) : strdup("");
	if (result == 0 && ((text && !*text) || (pattern && !*pattern)))
		result = -ENOMEM;
	sink_fini(&sink);
	return result;
}

int word_expand_fields(struct shell *shell, const char *raw, struct strlist *fields)
{
	struct sink sink = {.shell = shell, .fields = fields};
	const char *end = raw + strlen(raw);
	int result = expand_tilde(&sink, &raw, end);

	if (result == 0)
		result = expand_range(&sink, raw, end, UNQUOTED);
	if (result == 0)
		result = sink_end_field(&sink);
	sink_fini(&sink);
	return result;
}
