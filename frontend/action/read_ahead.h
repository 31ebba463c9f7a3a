/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that the payload needs at once, asked for together before it asks for them page by page. */
#ifndef FRONTEND_ACTION_READ_AHEAD_H
#define FRONTEND_ACTION_READ_AHEAD_H

#include <stdbool.h>

/* read_ahead_allow() - until then the calls below do nothing. For an image behind a file server, where each page fault is a
 * message there and back; from a disk image it would only unpack what nobody asked for. */
void read_ahead_allow(void);

/* read_ahead_file() - let the kernel begin to read @path, which may be missing. Waits for nothing. See posix_fadvise(2). */
void read_ahead_file(const char *path);

/* read_ahead_program() - the same for a program, its loader, and those of its libraries that lie beside the loader. */
void read_ahead_program(const char *path);

#endif
