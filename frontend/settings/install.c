/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/settings/install.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup.h"
#include "ipc/log.h"

#define LIBEXEC_SUBDIR "libexec/singularity/bin"

__attribute__((format(printf, 1, 2))) static char *format_path(const char *fmt, ...)
{
	va_list args;
	char *path = NULL;
	int len;

	va_start(args, fmt);
	len = vasprintf(&path, fmt, args);
	va_end(args);
	return len < 0 ? NULL : path;
}

static void cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

static bool has_suffix(const char *path, const char *suffix)
{
	size_t len = strlen(path), suffix_len = strlen(suffix);

	return len > suffix_len && path[len - suffix_len - 1] == '/' && strcmp(path + len - suffix_len, suffix) == 0;
}

/* The compiled-in tree may be reached over links, as /bin on systems that merged it into /usr/bin. */
static bool is_same_directory(const char *left, const char *right)
{
	struct stat a, b;

	if (strcmp(left, right) == 0)
		return true;
	return stat(left, &a) == 0 && stat(right, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void fill_compiled(struct install *out)
{
	out->prefix = strdup(SINGULARITY_PREFIX);
	out->bindir = strdup(SINGULARITY_BINDIR);
	out->libexecdir = strdup(SINGULARITY_LIBEXECDIR);
	out->libexec_bin = strdup(SINGULARITY_LIBEXECDIR "/singularity/bin");
	out->sysconfdir = strdup(SINGULARITY_SYSCONFDIR);
	out->confdir = strdup(SINGULARITY_SYSCONFDIR "/singularity");
	out->localstatedir = strdup(SINGULARITY_LOCALSTATEDIR);
}

static void fill_relocated(const char *prefix, struct install *out)
{
	out->prefix = strdup(*prefix ? prefix : "/");
	out->bindir = format_path("%s/bin", prefix);
	out->libexecdir = format_path("%s/libexec", prefix);
	out->libexec_bin = format_path("%s/" LIBEXEC_SUBDIR, prefix);
	out->sysconfdir = format_path("%s/etc", prefix);
	out->confdir = format_path("%s/etc/singularity", prefix);
	out->localstatedir = format_path("%s/var", prefix);
	out->relocated = true;
}

/* A setuid bit counts only where the setuid starter would look for its configuration too: in the compiled-in tree. */
static bool find_suid(const struct install *install)
{
	cleanup_ptr char *path = format_path("%s/starter-suid", install->libexec_bin);
	struct stat st;

	if (install->relocated || !path || stat(path, &st) < 0)
		return false;
	return S_ISREG(st.st_mode) && st.st_uid == 0 && (st.st_mode & S_ISUID);
}

static void install_fini(struct install *install)
{
	free(install->prefix);
	free(install->bindir);
	free(install->libexecdir);
	free(install->libexec_bin);
	free(install->sysconfdir);
	free(install->confdir);
	free(install->localstatedir);
}

/* Work out the tree from the path @exe of a program in bin or in libexec/singularity/bin. */
static int resolve_install(const char *exe, struct install *out, struct err *err)
{
	cleanup_ptr char *dir = strdup(exe);

	if (!dir)
		return err_sys(err, ENOMEM, "cannot find the installation");
	cut_last(dir);
	if (is_same_directory(dir, SINGULARITY_BINDIR) ||
	    is_same_directory(dir, SINGULARITY_LIBEXECDIR "/singularity/bin")) {
		fill_compiled(out);
	} else {
		int levels = has_suffix(dir, LIBEXEC_SUBDIR) ? 3 : 1;

		while (levels-- > 0)
			cut_last(dir);
		fill_relocated(dir, out);
	}
	if (!out->prefix || !out->bindir || !out->libexecdir || !out->libexec_bin || !out->sysconfdir || !out->confdir ||
	    !out->localstatedir) {
		install_fini(out);
		return err_sys(err, ENOMEM, "cannot find the installation");
	}
	out->has_suid = find_suid(out);
	return 0;
}

const struct install *install_get(void)
{
	static struct install install;
	static bool known;
	struct err err = ERR_INIT;
	char exe[PATH_MAX];
	ssize_t len;

	if (known)
		return &install;
	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (len < 0) {
		log_fatal("cannot find the installation: /proc/self/exe: %s", strerror(errno));
		exit(255);
	}
	exe[len] = '\0';
	if (resolve_install(exe, &install, &err) < 0) {
		log_fatal("%s", err.message);
		exit(255);
	}
	known = true;
	return &install;
}

char *install_find_nested(void)
{
	cleanup_ptr char *path = format_path("%s/singularity/nested", install_get()->libexecdir);
	cleanup_ptr char *program = path ? format_path("%s/bin/singularity", path) : NULL;

	return program && access(program, X_OK) == 0 ? realpath(path, NULL) : NULL;
}

int install_open_program(const char *name, int *out_fd, struct err *err)
{
	cleanup_ptr char *path = format_path("%s/%s", install_get()->libexec_bin, name);
	int fd;

	if (!path)
		return err_sys(err, ENOMEM, "cannot open %s", name);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	*out_fd = fd;
	return 0;
}
