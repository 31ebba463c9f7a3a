/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/settings/configuration.h"

#include <errno.h>
#include <stdio.h>

#include "frontend/settings/install.h"
#include "ipc/cleanup.h"

int configuration_load(const char *path, struct conf_frontend *out, struct err *err)
{
	cleanup_ptr char *own = NULL;

	if (asprintf(&own, "%s/singularity.conf", install_get()->confdir) < 0) {
		own = NULL;
		return err_sys(err, ENOMEM, "cannot name the configuration");
	}
	return conf_frontend_load(path ? path : own, out, err);
}
