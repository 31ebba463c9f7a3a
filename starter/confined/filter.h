/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_CONFINED_FILTER_H
#define STARTER_CONFINED_FILTER_H

#include <stdbool.h>

#include "ipc/err.h"

/* filter_install() - this process and its children stop for their tracer at the calls of calls_get_traced(); the others go their way
 * untouched. Needs no_new_privs. See seccomp(2). */
int filter_install(bool fake_root, struct err *err);

#endif
