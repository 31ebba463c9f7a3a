/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The only door to the mount system calls: the mount API of Linux 5.2 to 5.12. Where an outer container's seccomp profile refuses
 * it, the plain flavour puts mount(2) in its place (mnt_legacy.c). Attributes are enum plan_attr: they are added to what the
 * source has, never taken away, and a failure to set them is a failure (rule R23).
 */
#ifndef STARTER_MNT_H
#define STARTER_MNT_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/err.h"
#include "starter/privs.h"

struct mnt_option {
	const char *key;
	const char *value; /* NULL: a flag */
};

/* Another way to do the same as the functions below; flavour_mnt_legacy says whether it is in use. */
struct mnt_legacy {
	int (*clone)(int src_fd, int *out_fd, struct err *err);
	int (*attach_tree)(int tree_fd, uint32_t attrs, int target_fd, int *out_fd, struct err *err);
	int (*attach_fs)(const char *fstype, const struct mnt_option *options, uint32_t attrs, int target_fd,
			 int *out_fd, struct err *err);
	int (*set_readonly)(int mount_fd, struct err *err);
};

/* mnt_set_propagation() - make every mount of this namespace slave (or private). See mount_namespaces(7). */
int mnt_set_propagation(bool private_, struct err *err);

/* mnt_clone() - detached copy of the tree at @src_fd (borrowed, O_PATH), with everything below it. *@out_fd owned.
 * See open_tree(2). */
int mnt_clone(int src_fd, int *out_fd, struct err *err);

/* mnt_attach_tree() - attach the tree @tree_fd (borrowed) that mnt_clone() made at @target_fd (borrowed, O_PATH). *@out_fd (may
 * be NULL; owned): O_PATH of the attached root. On failure nothing stays attached. */
int mnt_attach_tree(int tree_fd, uint32_t attrs, int target_fd, int *out_fd, struct err *err);

/* mnt_attach_bind() - both at once: the tree at @src_fd (borrowed, O_PATH, of this mount namespace) at @target_fd. */
int mnt_attach_bind(int src_fd, uint32_t attrs, int target_fd, int *out_fd, struct err *err);

/* mnt_attach_fs() - new file system of type @fstype with @options (NULL, or ended by a NULL key) at @target_fd. @window is the
 * privilege with which the file system is created. *@out_fd as above. */
int mnt_attach_fs(const char *fstype, const struct mnt_option *options, uint32_t attrs, enum privs_window window,
		  int target_fd, int *out_fd, struct err *err);

/* mnt_set_readonly() - make the mount at @mount_fd (borrowed), not those below it, read-only. */
int mnt_set_readonly(int mount_fd, struct err *err);

/* mnt_pivot() - make the mount at the working directory the root of this namespace and detach the old one.
 * See pivot_root(2). */
int mnt_pivot(struct err *err);

#endif
