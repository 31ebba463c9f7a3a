/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/libraries.h"

#include <nss.h>

#include <openssl/crypto.h>

#include "ipc/log.h"

void libraries_prepare(void)
{
	/* libc has both of these in itself since 2.34. */
	if (__nss_configure_lookup("hosts", "files dns") < 0)
		log_debug("names of hosts are looked up as /etc/nsswitch.conf says");
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		log_debug("OpenSSL uses its configuration file");
}
