/* SPDX-License-Identifier: BSD-3-Clause */
/* mount(2) and chroot(2) in place of the mount API and pivot_root(2). Plain flavour only. */
#ifndef STARTER_MNT_LEGACY_H
#define STARTER_MNT_LEGACY_H

#include "ipc/err.h"

struct mnt_legacy;

/* mnt_legacy_probe() - find out, in the mount namespace just entered, whether the mount API is refused. *@out is NULL where it works.
 * Returns 0 or a negative errno with @err: something other than a missing or filtered system call. */
int mnt_legacy_probe(const struct mnt_legacy **out, struct err *err);

/* mnt_legacy_set_root() - the working directory becomes "/" by MS_MOVE and chroot(2). Returns 0 or a negative errno. */
int mnt_legacy_set_root(void);

#endif
