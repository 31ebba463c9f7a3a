/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_SETTINGS_CONFIGURATION_H
#define FRONTEND_SETTINGS_CONFIGURATION_H

#include "ipc/err.h"
#include "policy/conf_frontend.h"

/* configuration_load() - read singularity.conf at @path (NULL: the one of this installation). Fails as conf_frontend_load(). */
int configuration_load(const char *path, struct conf_frontend *out, struct err *err);

#endif
