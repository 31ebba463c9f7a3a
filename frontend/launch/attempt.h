/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attempts: does this kernel, in this outer container, let us do what a rung of a ladder does? Each is made in a child, in namespaces
 * of its own, with the calls that the starter would make; it leaves nothing behind and ends within ATTEMPT_MS. Only `singularity
 * doctor` makes them: about a millisecond each.
 */
#ifndef FRONTEND_LAUNCH_ATTEMPT_H
#define FRONTEND_LAUNCH_ATTEMPT_H

#include "ipc/err.h"

struct builder;

#define ATTEMPT_MS 1000

/* ATTEMPT_NOT_MADE: only the setuid starter could try; @err says so. */
#define ATTEMPT_NOT_MADE 1

/* Each returns 0 when it works, ATTEMPT_NOT_MADE, or a negative errno with @err. builder->plan->flow says in which namespaces. */
int attempt_mount_ns(const struct builder *builder, struct err *err);      /* unshare(2) of mounts, a tmpfs */
int attempt_userns(const struct builder *builder, struct err *err);        /* a user namespace, a map of one id, a tmpfs */
int attempt_mounts(const struct builder *builder, struct err *err);        /* a recursive bind */
int attempt_direct_map(const struct builder *builder, struct err *err);    /* the map of id_map_make_direct() */
int attempt_tool_map(const struct builder *builder, struct err *err);      /* newuidmap, newgidmap */
int attempt_emulation(const struct builder *builder, struct err *err);     /* a seccomp filter */
int attempt_api_new(const struct builder *builder, struct err *err);       /* fsopen(2), open_tree(2) */
int attempt_api_legacy(const struct builder *builder, struct err *err);    /* mount(2) */
int attempt_pivot(const struct builder *builder, struct err *err);         /* pivot_root(2) */
int attempt_move(const struct builder *builder, struct err *err);          /* MS_MOVE, chroot(2) */
int attempt_kernel_squashfs(const struct builder *builder, struct err *err); /* the kernel knows squashfs */
int attempt_kernel_ext3(const struct builder *builder, struct err *err);   /* and ext3 */
int attempt_fuse(const struct builder *builder, struct err *err);          /* a FUSE mount */
int attempt_overlay(const struct builder *builder, struct err *err);       /* overlayfs on tmpfs */
int attempt_proc(const struct builder *builder, struct err *err);          /* procfs in a new PID namespace */
int attempt_bind_proc(const struct builder *builder, struct err *err);
int attempt_sys(const struct builder *builder, struct err *err);           /* sysfs */
int attempt_bind_sys(const struct builder *builder, struct err *err);
int attempt_devpts_tty(const struct builder *builder, struct err *err);    /* devpts with gid=5 */
int attempt_devpts(const struct builder *builder, struct err *err);

/* attempt_depth() - how many more user namespaces can be nested from here, found by making them; at most 64. */
int attempt_depth(void);

#endif
