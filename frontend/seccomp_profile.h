/* SPDX-License-Identifier: BSD-3-Clause */
/* Seccomp profiles in the JSON form of containers/common and Docker, or of the OCI runtime specification, as a filter the
 * starter can load without knowing either. */
#ifndef FRONTEND_SECCOMP_PROFILE_H
#define FRONTEND_SECCOMP_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/err.h"

#define SECCOMP_PROFILE_BYTES_MAX (1024 * 1024)

/* What "includes" and "excludes" of a rule are compared with. */
struct seccomp_host {
	uint64_t caps;                      /* of the payload */
	unsigned int kernel_major, kernel_minor;
};

/* seccomp_profile_compile() - the @size bytes of @text as struct sock_filter records, written to @out_fd (borrowed) at its
 * position. System calls this machine does not have are left out. Returns 0, or a negative errno with @err. */
int seccomp_profile_compile(const char *text, size_t size, const struct seccomp_host *host, int out_fd, struct err *err);

#endif
