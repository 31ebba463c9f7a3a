/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_LAUNCH_ACCOUNT_H
#define FRONTEND_LAUNCH_ACCOUNT_H

#include "frontend/launch/host.h"

/* account_make_passwd() - text of the container's /etc/passwd: @template (the image's; NULL if it cannot be read) with the caller's
 * line added, or the line of the caller's uid replaced, its shell kept. @home is the container's. Owned; NULL when memory is out. */
char *account_make_passwd(const struct host *host, const char *template, const char *home);

/* account_make_group() - the same for /etc/group: a line for each group of the caller that @template lacks. */
char *account_make_group(const struct host *host, const char *template);

#endif
