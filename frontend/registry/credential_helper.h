/* SPDX-License-Identifier: BSD-3-Clause */
/* The programs docker-credential-NAME, which keep credentials elsewhere than in a file. Found along PATH. */
#ifndef FRONTEND_REGISTRY_CREDENTIAL_HELPER_H
#define FRONTEND_REGISTRY_CREDENTIAL_HELPER_H

#include <stdbool.h>

#include "frontend/registry/docker_config.h"
#include "ipc/err.h"

/* credential_helper_is_valid() - may @name be part of a program's name? */
bool credential_helper_is_valid(const char *name);

/* All take the helper's @name and the @server as the helper knows it. -ENOENT: it has nothing for the server (no @err). The program
 * itself missing, or failing, is -ELIBACC or -EIO with @err. */
int credential_helper_get(const char *name, const char *server, struct credentials *out, struct err *err);
int credential_helper_store(const char *name, const char *server, const char *username, const char *password, struct err *err);
int credential_helper_erase(const char *name, const char *server, struct err *err);

/* credential_helper_parse() - the answer to "get". */
int credential_helper_parse(const char *text, struct credentials *out, struct err *err);

#endif
