/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/settings/user_dir.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/launch/name_service.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

int user_dir_find(char **out, struct err *err)
{
	const char *given = getenv("SINGULARITY_CONFIGDIR"), *home;
	const struct passwd *account;
	char *path = NULL;

	if (given && *given) {
		path = strdup(given);
	} else {
		account = name_service_find_user(geteuid());
		home = account && account->pw_dir[0] == '/' ? account->pw_dir : getenv("HOME");
		if (!home || home[0] != '/')
			return err_set(err, ERR_SYSTEM, ENOENT,
				       "user %u has no home directory: set SINGULARITY_CONFIGDIR", (unsigned int)geteuid());
		if (asprintf(&path, "%s/.singularity", strcmp(home, "/") == 0 ? "" : home) < 0)
			path = NULL;
	}
	if (!path)
		return err_sys(err, ENOMEM, "cannot name the directory of the user");
	*out = path;
	return 0;
}

int user_dir_make_path(const char *path, struct err *err)
{
	cleanup_ptr char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return err_sys(err, ENOMEM, "cannot make %s", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		/* What is there is left to the next step: it knows why it cannot be entered. */
		(void)mkdir(copy, 0700);
		*slash = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot make %s", path);
	if (stat(path, &st) < 0)
		return err_sys(err, errno, "cannot use %s", path);
	return S_ISDIR(st.st_mode) ? 0 : err_sys(err, ENOTDIR, "cannot use %s", path);
}

int user_dir_make(char **out, struct err *err)
{
	cleanup_ptr char *path = NULL;
	struct stat st;
	int rc = user_dir_find(&path, err);

	if (rc == 0)
		rc = user_dir_make_path(path, err);
	if (rc < 0)
		return rc;
	if (stat(path, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 07777) != 0700 && chmod(path, 0700) < 0)
		log_debug("cannot give %s the mode 0700: %s", path, strerror(errno));
	*out = ptr_take(path);
	return 0;
}
