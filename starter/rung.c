/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the order of attempts, and for naming those that failed. Must not: know what an attempt does. Runs in every phase
 * that mounts.
 */
#include "starter/rung.h"

#include <errno.h>
#include <string.h>

#include "ipc/log.h"

/* What kernels, security modules and seccomp profiles answer when this way is closed, but another may be open. */
static int rung_moves_on(int errnum)
{
	static const int refusals[] = {EPERM, EACCES, ENOSYS, EINVAL, ENODEV, EOPNOTSUPP, ENOENT, EBUSY, ELOOP, ESTALE};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (errnum == refusals[i])
			return 1;
	return 0;
}

int rung_climb(const char *ladder, const struct rung *rungs, size_t count, uint32_t allowed, void *context, struct err *err)
{
	int result = err_set(err, ERR_DENIED, EPERM, "no way is allowed for %s", ladder);

	for (size_t i = 0; i < count; i++) {
		if (!(rungs[i].bit & allowed))
			continue;
		result = rungs[i].apply(context, err);
		if (result == 0) {
			log_debug("%s: rung %s", ladder, rungs[i].name);
			return 0;
		}
		log_debug("%s: rung %s rejected: %s (%s)", ladder, rungs[i].name, err->message, strerrorname_np(-result));
		if (!rung_moves_on(-result))
			break;
	}
	return result;
}
