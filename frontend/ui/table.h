/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists for people: columns as wide as their widest text. */
#ifndef FRONTEND_UI_TABLE_H
#define FRONTEND_UI_TABLE_H

#include <stddef.h>

/* table_print() - @rows lines of @columns texts each, one after the other in @cells (UTF-8, borrowed), to standard output. */
void table_print(const char *const *cells, size_t rows, size_t columns);

#endif
