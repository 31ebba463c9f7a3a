/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/ladder.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "frontend/launch/attempt.h"
#include "frontend/launch/confined.h"
#include "frontend/launch/id_map.h"
#include "frontend/launch/images.h"
#include "frontend/launch/plan_build.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NO(err, errnum, ...) err_set(err, ERR_SYSTEM, errnum, __VA_ARGS__)

/* ---- what facts forbid -------------------------------------------------------------------------------------------- */

static enum plan_flow ladder_flow(const struct builder *builder)
{
	return builder->plan->flow;
}

static bool ladder_has_caps(const struct builder *builder, int first, int second)
{
	return host_has_cap(builder->host, first) && host_has_cap(builder->host, second);
}

/* An external program along the search path of the configuration. */
static int ladder_find_program(const struct builder *builder, const char *name, int *out_fd, struct err *err)
{
	if (plan_build_open_program(builder, name, out_fd) < 0)
		return NO(err, ENOENT, "the program %s is not there", name);
	return 0;
}

static int ladder_need_program(const struct builder *builder, const char *name, struct err *err)
{
	cleanup_fd int fd = -1;

	return ladder_find_program(builder, name, &fd, err);
}

static int ladder_need_fuse(const struct builder *builder, struct err *err)
{
	return builder->host->fuse ? 0 : NO(err, EACCES, "/dev/fuse cannot be opened");
}

static int ladder_need_admin(const struct builder *builder, struct err *err)
{
	if (builder->host->uid != 0)
		return NO(err, EPERM, "the caller is not root");
	if (!host_has_cap(builder->host, CAP_SYS_ADMIN))
		return NO(err, EPERM, "CAP_SYS_ADMIN is not held");
	if (builder->request->action.userns)
		return NO(err, EPERM, "--userns asks for a user namespace");
	return 0;
}

static int reject_root(const struct builder *builder, struct err *err)
{
	int result = ladder_need_admin(builder, err);

	if (result == 0 && !builder->host->initial_userns)
		return NO(err, EPERM, "this is not the first user namespace");
	if (result == 0 && builder->request->action.fakeroot)
		return NO(err, EPERM, "--fakeroot asks for a user namespace");
	return result;
}

/* Root with the right to change ids is what --fakeroot asks for: no further user namespace, and so no further level. */
static int reject_nested_root(const struct builder *builder, struct err *err)
{
	int result = ladder_need_admin(builder, err);

	if (result == 0 && builder->host->initial_userns)
		return NO(err, EPERM, "this is the first user namespace");
	if (result == 0 && builder->request->action.fakeroot && !ladder_has_caps(builder, CAP_SETUID, CAP_SETGID))
		return NO(err, EPERM, "--fakeroot needs CAP_SETUID and CAP_SETGID here");
	return result;
}

static int reject_setuid(const struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;

	if (builder->host->uid == 0)
		return NO(err, EPERM, "the caller is root");
	if (!builder->suid_installed)
		return NO(err, ENOENT, "no setuid starter is installed");
	if (!builder->conf->allow_setuid)
		return NO(err, EPERM, "allow setuid = no");
	if (!builder->host->initial_userns)
		return NO(err, EPERM, "this is not the first user namespace");
	if (builder->host->no_new_privs)
		return NO(err, EPERM, "no_new_privs is set: setuid bits have no effect");
	if (action->userns || action->fakeroot)
		return NO(err, EPERM, "--userns or --fakeroot asks for a user namespace");
	return 0;
}

static int reject_userns(const struct builder *builder, struct err *err)
{
	const struct host_probe *probe = &builder->host->namespaces;

	if (!builder->conf->allow_user_ns)
		return err_set(err, ERR_DENIED, EPERM, "user namespaces are not allowed (allow user ns = no)");
	return probe->refused == HOST_STEP_ALL ? 0 : NO(err, probe->errnum, "%s is refused", host_get_step_name(probe->refused));
}

/* Last of all, and only there: it is no container. One who forces it may see it anywhere. */
static int reject_confined(const struct builder *builder, struct err *err)
{
	int result = builder->conf->allow_user_ns ? 0 : reject_userns(builder, err);

	if (result == 0 && !ladder_is_forced(builder, LADDER_NAMESPACES) && builder->host->namespaces.refused == HOST_STEP_ALL)
		return NO(err, EPERM, "namespaces and mounts are not refused");
	return result < 0 ? result : confined_check_request(builder, err);
}

static bool ladder_makes_userns(const struct builder *builder)
{
	return ladder_flow(builder) == PLAN_FLOW_USERNS || ladder_flow(builder) == PLAN_FLOW_FAKEROOT;
}

static int reject_held(const struct builder *builder, struct err *err)
{
	return ladder_makes_userns(builder) ? NO(err, EPERM, "a new user namespace has no ids yet") : 0;
}

static int ladder_need_fakeroot(const struct builder *builder, struct err *err)
{
	return ladder_flow(builder) == PLAN_FLOW_FAKEROOT ? 0 : NO(err, EPERM, "only --fakeroot needs more than one id");
}

/* Without CAP_SETFCAP id 0 cannot be mapped, and there may be no other. */
static int ladder_need_ids(const struct builder *builder, struct err *err)
{
	struct plan_extent held[PLAN_MAX_EXTENTS], map[PLAN_MAX_EXTENTS];
	uint32_t count = 0;
	int result = builder->view->read_map("uid_map", held, &count, err);

	if (result < 0)
		return result;
	id_map_make_direct(held, count, builder->host->uid, host_has_cap(builder->host, CAP_SETFCAP), map, &count);
	return count ? 0 : NO(err, EPERM, "0 is the only id here, and CAP_SETFCAP, which maps it, is not held");
}

static int reject_direct(const struct builder *builder, struct err *err)
{
	int result = ladder_need_fakeroot(builder, err);

	if (result == 0 && !ladder_has_caps(builder, CAP_SETUID, CAP_SETGID))
		return NO(err, EPERM, "CAP_SETUID and CAP_SETGID are not held");
	return result == 0 ? ladder_need_ids(builder, err) : result;
}

static int ladder_need_subids(const struct builder *builder, const char *file, struct err *err)
{
	struct plan_extent extent;
	int result = builder->view->find_subids(builder->host, file, &extent, err);

	return result == -ENOENT ? NO(err, ENXIO, "%s has no range for %s", file, builder->host->name) : result;
}

/* Its power is a setuid bit or file capabilities, which a nosuid mount takes away. */
static int ladder_need_id_tool(const struct builder *builder, const char *name, struct err *err)
{
	cleanup_fd int fd = -1;
	struct statvfs st;
	int result = ladder_find_program(builder, name, &fd, err);

	if (result == 0 && builder->host->uid != 0 && fstatvfs(fd, &st) == 0 && st.f_flag & ST_NOSUID)
		return NO(err, EPERM, "%s lies on a file system mounted nosuid", name);
	return result;
}

static int reject_tool(const struct builder *builder, struct err *err)
{
	int result = ladder_need_fakeroot(builder, err);

	if (result == 0 && builder->host->no_new_privs && builder->host->uid != 0)
		return NO(err, EPERM, "no_new_privs is set: newuidmap would have no privilege");
	if (result == 0)
		result = ladder_need_subids(builder, "/etc/subuid", err);
	if (result == 0)
		result = ladder_need_subids(builder, "/etc/subgid", err);
	if (result == 0)
		result = ladder_need_id_tool(builder, "newuidmap", err);
	return result < 0 ? result : ladder_need_id_tool(builder, "newgidmap", err);
}

static int reject_emulated(const struct builder *builder, struct err *err)
{
	return ladder_need_fakeroot(builder, err);
}

static int reject_single(const struct builder *builder, struct err *err)
{
	return ladder_makes_userns(builder) ? 0 : NO(err, EPERM, "no user namespace is made");
}

static int reject_new_api(const struct builder *builder, struct err *err)
{
	(void)builder;
	(void)err;
	return 0;
}

/* The setuid starter tries nothing but the first rung: see policy_check_plan(). */
static int reject_in_setuid(const struct builder *builder, struct err *err)
{
	return ladder_flow(builder) == PLAN_FLOW_SETUID ? NO(err, EPERM, "the setuid starter does not use it") : 0;
}

static int ladder_need_kernel_mounts(const struct builder *builder, bool allowed, const char *directive, struct err *err)
{
	switch (ladder_flow(builder)) {
	case PLAN_FLOW_ROOT:
		return builder->host->loop ? 0 : NO(err, ENXIO, "/dev/loop-control cannot be opened");
	case PLAN_FLOW_SETUID:
		return allowed ? 0 : err_set(err, ERR_DENIED, EPERM, "%s = no", directive);
	case PLAN_FLOW_USERNS:
	case PLAN_FLOW_FAKEROOT:
	case PLAN_FLOW_NESTED_ROOT:
	case PLAN_FLOW_CONFINED:
		break;
	}
	return NO(err, EPERM, "the kernel mounts image files for root of the first user namespace only");
}

static int reject_image_outer(const struct builder *builder, struct err *err)
{
	const struct image *image = builder->image;
	const struct image_partition *root = image && image->kind != IMAGE_SANDBOX ? image_get_root(image) : NULL;

	if (builder->plan->fs_count > 0 || !root || !images_is_outer(builder, image, root))
		return NO(err, ENOENT, "no container around us has this image mounted");
	return 0;
}

static int reject_image_kernel(const struct builder *builder, struct err *err)
{
	if (builder->request->action.sif_fuse && ladder_flow(builder) == PLAN_FLOW_ROOT)
		return NO(err, EPERM, "--sif-fuse asks for FUSE");
	return ladder_need_kernel_mounts(builder, builder->conf->allow_kernel_squashfs, "allow kernel squashfs", err);
}

static int reject_image_fuse(const struct builder *builder, struct err *err)
{
	cleanup_fd int fd = -1;
	int result = ladder_flow(builder) == PLAN_FLOW_CONFINED ? NO(err, EPERM, "mounts are refused") : ladder_need_fuse(builder, err);

	return result < 0 ? result : builder->view->open_installed("squashfs-server", &fd, err);
}

static int reject_image_extract(const struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;

	if (action->no_tmp_sandbox)
		return NO(err, EPERM, "--no-tmp-sandbox");
	if (action->writable)
		return NO(err, EROFS, "--writable asks for the image itself");
	return builder->conf->tmp_sandbox ? 0 : err_set(err, ERR_DENIED, EPERM, "tmp sandbox = no");
}

static int reject_ext3_kernel(const struct builder *builder, struct err *err)
{
	return ladder_need_kernel_mounts(builder, builder->conf->allow_kernel_extfs, "allow kernel extfs", err);
}

static int reject_ext3_fuse(const struct builder *builder, struct err *err)
{
	int result = reject_in_setuid(builder, err);

	if (result == 0)
		result = ladder_need_fuse(builder, err);
	return result < 0 ? result : ladder_need_program(builder, "fuse2fs", err);
}

static int ladder_need_overlays(const struct builder *builder, struct err *err)
{
	return builder->conf->enable_overlay != CONF_OVERLAY_NO
		       ? 0
		       : err_set(err, ERR_DENIED, EPERM, "enable overlay = no");
}

static int reject_layer_overlay(const struct builder *builder, struct err *err)
{
	const struct plan *plan = builder->plan;
	const struct plan_fs *top = plan->overlay_count ? &plan->fs[plan->overlay[plan->overlay_count - 1]] : NULL;

	if (top && top->writable && top->method == PLAN_METHOD_FUSE)
		return NO(err, EINVAL, "the kernel writes no changes to a FUSE file system");
	return ladder_need_overlays(builder, err);
}

static int reject_layer_fuse(const struct builder *builder, struct err *err)
{
	int result = ladder_need_overlays(builder, err);

	if (result == 0)
		result = reject_in_setuid(builder, err);
	if (result == 0)
		result = ladder_need_fuse(builder, err);
	return result < 0 ? result : ladder_need_program(builder, "fuse-overlayfs", err);
}

static int reject_layer_underlay(const struct builder *builder, struct err *err)
{
	return builder->conf->enable_underlay ? 0 : err_set(err, ERR_DENIED, EPERM, "enable underlay = no");
}

static int reject_proc_fresh(const struct builder *builder, struct err *err)
{
	return builder->plan->ns_pid ? 0 : NO(err, EPERM, "without --pid the outer /proc is the right one");
}

static int reject_sys_fresh(const struct builder *builder, struct err *err)
{
	bool initial = ladder_flow(builder) == PLAN_FLOW_ROOT || ladder_flow(builder) == PLAN_FLOW_SETUID;

	return initial || builder->plan->ns_net ? 0
						: NO(err, EPERM, "a user namespace needs a network namespace (--net) for it");
}

static int reject_nothing(const struct builder *builder, struct err *err)
{
	(void)builder;
	(void)err;
	return 0;
}

static int reject_cgroup_own(const struct builder *builder, struct err *err)
{
	(void)builder;
	return NO(err, EOPNOTSUPP, "resource limits are not available in this version");
}

/* ---- the tables --------------------------------------------------------------------------------------------------- */

#define USERNS_SYSCTLS                                                                                                \
	"sysctl user.max_user_namespaces=N with N above 0, and where they exist kernel.unprivileged_userns_clone=1 and "       \
	"kernel.apparmor_restrict_unprivileged_userns=0"
#define DOCKER_OPEN "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined"

/* clang-format off */
static const struct ladder_rung rungs_namespaces[] = {
	{.name = "root", .value = PLAN_FLOW_ROOT, .how = "root of the first user namespace mounts by itself",
	 .reject = reject_root, .probe = attempt_mount_ns},
	{.name = "nested-root", .value = PLAN_FLOW_NESTED_ROOT, .how = "root of this user namespace mounts by itself",
	 .reject = reject_nested_root, .probe = attempt_mount_ns},
	{.name = "setuid", .value = PLAN_FLOW_SETUID, .how = "the setuid starter mounts, as singularity.conf allows",
	 .reject = reject_setuid},
	{.name = "userns", .value = PLAN_FLOW_USERNS, .how = "a user namespace of our own",
	 .lost = "the kernel's own mounts of images", .reject = reject_userns, .probe = attempt_userns,
	 .advice = {[ENGINE_NONE] = USERNS_SYSCTLS, [ENGINE_DOCKER] = DOCKER_OPEN,
		    [ENGINE_PODMAN] = "podman run --security-opt seccomp=unconfined",
		    [ENGINE_SINGULARITY] = "at most 33 levels, and user.max_user_namespaces above 0 at each of them",
		    [ENGINE_OTHER] = "allow unshare(2) and mount(2) in the outer container's seccomp profile; enter it by "
				    "pivot_root(2), not chroot(2)"}},
	{.name = "confined", .value = PLAN_FLOW_CONFINED, .how = "nobody: paths are translated by tracing (experimental)",
	 .lost = "isolation altogether, speed", .reject = reject_confined},
};

static const struct ladder_rung rungs_ids[] = {
	{.name = "held", .value = PLAN_IDMAP_NONE, .how = "the ids of the user namespace we are in", .reject = reject_held},
	{.name = "direct", .value = PLAN_IDMAP_DIRECT, .how = "every id held here, the map written by us",
	 .reject = reject_direct, .probe = attempt_direct_map,
	 .advice = {[ENGINE_SINGULARITY] = "start the outer container with --fakeroot"}},
	{.name = "newuidmap", .value = PLAN_IDMAP_TOOL, .how = "the caller and a subordinate range, by newuidmap",
	 .reject = reject_tool, .probe = attempt_tool_map,
	 .advice = {[ENGINE_NONE] = "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER, and newuidmap of the "
				   "package uidmap"}},
	{.name = "emulated", .value = LADDER_IDS_EMULATED, .how = "one id, and changes of owner pretended by a seccomp filter",
	 .lost = "files of other owners", .reject = reject_emulated, .probe = attempt_emulation},
	{.name = "single", .value = PLAN_IDMAP_SELF, .how = "the caller's id alone",
	 .lost = "changes of owner", .reject = reject_single, .probe = attempt_userns},
};

static const struct ladder_rung rungs_mount_api[] = {
	{.name = "new", .value = PLAN_RUNG_API_NEW, .how = "fsopen, open_tree, mount_setattr, move_mount",
	 .reject = reject_new_api, .probe = attempt_api_new,
	 .advice = {[ENGINE_DOCKER] = "docker run --security-opt seccomp=unconfined",
		    [ENGINE_PODMAN] = "podman run --security-opt seccomp=unconfined"}},
	{.name = "legacy", .value = PLAN_RUNG_API_LEGACY, .how = "mount(2)", .lost = "flags set on whole trees, ext3 by fuse2fs",
	 .reject = reject_in_setuid, .probe = attempt_api_legacy},
};

static const struct ladder_rung rungs_pivot[] = {
	{.name = "pivot", .value = PLAN_RUNG_PIVOT, .how = "pivot_root(2)", .reject = reject_nothing, .probe = attempt_pivot,
	 .advice = {[ENGINE_DOCKER] = "docker run --security-opt seccomp=unconfined",
		    [ENGINE_PODMAN] = "podman run --security-opt seccomp=unconfined"}},
	{.name = "move", .value = PLAN_RUNG_MOVE, .how = "MS_MOVE and chroot(2)", .reject = reject_in_setuid,
	 .probe = attempt_move},
};

#define FUSE_ADVICE                                                                                                   \
	{[ENGINE_NONE] = "chmod 0666 /dev/fuse, as distributions have it", [ENGINE_DOCKER] = "docker run --device /dev/fuse",     \
	 [ENGINE_PODMAN] = "podman run --device /dev/fuse",                                                                     \
	 [ENGINE_SINGULARITY] = "chmod 0666 /dev/fuse outside, and leave /dev in the outer container",                           \
	 [ENGINE_OTHER] = "give the outer container the device /dev/fuse"}

static const struct ladder_rung rungs_image[] = {
	{.name = "outer", .value = PLAN_METHOD_BIND, .how = "the tree that the container around us has mounted",
	 .reject = reject_image_outer},
	{.name = "kernel", .value = PLAN_METHOD_KERNEL, .how = "loop device and the kernel's squashfs",
	 .reject = reject_image_kernel, .probe = attempt_kernel_squashfs},
	{.name = "fuse", .value = PLAN_METHOD_FUSE, .how = "squashfs-server over FUSE", .lost = "some speed",
	 .reject = reject_image_fuse, .probe = attempt_fuse, .advice = FUSE_ADVICE},
	{.name = "extract", .value = LADDER_IMAGE_EXTRACT, .how = "unpacked to a temporary directory",
	 .lost = "time at every start and space in TMPDIR", .reject = reject_image_extract},
};

static const struct ladder_rung rungs_ext3[] = {
	{.name = "kernel", .value = PLAN_METHOD_KERNEL, .how = "loop device and the kernel's ext3",
	 .reject = reject_ext3_kernel, .probe = attempt_kernel_ext3},
	{.name = "fuse2fs", .value = PLAN_METHOD_FUSE, .how = "the program fuse2fs over FUSE", .lost = "some speed",
	 .reject = reject_ext3_fuse, .probe = attempt_fuse, .package = "fuse2fs", .advice = FUSE_ADVICE},
};

static const struct ladder_rung rungs_layer[] = {
	{.name = "overlay", .value = PLAN_LAYER_OVERLAY, .how = "the kernel's overlayfs, new files in memory",
	 .reject = reject_layer_overlay, .probe = attempt_overlay},
	{.name = "fuse-overlayfs", .value = PLAN_LAYER_FUSE_OVERLAY, .how = "the program fuse-overlayfs", .lost = "some speed",
	 .reject = reject_layer_fuse, .probe = attempt_fuse, .package = "fuse-overlayfs", .advice = FUSE_ADVICE},
	{.name = "underlay", .value = PLAN_LAYER_UNDERLAY, .how = "a directory of bind mounts", .lost = "--writable-tmpfs, --overlay",
	 .reject = reject_layer_underlay, .probe = attempt_mounts},
};

static const struct ladder_rung rungs_proc[] = {
	{.name = "fresh", .value = PLAN_RUNG_PROC_FRESH, .how = "a new procfs", .reject = reject_proc_fresh,
	 .probe = attempt_proc,
	 .advice = {[ENGINE_DOCKER] = "docker run --security-opt systempaths=unconfined",
		    [ENGINE_PODMAN] = "podman run --security-opt unmask=ALL",
		    [ENGINE_OTHER] = "do not mask parts of /proc in the outer container"}},
	{.name = "bind", .value = PLAN_RUNG_PROC_BIND, .how = "the outer /proc", .lost = "with --pid, a view without the outer processes",
	 .reject = reject_nothing, .probe = attempt_bind_proc},
};

static const struct ladder_rung rungs_sys[] = {
	{.name = "fresh", .value = PLAN_RUNG_SYS_FRESH, .how = "a new sysfs", .reject = reject_sys_fresh, .probe = attempt_sys},
	{.name = "bind", .value = PLAN_RUNG_SYS_BIND, .how = "the outer /sys", .lost = "with --net, the view of the new network",
	 .reject = reject_nothing, .probe = attempt_bind_sys},
};

static const struct ladder_rung rungs_devpts[] = {
	{.name = "tty", .value = PLAN_RUNG_DEVPTS_TTY, .how = "new terminals, of group tty", .reject = reject_nothing,
	 .probe = attempt_devpts_tty},
	{.name = "plain", .value = PLAN_RUNG_DEVPTS_PLAIN, .how = "new terminals", .lost = "the group tty", .reject = reject_nothing,
	 .probe = attempt_devpts},
	{.name = "none", .value = 0, .how = "no /dev/pts", .lost = "new terminals with --contain", .reject = reject_nothing},
};

static const struct ladder_rung rungs_cgroup[] = {
	{.name = "own", .value = 1, .how = "a cgroup of our own", .reject = reject_cgroup_own},
	{.name = "current", .value = 0, .how = "the caller's cgroup", .lost = "resource limits", .reject = reject_nothing},
};

#define LADDER(name_, title_, at_call_, rungs_) {name_, title_, at_call_, COUNT(rungs_), rungs_}

static const struct ladder ladders[LADDER_COUNT] = {
	[LADDER_NAMESPACES] = LADDER("namespaces", "who makes the mounts", false, rungs_namespaces),
	[LADDER_IDS] = LADDER("ids", "ids in the container, with --fakeroot", false, rungs_ids),
	[LADDER_MOUNT_API] = LADDER("mount-api", "mount interface", true, rungs_mount_api),
	[LADDER_PIVOT] = LADDER("pivot", "change of root", true, rungs_pivot),
	[LADDER_IMAGE] = LADDER("image", "squashfs image", false, rungs_image),
	[LADDER_EXT3] = LADDER("ext3", "ext3 image", false, rungs_ext3),
	[LADDER_LAYER] = LADDER("layer", "mount points and changes above the image", true, rungs_layer),
	[LADDER_PROC] = LADDER("proc", "/proc, with --pid", true, rungs_proc),
	[LADDER_SYS] = LADDER("sys", "/sys", true, rungs_sys),
	[LADDER_DEVPTS] = LADDER("devpts", "/dev/pts, with --contain", true, rungs_devpts),
	[LADDER_CGROUP] = LADDER("cgroup", "cgroup", false, rungs_cgroup),
};
/* clang-format on */

const struct ladder *ladder_get(enum ladder_resource resource)
{
	return &ladders[resource];
}

/* ---- SINGULARITY_RUNG --------------------------------------------------------------------------------------------- */

/* The rungs of @ladder, or with NULL the ladders. */
static void ladder_list_names(const struct ladder *ladder, char *text, size_t size)
{
	size_t count = ladder ? ladder->count : LADDER_COUNT, used = 0;

	for (size_t i = 0; i < count; i++) {
		const char *name = ladder ? ladder->rungs[i].name : ladders[i].name;

		if (used + strlen(name) + 3 > size)
			break;
		used += (size_t)sprintf(text + used, "%s%s", i ? ", " : "", name);
	}
}

static int ladder_force_one(const char *item, size_t length, uint8_t forced[LADDER_COUNT], struct err *err)
{
	const char *equals = memchr(item, '=', length);
	size_t name_length = equals ? (size_t)(equals - item) : length;
	size_t rung_length = equals ? length - name_length - 1 : 0;
	const struct ladder *ladder = NULL;
	char names[256] = "";
	size_t which;

	for (which = 0; !ladder && which < LADDER_COUNT; which++)
		if (strlen(ladders[which].name) == name_length && memcmp(ladders[which].name, item, name_length) == 0)
			ladder = &ladders[which];
	for (size_t i = 0; ladder && i < ladder->count; i++)
		if (equals && strlen(ladder->rungs[i].name) == rung_length &&
		    memcmp(ladder->rungs[i].name, equals + 1, rung_length) == 0) {
			forced[which - 1] = (uint8_t)(i + 1);
			return 0;
		}
	ladder_list_names(ladder, names, sizeof(names));
	if (!ladder)
		return NO(err, EINVAL, "SINGULARITY_RUNG: there is no ladder \"%.*s\": there are %s", (int)name_length, item, names);
	return NO(err, EINVAL, "SINGULARITY_RUNG: %s has no rung \"%.*s\": there are %s", ladder->name, (int)rung_length,
		  equals ? equals + 1 : "", names);
}

int ladder_parse_forced(const char *text, uint8_t forced[LADDER_COUNT], struct err *err)
{
	int result = 0;

	memset(forced, 0, LADDER_COUNT);
	while (result == 0 && text && *text) {
		size_t length = strcspn(text, ",");

		if (length)
			result = ladder_force_one(text, length, forced, err);
		text += length + (text[length] ? 1 : 0);
	}
	return result;
}

/* ---- choosing ----------------------------------------------------------------------------------------------------- */

bool ladder_is_forced(const struct builder *builder, enum ladder_resource resource)
{
	return builder->forced[resource] != 0;
}

static int ladder_choose_forced(const struct builder *builder, enum ladder_resource resource, size_t *out, struct err *err)
{
	size_t index = builder->forced[resource] - 1u;
	const struct ladder_rung *rung = &ladders[resource].rungs[index];
	int result = rung->reject(builder, err);

	if (result < 0)
		return err_wrap(err, "SINGULARITY_RUNG: %s=%s cannot be used", ladders[resource].name, rung->name);
	*out = index;
	return 0;
}

int ladder_choose(const struct builder *builder, enum ladder_resource resource, size_t *out, struct err *err)
{
	const struct ladder *ladder = &ladders[resource];
	int result = -ENOENT;

	if (builder->forced[resource])
		return ladder_choose_forced(builder, resource, out, err);
	for (size_t i = 0; i < ladder->count; i++) {
		struct err why = ERR_INIT;

		result = ladder->rungs[i].reject(builder, &why);
		if (result == 0) {
			log_debug("%s: rung %s", ladder->name, ladder->rungs[i].name);
			*out = i;
			return 0;
		}
		log_debug("%s: rung %s rejected: %s (%s)", ladder->name, ladder->rungs[i].name, why.message,
			  strerrorname_np(-result));
		*err = why;
	}
	return result;
}

int ladder_choose_value(const struct builder *builder, enum ladder_resource resource, uint32_t *value, struct err *err)
{
	size_t index;
	int result = ladder_choose(builder, resource, &index, err);

	if (result == 0)
		*value = ladders[resource].rungs[index].value;
	return result;
}

int ladder_allowed(const struct builder *builder, enum ladder_resource resource, uint32_t *values, struct err *err)
{
	const struct ladder *ladder = &ladders[resource];

	*values = 0;
	if (builder->forced[resource])
		return ladder_choose_value(builder, resource, values, err);
	for (size_t i = 0; i < ladder->count; i++) {
		struct err why = ERR_INIT;

		if (ladder->rungs[i].reject(builder, &why) == 0)
			*values |= ladder->rungs[i].value;
	}
	return 0;
}
