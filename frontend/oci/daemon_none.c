/* SPDX-License-Identifier: BSD-3-Clause */
/* For the imager that lives inside images: it is static, and libcurl is to be had as a shared library only. */
#include <errno.h>

#include "frontend/oci/daemon.h"

int daemon_open(const char *name, const struct source_options *options, struct oci_source **out, struct err *err)
{
	(void)options;
	(void)out;
	return err_set(err, ERR_SYSTEM, EOPNOTSUPP,
		       "cannot get docker-daemon:%s: this singularity is the one for use inside images, which has no network; save the image and "
		       "use docker-archive:",
		       name);
}
