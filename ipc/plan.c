/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the form of a plan. Must not: look at the host. Both programs run it; for the setuid starter it is the line
 * between bytes and meaning.
 */
#include "ipc/plan.h"

#include <errno.h>
#include <string.h>

#define BAD(err, ...) err_set(err, ERR_PROTOCOL, EPROTO, __VA_ARGS__)
#define CHECK(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return BAD(err, __VA_ARGS__);                                              \
	} while (0)

const char *plan_get_text(const struct plan *plan, plan_text_t ref)
{
	return ref ? plan->text + ref : NULL;
}

bool plan_is_file(const struct plan_mount *mount)
{
	return mount->kind == PLAN_MOUNT_FILE || mount->kind == PLAN_MOUNT_PASSWD || mount->kind == PLAN_MOUNT_GROUP;
}

bool plan_has_text(const struct plan *plan, plan_text_t ref)
{
	/* Only whole texts: one that begins inside another was not put there by plan_add_text(). */
	return ref < plan->text_bytes && (ref == 0 || plan->text[ref - 1] == '\0');
}

static int plan_claim(enum plan_slot *slots, uint32_t count, int32_t fd, enum plan_slot kind, struct err *err)
{
	CHECK(fd >= 0 && (uint32_t)fd < count, "descriptor %d is out of range", fd);
	CHECK(slots[fd] == PLAN_SLOT_FREE || (kind == PLAN_SLOT_PROGRAM && slots[fd] == PLAN_SLOT_PROGRAM),
	      "descriptor %d is claimed twice", fd);
	slots[fd] = kind;
	return 0;
}

int plan_claim_optional(enum plan_slot *slots, uint32_t count, int32_t fd, enum plan_slot kind, struct err *err)
{
	return fd == PLAN_NO_FD ? 0 : plan_claim(slots, count, fd, kind, err);
}

/* Absolute, no empty, "." or ".." component, bounded. */
static int plan_check_target(const char *path, struct err *err)
{
	unsigned int components = 0;

	CHECK(path && path[0] == '/' && path[1] != '\0', "a mount target is not an absolute path");
	CHECK(strlen(path) < PLAN_PATH_MAX, "a mount target is too long");
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		CHECK(length > 0 && !(length == 1 && path[0] == '.') &&
			      !(length == 2 && path[0] == '.' && path[1] == '.'),
		      "a mount target is not clean");
		CHECK(++components <= PLAN_PATH_COMPONENTS, "a mount target is too deep");
		path += length;
	}
	return 0;
}

static int plan_check_fs(const struct plan *plan, const struct plan_fs *fs, enum plan_slot *slots, uint32_t count,
			 struct err *err)
{
	bool directory = fs->type == PLAN_FS_DIRECTORY;

	CHECK(fs->type >= PLAN_FS_DIRECTORY && fs->type <= PLAN_FS_EXT3, "unknown file system type");
	CHECK(fs->container >= PLAN_CONTAINER_SIF && fs->container <= PLAN_CONTAINER_DIRECTORY, "unknown image kind");
	CHECK(fs->method >= PLAN_METHOD_BIND && fs->method <= PLAN_METHOD_FUSE, "unknown mount method");
	CHECK(directory == (fs->method == PLAN_METHOD_BIND), "the mount method does not fit the file system");
	/* The tree of another image may be there already, mounted by an outer container of ours. */
	CHECK(directory == (fs->container == PLAN_CONTAINER_DIRECTORY) ||
		      (directory && plan->flow != PLAN_FLOW_SETUID),
	      "the image kind does not fit the file system");
	CHECK(fs->offset_bytes <= INT64_MAX && fs->size_bytes <= INT64_MAX - fs->offset_bytes,
	      "the extent of an image overflows");
	CHECK(directory || fs->size_bytes > 0, "the extent of an image is empty");
	CHECK(!fs->writable || fs->type != PLAN_FS_SQUASHFS, "squashfs is never writable");
	CHECK(plan->flow != PLAN_FLOW_SETUID || fs->type != PLAN_FS_EXT3 || fs->method != PLAN_METHOD_FUSE,
	      "the setuid starter runs no fuse2fs");
	CHECK((fs->server_fd != PLAN_NO_FD) == (fs->method == PLAN_METHOD_FUSE), "a file server does not fit");
	CHECK(plan_has_text(plan, fs->path), "a text is out of range");
	CHECK(fs->method != PLAN_METHOD_BIND || fs->path || plan->flow == PLAN_FLOW_SETUID,
	      "a directory image has no path");
	if (plan_claim(slots, count, fs->fd, PLAN_SLOT_ONCE, err) < 0)
		return -EPROTO;
	CHECK(fs->go_fd == PLAN_NO_FD || (fs->method == PLAN_METHOD_FUSE && plan->flow == PLAN_FLOW_SETUID),
	      "a file server does not fit");
	if (plan_claim_optional(slots, count, fs->go_fd, PLAN_SLOT_ONCE, err) < 0)
		return -EPROTO;
	return plan_claim_optional(slots, count, fs->server_fd, PLAN_SLOT_PROGRAM, err);
}

static int plan_check_source(const struct plan *plan, const struct plan_mount *mount, struct err *err)
{
	bool setuid = plan->flow == PLAN_FLOW_SETUID, has_fd = mount->source_fd != PLAN_NO_FD;

	switch (mount->kind) {
	case PLAN_MOUNT_BIND:
		CHECK(setuid ? has_fd && !mount->source : !has_fd && mount->source,
		      "the source of a bind does not fit the flow");
		return 0;
	case PLAN_MOUNT_PROC:
	case PLAN_MOUNT_SYS:
		CHECK(setuid ? !mount->source : !has_fd, "the source of a mount does not fit the flow");
		return 0;
	case PLAN_MOUNT_FILE:
		CHECK(has_fd && !mount->source, "a generated file has no content");
		return 0;
	case PLAN_MOUNT_PASSWD:
	case PLAN_MOUNT_GROUP:
	case PLAN_MOUNT_DEVPTS:
	case PLAN_MOUNT_MQUEUE:
	case PLAN_MOUNT_SESSION_DIR:
	case PLAN_MOUNT_SYMLINK:
	case PLAN_MOUNT_IMAGE:
		CHECK(!has_fd && !mount->source, "a mount has a source that it does not use");
		return 0;
	}
	return BAD(err, "unknown kind of mount");
}

static int plan_check_mount(const struct plan *plan, const struct plan_mount *mount, enum plan_slot *slots, uint32_t count,
			    struct err *err)
{
	bool image = mount->kind == PLAN_MOUNT_IMAGE;

	CHECK(mount->origin >= PLAN_ORIGIN_DEV && mount->origin <= PLAN_ORIGIN_OUTER, "unknown origin of a mount");
	CHECK(mount->on_fail >= PLAN_FAIL_FATAL && mount->on_fail <= PLAN_FAIL_OPTIONAL, "unknown failure rule");
	CHECK((mount->attrs & ~PLAN_ATTR_ALL) == 0, "unknown mount attributes");
	CHECK((mount->mode & ~07777u) == 0 && (mount->mode & 06000u) == 0, "impossible permission bits");
	CHECK(plan_has_text(plan, mount->source) && plan_has_text(plan, mount->target) &&
		      plan_has_text(plan, mount->link),
	      "a text is out of range");
	CHECK(image ? mount->fs >= 0 && (uint32_t)mount->fs < plan->fs_count : mount->fs == -1,
	      "a mount names an image that is not there");
	CHECK((mount->kind == PLAN_MOUNT_SYMLINK) <= (mount->link != 0), "a link has no text");
	CHECK(image || mount->kind == PLAN_MOUNT_SYMLINK || !mount->link, "a mount has a link that it does not use");
	if (plan_check_target(plan_get_text(plan, mount->target), err) < 0 || plan_check_source(plan, mount, err) < 0)
		return -EPROTO;
	return plan_claim_optional(slots, count, mount->source_fd, PLAN_SLOT_ONCE, err);
}

static int plan_check_process(const struct plan *plan, enum plan_slot *slots, uint32_t count, struct err *err)
{
	const struct plan_process *process = &plan->process;

	CHECK(process->pass_count <= PLAN_MAX_PASS, "too many inherited descriptors");
	CHECK(process->lsm >= PLAN_LSM_NONE && process->lsm <= PLAN_LSM_APPARMOR, "unknown security module");
	CHECK(plan_has_text(plan, process->label) && (process->lsm == PLAN_LSM_NONE) == (process->label == 0),
	      "the security label does not fit");
	for (uint32_t i = 0; i < process->pass_count; i++)
		if (plan_claim(slots, count, process->pass_fd[i], PLAN_SLOT_ONCE, err) < 0)
			return -EPROTO;
	if (plan_claim_optional(slots, count, process->seccomp_fd, PLAN_SLOT_ONCE, err) < 0 ||
	    plan_claim(slots, count, process->action_fd, PLAN_SLOT_PROGRAM, err) < 0)
		return -EPROTO;
	return plan_claim(slots, count, process->spec_fd, PLAN_SLOT_ONCE, err);
}

static int plan_check_overlays(const struct plan *plan, struct err *err)
{
	CHECK(plan->overlay_count <= PLAN_MAX_OVERLAYS, "too many overlays");
	CHECK((plan->layers & ~PLAN_LAYERS_ALL) == 0, "unknown layers");
	CHECK(plan->fs[0].writable == plan->root_writable, "the root is writable or it is not");
	CHECK(!plan->root_writable || !plan->writable_tmpfs || plan->overlay_count, "a writable root has no layer");
	for (uint32_t i = 0; i < plan->overlay_count; i++) {
		CHECK(plan->overlay[i] > 0 && plan->overlay[i] < plan->fs_count, "an overlay is out of range");
		CHECK(i + 1 == plan->overlay_count || !plan->fs[plan->overlay[i]].writable,
		      "only the topmost overlay may be writable");
	}
	return 0;
}

static int plan_check_head(const struct plan *plan, struct err *err)
{
	CHECK(plan->version == PLAN_VERSION, "the request has version %u, this starter speaks %u", plan->version,
	      PLAN_VERSION);
	CHECK(plan->flow >= PLAN_FLOW_SETUID && plan->flow <= PLAN_FLOW_CONFINED, "unknown flow");
	CHECK(plan->message_level >= -100 && plan->message_level <= 100, "unknown message level");
	CHECK(plan->init >= PLAN_INIT_NONE && plan->init <= PLAN_INIT_SHIM, "unknown init");
	CHECK(plan->init == PLAN_INIT_NONE || plan->ns_pid, "an init needs a PID namespace");
	CHECK(plan->text_bytes >= 1 && plan->text_bytes <= PLAN_TEXT_MAX && plan->text[0] == '\0' &&
		      plan->text[plan->text_bytes - 1] == '\0',
	      "the texts are not terminated");
	CHECK(plan_has_text(plan, plan->hostname) && (!plan->hostname || plan->ns_uts), "the host name does not fit");
	CHECK(plan->fs_count >= 1 && plan->fs_count <= PLAN_MAX_FS, "no image, or too many");
	CHECK(plan->mount_count <= PLAN_MAX_MOUNTS, "too many mounts");
	return 0;
}

int plan_check(const struct plan *plan, uint32_t fd_count, struct err *err)
{
	enum plan_slot slots[PLAN_MAX_FDS] = {PLAN_SLOT_FREE};
	int result = plan_check_head(plan, err);

	if (result == 0 && fd_count > PLAN_MAX_FDS)
		return BAD(err, "too many descriptors");
	if (result == 0)
		result = plan_check_overlays(plan, err);
	for (uint32_t i = 0; result == 0 && i < plan->fs_count; i++)
		result = plan_check_fs(plan, &plan->fs[i], slots, fd_count, err);
	for (uint32_t i = 0; result == 0 && i < plan->mount_count; i++)
		result = plan_check_mount(plan, &plan->mounts[i], slots, fd_count, err);
	if (result == 0)
		result = plan_check_process(plan, slots, fd_count, err);
	if (result == 0)
		result = plan_check_plain(plan, slots, fd_count, err);
	for (uint32_t i = 0; result == 0 && i < fd_count; i++)
		if (slots[i] == PLAN_SLOT_FREE)
			result = BAD(err, "descriptor %u is claimed by nothing", i);
	return result;
}
