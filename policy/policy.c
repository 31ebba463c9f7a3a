/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the verdict on a plan. Must not: read anything but its arguments and, for names in "limit container owners", the
 * root-owned account files. Everything the setuid flavour must never do is refused here, whatever the configuration says.
 */
#include "policy/policy.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>

#include "ipc/plan.h"
#include "policy/account_file.h"
#include "policy/conf.h"
#include "policy/facts.h"

#define NSFS_MAGIC_NUMBER 0x6e736673u
#define PIDFS_MAGIC_NUMBER 0x50494446u
#define DENY(err, ...) err_set(err, ERR_DENIED, EPERM, __VA_ARGS__)
#define REFUSE(condition, ...)                                                                     \
	do {                                                                                       \
		if (condition)                                                                     \
			return DENY(err, __VA_ARGS__);                                             \
	} while (0)

static bool policy_is_listed(const struct conf_list *names, const char *file, uint32_t id)
{
	for (size_t i = 0; i < names->count; i++)
		if (account_file_matches(file, names->items[i], id))
			return true;
	return false;
}

static int policy_check_container(const struct conf *conf, const struct plan_fs *fs, struct err *err)
{
	const struct {
		bool allowed;
		const char *name;
	} kinds[] = {
		[PLAN_CONTAINER_SIF] = {conf->allow_container_sif, "sif"},
		[PLAN_CONTAINER_SQUASHFS] = {conf->allow_container_squashfs, "squashfs"},
		[PLAN_CONTAINER_EXTFS] = {conf->allow_container_extfs, "extfs"},
		[PLAN_CONTAINER_DIRECTORY] = {conf->allow_container_dir, "dir"},
	};

	REFUSE(!kinds[fs->container].allowed, "images of this kind are not allowed (allow container %s = no)",
	       kinds[fs->container].name);
	return 0;
}

static int policy_check_limits(const struct conf *conf, const struct plan *plan, uint32_t index,
			       const struct facts *facts, struct err *err)
{
	const struct stat *st = &facts->fds[plan->fs[index].fd].stat;

	REFUSE(conf->limit_container_owners.count &&
		       !policy_is_listed(&conf->limit_container_owners, "/etc/passwd", st->st_uid),
	       "the image's owner is not one of those allowed (limit container owners)");
	REFUSE(conf->limit_container_groups.count &&
		       !policy_is_listed(&conf->limit_container_groups, "/etc/group", st->st_gid),
	       "the image's group is not one of those allowed (limit container groups)");
	REFUSE(conf->limit_container_paths.count && !facts->in_limited_path[index],
	       "the image does not lie in one of the allowed directories (limit container paths)");
	return 0;
}

int policy_check_images(const struct conf *conf, const struct plan *plan, const struct facts *facts, struct err *err)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < plan->fs_count; i++) {
		result = policy_check_container(conf, &plan->fs[i], err);
		if (result == 0)
			result = policy_check_limits(conf, plan, i, facts, err);
	}
	return result;
}

/* Where the kernel's own file systems may appear: nowhere but in their own place. */
static const struct policy_kernel_fs {
	uint64_t magic;
	const char *place;
} kernel_fs[] = {{PROC_SUPER_MAGIC, "/proc"}, {SYSFS_MAGIC, "/sys"},	{DEVPTS_SUPER_MAGIC, "/dev"},
		 {NSFS_MAGIC_NUMBER, NULL},   {PIDFS_MAGIC_NUMBER, NULL}};

static const struct policy_kernel_fs *policy_find_kernel_fs(const struct facts_fd *fd)
{
	for (size_t i = 0; i < sizeof(kernel_fs) / sizeof(kernel_fs[0]); i++)
		if (fd->fs_magic == kernel_fs[i].magic)
			return &kernel_fs[i];
	return NULL;
}

static bool policy_lies_in(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static int policy_check_source_fs(const char *target, const struct facts_fd *fd, struct err *err)
{
	const struct policy_kernel_fs *found = policy_find_kernel_fs(fd);

	REFUSE(found && (!found->place || !policy_lies_in(target, found->place)),
	       "a kernel file system cannot be bound to %s", target);
	return 0;
}

/* Which driver may read the bytes (rules R17, R22). */
static int policy_check_method(const struct conf *conf, const struct plan_fs *fs, bool is_root,
			       const struct facts *facts, struct err *err)
{
	bool kernel = fs->method == PLAN_METHOD_KERNEL;

	/* The server runs as the caller, who can make it show anything. */
	REFUSE(fs->method == PLAN_METHOD_FUSE && (conf->limit_container_owners.count || conf->limit_container_groups.count ||
						  conf->limit_container_paths.count),
	       "with 'limit container ...' only the kernel mounts images (allow kernel squashfs = yes)");
	REFUSE(kernel && fs->type == PLAN_FS_SQUASHFS && !conf->allow_kernel_squashfs,
	       "squashfs images are not mounted by the kernel here (allow kernel squashfs = no)");
	REFUSE(kernel && fs->type == PLAN_FS_EXT3 && !conf->allow_kernel_extfs,
	       "ext3 images are not mounted by the kernel here (allow kernel extfs = no)");
	REFUSE(fs->type == PLAN_FS_DIRECTORY && policy_find_kernel_fs(&facts->fds[fs->fd]),
	       "a kernel file system is no image"); /* overlayfs reads a layer with its mounter's credentials */
	REFUSE(!is_root && fs->type == PLAN_FS_DIRECTORY && fs->writable,
	       "a writable directory overlay needs root or a user namespace");
	return 0;
}

static bool policy_is_same_file(const char *path, const struct stat *st)
{
	struct stat there;

	return stat(path, &there) == 0 && there.st_dev == st->st_dev && there.st_ino == st->st_ino;
}

/* "source[:target[:options]]" of `bind path`: this source, at that place, and read-only if that is said */
static bool policy_is_conf_bind(const struct conf *conf, const struct plan_mount *mount, const char *target,
				const struct stat *st)
{
	for (size_t i = 0; i < conf->bind_path.count; i++) {
		const char *item = conf->bind_path.items[i], *place = item + strcspn(item, ":"), *options;
		size_t length = (size_t)(place - item);
		char path[PLAN_PATH_MAX];

		if (length >= sizeof(path))
			continue;
		memcpy(path, item, length);
		path[length] = '\0';
		place = *place ? place + 1 : path;
		options = place + strcspn(place, ":");
		if (strncmp(target, place, (size_t)(options - place)) == 0 && target[options - place] == '\0' &&
		    (mount->attrs & PLAN_ATTR_RDONLY || strcmp(options, ":ro") != 0) && policy_is_same_file(path, st))
			return true;
	}
	return false;
}

static bool policy_is_place(const char *const *places, const struct stat *st)
{
	for (; *places; places++)
		if (policy_is_same_file(*places, st))
			return true;
	return false;
}

/* By the account file; a caller whom only a name service knows is believed about a directory that he owns. @fd NULL: an empty one */
static bool policy_is_home(const struct facts *facts, const struct facts_fd *fd, const char *target)
{
	char home[PLAN_PATH_MAX];

	if (account_file_get_home("/etc/passwd", facts->uid, home, sizeof(home)))
		return strcmp(target, home) == 0 && (!fd || policy_is_same_file(home, &fd->stat));
	return !fd || (S_ISDIR(fd->stat.st_mode) && fd->stat.st_uid == facts->uid);
}

static bool policy_lies_in_any(const char *const *places, const char *target)
{
	for (; *places; places++)
		if (policy_lies_in(target, *places))
			return true;
	return false;
}

/* An origin is a claim: is the source what it says, and the place where it belongs? Everything else is a bind of the caller's own.
 * @fd NULL: nothing of the host is bound */
static bool policy_is_origin(const struct conf *conf, const struct plan_mount *mount, const struct facts_fd *fd,
			     const char *target, const struct facts *facts)
{
	static const char *const devices[] = {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/hugepages", NULL};
	static const char *const tmp[] = {"/tmp", "/var/tmp", NULL};
	static const char *const files[] = {"/etc/passwd",   "/etc/group",	 "/etc/hosts",
					    "/etc/hostname", "/etc/resolv.conf", NULL};

	switch (mount->origin) {
	case PLAN_ORIGIN_DEV:
		return policy_lies_in_any(devices, target) &&
		       (!fd || S_ISCHR(fd->stat.st_mode) || policy_is_place(devices, &fd->stat));
	case PLAN_ORIGIN_CONF_BIND:
		return fd && policy_is_conf_bind(conf, mount, target, &fd->stat);
	case PLAN_ORIGIN_PROC:
		return policy_lies_in(target, "/proc") && (!fd || fd->fs_magic == PROC_SUPER_MAGIC);
	case PLAN_ORIGIN_SYS:
		return policy_lies_in(target, "/sys") && (!fd || fd->fs_magic == SYSFS_MAGIC);
	case PLAN_ORIGIN_HOME:
		return policy_is_home(facts, fd, target);
	case PLAN_ORIGIN_TMP:
		return policy_lies_in_any(tmp, target) && (!fd || policy_is_place(tmp, &fd->stat));
	case PLAN_ORIGIN_RESOLV:
		return strcmp(target, "/etc/resolv.conf") == 0 && fd && policy_is_same_file(target, &fd->stat);
	case PLAN_ORIGIN_OUTER: /* /dev/fuse; the programs of --nest are a bind of the caller's */
		return policy_lies_in(target, "/.singularity.d/outer") && (!fd || S_ISCHR(fd->stat.st_mode));
	case PLAN_ORIGIN_FILE: /* generated bytes, never a bind */
		return policy_lies_in_any(files, target) && !fd;
	case PLAN_ORIGIN_HOSTFS:
	case PLAN_ORIGIN_CUSTOM_HOME:
	case PLAN_ORIGIN_SCRATCH:
	case PLAN_ORIGIN_USER_BIND:
	case PLAN_ORIGIN_CWD:
		break;
	}
	return false;
}

/* What a kind of mount or an origin needs, whatever the source is. */
static int policy_check_wanted(const struct conf *conf, const struct plan_mount *mount, const char *target,
			       struct err *err)
{
	const struct {
		bool wanted, allowed;
		const char *place, *directive;
	} rules[] = {
		{mount->origin == PLAN_ORIGIN_DEV, conf->mount_dev != CONF_DEV_NO, NULL, "mount dev"},
		{mount->origin == PLAN_ORIGIN_HOSTFS, false, NULL, "mount hostfs"},
		{mount->origin == PLAN_ORIGIN_PROC || mount->kind == PLAN_MOUNT_PROC, conf->mount_proc, NULL,
		 "mount proc"},
		{mount->origin == PLAN_ORIGIN_SYS || mount->kind == PLAN_MOUNT_SYS, conf->mount_sys, NULL, "mount sys"},
		{mount->kind == PLAN_MOUNT_DEVPTS, conf->mount_devpts, NULL, "mount devpts"},
		{mount->origin == PLAN_ORIGIN_HOME, conf->mount_home, NULL, "mount home"},
		{mount->origin == PLAN_ORIGIN_TMP, conf->mount_tmp, NULL, "mount tmp"},
		{mount->origin == PLAN_ORIGIN_FILE, conf->config_passwd, "/etc/passwd", "config passwd"},
		{mount->origin == PLAN_ORIGIN_FILE, conf->config_group, "/etc/group", "config group"},
		{mount->origin == PLAN_ORIGIN_FILE || mount->origin == PLAN_ORIGIN_RESOLV, conf->config_resolv_conf,
		 "/etc/resolv.conf", "config resolv_conf"},
		{mount->kind == PLAN_MOUNT_IMAGE && mount->fs != 0, conf->user_bind_control, NULL, "user bind control"},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		REFUSE(rules[i].wanted && !rules[i].allowed &&
			       (!rules[i].place || strcmp(target, rules[i].place) == 0),
		       "%s is not mounted here (%s = no)", target, rules[i].directive);
	return 0;
}

static int policy_check_mount(const struct conf *conf, const struct plan *plan, const struct plan_mount *mount,
			      const struct facts *facts, struct err *err)
{
	const struct facts_fd *fd = mount->source_fd == PLAN_NO_FD || plan_is_file(mount)
					    ? NULL /* no source of a bind */
					    : &facts->fds[mount->source_fd];
	const char *target = plan_get_text(plan, mount->target);
	bool attached = mount->kind == PLAN_MOUNT_BIND || mount->kind == PLAN_MOUNT_IMAGE ||
			mount->kind == PLAN_MOUNT_SESSION_DIR || plan_is_file(mount);

	REFUSE(attached && !(mount->attrs & PLAN_ATTR_NOSUID), "a mount without nosuid needs root");
	REFUSE(attached && !(mount->attrs & PLAN_ATTR_NODEV) && !policy_lies_in(target, "/dev") &&
		       !(mount->origin == PLAN_ORIGIN_OUTER && fd && S_ISCHR(fd->stat.st_mode)),
	       "a mount without nodev needs root");
	/* A fresh instance has none of the mount options (hidepid) that the host's own has. */
	REFUSE(mount->kind == PLAN_MOUNT_PROC && !plan->ns_pid, "a fresh /proc needs a PID namespace");
	if (policy_check_wanted(conf, mount, target, err) < 0 || (fd && policy_check_source_fs(target, fd, err) < 0))
		return -EPERM;
	REFUSE(!conf->user_bind_control && !policy_is_origin(conf, mount, fd, target, facts),
	       "binds of your own are not allowed here (user bind control = no)");
	return 0;
}

/* The setuid starter's closed list: what needs another flow is refused, not adjusted. */
static int policy_check_setuid(const struct conf *conf, const struct plan *plan, const struct facts *facts,
			       struct err *err)
{
	uint64_t session_bytes = (uint64_t)conf->sessiondir_max_size << 20;

	REFUSE(plan->flow != PLAN_FLOW_SETUID, "the setuid starter takes requests for the setuid flow only");
	REFUSE(!facts->initial_userns, "starter-suid does not run inside a user namespace");
	REFUSE(plan->ns_pid && !conf->allow_pid_ns, "PID namespaces are not allowed (allow pid ns = no)");
	REFUSE(plan->ns_ipc && !conf->allow_ipc_ns, "IPC namespaces are not allowed (allow ipc ns = no)");
	REFUSE(plan->ns_uts && !conf->allow_uts_ns, "UTS namespaces are not allowed (allow uts ns = no)");
	REFUSE(plan->loop_max > conf->max_loop_devices, "too many loop devices (max loop devices)");
	REFUSE(plan->session_bytes == 0 || plan->session_bytes > session_bytes,
	       "the session directory is larger than allowed (sessiondir max size)");
	REFUSE(plan->session_ramfs != (conf->memory_fs_type == CONF_MEMFS_RAMFS),
	       "the session directory is of the wrong type (memory fs type)");
	REFUSE(plan->propagation_private == conf->mount_slave, "the mount propagation differs (mount slave)");
	REFUSE((plan->overlay_count || plan->writable_tmpfs || plan->layers & PLAN_LAYER_OVERLAY) &&
		       conf->enable_overlay == CONF_OVERLAY_NO,
	       "overlays are not allowed (enable overlay = no)");
	REFUSE(plan->layers & PLAN_LAYER_UNDERLAY && !conf->enable_underlay,
	       "underlays are not allowed (enable underlay = no)");
	return 0;
}

int policy_check_plan(const struct conf *conf, const struct plan *plan, const struct facts *facts, struct err *err)
{
	int result = policy_check_setuid(conf, plan, facts, err);

	if (result == 0)
		result = policy_check_images(conf, plan, facts, err);
	for (uint32_t i = 0; result == 0 && i < plan->fs_count; i++)
		result = policy_check_method(conf, &plan->fs[i], i == 0, facts, err);
	for (uint32_t i = 0; result == 0 && i < plan->mount_count; i++)
		result = policy_check_mount(conf, plan, &plan->mounts[i], facts, err);
	return result;
}
