/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef POLICY_ACCOUNT_FILE_H
#define POLICY_ACCOUNT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* account_file_matches() - does @name, a decimal id or a name of @file (/etc/passwd or /etc/group), mean @id? Reads the file itself:
 * the setuid starter loads no name service. A name that is not in the file matches nothing. */
bool account_file_matches(const char *file, const char *name, uint32_t id);

/* account_file_get_home() - the home directory that @file (/etc/passwd) has for @uid. False if it has none that fits @home. */
bool account_file_get_home(const char *file, uint32_t uid, char *home, size_t size);

#endif
