/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/mounts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/cli_csv.h"
#include "frontend/launch/account.h"
#include "frontend/launch/bind.h"
#include "frontend/strlist.h"
#include "ipc/channel.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define FAIL(err, ...) err_set(err, ERR_SYSTEM, EINVAL, __VA_ARGS__)
#define ACCOUNT_FILE_MAX (1024 * 1024)
#define DEFAULT_ATTRS (PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV)

static bool mounts_is_setuid(const struct builder *builder)
{
	return builder->plan->flow == PLAN_FLOW_SETUID;
}

static bool mounts_is_off(const struct builder *builder, const char *name)
{
	const struct strlist *off = &builder->request->action.no_mount;

	for (size_t i = 0; i < off->count; i++)
		if (strcmp(off->items[i], name) == 0)
			return true;
	return false;
}

static int mounts_new(struct builder *builder, enum plan_mount_kind kind, enum plan_origin origin,
		      enum plan_on_fail on_fail, const char *target, struct plan_mount **out, struct err *err)
{
	struct plan *plan = builder->plan;
	struct plan_mount *mount = &plan->mounts[plan->mount_count];

	if (plan->mount_count == PLAN_MAX_MOUNTS)
		return err_set(err, ERR_SYSTEM, E2BIG, "cannot launch: more than %d mounts", PLAN_MAX_MOUNTS);
	*mount = (struct plan_mount){.kind = kind, .origin = origin, .on_fail = on_fail, .source_fd = PLAN_NO_FD, .fs = -1,
				     .attrs = DEFAULT_ATTRS, .mode = 0755};
	if (plan_add_text(plan, target, &mount->target, err) < 0)
		return -E2BIG;
	plan->mount_count++;
	*out = mount;
	return 0;
}

/* The source by descriptor for the setuid starter, by path for the other. @is_file tells which mount point to make. */
static int mounts_set_source(struct builder *builder, struct plan_mount *mount, const char *source, struct err *err)
{
	bool is_dir;
	int fd, result = builder->view->open_path(source, &fd, &is_dir);

	if (result < 0)
		return err_sys(err, -result, "cannot open %s", source);
	mount->target_is_file = !is_dir;
	if (mounts_is_setuid(builder))
		return plan_build_add_fd_consume(builder, fd, &mount->source_fd, err);
	(void)close(fd);
	return plan_add_text(builder->plan, source, &mount->source, err);
}

static bool mounts_exists(const struct builder *builder, const char *path)
{
	bool is_dir;
	int fd, result = builder->view->open_path(path, &fd, &is_dir);

	if (result == 0)
		(void)close(fd);
	else
		log_debug("cannot open %s: %s", path, strerror(-result));
	return result == 0;
}

static int mounts_add_bind(struct builder *builder, enum plan_origin origin, enum plan_on_fail on_fail,
			   const char *source, const char *target, uint32_t attrs, struct err *err)
{
	struct plan_mount *mount;

	if (on_fail != PLAN_FAIL_FATAL && !mounts_exists(builder, source))
		return 0;
	if (mounts_new(builder, PLAN_MOUNT_BIND, origin, on_fail, target, &mount, err) < 0)
		return -E2BIG;
	mount->attrs = attrs & (builder->plan->allow_setuid_files ? ~(uint32_t)PLAN_ATTR_NOSUID : ~0u);
	return mounts_set_source(builder, mount, source, err);
}

static int mounts_add_dir(struct builder *builder, enum plan_origin origin, const char *target, uint32_t mode,
			  struct err *err)
{
	struct plan_mount *mount;

	if (mounts_new(builder, PLAN_MOUNT_SESSION_DIR, origin, PLAN_FAIL_WARN, target, &mount, err) < 0)
		return -E2BIG;
	mount->mode = mode;
	return 0;
}

static int mounts_add_file(struct builder *builder, const char *target, const char *text, struct err *err)
{
	struct plan_mount *mount;
	int fd, result = channel_new_sealed(target, text, strlen(text), &fd, err);

	if (result < 0)
		return result;
	if (mounts_new(builder, PLAN_MOUNT_FILE, PLAN_ORIGIN_FILE, PLAN_FAIL_WARN, target, &mount, err) < 0) {
		(void)close(fd);
		return -E2BIG;
	}
	mount->mode = 0644;
	mount->target_is_file = true;
	return plan_build_add_fd_consume(builder, fd, &mount->source_fd, err);
}

static int mounts_add_link(struct builder *builder, const char *target, const char *text, struct err *err)
{
	struct plan_mount *mount;

	if (mounts_new(builder, PLAN_MOUNT_SYMLINK, PLAN_ORIGIN_DEV, PLAN_FAIL_WARN, target, &mount, err) < 0)
		return -E2BIG;
	return plan_add_text(builder->plan, text, &mount->link, err);
}

static int mounts_add_kernel(struct builder *builder, enum plan_mount_kind kind, enum plan_origin origin,
			     const char *target, const char *fallback, uint32_t attrs, struct err *err)
{
	struct plan_mount *mount;

	if (mounts_new(builder, kind, origin, PLAN_FAIL_WARN, target, &mount, err) < 0)
		return -E2BIG;
	mount->attrs = attrs;
	return fallback ? mounts_set_source(builder, mount, fallback, err) : 0;
}

/* ---- images ------------------------------------------------------------------------------------------------------- */

static enum plan_container mounts_container(const struct image *image)
{
	switch (image->kind) {
	case IMAGE_SIF:
	case IMAGE_OCI_SIF:
		return PLAN_CONTAINER_SIF;
	case IMAGE_SQUASHFS:
		return PLAN_CONTAINER_SQUASHFS;
	case IMAGE_EXT3:
		return PLAN_CONTAINER_EXTFS;
	case IMAGE_SANDBOX:
		break;
	}
	return PLAN_CONTAINER_DIRECTORY;
}

/* A container whose root holds CAP_SYS_ADMIN may still have no loop devices. */
static bool mounts_may_use_kernel(const struct builder *builder, enum plan_flow flow, bool ext3)
{
	if (flow == PLAN_FLOW_ROOT)
		return ext3 || (builder->host->loop && !builder->request->action.sif_fuse);
	if (flow == PLAN_FLOW_SETUID)
		return ext3 ? builder->conf->allow_kernel_extfs : builder->conf->allow_kernel_squashfs;
	return false;
}

bool plan_build_wants_fuse(const struct builder *builder, enum plan_flow flow, const struct image *image)
{
	const struct image_partition *root = image->kind == IMAGE_SANDBOX ? NULL : image_get_root(image);

	return root && root->fs == IMAGE_FS_SQUASHFS && !mounts_may_use_kernel(builder, flow, false);
}

static int mounts_choose_method(struct builder *builder, struct plan_fs *fs, struct err *err)
{
	int fd;
	bool kernel;

	if (fs->type == PLAN_FS_DIRECTORY) {
		fs->method = PLAN_METHOD_BIND;
		return 0;
	}
	kernel = mounts_may_use_kernel(builder, builder->plan->flow, fs->type == PLAN_FS_EXT3);
	fs->method = kernel ? PLAN_METHOD_KERNEL : PLAN_METHOD_FUSE;
	if (kernel)
		return 0;
	if (fs->type == PLAN_FS_EXT3)
		return err_set(err, ERR_SYSTEM, EOPNOTSUPP,
			       "ext3 images need root, or 'allow kernel extfs = yes' with the setuid starter, in this "
			       "version");
	if (!builder->host->fuse)
		return err_set(err, ERR_SYSTEM, EACCES,
			       "cannot mount the image: /dev/fuse cannot be opened; make it available to users, or unpack "
			       "the image with: singularity build --sandbox DIR IMAGE");
	if (builder->view->open_installed("squashfs-server", &fd, err) < 0)
		return -ENOENT;
	return plan_build_add_fd_consume(builder, fd, &fs->server_fd, err);
}

/* @partition NULL: a directory. */
static int mounts_add_fs(struct builder *builder, const struct image *image, const struct image_partition *partition,
			 bool writable, int32_t *index, struct err *err)
{
	struct plan *plan = builder->plan;
	struct plan_fs *fs = &plan->fs[plan->fs_count];
	int fd;

	if (plan->fs_count == PLAN_MAX_FS)
		return err_set(err, ERR_SYSTEM, E2BIG, "cannot launch: more than %d images", PLAN_MAX_FS);
	if (partition && partition->fs != IMAGE_FS_SQUASHFS && partition->fs != IMAGE_FS_EXT3)
		return err_set(err, ERR_IMAGE, EOPNOTSUPP,
			       "%s: encrypted and unknown partitions are not available in this version", image->path);
	*fs = (struct plan_fs){
		.type = !partition				 ? PLAN_FS_DIRECTORY
			: partition->fs == IMAGE_FS_SQUASHFS ? PLAN_FS_SQUASHFS
							     : PLAN_FS_EXT3,
		.container = mounts_container(image),
		.server_fd = PLAN_NO_FD,
		.offset_bytes = partition ? partition->offset_bytes : 0,
		.size_bytes = partition ? partition->size_bytes : 0,
		.writable = writable,
	};
	fd = fcntl(image->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_sys(err, errno, "cannot duplicate a descriptor");
	if (plan_build_add_fd_consume(builder, fd, &fs->fd, err) < 0 || mounts_choose_method(builder, fs, err) < 0)
		return -EINVAL;
	*index = (int32_t)plan->fs_count++;
	return mounts_is_setuid(builder) ? 0 : plan_add_text(plan, image->path, &fs->path, err);
}

static int mounts_use_overlay(struct builder *builder, int32_t index, bool writable, struct err *err)
{
	struct plan *plan = builder->plan;

	if (plan->overlay_count == PLAN_MAX_OVERLAYS)
		return err_set(err, ERR_SYSTEM, E2BIG, "more than %d overlays", PLAN_MAX_OVERLAYS);
	if (writable) {
		plan->overlay[plan->overlay_count++] = (uint32_t)index;
		return 0;
	}
	/* A writable one that was named earlier stays on top. */
	if (plan->overlay_count && plan->fs[plan->overlay[plan->overlay_count - 1]].writable) {
		plan->overlay[plan->overlay_count] = plan->overlay[plan->overlay_count - 1];
		plan->overlay[plan->overlay_count - 1] = (uint32_t)index;
		plan->overlay_count++;
		return 0;
	}
	plan->overlay[plan->overlay_count++] = (uint32_t)index;
	return 0;
}

static int mounts_add_overlay(struct builder *builder, const char *spec, struct image *image, struct err *err)
{
	size_t length = strlen(spec);
	bool readonly = length > 3 && strcmp(spec + length - 3, ":ro") == 0;
	cleanup_ptr char *path = strndup(spec, readonly ? length - 3 : length);
	const struct image_partition *partition;
	bool writable;
	int32_t index;

	if (builder->conf->enable_overlay == CONF_OVERLAY_NO)
		return err_set(err, ERR_DENIED, EPERM, "--overlay is not allowed (enable overlay = no)");
	if (image_open(path, !readonly, image, err) < 0)
		return err_wrap(err, "while opening overlay image %s", path);
	partition = image->kind == IMAGE_SANDBOX ? NULL : image_get_root(image);
	writable = !readonly && image->writable && (!partition || partition->fs == IMAGE_FS_EXT3);
	if (writable && image->kind == IMAGE_SANDBOX && mounts_is_setuid(builder))
		return err_set(err, ERR_SYSTEM, EPERM,
			       "only root can use a writable directory as overlay in setuid mode (or use --userns)");
	for (uint32_t i = 0; writable && i < builder->plan->overlay_count; i++)
		if (builder->plan->fs[builder->plan->overlay[i]].writable)
			return FAIL(err, "you can't specify more than one writable overlay");
	if (mounts_add_fs(builder, image, partition, writable, &index, err) < 0)
		return -EINVAL;
	return mounts_use_overlay(builder, index, writable, err);
}

/* Overlay partitions inside the SIF, of the root's own group. */
static int mounts_add_embedded(struct builder *builder, bool *found_writable, struct err *err)
{
	const struct image *image = builder->image;
	const struct image_partition *root = image_get_root(image);
	bool wanted = builder->request->action.writable;
	int32_t index;

	for (size_t i = 0; image->kind == IMAGE_SIF && i < image->partition_count; i++) {
		const struct image_partition *partition = &image->partitions[i];
		bool writable = wanted && image->writable && partition->fs == IMAGE_FS_EXT3;

		if (partition->role != IMAGE_ROLE_OVERLAY || partition->group != root->group)
			continue;
		if (mounts_add_fs(builder, image, partition, writable, &index, err) < 0 ||
		    mounts_use_overlay(builder, index, writable, err) < 0)
			return -EINVAL;
		*found_writable |= writable;
	}
	return 0;
}

static int mounts_add_root(struct builder *builder, struct err *err)
{
	const struct image *image = builder->image;
	const struct image_partition *root = image->kind == IMAGE_SANDBOX ? NULL : image_get_root(image);
	bool wanted = builder->request->action.writable, found = false;
	bool direct = wanted && (!root || root->fs == IMAGE_FS_EXT3);
	int32_t index;

	if (image->kind == IMAGE_OCI_SIF)
		return err_set(err, ERR_IMAGE, EOPNOTSUPP, "native runtime does not support OCI-SIF images, use --oci mode");
	if (image->kind != IMAGE_SANDBOX && !root)
		return err_set(err, ERR_IMAGE, EINVAL, "%s has no root file system", image->path);
	if (direct && !image->writable)
		return err_set(err, ERR_SYSTEM, EACCES, "no write permission for %s", image->path);
	if (mounts_add_fs(builder, image, root, direct, &index, err) < 0 || mounts_add_embedded(builder, &found, err) < 0)
		return -EINVAL;
	if (wanted && !direct && !found)
		return err_set(err, ERR_SYSTEM, EROFS,
			       "no SIF writable overlay partition found in %s: --writable needs a sandbox or an "
			       "ext3 image; --writable-tmpfs gives changes that are discarded",
			       image->path);
	builder->plan->root_writable = direct;
	return 0;
}

int mounts_add_images(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	bool tmpfs = action->writable_tmpfs || action->compat;
	int result;

	if (action->writable && action->overlay.count)
		return FAIL(err, "cannot use --overlay in conjunction with --writable");
	if (action->writable && action->writable_tmpfs)
		log_warning("Disabling --writable-tmpfs flag, mutually exclusive with --writable");
	result = mounts_add_root(builder, err);
	for (size_t i = 0; result == 0 && i < action->overlay.count; i++)
		result = mounts_add_overlay(builder, action->overlay.items[i], &builder->extra[i % PLAN_MAX_FS], err);
	if (result < 0 || !tmpfs || action->writable)
		return result;
	if (builder->conf->enable_overlay == CONF_OVERLAY_NO)
		return err_set(err, ERR_DENIED, EPERM, "--writable-tmpfs is not allowed (enable overlay = no)");
	builder->plan->writable_tmpfs = true;
	return 0;
}

/* ---- the tree ----------------------------------------------------------------------------------------------------- */

static int mounts_add_minimal_dev(struct builder *builder, struct err *err)
{
	static const char *const nodes[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
					    "/dev/urandom", "/dev/tty", "/dev/fuse"};
	static const char *const links[][2] = {{"/dev/fd", "/proc/self/fd"},
					       {"/dev/stdin", "/proc/self/fd/0"},
					       {"/dev/stdout", "/proc/self/fd/1"},
					       {"/dev/stderr", "/proc/self/fd/2"}};
	int result = mounts_add_dir(builder, PLAN_ORIGIN_DEV, "/dev", 0755, err);

	for (size_t i = 0; result == 0 && i < sizeof(nodes) / sizeof(nodes[0]); i++)
		result = mounts_add_bind(builder, PLAN_ORIGIN_DEV, PLAN_FAIL_SILENT, nodes[i], nodes[i], PLAN_ATTR_NOSUID,
					 err);
	for (size_t i = 0; result == 0 && i < sizeof(links) / sizeof(links[0]); i++)
		result = mounts_add_link(builder, links[i][0], links[i][1], err);
	if (result == 0)
		result = mounts_add_dir(builder, PLAN_ORIGIN_DEV, "/dev/shm", 01777, err);
	if (result == 0 && builder->conf->mount_devpts && !mounts_is_off(builder, "devpts"))
		result = mounts_add_kernel(builder, PLAN_MOUNT_DEVPTS, PLAN_ORIGIN_DEV, "/dev/pts", NULL,
					   PLAN_ATTR_NOSUID | PLAN_ATTR_NOEXEC, err);
	if (result == 0 && builder->plan->ns_ipc)
		result = mounts_add_kernel(builder, PLAN_MOUNT_MQUEUE, PLAN_ORIGIN_DEV, "/dev/mqueue", NULL,
					   PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV | PLAN_ATTR_NOEXEC, err);
	if (result == 0 && builder->host->tty)
		result = mounts_add_bind(builder, PLAN_ORIGIN_DEV, PLAN_FAIL_SILENT, builder->host->tty, "/dev/console",
					 PLAN_ATTR_NOSUID, err);
	return result;
}

static int mounts_add_dev(struct builder *builder, struct err *err)
{
	if (builder->conf->mount_dev == CONF_DEV_NO || mounts_is_off(builder, "dev"))
		return 0;
	if (builder->contained || builder->conf->mount_dev == CONF_DEV_MINIMAL)
		return mounts_add_minimal_dev(builder, err);
	return mounts_add_bind(builder, PLAN_ORIGIN_DEV, PLAN_FAIL_WARN, "/dev", "/dev", PLAN_ATTR_NOSUID, err);
}

static int mounts_add_conf_binds(struct builder *builder, struct err *err)
{
	const struct conf_list *list = &builder->conf->bind_path;
	int result = 0;

	for (size_t i = 0; result == 0 && i < list->count; i++) {
		struct bind_spec spec;
		const char *target;

		result = bind_parse(list->items[i], &spec, err);
		if (result < 0)
			return err_wrap(err, "directive \"bind path\"");
		target = spec.destination ? spec.destination : spec.source;
		if ((!builder->contained || strcmp(target, "/etc/hosts") == 0 || strcmp(target, "/etc/localtime") == 0) &&
		    !mounts_is_off(builder, "bind-paths") && !mounts_is_off(builder, target) && target[0] == '/')
			result = mounts_add_bind(builder, PLAN_ORIGIN_CONF_BIND, PLAN_FAIL_SILENT, spec.source, target,
						 DEFAULT_ATTRS | (spec.readonly ? (uint32_t)PLAN_ATTR_RDONLY : 0), err);
		bind_fini(&spec);
	}
	return result;
}

static int mounts_add_proc_sys(struct builder *builder, struct err *err)
{
	uint32_t attrs = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV | PLAN_ATTR_NOEXEC;
	bool init_admin = builder->plan->flow == PLAN_FLOW_ROOT || mounts_is_setuid(builder);
	int result = 0;

	if (builder->conf->mount_proc && !mounts_is_off(builder, "proc"))
		result = builder->plan->ns_pid
				 ? mounts_add_kernel(builder, PLAN_MOUNT_PROC, PLAN_ORIGIN_PROC, "/proc", "/proc", attrs, err)
				 : mounts_add_bind(builder, PLAN_ORIGIN_PROC, PLAN_FAIL_WARN, "/proc", "/proc", attrs, err);
	if (result < 0 || !builder->conf->mount_sys || mounts_is_off(builder, "sys"))
		return result;
	if (init_admin)
		return mounts_add_kernel(builder, PLAN_MOUNT_SYS, PLAN_ORIGIN_SYS, "/sys", "/sys", attrs, err);
	return mounts_add_bind(builder, PLAN_ORIGIN_SYS, PLAN_FAIL_WARN, "/sys", "/sys", attrs, err);
}

static int mounts_make_workdir(struct builder *builder, const char *name, mode_t mode, char **out, struct err *err)
{
	const char *workdir = builder->request->action.workdir;
	cleanup_ptr char *base = builder->view->resolve(workdir);
	int result;

	if (!base)
		return err_sys(err, errno, "cannot use working directory %s", workdir);
	if (asprintf(out, "%s/%s", base, name) < 0)
		return err_sys(err, ENOMEM, "cannot use working directory %s", workdir);
	for (char *slash = strchr(*out + strlen(base) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		result = builder->view->make_dir(*out, 0755);
		if (result < 0)
			return err_sys(err, -result, "cannot make %s", *out);
		*slash = '/';
	}
	result = builder->view->make_dir(*out, mode);
	return result < 0 ? err_sys(err, -result, "cannot make %s", *out) : 0;
}

/* A directory of the session, or of --workdir. */
static int mounts_add_private(struct builder *builder, enum plan_origin origin, const char *target, const char *name,
			      mode_t mode, struct err *err)
{
	cleanup_ptr char *source = NULL;

	if (!builder->request->action.workdir)
		return mounts_add_dir(builder, origin, target, mode, err);
	if (!builder->conf->user_bind_control) {
		log_warning("User bind control is disabled: ignoring --workdir");
		return mounts_add_dir(builder, origin, target, mode, err);
	}
	if (mounts_make_workdir(builder, name, mode, &source, err) < 0)
		return -EINVAL;
	return mounts_add_bind(builder, PLAN_ORIGIN_CUSTOM_HOME, PLAN_FAIL_FATAL, source, target, DEFAULT_ATTRS, err);
}

/* --home SRC[:DST] */
static int mounts_split_home(struct builder *builder, char **source, struct err *err)
{
	const char *spec = builder->request->action.home, *colon = strchr(spec, ':');
	cleanup_ptr char *first = strndup(spec, colon ? (size_t)(colon - spec) : strlen(spec));

	if (!builder->conf->user_bind_control)
		return err_set(err, ERR_DENIED, EPERM, "--home is not allowed (user bind control = no)");
	*source = builder->view->resolve(first);
	if (!*source)
		return err_sys(err, errno, "cannot use home directory %s", first);
	builder->home = colon ? bind_clean_path(colon + 1) : strdup(*source);
	return builder->home ? 0 : FAIL(err, "the home directory in the container must be an absolute path");
}

static int mounts_add_home(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	bool custom = action->home != NULL;
	cleanup_ptr char *source = NULL;

	if (custom) {
		if (mounts_split_home(builder, &source, err) < 0)
			return -EINVAL;
	} else {
		bool as_root = builder->plan->flow == PLAN_FLOW_FAKEROOT ||
			       (action->fakeroot && builder->host->uid == 0);

		source = strdup(builder->host->home);
		builder->home = strdup(as_root ? "/root" : builder->host->home);
	}
	if (!builder->conf->mount_home || action->no_home || mounts_is_off(builder, "home"))
		return 0;
	if (strcmp(builder->home, "/") == 0) {
		log_warning("Not mounting the home directory: it is /");
		return 0;
	}
	if (custom)
		return mounts_add_bind(builder, PLAN_ORIGIN_CUSTOM_HOME, PLAN_FAIL_FATAL, source, builder->home,
				       DEFAULT_ATTRS, err);
	if (builder->contained)
		return mounts_add_private(builder, PLAN_ORIGIN_HOME, builder->home, "home", 0700, err);
	if (!mounts_exists(builder, source))
		return mounts_add_dir(builder, PLAN_ORIGIN_HOME, builder->home, 0700, err);
	return mounts_add_bind(builder, PLAN_ORIGIN_HOME, PLAN_FAIL_WARN, source, builder->home, DEFAULT_ATTRS, err);
}

/* Only a sandbox can be looked into from here; its links lead nowhere but into itself. */
static int mounts_open_in_image(const struct builder *builder, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_IN_ROOT};
	long fd = -1;

	if (builder->image->kind == IMAGE_SANDBOX)
		fd = syscall(SYS_openat2, builder->image->fd, path, &how, sizeof(how));
	return (int)fd;
}

/* /var/tmp that the image makes a link to /tmp would cover it a second time. */
static bool mounts_var_tmp_is_tmp(const struct builder *builder)
{
	cleanup_fd int first = mounts_open_in_image(builder, "/tmp"), second = mounts_open_in_image(builder, "/var/tmp");
	struct stat a, b;

	return first >= 0 && second >= 0 && fstat(first, &a) == 0 && fstat(second, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int mounts_add_tmp(struct builder *builder, struct err *err)
{
	const struct {
		const char *target, *name;
	} places[] = {{"/tmp", "tmp"}, {"/var/tmp", "var_tmp"}};
	int result = 0;

	if (!builder->conf->mount_tmp || mounts_is_off(builder, "tmp"))
		return 0;
	for (size_t i = 0; result == 0 && i < sizeof(places) / sizeof(places[0]); i++) {
		if (i == 1 && mounts_var_tmp_is_tmp(builder))
			return 0;
		result = builder->contained
				 ? mounts_add_private(builder, PLAN_ORIGIN_TMP, places[i].target, places[i].name, 01777, err)
				 : mounts_add_bind(builder, PLAN_ORIGIN_TMP, PLAN_FAIL_WARN, places[i].target,
						   places[i].target, DEFAULT_ATTRS, err);
	}
	return result;
}

static int mounts_add_scratch(struct builder *builder, struct err *err)
{
	const struct strlist *list = &builder->request->action.scratch;
	int result = 0;

	for (size_t i = 0; result == 0 && i < list->count; i++) {
		cleanup_ptr char *target = bind_clean_path(list->items[i]), *name = NULL;

		if (!target || target[1] == '\0')
			return FAIL(err, "scratch directory %s must be an absolute path", list->items[i]);
		if (!builder->conf->user_bind_control) {
			log_warning("User bind control is disabled: ignoring --scratch");
			return 0;
		}
		if (asprintf(&name, "scratch%s", target) < 0)
			return err_sys(err, ENOMEM, "scratch directory");
		result = mounts_add_private(builder, PLAN_ORIGIN_SCRATCH, target, name, 0755, err);
	}
	return result;
}

static char *mounts_read_in_image(const struct builder *builder, const char *path)
{
	cleanup_fd int fd = mounts_open_in_image(builder, path);
	char *text = malloc(ACCOUNT_FILE_MAX + 1);
	size_t used = 0;
	struct stat st;
	ssize_t n = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? 1 : -1;

	while (text && n > 0 && used < ACCOUNT_FILE_MAX) {
		n = read(fd, text + used, ACCOUNT_FILE_MAX - used);
		used += n > 0 ? (size_t)n : 0;
	}
	if (!text || n < 0) {
		free(text);
		return NULL;
	}
	text[used] = '\0';
	return text;
}

static int mounts_add_accounts(struct builder *builder, struct err *err)
{
	bool as_root = builder->host->uid == 0 || builder->plan->flow == PLAN_FLOW_FAKEROOT;
	cleanup_ptr char *passwd = NULL, *group = NULL, *new_passwd = NULL, *new_group = NULL;
	int result = 0;

	if (as_root) /* every image knows root */
		return 0;
	passwd = mounts_read_in_image(builder, "/etc/passwd");
	group = mounts_read_in_image(builder, "/etc/group");
	new_passwd = account_make_passwd(builder->host, passwd, builder->home);
	new_group = account_make_group(builder->host, group);
	if (!new_passwd || !new_group)
		return err_sys(err, ENOMEM, "cannot write account files");
	if (builder->conf->config_passwd)
		result = mounts_add_file(builder, "/etc/passwd", new_passwd, err);
	if (result == 0 && builder->conf->config_group)
		result = mounts_add_file(builder, "/etc/group", new_group, err);
	return result;
}

/* --dns: every entry is an address. */
static int mounts_add_dns(struct builder *builder, struct err *err)
{
	struct strlist servers = {0, NULL};
	cleanup_ptr char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int result = out ? cli_csv_split(builder->request->action.dns, &servers, err) : -ENOMEM;

	for (size_t i = 0; result == 0 && i < servers.count; i++) {
		unsigned char address[sizeof(struct in6_addr)];

		if (inet_pton(AF_INET, servers.items[i], address) != 1 &&
		    inet_pton(AF_INET6, servers.items[i], address) != 1)
			result = FAIL(err, "DNS nameserver %s is not an IP address", servers.items[i]);
		else
			(void)fprintf(out, "nameserver %s\n", servers.items[i]);
	}
	cli_csv_free(&servers, 0);
	if (out && fclose(out) != 0)
		result = -ENOMEM;
	return result < 0 ? result : mounts_add_file(builder, "/etc/resolv.conf", text, err);
}

static int mounts_add_files(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	cleanup_ptr char *hostname = NULL, *resolv = builder->view->resolve("/etc/resolv.conf");
	int result = mounts_add_accounts(builder, err);

	if (result == 0 && action->dns)
		result = mounts_add_dns(builder, err);
	else if (result == 0 && builder->conf->config_resolv_conf && resolv &&
		 !mounts_is_off(builder, "/etc/resolv.conf") && !mounts_is_off(builder, "bind-paths"))
		result = mounts_add_bind(builder, PLAN_ORIGIN_RESOLV, PLAN_FAIL_SILENT, resolv, "/etc/resolv.conf",
					 DEFAULT_ATTRS, err);
	if (result == 0 && builder->contained && builder->plan->ns_net)
		result = mounts_add_file(builder, "/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n", err);
	if (result < 0 || !action->hostname || !builder->plan->ns_uts)
		return result;
	if (asprintf(&hostname, "%s\n", action->hostname) < 0)
		return err_sys(err, ENOMEM, "host name");
	return mounts_add_file(builder, "/etc/hostname", hostname, err);
}

static int mounts_add_image_bind(struct builder *builder, const struct bind_spec *spec, const char *target, struct err *err)
{
	struct image *image = &builder->extra[builder->plan->fs_count % PLAN_MAX_FS];
	const struct image_partition *partition = NULL;
	struct plan_mount *mount;
	bool writable;
	int32_t index;

	if (image_open(spec->source, !spec->readonly, image, err) < 0)
		return err_wrap(err, "bind of image %s", spec->source);
	if (image->kind == IMAGE_SANDBOX)
		return FAIL(err, "%s is a directory: image-src needs an image file", spec->source);
	for (size_t i = 0; i < image->partition_count; i++)
		if (spec->image_id ? image->partitions[i].id == spec->image_id
				   : image->kind != IMAGE_SIF || image->partitions[i].role == IMAGE_ROLE_DATA)
			partition = partition ? partition : &image->partitions[i];
	if (!partition)
		return FAIL(err, "%s has no data partition to bind", spec->source);
	writable = image->writable && partition->fs == IMAGE_FS_EXT3;
	if (mounts_add_fs(builder, image, partition, writable, &index, err) < 0 ||
	    mounts_new(builder, PLAN_MOUNT_IMAGE, PLAN_ORIGIN_USER_BIND, PLAN_FAIL_FATAL, target, &mount, err) < 0)
		return -EINVAL;
	mount->fs = index;
	mount->attrs = DEFAULT_ATTRS | (writable ? 0 : (uint32_t)PLAN_ATTR_RDONLY);
	return plan_add_text(builder->plan, spec->image_source ? spec->image_source : "/", &mount->link, err);
}

static bool mounts_has_user_target(const struct builder *builder, const char *target)
{
	for (uint32_t i = 0; i < builder->plan->mount_count; i++)
		if (builder->plan->mounts[i].origin == PLAN_ORIGIN_USER_BIND &&
		    strcmp(plan_get_text(builder->plan, builder->plan->mounts[i].target), target) == 0)
			return true;
	return false;
}

static int mounts_add_user_bind(struct builder *builder, const struct bind_spec *spec, bool inherited, struct err *err)
{
	cleanup_ptr char *source = builder->view->resolve(spec->source), *own = NULL, *absolute = NULL;
	bool device = strncmp(spec->source, "/dev", 4) == 0 && (spec->source[4] == '/' || spec->source[4] == '\0');
	const char *target = spec->destination;
	uint32_t attrs = (device ? (uint32_t)PLAN_ATTR_NOSUID : DEFAULT_ATTRS) |
			 (spec->readonly ? (uint32_t)PLAN_ATTR_RDONLY : 0);

	if (!source && inherited) {
		log_info("Skipping bind of %s from the environment: it is not there", spec->source);
		return 0;
	}
	if (!source)
		return err_sys(err, errno, "mount source %s doesn't exist", spec->source);
	if (!target) {
		if (spec->source[0] != '/' && asprintf(&absolute, "%s/%s", builder->host->cwd ? builder->host->cwd : "",
						       spec->source) < 0)
			return err_sys(err, ENOMEM, "bind");
		target = own = bind_clean_path(absolute ? absolute : spec->source);
	}
	if (!target || target[1] == '\0')
		return FAIL(err, "cannot bind %s to / of the container", spec->source);
	if (mounts_has_user_target(builder, target)) {
		log_warning("destination %s is already in the mount point list", target);
		return 0;
	}
	if (spec->image_source || spec->image_id)
		return mounts_add_image_bind(builder, spec, target, err);
	return mounts_add_bind(builder, PLAN_ORIGIN_USER_BIND, PLAN_FAIL_FATAL, source, target, attrs, err);
}

static int mounts_add_one_user_bind(struct builder *builder, const char *text, bool is_mount, bool inherited,
				    struct err *err)
{
	struct bind_spec spec;
	int result = is_mount ? bind_parse_mount(text, &spec, err) : bind_parse(text, &spec, err);

	if (result < 0)
		return result;
	result = mounts_add_user_bind(builder, &spec, inherited, err);
	bind_fini(&spec);
	return result;
}

/* The list was split at every comma; options that belong to the bind before are put back. */
static int mounts_add_binds(struct builder *builder, struct err *err)
{
	const struct strlist *list = &builder->request->action.bind;
	size_t own = list->count - builder->request->action.bind_inherited;
	int result = 0;

	for (size_t i = 0, next; result == 0 && i < list->count; i = next) {
		cleanup_ptr char *text = strdup(list->items[i]);

		for (next = i + 1; text && next < list->count && strchr(text, ':') && bind_is_option(list->items[next]); next++) {
			char *longer = NULL;

			if (asprintf(&longer, "%s,%s", text, list->items[next]) < 0)
				longer = NULL;
			free(text);
			text = longer;
		}
		if (!text)
			return err_sys(err, ENOMEM, "bind");
		result = mounts_add_one_user_bind(builder, text, false, i >= own, err);
	}
	return result;
}

static int mounts_add_user_binds(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	int result;

	if ((action->bind.count || action->mount.count) && !builder->conf->user_bind_control) {
		log_warning("Ignoring user bind request: user bind control disabled by system administrator");
		return 0;
	}
	result = mounts_add_binds(builder, err);
	for (size_t i = 0; result == 0 && i < action->mount.count; i++)
		result = mounts_add_one_user_bind(builder, action->mount.items[i], true, false, err);
	return result;
}

static bool mounts_lies_in(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Not where it would hide the system, not where it is visible already. */
static bool mounts_wants_cwd(const struct builder *builder)
{
	static const char *const never[] = {"/",    "/etc",  "/bin", "/mnt",   "/usr", "/var",
					    "/opt", "/sbin", "/lib", "/lib64", NULL};
	static const char *const below[] = {"/sys", "/proc", "/dev", NULL};
	const char *cwd = builder->host->cwd;

	if (!cwd || builder->contained || mounts_is_off(builder, "cwd") || !builder->conf->user_bind_control)
		return false;
	for (size_t i = 0; never[i]; i++)
		if (strcmp(cwd, never[i]) == 0)
			return false;
	for (size_t i = 0; below[i]; i++)
		if (mounts_lies_in(cwd, below[i]))
			return false;
	for (uint32_t i = 0; i < builder->plan->mount_count; i++) {
		const struct plan_mount *mount = &builder->plan->mounts[i];
		const char *target = plan_get_text(builder->plan, mount->target);
		bool itself = mount->origin == PLAN_ORIGIN_TMP ||
			      (mount->origin == PLAN_ORIGIN_HOME && strcmp(target, builder->host->home) == 0);

		if (itself && mounts_lies_in(cwd, target))
			return false;
		if (mount->origin == PLAN_ORIGIN_USER_BIND && strcmp(cwd, target) == 0)
			return false;
	}
	return true;
}

static int mounts_add_cwd(struct builder *builder, struct err *err)
{
	if (!mounts_wants_cwd(builder))
		return 0;
	return mounts_add_bind(builder, PLAN_ORIGIN_CWD, PLAN_FAIL_SILENT, builder->host->cwd, builder->host->cwd,
			       DEFAULT_ATTRS, err);
}

int mounts_add_all(struct builder *builder, struct err *err)
{
	static int (*const steps[])(struct builder *, struct err *) = {
		mounts_add_dev,	    mounts_add_conf_binds, mounts_add_proc_sys,	  mounts_add_home, mounts_add_tmp,
		mounts_add_scratch, mounts_add_files,	   mounts_add_user_binds, mounts_add_cwd,
	};
	static const char *const known[] = {"proc", "sys", "dev", "devpts", "home", "tmp", "hostfs", "cwd", "bind-paths"};
	const struct strlist *off = &builder->request->action.no_mount;
	int result = 0;

	for (size_t i = 0; i < off->count; i++) {
		bool found = off->items[i][0] == '/';

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			found |= strcmp(off->items[i], known[k]) == 0;
		if (!found)
			log_warning("Ignoring unknown mount type '%s'", off->items[i]);
	}
	for (size_t i = 0; result == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		result = steps[i](builder, err);
	return result;
}

static void mounts_exec_compiler(int program_fd, const char *profile, int out_fd, uint64_t caps)
{
	char number[16], mask[24], name[] = "imager", verb[] = "seccomp-compile", option[] = "--caps";
	char *path = strdup(profile);
	char *argv[] = {name, verb, option, mask, path, number, NULL};

	(void)snprintf(number, sizeof(number), "%d", out_fd);
	(void)snprintf(mask, sizeof(mask), "0x%llx", (unsigned long long)caps);
	(void)fcntl(out_fd, F_SETFD, 0);
	(void)execveat(program_fd, "", argv, environ, AT_EMPTY_PATH);
	_exit(255);
}

int mounts_add_seccomp(struct builder *builder, const char *path, struct err *err)
{
	cleanup_fd int program_fd = -1;
	int fd = memfd_create("seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING), status;
	pid_t child;

	if (fd < 0)
		return err_sys(err, errno, "cannot make memory for the seccomp profile");
	if (plan_build_add_fd_consume(builder, fd, &builder->plan->process.seccomp_fd, err) < 0 ||
	    builder->view->open_installed("imager", &program_fd, err) < 0)
		return -EINVAL;
	child = fork();
	if (child == 0)
		mounts_exec_compiler(program_fd, path, fd, builder->plan->process.caps);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return err_sys(err, errno, "cannot compile the seccomp profile");
	if (status != 0)
		return FAIL(err, "cannot use seccomp profile %s", path);
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_sys(err, errno, "cannot seal the seccomp profile");
	return 0;
}
