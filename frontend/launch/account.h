/* SPDX-License-Identifier: BSD-3-Clause */
/* What the caller adds to the container's account files. */
#ifndef FRONTEND_LAUNCH_ACCOUNT_H
#define FRONTEND_LAUNCH_ACCOUNT_H

#include "frontend/launch/host.h"

/* account_make_passwd() - the caller's line for /etc/passwd. @home is the container's. Owned; NULL when memory is out. */
char *account_make_passwd(const struct host *host, const char *home);

/* account_make_group() - a line for /etc/group for each group of the caller. Owned; NULL when memory is out. */
char *account_make_group(const struct host *host);

#endif
