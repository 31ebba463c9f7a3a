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
 * descriptors (rules R6, R19). Plain: the user namespace; a flow that needs no mounts does not return. */
int flavour_prepare(struct stage *stage, struct err *err);

/* flavour_take_sources() - in our own mount namespace, before the session directory covers anything. Plain: open every source by
 * path, where the kernel judges us as the caller. Setuid: nothing, it has them. */
int flavour_take_sources(struct stage *stage, struct err *err);

/* flavour_get_mnt_legacy() - the mount calls to use instead of the mount API, or NULL. Always NULL in the setuid flavour. */
const struct mnt_legacy *flavour_get_mnt_legacy(void);

/* flavour_fail_fs() - the error of a file system context @fs_fd (-1: none). Only the plain flavour repeats what the kernel says about
 * it: that text may quote what the caller cannot read (rule R8). */
int flavour_fail_fs(int fs_fd, int errnum, const char *fstype, struct err *err);

/* flavour_set_propagation() - "/" takes no propagation @flags (@errnum): set them for the whole mount namespace in another way, or return
 * -@errnum. */
int flavour_set_propagation(int errnum, unsigned long flags);

/* flavour_set_root() - make the working directory the root: by mnt_pivot(), in the plain flavour also in another way. */
int flavour_set_root(const struct stage *stage, struct err *err);

/* flavour_start_programs() - plain: squashfs-server for every image that it serves, fuse2fs for every ext3 image, whose tree becomes
 * stage->directory_fd; fuse-overlayfs, waiting, where the plan has it. In the caller's mount and PID namespace, which these programs
 * do not leave. Setuid: nothing, it runs no program; the frontend has started the servers. */
int flavour_start_programs(struct stage *stage, struct err *err);

/* flavour_mount_kernel_fs() - mount @index of the plan, a procfs or sysfs, at @target_fd (borrowed): a fresh one, else its source. */
int flavour_mount_kernel_fs(const struct stage *stage, uint32_t index, int target_fd, struct err *err);

/* flavour_mount_devpts() - mount @index of the plan, a devpts, at @target_fd (borrowed). */
int flavour_mount_devpts(const struct stage *stage, uint32_t index, int target_fd, struct err *err);

/* flavour_make_layer() - the first of the allowed @layers that works at @target_fd (borrowed). Fills stage->root_fd. */
int flavour_make_layer(struct stage *stage, uint32_t layers, int target_fd, struct err *err);

/* flavour_fill_upper() - plain, one id mapped: make the missing mount points in the overlay's upper directory @upper_fd before it
 * is merged, since the kernel lets nobody create in directories of unmapped owners. Setuid: nothing. */
void flavour_fill_upper(const struct stage *stage, int upper_fd);

/* flavour_emulate_root() - plain: the filter that lets package managers believe they are root, if the plan asks for it. */
int flavour_emulate_root(const struct stage *stage, struct err *err);

#endif
