/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the two flavours differ. Each program links one of flavour_plain.c and flavour_setuid.c; what only the plain flavour
 * can do is in files that the setuid program does not link, and is refused or absent there.
 */
#ifndef STARTER_FLAVOUR_H
#define STARTER_FLAVOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/err.h"

struct mnt_legacy;
struct stage;

extern const bool flavour_is_setuid;

/* flavour_prepare() - in the caller's mount namespace. Setuid: configuration, facts, verdict, clones of every source from the caller's
 * descriptors (rules R6, R19). Plain: the user namespace; a flow that needs no mounts does not return; the programs that serve file systems
 * (fuse_server.c, fuse_program.c), which stay in the caller's mount and PID namespace. The setuid flavour runs no program. */
int flavour_prepare(struct stage *stage, struct err *err);

/* flavour_separate() - in our own mount namespace, before the session directory covers anything: cut it off from the host's. Plain, after
 * that: open every source by path, where the kernel judges us as the caller; setuid has them. */
int flavour_separate(struct stage *stage, struct err *err);

/* The mount calls to use instead of the mount API, or NULL. Always NULL in the setuid flavour. */
extern const struct mnt_legacy *flavour_mnt_legacy;

/* flavour_fail_fs() - the error of a file system context @fs_fd (-1: none). Only the plain flavour repeats what the kernel says about
 * it: that text may quote what the caller cannot read (rule R8). */
int flavour_fail_fs(int fs_fd, int errnum, const char *fstype, struct err *err);

/* flavour_set_root() - make the working directory the root: by mnt_pivot(), in the plain flavour also in another way. */
int flavour_set_root(const struct stage *stage, struct err *err);

/* flavour_mount_kernel_fs() - mount @index of the plan, a procfs or sysfs, at @target_fd (borrowed): a fresh one, else its source. */
int flavour_mount_kernel_fs(const struct stage *stage, uint32_t index, int target_fd, struct err *err);

/* flavour_mount_devpts() - mount @index of the plan, a devpts, at @target_fd (borrowed). */
int flavour_mount_devpts(const struct stage *stage, uint32_t index, int target_fd, struct err *err);

/* flavour_make_layer() - the first of the allowed @layers that works at @target_fd (borrowed). Fills stage->root_fd. */
int flavour_make_layer(struct stage *stage, uint32_t layers, int target_fd, struct err *err);

#endif
