/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: plan → table of paths, and the few real files that it needs, all in the session directory, which is ours. Must
 * not: write anywhere else, a sandbox of the user's least of all. Runs in the supervisor, before the payload exists.
 */
#include "starter/confined/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/cleanup.h"
#include "ipc/limits.h"
#include "ipc/log.h"
#include "ipc/plan.h"
#include "starter/confined/path.h"
#include "starter/resolve.h"
#include "starter/stage.h"

struct view {
	struct stage *stage;
	struct path_table *table;
	const char *session; /* borrowed; host path */
	unsigned int made;   /* names used up in there */
	int root_fd;         /* owned; the image's root directory */
};

static ssize_t view_read_link(void *context, const char *host, bool last, char *out, size_t size)
{
	ssize_t length = readlink(host, out, size);

	(void)context;
	(void)last;
	return length < 0 ? -errno : length;
}

static const struct path_view plain = {view_read_link, NULL};

static bool view_exists(const char *host)
{
	struct stat st;

	return lstat(host, &st) == 0;
}

/* Below the session directory: the unpacked image is there as well. */
static bool view_is_ours(const struct view *view, const char *host)
{
	size_t length = strlen(view->session);

	return strncmp(host, view->session, length) == 0 && host[length] == '/';
}

static int view_name(struct view *view, char *out, size_t size, struct err *err)
{
	int length = snprintf(out, size, "%s/s%u", view->session, view->made++);

	return length < 0 || (size_t)length >= size
		       ? err_sys(err, ENAMETOOLONG, "cannot use %s", view->session)
		       : 0;
}

static int view_make_dir(const char *host, mode_t mode)
{
	/* The mode is not for our umask to decide. */
	if (mkdir(host, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(host, mode) < 0 ? -errno : 0;
}

static int view_make_leaf(const char *host, bool is_file)
{
	int fd;

	if (!is_file)
		return view_make_dir(host, 0755);
	fd = open(host, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	(void)close(fd);
	return 0;
}

/* All directories that lead to @host, and the thing itself. */
static int view_make_chain(const char *host, bool is_file)
{
	char path[PATH_MAX];

	memcpy(path, host, strlen(host) + 1);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!view_exists(path) && view_make_dir(path, 0755) < 0)
			return -errno;
		*slash = '/';
	}
	return view_make_leaf(path, is_file);
}

/* The way to a bind that the image does not have, in a directory of ours: only what is asked for by name finds it, since the
 * directory above does not list it. */
static int view_make_bridge(struct view *view, const struct path_result *place, bool is_file,
			    struct err *err)
{
	char guest[PATH_MAX], host[PATH_MAX], below[PATH_MAX];
	const struct path_entry *entry;
	char *slash;

	memcpy(guest, place->guest, strlen(place->guest) + 1);
	for (slash = strchr(guest + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (path_to_host(view->table, guest, host, sizeof(host), &entry) == 0 &&
		    !view_exists(host))
			break;
		*slash = '/';
	}
	if (!slash)
		return 0; /* only the last name is missing: the bind itself stands there */
	if (view_name(view, host, sizeof(host), err) < 0)
		return -ENAMETOOLONG;
	if (strlen(host) + strlen(slash) + 1 > sizeof(below))
		return err_sys(err, ENAMETOOLONG, "cannot make %s", place->guest);
	memcpy(below, host, strlen(host));
	below[strlen(host)] = '/';
	memcpy(below + strlen(host) + 1, slash + 1, strlen(slash + 1) + 1);
	if (view_make_dir(host, 0755) < 0 || view_make_chain(below, is_file) < 0)
		return err_sys(err, errno, "cannot make %s", below);
	return path_table_add(view->table, guest, host, true, err);
}

static int view_put(struct view *view, const struct path_result *place, const char *host,
		    bool is_file, bool readonly, struct err *err)
{
	int result = 0;

	if (!view_exists(place->host) &&
	    !(view_is_ours(view, place->host) && view_make_chain(place->host, is_file) == 0))
		result = view_make_bridge(view, place, is_file, err);
	return result < 0 ? result : path_table_add(view->table, place->guest, host, readonly, err);
}

/* Links on the way to the source would make the kernel call it something else than we do. */
static int view_bind(struct view *view, const struct plan_mount *mount, const char *source,
		     const struct path_result *place, struct err *err)
{
	cleanup_ptr char *host = realpath(source, NULL);
	struct stat st;

	if (!host || stat(host, &st) < 0)
		return err_sys(err, errno, "cannot use %s", source);
	return view_put(view, place, host, !S_ISDIR(st.st_mode),
			(mount->attrs & PLAN_ATTR_RDONLY) != 0, err);
}

static int view_directory(struct view *view, const struct plan_mount *mount,
			  const struct path_result *place, struct err *err)
{
	char host[PATH_MAX];
	int result = view_name(view, host, sizeof(host), err);

	if (result < 0)
		return result;
	if (view_make_dir(host, mount->mode) < 0)
		return err_sys(err, errno, "cannot make %s", host);
	return view_put(view, place, host, false, false, err);
}

static int view_make_file(const char *host, mode_t mode)
{
	cleanup_fd int fd = open(host, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 || fchmod(fd, mode) < 0 ? -errno : fd_take(&fd);
}

static int view_fill(const struct view *view, const struct plan_mount *mount, int fd, struct err *err)
{
	const void *bytes;
	size_t length, done = 0;
	int result = channel_map_sealed(view->stage->record->fds[mount->source_fd], PLAN_BULK_MAX, &bytes, &length, err);

	while (result == 0 && done < length) {
		ssize_t n = write(fd, (const char *)bytes + done, length - done);

		if (n < 0)
			return err_sys(err, errno, "cannot write a generated file");
		done += (size_t)n;
	}
	return result;
}

static int view_file(struct view *view, const struct plan_mount *mount, const struct path_result *place, struct err *err)
{
	cleanup_fd int fd = -1;
	char host[PATH_MAX];
	int *pair, result = view_name(view, host, sizeof(host), err);

	if (result < 0)
		return result;
	fd = view_make_file(host, mount->mode);
	if (fd < 0)
		return err_sys(err, -fd, "cannot write %s", host);
	if (mount->kind == PLAN_MOUNT_FILE) {
		result = view_fill(view, mount, fd, err);
	} else { /* the action program joins what the image has with the caller's lines */
		pair = &view->stage->account_fd[mount->kind == PLAN_MOUNT_GROUP ? 2 : 0];
		(void)resolve_open(view->root_fd, place->guest + 1, O_RDONLY | O_NONBLOCK | O_NOCTTY, &pair[0]);
		pair[1] = fd_take(&fd);
	}
	return result < 0 ? result : view_put(view, place, host, true, true, err);
}

static int view_link(struct view *view, const char *text, const struct path_result *place,
		     struct err *err)
{
	if (view_exists(place->host))
		return 0;
	if (!view_is_ours(view, place->host))
		return err_sys(err, EROFS, "cannot make the link %s", place->guest);
	return symlink(text, place->host) < 0
		       ? err_sys(err, errno, "cannot make the link %s", place->guest)
		       : 0;
}

/* The outer instance, and the link beside it that every /dev has. */
static int view_devpts(struct view *view, const struct plan_mount *mount,
		       const struct path_result *place, struct err *err)
{
	struct path_result link = *place;
	char *slash = strrchr(link.guest, '/');
	int result = view_bind(view, mount, "/dev/pts", place, err);

	(void)snprintf(slash, sizeof(link.guest) - (size_t)(slash - link.guest), "/ptmx");
	if (result == 0)
		result = path_to_host(view->table, link.guest, link.host, sizeof(link.host),
				      &link.entry);
	return result < 0 ? result : view_link(view, "pts/ptmx", &link, err);
}

static int view_add(struct view *view, const struct plan_mount *mount, struct err *err)
{
	static struct path_result place;
	const struct plan *plan = view->stage->plan;
	const char *source = plan_get_text(plan, mount->source),
		   *target = plan_get_text(plan, mount->target);
	int result = path_resolve(view->table, &plain, "/", target,
				  mount->kind != PLAN_MOUNT_SYMLINK, &place);

	if (result < 0)
		return err_sys(err, -result, "cannot find %s in the container", target);
	switch (mount->kind) {
	case PLAN_MOUNT_BIND:
	case PLAN_MOUNT_PROC:
	case PLAN_MOUNT_SYS:
		return source ? view_bind(view, mount, source, &place, err) : 0;
	case PLAN_MOUNT_SESSION_DIR:
		return view_directory(view, mount, &place, err);
	case PLAN_MOUNT_FILE:
	case PLAN_MOUNT_PASSWD:
	case PLAN_MOUNT_GROUP:
		return view_file(view, mount, &place, err);
	case PLAN_MOUNT_SYMLINK:
		return view_link(view, plan_get_text(plan, mount->link), &place, err);
	case PLAN_MOUNT_DEVPTS:
		return view_devpts(view, mount, &place, err);
	case PLAN_MOUNT_MQUEUE:
	case PLAN_MOUNT_IMAGE:
		break;
	}
	return err_set(err, ERR_SYSTEM, EPERM, "it needs a mount, and mounts are refused here");
}

static int view_add_all(struct view *view, struct err *err)
{
	const struct plan *plan = view->stage->plan;

	for (uint32_t i = 0; i < plan->mount_count; i++) {
		const struct plan_mount *mount = &plan->mounts[i];
		int result = view_add(view, mount, err);

		if (result == 0)
			continue;
		(void)err_wrap(err, "%s", plan_get_text(plan, mount->target));
		if (mount->on_fail == PLAN_FAIL_FATAL)
			return result;
		if (mount->on_fail == PLAN_FAIL_WARN)
			log_warning("%s", err->message);
		*err = (struct err)ERR_INIT;
	}
	return 0;
}

int view_build(struct stage *stage, struct path_table *table, struct err *err)
{
	const struct plan *plan = stage->plan;
	struct view view = {
		.stage = stage, .table = table, .session = plan_get_text(plan, plan->session)};
	const char *path = plan_get_text(plan, plan->fs[0].path);
	cleanup_ptr char *root = realpath(path, NULL);
	int result;

	if (!root)
		return err_sys(err, errno, "cannot use %s", path);
	result = path_table_init(table, root, !plan->root_writable && !plan->writable_tmpfs, err);
	/* A process of root's that becomes another user must still reach its own root directory. */
	if (result == 0 && geteuid() == 0 && chmod(view.session, 0711) < 0)
		result = err_sys(err, errno, "cannot open %s to other users of the container",
				 view.session);
	view.root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (result == 0 && view.root_fd < 0)
		result = err_sys(err, errno, "cannot open %s", root);
	if (result == 0)
		result = view_add_all(&view, err);
	if (view.root_fd >= 0)
		(void)close(view.root_fd);
	return result;
}
