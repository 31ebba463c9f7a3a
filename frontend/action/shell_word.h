/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of the shell language: where they end, and what they expand to. The inner half of shell_eval.h. */
#ifndef FRONTEND_ACTION_SHELL_WORD_H
#define FRONTEND_ACTION_SHELL_WORD_H

#include "frontend/action/shell_eval.h"

#define SHELL_DEPTH_MAX 48
#define SHELL_NAME_BYTES 256

/* word_skip() - the end of the word at @at (unquoted white space or operator), NULL when a quote is open or it is too deep. */
const char *word_skip(const char *at);

/* word_name_length() - length of the variable name at @at; 0 for none. */
size_t word_name_length(const char *at);

/* word_expand() - expand @length bytes at @raw without splitting. With @double_quoted as if in double quotes. *@text and
 * *@pattern (either may be NULL; owned) get the value, the latter with quoted pattern characters escaped.
 * Returns 0, SHELL_EVAL_NEEDS_SHELL or a negative errno. */
int word_expand(struct shell *shell, const char *raw, size_t length, bool double_quoted, char **text, char **pattern);

/* word_expand_fields() - expand @raw, split into fields and match file names; appended to @fields. Returns as above. */
int word_expand_fields(struct shell *shell, const char *raw, struct strlist *fields);

/* word_matches() - does the whole of @length bytes at @text match @pattern: * ? [set] and backslash. */
bool word_matches(const char *pattern, const char *text, size_t length);

#endif
