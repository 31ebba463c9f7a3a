/* SPDX-License-Identifier: BSD-3-Clause */
/* mount(2) and chroot(2) in place of the mount API and pivot_root(2). Plain flavour only. */
#ifndef STARTER_MNT_LEGACY_H
#define STARTER_MNT_LEGACY_H

#include <stdint.h>

#include "ipc/err.h"

struct mnt_legacy;

/* mnt_legacy_probe() - find out, in the mount namespace just entered, which interface of @rungs works. *@out is NULL for the mount API.
 * Returns 0 or a negative errno with @err. */
int mnt_legacy_probe(uint32_t rungs, const struct mnt_legacy **out, struct err *err);

/* mnt_legacy_set_root() - the working directory becomes "/" by MS_MOVE and chroot(2). A rung: @context is not used. */
int mnt_legacy_set_root(void *context, struct err *err);

#endif
