/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the session tmpfs and everything written to it. Must not: write anywhere else. Runs once the mount
 * namespace is ours and the sources are open, because it covers a directory of the host.
 */
#include "starter/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "starter/flavour.h"
#include "starter/mnt.h"
#include "starter/stage.h"

/* Any directory does: what it covers is opened already. */
static const char *const session_places[] = {"/mnt", "/srv", "/opt", "/usr", "/var", "/tmp"};

static const struct {
	const char *name;
	unsigned int mode;
} session_dirs[] = {
	{"images", 0755}, {"root", 0755}, {"dirs", 01777}, {"files", 01777},
};

static int session_mount(struct stage *stage, const struct plan *plan, struct err *err)
{
	char size[32];
	struct mnt_option options[5] = {{"mode", "0755"}, {NULL, NULL}};
	int used = 1, result = -ENOENT;

	/* fsopen(2) gives the tmpfs to the caller's fsuid: the session of a setuid launch is root's. */
	if (flavour_is_setuid) {
		options[used++] = (struct mnt_option){"uid", "0"};
		options[used++] = (struct mnt_option){"gid", "0"};
	}
	if (plan->session_bytes && !plan->session_ramfs) {
		(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)plan->session_bytes);
		options[used++] = (struct mnt_option){"size", size};
	}
	options[used] = (struct mnt_option){NULL, NULL};
	for (size_t i = 0; result < 0 && i < sizeof(session_places) / sizeof(session_places[0]); i++) {
		cleanup_fd int place_fd = open(session_places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (place_fd >= 0)
			result = mnt_attach_fs(plan->session_ramfs ? "ramfs" : "tmpfs",
					       plan->session_ramfs ? NULL : options,
					       PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV, PRIVS_MOUNT,
					       place_fd, &stage->session_fd, err);
	}
	return result < 0 ? err_wrap(err, "session directory") : 0;
}

int session_make_dir(int parent_fd, const char *name, mode_t mode, struct err *err)
{
	int result = resolve_create(parent_fd, name, S_IFDIR | mode, NULL);

	return result < 0 ? err_sys(err, -result, "cannot make session directory %s", name) : 0;
}

int session_setup(struct stage *stage, struct err *err)
{
	struct stat st;
	int result = session_mount(stage, stage->plan, err);

	if (result < 0)
		return result;
	if (fstat(stage->session_fd, &st) < 0)
		return err_sys(err, errno, "cannot read the session directory");
	stage->session_dev = st.st_dev;
	for (size_t i = 0; result == 0 && i < sizeof(session_dirs) / sizeof(session_dirs[0]); i++)
		result = session_make_dir(stage->session_fd, session_dirs[i].name,
					  session_dirs[i].mode, err);
	return result;
}

int session_open(const struct stage *stage, const char *name, int *out_fd, struct err *err)
{
	int fd = openat(stage->session_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "cannot open session directory %s", name);
	*out_fd = fd;
	return 0;
}

int session_make_user_dir(const struct stage *stage, unsigned int index, unsigned int mode,
			  int *out_fd, struct err *err)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "dirs/%u", index);
	if (mkdirat(stage->session_fd, name, 0700) < 0 ||
	    fchmodat(stage->session_fd, name, mode, 0) < 0)
		return err_sys(err, errno, "cannot make session directory %s", name);
	return session_open(stage, name, out_fd, err);
}

int session_make_file(const struct stage *stage, unsigned int index, unsigned int mode, int *out_fd, struct err *err)
{
	cleanup_fd int fd = -1;
	char name[32];

	(void)snprintf(name, sizeof(name), "files/%u", index);
	fd = openat(stage->session_fd, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return err_sys(err, errno, "cannot make session file %s", name);
	*out_fd = fd_take(&fd);
	return 0;
}
