/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel and the bytes say about the caller, the descriptors and the images of a plan. */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "ipc/err.h"
#include "ipc/limits.h"

struct plan;
struct conf;

struct facts_fd {
	struct stat stat;
	uint64_t fs_magic;  /* fstatfs(2) f_type */
	int access_mode;    /* O_RDONLY, O_WRONLY, O_RDWR */
	bool is_path;       /* O_PATH */
	bool is_sealed;     /* memfd with every seal */
};

struct facts {
	uid_t uid;
	bool initial_userns; /* inode of /proc/self/ns/user is the kernel's fixed one */
	struct facts_fd fds[PLAN_MAX_FDS];
	bool in_limited_path[PLAN_MAX_FS]; /* image lies below a `limit container paths` entry, by (dev, ino) of its parents */
};

/* facts_read() - fill @facts for @plan and its descriptors @fds (borrowed). Reads nothing by a path the caller named.
 * Returns 0 or a negative errno with @err. */
int facts_read(const struct plan *plan, const struct conf *conf, const int *fds, uint32_t fd_count, struct facts *facts,
	       struct err *err);

/* facts_check_images() - prove from the bytes that each image of @plan is what the plan says: SIF magic and a descriptor
 * with exactly this extent, squashfs or ext3 superblock at the offset, extent inside the file.
 * Returns 0 or -EINVAL with ERR_IMAGE. */
int facts_check_images(const struct plan *plan, const int *fds, struct err *err);

/* facts_check_fds() - every descriptor has the kind its slot demands (rule R3): image regular file opened readable (writable
 * only if the plan says so), directory and bind sources O_PATH, generated files sealed memfds, programs regular files. */
int facts_check_fds(const struct plan *plan, const struct facts *facts, struct err *err);

#endif
