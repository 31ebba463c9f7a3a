/* SPDX-License-Identifier: BSD-3-Clause */
/* Images of a Docker engine, by its HTTP interface: GET /images/NAME/get. */
#ifndef FRONTEND_OCI_DAEMON_H
#define FRONTEND_OCI_DAEMON_H

#include "frontend/oci/source.h"

/* daemon_open() - have the engine at options->docker_host (else DOCKER_HOST, else /var/run/docker.sock) save the image @name, in an
 * unlinked file of the size of the image. */
int daemon_open(const char *name, const struct source_options *options, struct oci_source **out, struct err *err);

#endif
