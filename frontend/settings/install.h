/* SPDX-License-Identifier: BSD-3-Clause */
/* Where this installation lies. Relocatable: found from the running program unless that is the compiled-in place. */
#ifndef FRONTEND_SETTINGS_INSTALL_H
#define FRONTEND_SETTINGS_INSTALL_H

#include <stdbool.h>

#include "ipc/err.h"

struct install {
	char *prefix;
	char *bindir;
	char *libexecdir; /* …/libexec/singularity/bin is libexec_bin */
	char *libexec_bin;
	char *sysconfdir;
	char *confdir; /* <sysconfdir>/singularity */
	char *localstatedir;
	bool relocated;
	bool has_suid; /* starter-suid is here: root-owned, setuid, and this tree is the compiled-in one */
};

/* install_get() - the one instance, found on first use; never NULL (exits with a FATAL line if /proc/self/exe is unreadable). */
const struct install *install_get(void);

/* install_open_program() - open libexec_bin/@name O_PATH|O_CLOEXEC. *@out_fd owned. */
int install_open_program(const char *name, int *out_fd, struct err *err);

/* install_find_nested() - the tree of static programs without setuid starter that can be bound into any image (owned), NULL when
 * this installation has none. In such a tree itself it is a link to the tree. */
char *install_find_nested(void);

#endif
