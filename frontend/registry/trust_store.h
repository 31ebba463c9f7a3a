/* SPDX-License-Identifier: BSD-3-Clause */
/* The certificates of authorities that servers are judged by. */
#ifndef FRONTEND_REGISTRY_TRUST_STORE_H
#define FRONTEND_REGISTRY_TRUST_STORE_H

#include "ipc/err.h"

/* trust_store_find() - *@file (owned, NULL when there is none): SSL_CERT_FILE, else the system's at the usual place of one of the
 * distributions, else the one that came along with a tree for use inside images. In such a tree, SSL_CERT_FILE may name what is not
 * in the image, and is left out with a warning. *@dir (owned): SSL_CERT_DIR, or NULL. */
int trust_store_find(char **file, char **dir, struct err *err);

#endif
