/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup.h"

#define INITIAL_USERNS_INODE 0xEFFFFFFDu /* PROC_USER_INIT_INO of the kernel */

static int host_read_status(struct host *host, struct err *err)
{
	cleanup_file FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	int number;

	if (!status)
		return err_sys(err, errno, "cannot read /proc/self/status");
	while (fgets(line, sizeof(line), status)) {
		if (sscanf(line, "CapEff: %" SCNx64, &host->caps) == 1)
			continue;
		if (sscanf(line, "NoNewPrivs: %d", &number) == 1)
			host->no_new_privs = number != 0;
	}
	return 0;
}

/* An id without an account is normal in containers: never fatal. */
static void host_read_account(struct host *host)
{
	const struct passwd *account = getpwuid(host->uid);
	const char *home = getenv("HOME");

	if (account) {
		host->name = strdup(account->pw_name);
		host->home = strdup(account->pw_dir[0] ? account->pw_dir : "/");
		host->shell = strdup(account->pw_shell[0] ? account->pw_shell : "/bin/sh");
		host->gecos = strdup(account->pw_gecos ? account->pw_gecos : "");
		return;
	}
	if (asprintf(&host->name, "u%u", host->uid) < 0)
		host->name = NULL;
	host->home = strdup(home && home[0] == '/' ? home : "/");
	host->shell = strdup("/bin/sh");
	host->gecos = strdup("");
}

int host_read(struct host *host, struct err *err)
{
	cleanup_fd int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct stat ns;

	memset(host, 0, sizeof(*host));
	host->uid = getuid();
	host->gid = getgid();
	if (stat("/proc/self/ns/user", &ns) < 0)
		return err_sys(err, errno, "cannot read /proc/self/ns/user");
	host->initial_userns = ns.st_ino == INITIAL_USERNS_INODE;
	host->fuse = fuse_fd >= 0;
	host->cwd = getcwd(NULL, 0);
	host_read_account(host);
	if (!host->name || !host->home || !host->shell || !host->gecos)
		return err_sys(err, ENOMEM, "cannot read the account");
	return host_read_status(host, err);
}

void host_fini(struct host *host)
{
	free(host->name);
	free(host->home);
	free(host->shell);
	free(host->gecos);
	free(host->cwd);
}

bool host_has_cap(const struct host *host, int cap)
{
	return (host->caps >> cap & 1) != 0;
}

int host_read_map(const char *which, struct plan_extent *extents, uint32_t *count, struct err *err)
{
	cleanup_file FILE *map = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/%s", which);
	map = fopen(path, "re");
	if (!map)
		return err_sys(err, errno, "cannot read %s", path);
	*count = 0;
	while (*count < PLAN_MAX_EXTENTS && fscanf(map, "%u %u %u", &extents[*count].inside, &extents[*count].outside,
						   &extents[*count].count) == 3)
		(*count)++;
	return 0;
}

int host_find_subids(const struct host *host, const char *file, struct plan_extent *out, struct err *err)
{
	cleanup_file FILE *ranges = fopen(file, "re");
	char line[512], number[16];
	uint32_t best = 0;

	(void)snprintf(number, sizeof(number), "%u", host->uid);
	while (ranges && fgets(line, sizeof(line), ranges)) {
		bool disabled = line[0] == '!';
		char *name = line + (disabled ? 1 : 0), *colon = strchr(name, ':');
		uint32_t start, count;

		if (!colon || sscanf(colon, ":%u:%u", &start, &count) != 2)
			continue;
		*colon = '\0';
		if (strcmp(name, host->name) != 0 && strcmp(name, number) != 0)
			continue;
		if (disabled)
			return err_set(err, ERR_DENIED, EPERM, "fakeroot is disabled for %s by the administrator (%s)",
				       host->name, file);
		/* Exactly 65536 ids is what everybody hands out; otherwise the largest range. */
		if (count > best && best != 65536) {
			best = count;
			*out = (struct plan_extent){1, start, count};
		}
	}
	return best ? 0 : -ENOENT;
}

static int host_try_program(const char *dir, size_t length, const char *name, int *out_fd)
{
	cleanup_ptr char *path = NULL;
	int fd;

	if (length == 0 || asprintf(&path, "%.*s/%s", (int)length, dir, name) < 0 || access(path, X_OK) < 0)
		return -ENOENT;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*out_fd = fd;
	return 0;
}

int host_open_program(const char *name, const char *search_path, int *out_fd)
{
	while (search_path && *search_path) {
		size_t n = strcspn(search_path, ":");
		const char *own = getenv("PATH");
		int result = strncmp(search_path, "$PATH", n) == 0 && n == 5
				     ? host_open_program(name, own && !strstr(own, "$PATH") ? own : "", out_fd)
				     : host_try_program(search_path, n, name, out_fd);

		if (result == 0)
			return 0;
		search_path += n + (search_path[n] ? 1 : 0);
	}
	return -ENOENT;
}
