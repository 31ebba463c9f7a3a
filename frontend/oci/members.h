/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tar archive whose members are read in place. A compressed one is decompressed to an unlinked file first. See tar(5).
 */
#ifndef FRONTEND_OCI_MEMBERS_H
#define FRONTEND_OCI_MEMBERS_H

#include <stdint.h>

#include "ipc/err.h"

struct members;

/* members_open_consume() - list the archive @fd (consumed). @name is for messages; @tmpdir for what must be decompressed. *@out owned. */
int members_open_consume(int fd, const char *name, const char *tmpdir, struct members **out, struct err *err);
void members_close(struct members *members);

/* members_find() - where the regular file @path (no "./" before it) lies, following links among the members. *@fd owned. -ENOENT with
 * @err when it is not there. */
int members_find(const struct members *members, const char *path, int *fd, uint64_t *offset, uint64_t *size, struct err *err);

#endif
