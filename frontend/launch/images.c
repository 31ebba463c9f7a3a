/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/launch/mount_list.h"
#include "ipc/cleanup.h"
#include "ipc/fuse_spawn.h"
#include "ipc/log.h"

#define FAIL(err, ...) err_set(err, ERR_SYSTEM, EINVAL, __VA_ARGS__)

static enum plan_container images_container(const struct image *image)
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

/* The container around us runs this very image: its tree is mounted already, and one file server less is needed. */
bool images_is_outer(const struct builder *builder, const struct image *image, const struct image_partition *partition)
{
	const struct host *host = builder->host;
	struct outer_image identity;
	bool is_dir;
	int fd;

	if (!partition || !host->has_outer || builder->plan->flow == PLAN_FLOW_SETUID || image->writable ||
	    outer_identify(image, partition, &identity) < 0 || !outer_has_image(&host->outer, &identity) ||
	    builder->view->open_path(OUTER_DIR "/image", &fd, &is_dir) < 0)
		return false;
	(void)close(fd);
	return is_dir;
}

static int images_open_server(struct builder *builder, const struct plan_fs *fs, int *out_fd, struct err *err)
{
	if (fs->type != PLAN_FS_EXT3)
		return builder->view->open_installed("squashfs-server", out_fd, err);
	if (plan_build_open_program(builder, "fuse2fs", out_fd) < 0)
		return err_set(err, ERR_SYSTEM, ENOENT, "cannot open fuse2fs");
	return 0;
}

/* What to do where nothing mounts the image. */
static int images_advise(const struct plan_fs *fs, struct err *err)
{
	struct err why = *err;

	if (fs->type == PLAN_FS_EXT3)
		return err_set(err, why.kind, why.errnum,
			       "cannot mount an ext3 image: %s; it needs root, or the program fuse2fs and /dev/fuse (with --userns "
			       "where a setuid starter is installed), or 'allow kernel extfs = yes' with that",
			       why.message);
	return err_set(err, why.kind, why.errnum,
		       "cannot mount the image: %s; make /dev/fuse available to users, or unpack the image with: singularity "
		       "build --sandbox DIR IMAGE",
		       why.message);
}

static int images_choose_method(struct builder *builder, struct plan_fs *fs, struct err *err)
{
	uint32_t method;
	int fd, result;

	if (fs->type == PLAN_FS_DIRECTORY) {
		fs->method = PLAN_METHOD_BIND;
		return 0;
	}
	result = ladder_choose_value(builder, fs->type == PLAN_FS_EXT3 ? LADDER_EXT3 : LADDER_IMAGE, &method, err);
	/* The root was unpacked before, where that was possible: this is another image, or --no-tmp-sandbox. */
	if (result == 0 && method == LADDER_IMAGE_EXTRACT)
		result = err_set(err, ERR_SYSTEM, err->errnum ? err->errnum : EACCES, "%s",
				 err->errnum ? err->message : "only the root can be unpacked");
	if (result < 0)
		return ladder_is_forced(builder, LADDER_IMAGE) ? result : images_advise(fs, err);
	fs->method = (enum plan_fs_method)method;
	if (fs->method == PLAN_METHOD_KERNEL)
		return 0;
	result = images_open_server(builder, fs, &fd, err);
	return result < 0 ? result : plan_build_add_fd_consume(builder, fd, &fs->server_fd, err);
}

/* The ladder decides for the root; any other image is taken from the container around us when it is there. */
static bool images_use_outer(const struct builder *builder, const struct image *image, const struct image_partition *partition)
{
	struct err ignored = ERR_INIT;
	uint32_t method;

	if (!images_is_outer(builder, image, partition))
		return false;
	return builder->plan->fs_count > 0 ||
	       (ladder_choose_value(builder, LADDER_IMAGE, &method, &ignored) == 0 && method == PLAN_METHOD_BIND);
}

/* @partition NULL: a directory. */
int images_add_fs(struct builder *builder, const struct image *image,
		  const struct image_partition *partition, bool writable, int32_t *index,
		  struct err *err)
{
	struct plan *plan = builder->plan;
	struct plan_fs *fs = &plan->fs[plan->fs_count];
	const char *path = image->path;
	int fd;

	if (plan->fs_count == PLAN_MAX_FS)
		return err_set(err, ERR_SYSTEM, E2BIG, "cannot launch: more than %d images",
			       PLAN_MAX_FS);
	if (partition && partition->fs != IMAGE_FS_SQUASHFS && partition->fs != IMAGE_FS_EXT3)
		return err_set(
			err, ERR_IMAGE, EOPNOTSUPP,
			"%s: encrypted and unknown partitions are not available in this version",
			image->path);
	*fs = (struct plan_fs){
		.type = !partition                           ? PLAN_FS_DIRECTORY
			: partition->fs == IMAGE_FS_SQUASHFS ? PLAN_FS_SQUASHFS
							     : PLAN_FS_EXT3,
		.container = images_container(image),
		.server_fd = PLAN_NO_FD,
		.go_fd = PLAN_NO_FD,
		.offset_bytes = partition ? partition->offset_bytes : 0,
		.size_bytes = partition ? partition->size_bytes : 0,
		.writable = writable,
	};
	if (images_use_outer(builder, image, partition)) {
		fs->type = PLAN_FS_DIRECTORY;
		fs->offset_bytes = fs->size_bytes = 0;
		path = OUTER_DIR "/image";
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	} else {
		fd = fcntl(image->fd, F_DUPFD_CLOEXEC, 3);
	}
	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (fs->type == PLAN_FS_EXT3 && image_lock(image->fd, image->path, writable, err) < 0) {
		(void)close(fd);
		return -EBUSY;
	}
	if (plan_build_add_fd_consume(builder, fd, &fs->fd, err) < 0 ||
	    images_choose_method(builder, fs, err) < 0)
		return -EINVAL;
	*index = (int32_t)plan->fs_count++;
	return mount_list_is_setuid(builder) ? 0 : plan_add_text(plan, path, &fs->path, err);
}

static int images_use_overlay(struct builder *builder, int32_t index, bool writable,
			      struct err *err)
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

static int images_add_overlay(struct builder *builder, const char *spec, struct image *image,
			      struct err *err)
{
	size_t length = strlen(spec);
	bool readonly = length > 3 && strcmp(spec + length - 3, ":ro") == 0;
	cleanup_ptr char *path = strndup(spec, readonly ? length - 3 : length);
	const struct image_partition *partition;
	bool writable;
	int32_t index;

	if (builder->conf->enable_overlay == CONF_OVERLAY_NO)
		return err_set(err, ERR_DENIED, EPERM,
			       "--overlay is not allowed (enable overlay = no)");
	if (image_open(path, !readonly, image, err) < 0)
		return err_wrap(err, "while opening overlay image %s", path);
	partition = image->kind == IMAGE_SANDBOX ? NULL : image_get_root(image);
	writable = !readonly && image->writable && (!partition || partition->fs == IMAGE_FS_EXT3);
	if (writable && image->kind == IMAGE_SANDBOX && mount_list_is_setuid(builder))
		return err_set(err, ERR_SYSTEM, EPERM,
			       "only root can use a writable directory as overlay in setuid mode "
			       "(or use --userns)");
	for (uint32_t i = 0; writable && i < builder->plan->overlay_count; i++)
		if (builder->plan->fs[builder->plan->overlay[i]].writable)
			return FAIL(err, "you can't specify more than one writable overlay");
	if (images_add_fs(builder, image, partition, writable, &index, err) < 0)
		return -EINVAL;
	return images_use_overlay(builder, index, writable, err);
}

/* Overlay partitions inside the SIF, of the root's own group. */
static int images_add_embedded(struct builder *builder, bool *found_writable, struct err *err)
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
		if (images_add_fs(builder, image, partition, writable, &index, err) < 0 ||
		    images_use_overlay(builder, index, writable, err) < 0)
			return -EINVAL;
		*found_writable |= writable;
	}
	return 0;
}

static bool images_wants_tmpfs(const struct builder *builder)
{
	return builder->request->action.writable_tmpfs || builder->request->action.compat;
}

/* Changes to a temporary sandbox are discarded with it: no layer, which might be one more than the kernel stacks. */
static bool images_is_discarded(const struct builder *builder)
{
	return builder->image_temporary && images_wants_tmpfs(builder) && builder->request->action.overlay.count == 0;
}

static int images_add_root(struct builder *builder, struct err *err)
{
	const struct image *image = builder->image;
	const struct image_partition *root =
		image->kind == IMAGE_SANDBOX ? NULL : image_get_root(image);
	bool wanted = builder->request->action.writable, found = false;
	bool direct = images_is_discarded(builder) || (wanted && (!root || root->fs == IMAGE_FS_EXT3));
	int32_t index;

	if (image->kind == IMAGE_OCI_SIF)
		return err_set(err, ERR_IMAGE, EOPNOTSUPP,
			       "native runtime does not support OCI-SIF images, use --oci mode");
	if (image->kind != IMAGE_SANDBOX && !root)
		return err_set(err, ERR_IMAGE, EINVAL, "%s has no root file system", image->path);
	if (direct && !image->writable)
		return err_set(err, ERR_SYSTEM, EACCES, "no write permission for %s", image->path);
	if (images_add_fs(builder, image, root, direct, &index, err) < 0 ||
	    images_add_embedded(builder, &found, err) < 0)
		return -EINVAL;
	if (wanted && !direct && !found)
		return err_set(err, ERR_SYSTEM, EROFS,
			       "no SIF writable overlay partition found in %s: --writable needs a "
			       "sandbox or an "
			       "ext3 image; --writable-tmpfs gives changes that are discarded",
			       image->path);
	builder->plan->root_writable = direct;
	return 0;
}

int images_add_all(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	int result;

	if (action->writable && action->overlay.count)
		return FAIL(err, "cannot use --overlay in conjunction with --writable");
	if (action->writable && action->writable_tmpfs)
		log_warning("Disabling --writable-tmpfs flag, mutually exclusive with --writable");
	result = images_add_root(builder, err);
	for (size_t i = 0; result == 0 && i < action->overlay.count; i++)
		result = images_add_overlay(builder, action->overlay.items[i],
					    &builder->extra[i % PLAN_MAX_FS], err);
	if (result < 0 || !images_wants_tmpfs(builder) || builder->plan->root_writable || action->writable)
		return result;
	if (builder->conf->enable_overlay == CONF_OVERLAY_NO)
		return err_set(err, ERR_DENIED, EPERM,
			       "--writable-tmpfs is not allowed (enable overlay = no)");
	builder->plan->writable_tmpfs = true;
	return 0;
}

/* In the setuid flow the servers are ours: the starter runs no program, it mounts the connection. */
static int images_start_server(struct builder *builder, struct plan_fs *fs, struct err *err)
{
	int *slot = &builder->fds[fs->server_fd], fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), go_fd, result;
	struct fuse_spawn what = {fs, *slot, builder->fds[fs->fd], fuse_fd, false, NULL};

	if (fuse_fd < 0)
		return err_sys(err, errno, "cannot open /dev/fuse");
	result = fuse_spawn_server(&what, &go_fd, err);
	(void)close(*slot);
	*slot = fuse_fd;
	return result < 0 ? result : plan_build_add_fd_consume(builder, go_fd, &fs->go_fd, err);
}

int images_start_servers(struct builder *builder, struct err *err)
{
	struct plan *plan = builder->plan;
	int result = 0;

	for (uint32_t i = 0; result == 0 && plan->flow == PLAN_FLOW_SETUID && i < plan->fs_count; i++)
		if (plan->fs[i].method == PLAN_METHOD_FUSE)
			result = images_start_server(builder, &plan->fs[i], err);
	return result;
}
