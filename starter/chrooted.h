/* SPDX-License-Identifier: BSD-3-Clause */
/* A caller inside chroot(2): no user namespace may be made there, and "/" is no mount point, so that neither propagation nor
 * pivot_root(2) can be asked for. Plain flavour only. */
#ifndef STARTER_CHROOTED_H
#define STARTER_CHROOTED_H

/* chrooted_leave() - the caller's "/" with all mounts below becomes the root of a mount namespace of our own: nothing more is to be
 * seen than before, and the chroot is gone. The working directory is "/" then. Needs CAP_SYS_ADMIN and CAP_SYS_CHROOT. Returns 0; or a
 * negative errno, then with the root as it was. */
int chrooted_leave(void);

#endif
