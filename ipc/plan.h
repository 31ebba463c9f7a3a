/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The launch plan: what a launch does, in the order it does it. Built by frontend/launch/plan_build.c, carried by
 * ipc/plan_encode.c and ipc/plan_decode.c, judged by policy/policy.c, applied by starter/.
 *
 * The struct is flat: no pointers, texts are offsets into one area, so it can be decoded into a shared page by a child
 * that has dropped everything, copied once and range-checked. A descriptor is an index into the record's array.
 * What the payload runs (arguments, environment, working directory, umask) is not here: it is in the action spec
 * (ipc/action.proto), which the starter hands to the action program unread.
 */
#ifndef IPC_PLAN_H
#define IPC_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/err.h"
#include "ipc/limits.h"

#define PLAN_VERSION 1
#define PLAN_NO_FD (-1)

typedef uint32_t plan_text_t; /* offset into plan.text; 0 is "none" */

enum plan_flow {
	PLAN_FLOW_SETUID = 1,  /* starter-suid, caller's user namespace; the payload keeps the caller's ids */
	PLAN_FLOW_USERNS,      /* own user namespace, caller's id mapped to itself */
	PLAN_FLOW_FAKEROOT,    /* own user namespace, caller is 0 */
	PLAN_FLOW_ROOT,        /* root of the initial user namespace */
	PLAN_FLOW_NESTED_ROOT, /* CAP_SYS_ADMIN held in another user namespace: no new one is made */
	PLAN_FLOW_CONFINED,    /* no namespace, no mount: paths are translated under ptrace(2) */
};

enum plan_fs_type { PLAN_FS_DIRECTORY = 1, PLAN_FS_SQUASHFS, PLAN_FS_EXT3 };

/* What kind of file the user named; decides which `allow container` directive applies. */
enum plan_container {
	PLAN_CONTAINER_SIF = 1,
	PLAN_CONTAINER_SQUASHFS,
	PLAN_CONTAINER_EXTFS,
	PLAN_CONTAINER_DIRECTORY,
};

enum plan_fs_method {
	PLAN_METHOD_BIND = 1, /* directory */
	PLAN_METHOD_KERNEL,   /* loop device and kernel file system */
	PLAN_METHOD_FUSE,     /* server_fd serves it */
};

struct plan_fs {
	enum plan_fs_type type;
	enum plan_container container;
	enum plan_fs_method method;
	int32_t fd;            /* O_PATH directory, or O_RDONLY/O_RDWR file */
	int32_t server_fd;     /* FUSE: the program (O_PATH or O_RDONLY), in the setuid flow /dev/fuse; else PLAN_NO_FD */
	int32_t go_fd;         /* FUSE in the setuid flow: a byte to this socket lets the server read. Else PLAN_NO_FD */
	plan_text_t path;      /* host path: opened by the plain flavour for directories; in messages. Absent in setuid */
	uint64_t offset_bytes; /* of the partition in the file; 0 for directories */
	uint64_t size_bytes;
	bool writable;
};

enum plan_mount_kind {
	PLAN_MOUNT_BIND = 1,    /* tree of source → target, always recursive */
	PLAN_MOUNT_PROC,        /* fresh procfs; falls back to a bind of the source if there is one */
	PLAN_MOUNT_SYS,         /* fresh sysfs; the same */
	PLAN_MOUNT_DEVPTS,      /* new devpts instance, plus the link target/../ptmx → pts/ptmx */
	PLAN_MOUNT_MQUEUE,
	PLAN_MOUNT_SESSION_DIR, /* empty directory of the session tmpfs, mode `mode`, owned by the payload */
	PLAN_MOUNT_FILE,        /* read-only file with the bytes of the sealed memfd source_fd */
	PLAN_MOUNT_SYMLINK,     /* link `link` at target; only where the starter made the directory itself */
	PLAN_MOUNT_IMAGE,       /* tree link_rel of file system fs → target */
	PLAN_MOUNT_PASSWD,      /* empty file for the action program to fill, which also gets the image's own to read */
	PLAN_MOUNT_GROUP,       /* the same */
};

/* Why the mount is there: the directive of singularity.conf that governs it. */
enum plan_origin {
	PLAN_ORIGIN_DEV = 1,
	PLAN_ORIGIN_HOSTFS,
	PLAN_ORIGIN_CONF_BIND, /* `bind path` */
	PLAN_ORIGIN_PROC,
	PLAN_ORIGIN_SYS,
	PLAN_ORIGIN_HOME,        /* the caller's own home */
	PLAN_ORIGIN_CUSTOM_HOME, /* --home, --workdir */
	PLAN_ORIGIN_TMP,
	PLAN_ORIGIN_SCRATCH,
	PLAN_ORIGIN_FILE, /* generated passwd, group, hosts, hostname, resolv.conf */
	PLAN_ORIGIN_RESOLV, /* bind of the host's resolv.conf */
	PLAN_ORIGIN_USER_BIND,
	PLAN_ORIGIN_CWD,
	PLAN_ORIGIN_OUTER, /* handed down to containers inside: frontend/launch/outer.h */
};

/* OPTIONAL: as SILENT, and no mount point is made for it. */
enum plan_on_fail { PLAN_FAIL_FATAL = 1, PLAN_FAIL_WARN, PLAN_FAIL_SILENT, PLAN_FAIL_OPTIONAL };

enum plan_attr { PLAN_ATTR_RDONLY = 1, PLAN_ATTR_NOSUID = 2, PLAN_ATTR_NODEV = 4, PLAN_ATTR_NOEXEC = 8 };
#define PLAN_ATTR_ALL 15u

struct plan_mount {
	enum plan_mount_kind kind;
	enum plan_origin origin;
	enum plan_on_fail on_fail; /* also when the mount point cannot be made */
	uint32_t attrs;            /* PLAN_ATTR_*; what must hold after the mount, never less than the source has */
	uint32_t mode;             /* SESSION_DIR, FILE: permission bits */
	int32_t source_fd;         /* setuid flavour: O_PATH of the source. FILE: sealed memfd. Else PLAN_NO_FD */
	plan_text_t source;        /* plain flavour: absolute host path. Absent in setuid */
	plan_text_t target;        /* absolute container path, no "." or "..", no trailing slash */
	plan_text_t link;          /* SYMLINK: text; IMAGE: path inside the file system */
	int32_t fs;                /* IMAGE: index into plan.fs, else -1 */
	bool target_is_file;       /* which mount point to make when it is missing */
};

/* A part of the rungs, with a field of its own: the policy judges them. */
enum plan_layer { PLAN_LAYER_OVERLAY = 1024, PLAN_LAYER_FUSE_OVERLAY = 2048, PLAN_LAYER_UNDERLAY = 4096 };
#define PLAN_LAYERS_ALL 7168u

/* What the starter may try, and in which order: where only the attempt can tell. Of each group at least one. */
enum plan_rung {
	PLAN_RUNG_API_NEW = 1,       /* fsopen(2) and its kin */
	PLAN_RUNG_API_LEGACY = 2,    /* mount(2) */
	PLAN_RUNG_PIVOT = 4,         /* pivot_root(2) */
	PLAN_RUNG_MOVE = 8,          /* MS_MOVE and chroot(2) */
	PLAN_RUNG_PROC_FRESH = 16,   /* PLAN_MOUNT_PROC: a new one */
	PLAN_RUNG_PROC_BIND = 32,    /* the source, if there is one */
	PLAN_RUNG_SYS_FRESH = 64,    /* PLAN_MOUNT_SYS: the same */
	PLAN_RUNG_SYS_BIND = 128,
	PLAN_RUNG_DEVPTS_TTY = 256,  /* PLAN_MOUNT_DEVPTS: with gid=5 */
	PLAN_RUNG_DEVPTS_PLAIN = 512,
};
#define PLAN_RUNGS_ALL 1023u

enum plan_idmap_method {
	PLAN_IDMAP_NONE = 1, /* no new user namespace */
	PLAN_IDMAP_SELF,     /* one line each, written by the process itself; setgroups denied */
	PLAN_IDMAP_TOOL,     /* newuidmap and newgidmap */
	PLAN_IDMAP_DIRECT,   /* written by the parent, which holds CAP_SETUID and CAP_SETGID where we are */
};

struct plan_extent {
	uint32_t inside, outside, count; /* count ≥ 1; no wrap */
};

struct plan_idmap {
	enum plan_idmap_method method;
	uint32_t uid_count, gid_count; /* ≤ PLAN_MAX_EXTENTS */
	struct plan_extent uid[PLAN_MAX_EXTENTS], gid[PLAN_MAX_EXTENTS];
	int32_t newuidmap_fd, newgidmap_fd; /* TOOL: the programs, else PLAN_NO_FD */
	bool keep_groups;                   /* --no-setgroups */
};

enum plan_init { PLAN_INIT_NONE = 1, PLAN_INIT_SHIM }; /* SHIM: pid 1 is the starter's sinit */

enum plan_lsm { PLAN_LSM_NONE = 1, PLAN_LSM_SELINUX, PLAN_LSM_APPARMOR };

struct plan_process {
	bool set_ids; /* --security uid:, gid:; root flows only */
	uint32_t uid, gid;
	uint32_t group_count;
	uint32_t groups[PLAN_MAX_GROUPS];
	uint64_t caps; /* kept if held: permitted, effective, inheritable, ambient; bit numbers of capabilities(7) */
	bool no_new_privs;
	bool emulate_root;  /* seccomp success for chown, mknod and the like; needs no_new_privs */
	int32_t seccomp_fd; /* sealed memfd with struct sock_filter[], else PLAN_NO_FD */
	enum plan_lsm lsm;
	plan_text_t label;
	int32_t action_fd;  /* the action program */
	int32_t spec_fd;    /* sealed memfd, becomes descriptor 3 of the action program */
	uint32_t pass_count;
	int32_t pass_fd[PLAN_MAX_PASS]; /* become descriptors 8, 9, … of the action program */
};

struct plan {
	uint32_t version;
	enum plan_flow flow;
	int32_t message_level; /* as log_encode_level() */
	bool dry_run;          /* do everything but the exec, say on stdout how each step went */

	bool ns_pid, ns_ipc, ns_uts, ns_net; /* the mount namespace is always new; user: idmap.method */
	plan_text_t hostname;                /* needs ns_uts */
	enum plan_init init;                 /* NONE with ns_pid: the payload is pid 1 */
	struct plan_idmap idmap;

	bool propagation_private; /* else slave */
	bool session_ramfs;
	uint64_t session_bytes; /* 0: no limit (root) */
	plan_text_t session;    /* CONFINED, nobody else: host directory for what would be on the session tmpfs; the frontend removes it */

	uint32_t fs_count;
	struct plan_fs fs[PLAN_MAX_FS]; /* fs[0] is the root */
	bool allow_setuid_files; /* --allow-setuid: no nosuid on the root and the binds; root flows only */
	bool root_writable;      /* --writable: the root itself, no layer */
	bool writable_tmpfs;     /* the layer's upper directory is the session's and stays writable */
	uint32_t overlay_count;
	uint32_t overlay[PLAN_MAX_OVERLAYS]; /* indices into fs, lowest first; at most the last is writable */
	uint32_t layers;                     /* PLAN_LAYER_* the starter may use, in that order of preference */
	uint32_t rungs;                      /* PLAN_RUNG_* the starter may use; all of them in the setuid flow */
	int32_t fuse_overlayfs_fd;           /* the program; there if layers has PLAN_LAYER_FUSE_OVERLAY, else PLAN_NO_FD */
	uint32_t loop_max;                   /* `max loop devices` */

	uint32_t mount_count;
	struct plan_mount mounts[PLAN_MAX_MOUNTS];
	struct plan_process process;

	uint32_t text_bytes;
	char text[PLAN_TEXT_MAX]; /* text[0] is NUL */
};

/* plan_init() - an empty plan with every descriptor slot PLAN_NO_FD, every enum at its neutral value. */
void plan_init(struct plan *plan);

/* plan_add_text() - store a copy of @text (NULL: none). Returns 0 or -E2BIG with @err. */
int plan_add_text(struct plan *plan, const char *text, plan_text_t *out, struct err *err);

/* plan_get_text() - the text at @ref, or NULL for none. Valid for a plan that passed plan_check(). */
const char *plan_get_text(const struct plan *plan, plan_text_t ref);

/* plan_is_file() - is this a file of our own making, rather than something of the host or the image? */
bool plan_is_file(const struct plan_mount *mount);

/* plan_check() - prove the plan well-formed against @fd_count descriptors: enums closed, counts and offsets in range,
 * texts NUL-terminated, targets clean, every descriptor claimed exactly once (programs may be claimed by several), sizes
 * without overflow, combinations that make no sense refused. Pure. Returns 0 or -EPROTO with @err. */
int plan_check(const struct plan *plan, uint32_t fd_count, struct err *err);

/* For plan.c and plan_plain.c: a descriptor is claimed once, a program by any number of slots. */
enum plan_slot { PLAN_SLOT_FREE, PLAN_SLOT_ONCE, PLAN_SLOT_PROGRAM };
int plan_claim_optional(enum plan_slot *slots, uint32_t count, int32_t fd, enum plan_slot kind, struct err *err);

/* plan_has_text() - is @ref the beginning of a text, or none? */
bool plan_has_text(const struct plan *plan, plan_text_t ref);

/* plan_check_plain() - the part of plan_check() for what only flows of the plain starter ask for. The setuid starter has another, which
 * refuses those flows. */
int plan_check_plain(const struct plan *plan, enum plan_slot *slots, uint32_t count, struct err *err);

#endif
