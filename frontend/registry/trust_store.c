/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/trust_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/settings/install.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

/* Where systems keep the certificates they trust; libcurl knows only the place of the one it was built on. */
static const char *const places[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
				     "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
				     "/etc/ssl/cert.pem"};

/* An empty one, as images without their packages' scripts have, trusts nobody and would hide the next. */
static bool has_certificates(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && access(path, R_OK) == 0;
}

static const char *find_usual(void)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (has_certificates(places[i]))
			return places[i];
	return NULL;
}

/* *@out (owned): what came along with this installation, or NULL. */
static int find_carried(char **out)
{
	cleanup_ptr char *path = NULL;

	if (asprintf(&path, "%s/singularity/ca-certificates.crt", install_get()->libexecdir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	*out = has_certificates(path) ? ptr_take(path) : NULL;
	return 0;
}

int trust_store_find(char **file, char **dir, struct err *err)
{
	const char *given = getenv("SSL_CERT_FILE"), *given_dir = getenv("SSL_CERT_DIR"), *usual = find_usual(), *known;
	cleanup_ptr char *carried = NULL, *found_file = NULL, *found_dir = NULL;

	if (find_carried(&carried) < 0)
		return err_sys(err, ENOMEM, "cannot find the certificates of authorities");
	/* Into an image the variable comes from outside, where its file may have stayed. */
	if (given && *given && carried && access(given, F_OK) < 0) {
		log_warning("SSL_CERT_FILE=%s is not in this container: using %s", given, usual ? usual : carried);
		given = NULL;
	}
	known = given && *given ? given : usual;
	if (!known && carried) {
		log_debug("no certificates of authorities at the usual places: using those of %s", carried);
		known = carried;
	}
	if (known)
		found_file = strdup(known);
	if (given_dir && *given_dir)
		found_dir = strdup(given_dir);
	if ((known && !found_file) || (given_dir && *given_dir && !found_dir))
		return err_sys(err, ENOMEM, "cannot find the certificates of authorities");
	*file = ptr_take(found_file);
	*dir = ptr_take(found_dir);
	return 0;
}
