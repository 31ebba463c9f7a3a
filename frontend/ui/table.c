/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/ui/table.h"

#include <stdio.h>

#define GAP 2

/* Signs as wide as letters: what is not the beginning of a character takes no place. */
static size_t width(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

static size_t find_widest(const char *const *cells, size_t rows, size_t columns, size_t column)
{
	size_t widest = 0;

	for (size_t row = 0; row < rows; row++) {
		size_t one = width(cells[row * columns + column]);

		widest = one > widest ? one : widest;
	}
	return widest;
}

/* No blanks where nothing follows. */
static size_t count_used(const char *const *line, size_t columns)
{
	while (columns > 0 && *line[columns - 1] == '\0')
		columns--;
	return columns;
}

void table_print(const char *const *cells, size_t rows, size_t columns)
{
	for (size_t row = 0; row < rows; row++) {
		const char *const *line = cells + row * columns;
		size_t used = count_used(line, columns);

		for (size_t column = 0; column < used; column++) {
			size_t pad = find_widest(cells, rows, columns, column) + GAP - width(line[column]);

			(void)printf("%s%*s", line[column], column + 1 < used ? (int)pad : 0, "");
		}
		(void)putchar('\n');
	}
}
