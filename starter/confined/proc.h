/* SPDX-License-Identifier: BSD-3-Clause */
/* The links of /proc that name what their reader, or another process of the container, has open. */
#ifndef STARTER_CONFINED_PROC_H
#define STARTER_CONFINED_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "starter/confined/path.h"

struct tracee;

/* proc_read_link() - the text of the link @host as @tracee is to see it, as path_view's read_link; works for every link of the host,
 * and knows those of /proc. */
ssize_t proc_read_link(struct tracee *tracee, const struct path_table *table, const char *host,
		       bool last, char *out, size_t size);

/* proc_read_link_text() - the same for readlink(2): a link that leads out of the container keeps its text ("pipe:[1]"). */
ssize_t proc_read_link_text(struct tracee *tracee, const struct path_table *table, const char *host,
			    char *out, size_t size);

/* proc_get_directory() - host path of the tracee's descriptor @dir_fd (AT_FDCWD: its working directory). Returns 0; -ENOENT: it was
 * removed; -EBADF: no such descriptor, or no directory. */
int proc_get_directory(struct tracee *tracee, int dir_fd, char *host, size_t size);

#endif
