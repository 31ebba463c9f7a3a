/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/cli_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/cleanup.h"

int cli_csv_append(struct strlist *list, const char *text, size_t len, struct err *err)
{
	char **items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items)
		return err_sys(err, ENOMEM, "cannot keep an argument");
	list->items = items;
	items[list->count] = strndup(text, len);
	if (!items[list->count])
		return err_sys(err, ENOMEM, "cannot keep an argument");
	list->count++;
	return 0;
}

void cli_csv_free(struct strlist *list, size_t keep)
{
	while (list->count > keep)
		free(list->items[--list->count]);
	if (list->count == 0) {
		free(list->items);
		list->items = NULL;
	}
}

/* Unquote the field at *@cursor, which is left at the comma or the end, into @field (room for the rest of the text). */
static int read_quoted(const char *start, const char **cursor, char *field, size_t *len, struct err *err)
{
	const char *c = *cursor + 1;
	size_t used = 0;

	for (;; c++) {
		if (*c == '\0')
			return err_set(err, ERR_USAGE, EINVAL, "parse error on column %zu: extraneous or missing \" in quoted-field",
				       (size_t)(c - start) + 1);
		if (*c == '"' && c[1] != '"')
			break;
		if (*c == '"')
			c++;
		field[used++] = *c;
	}
	c++;
	if (*c != ',' && *c != '\0')
		return err_set(err, ERR_USAGE, EINVAL, "parse error on column %zu: extraneous or missing \" in quoted-field",
			       (size_t)(c - start));
	*cursor = c;
	*len = used;
	return 0;
}

static int read_plain(const char *start, const char **cursor, char *field, size_t *len, struct err *err)
{
	size_t span = strcspn(*cursor, ",\"");

	if ((*cursor)[span] == '"')
		return err_set(err, ERR_USAGE, EINVAL, "parse error on column %zu: bare \" in non-quoted field",
			       (size_t)(*cursor - start) + span + 1);
	memcpy(field, *cursor, span);
	*cursor += span;
	*len = span;
	return 0;
}

static int split_fields(const char *text, char *field, struct strlist *out, struct err *err)
{
	const char *cursor = text;

	for (;;) {
		size_t len = 0;
		int r = *cursor == '"' ? read_quoted(text, &cursor, field, &len, err)
				       : read_plain(text, &cursor, field, &len, err);

		if (r < 0)
			return r;
		r = cli_csv_append(out, field, len, err);
		if (r < 0 || *cursor == '\0')
			return r;
		cursor++;
	}
}

int cli_csv_split(const char *text, struct strlist *out, struct err *err)
{
	cleanup_ptr char *field = NULL;
	size_t before = out->count;
	int r;

	if (*text == '\0')
		return 0;
	field = malloc(strlen(text) + 1);
	if (!field)
		return err_sys(err, ENOMEM, "cannot keep an argument");
	r = split_fields(text, field, out, err);
	if (r < 0)
		cli_csv_free(out, before);
	return r;
}
