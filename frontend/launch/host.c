/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/launch/name_service.h"
#include "ipc/cleanup.h"

#define INITIAL_USERNS_INODE 0xEFFFFFFDu /* PROC_USER_INIT_INO of the kernel */

/* The whole of a small file of /proc or /etc; NULL with errno. */
static char *host_read_text(const char *path)
{
	cleanup_file FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		return ferror(file) ? NULL : strdup("");
	}
	return text;
}

/* The number in hexadecimal behind @key of /proc/self/status, 0 when there is none. */
static uint64_t host_find_mask(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 16) : 0;
}

static int host_read_status(struct host *host, struct err *err)
{
	cleanup_ptr char *text = host_read_text("/proc/self/status");

	if (!text)
		return err_sys(err, errno, "cannot read /proc/self/status");
	host->caps = host_find_mask(text, "\nCapEff:");
	host->no_new_privs = host_find_mask(text, "\nNoNewPrivs:") != 0;
	host->blocked_signals = host_find_mask(text, "\nSigBlk:");
	host->ignored_signals = host_find_mask(text, "\nSigIgn:");
	return 0;
}

/* An id without an account is normal in containers: never fatal. */
static void host_read_account(struct host *host)
{
	const struct passwd *account = name_service_find_user(host->uid);
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

static int host_read_groups(struct host *host, struct err *err)
{
	int count = getgroups(0, NULL);

	if (count < 0)
		return err_sys(err, errno, "cannot read the groups");
	host->groups = calloc((size_t)count + 1, sizeof(gid_t));
	if (!host->groups)
		return err_sys(err, ENOMEM, "cannot read the groups");
	count = getgroups(count, host->groups);
	if (count < 0)
		return err_sys(err, errno, "cannot read the groups");
	host->group_count = (uint32_t)count;
	return 0;
}

/* ---- are namespaces refused? -------------------------------------------------------------------------------------- */

static bool host_is_chrooted(void)
{
	struct statx st;

	/* A chroot into a mount point is not told from none; what it costs is the kernel's own message later. */
	return statx(AT_FDCWD, "/", 0, 0, &st) == 0 && st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT &&
	       !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

uint32_t host_read_hints(void)
{
	cleanup_file FILE *limit = fopen("/proc/sys/user/max_user_namespaces", "re");
	uint32_t hints = host_is_chrooted() ? HOST_HINT_CHROOT : 0;
	int number;

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0)
		hints |= HOST_HINT_SECCOMP;
	if (limit && fscanf(limit, "%d", &number) == 1 && number == 0)
		hints |= HOST_HINT_LIMIT;
	return hints;
}

static int host_write_proc(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int host_write_maps(uid_t uid, gid_t gid)
{
	char uid_line[32], gid_line[32];
	int result;

	(void)snprintf(uid_line, sizeof(uid_line), "%u %u 1", uid, uid);
	(void)snprintf(gid_line, sizeof(gid_line), "%u %u 1", gid, gid);
	/* A kernel that lets the group map be written without this is as good. */
	(void)host_write_proc("/proc/self/setgroups", "deny");
	result = host_write_proc("/proc/self/gid_map", gid_line);
	return result < 0 ? result : host_write_proc("/proc/self/uid_map", uid_line);
}

/* In the child: the steps of starter/namespaces.c in little. The mount counts too: AppArmor lets the namespace be made, and refuses
 * then. */
static void host_try_namespaces(struct host_probe *probe)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	int result;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
		*probe = (struct host_probe){.refused = HOST_STEP_UNSHARE, .errnum = errno};
		return;
	}
	result = host_write_maps(uid, gid);
	if (result < 0)
		*probe = (struct host_probe){.refused = HOST_STEP_MAP, .errnum = -result};
	else if (mount("tmpfs", "/", "tmpfs", MS_NOSUID | MS_NODEV, "size=4k") < 0)
		*probe = (struct host_probe){.refused = HOST_STEP_MOUNT, .errnum = errno};
}

void host_probe_namespaces(struct host_probe *probe)
{
	struct host_probe found = {0, HOST_STEP_ALL, 0};
	int ends[2];
	pid_t child;

	probe->refused = HOST_STEP_ALL;
	probe->errnum = 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	child = fork();
	if (child == 0) {
		host_try_namespaces(&found);
		_exit(write(ends[1], &found, sizeof(found)) == (ssize_t)sizeof(found) ? 0 : 1);
	}
	(void)close(ends[1]);
	/* A child that a filter kills (SECCOMP_RET_KILL) has said nothing: that is a refusal as well. */
	if (child > 0 && read(ends[0], &found, sizeof(found)) != (ssize_t)sizeof(found))
		found = (struct host_probe){.refused = HOST_STEP_UNSHARE, .errnum = EPERM};
	(void)close(ends[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	probe->refused = found.refused;
	probe->errnum = found.errnum;
}

const char *host_get_step_name(enum host_step step)
{
	static const char *const names[] = {"nothing", "a user namespace", "the id map of a user namespace", "a mount"};

	return names[step];
}

/* The probe is for those who would need a user namespace, and have reason to doubt. */
static void host_look_at_namespaces(struct host *host)
{
	if (host->uid == 0 && host_has_cap(host, CAP_SYS_ADMIN))
		return;
	host->namespaces.hints = host_read_hints();
	if (host->namespaces.hints)
		host_probe_namespaces(&host->namespaces);
}

static bool host_can_open(const char *path)
{
	cleanup_fd int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0;
}

int host_read(struct host *host, struct err *err)
{
	const char *tty = isatty(STDIN_FILENO) ? ttyname(STDIN_FILENO) : NULL;
	struct stat ns;

	memset(host, 0, sizeof(*host));
	host->uid = getuid();
	host->gid = getgid();
	if (stat("/proc/self/ns/user", &ns) < 0)
		return err_sys(err, errno, "cannot read /proc/self/ns/user");
	host->initial_userns = ns.st_ino == INITIAL_USERNS_INODE;
	host->has_outer = outer_read(&host->outer) == 0;
	host->fuse = host_can_open("/dev/fuse") || (host->has_outer && host_can_open(OUTER_DIR "/fuse"));
	host->loop = host->uid == 0 && host_can_open("/dev/loop-control");
	host->cwd = getcwd(NULL, 0);
	host->tty = tty ? strdup(tty) : NULL;
	host_read_account(host);
	if (!host->name || !host->home || !host->shell || !host->gecos)
		return err_sys(err, ENOMEM, "cannot read the account");
	if (host_read_groups(host, err) < 0)
		return -EINVAL;
	if (host_read_status(host, err) < 0)
		return -EINVAL;
	host_look_at_namespaces(host);
	return 0;
}

void host_fini(struct host *host)
{
	free(host->name);
	free(host->home);
	free(host->shell);
	free(host->gecos);
	free(host->cwd);
	free(host->tty);
	free(host->groups);
}

bool host_has_cap(const struct host *host, int cap)
{
	return (host->caps >> cap & 1) != 0;
}

uint32_t host_parse_map(const char *text, struct plan_extent *extents)
{
	uint32_t count = 0;
	int used = 0;

	while (count < PLAN_MAX_EXTENTS && sscanf(text, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %n", &extents[count].inside,
						  &extents[count].outside, &extents[count].count, &used) == 3) {
		text += used;
		count++;
	}
	return count;
}

int host_read_map(const char *which, struct plan_extent *extents, uint32_t *count, struct err *err)
{
	cleanup_ptr char *text = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/%s", which);
	text = host_read_text(path);
	if (!text)
		return err_sys(err, errno, "cannot read %s", path);
	*count = host_parse_map(text, extents);
	return 0;
}

/* Digits, as many as a 32-bit number has: sscanf(3) would take signs and wrap around. */
static bool host_take_number(const char **at, uint32_t *out)
{
	size_t digits = strspn(*at, "0123456789");
	unsigned long long value = digits && digits <= 10 ? strtoull(*at, NULL, 10) : UINT64_MAX;

	*at += digits;
	*out = (uint32_t)value;
	return value <= UINT32_MAX;
}

/* "NAME:START:COUNT" of @length bytes, for one of the caller's two names. */
static bool host_parse_subid_line(const struct host *host, const char *line, size_t length, struct plan_extent *out)
{
	const char *colon = memchr(line, ':', length), *at = colon ? colon + 1 : NULL;
	size_t name_length = colon ? (size_t)(colon - line) : 0;
	char number[16];
	uint32_t start, count;

	(void)snprintf(number, sizeof(number), "%u", host->uid);
	if (!colon || !host_take_number(&at, &start) || *at++ != ':' || !host_take_number(&at, &count) || count == 0 ||
	    start > UINT32_MAX - count || start == 0)
		return false;
	if (!(name_length == strlen(host->name) && memcmp(line, host->name, name_length) == 0) &&
	    !(name_length == strlen(number) && memcmp(line, number, name_length) == 0))
		return false;
	*out = (struct plan_extent){1, start, count};
	return true;
}

int host_parse_subids(const struct host *host, const char *text, const char *file, struct plan_extent *out,
		      struct err *err)
{
	struct plan_extent range, best = {1, 0, 0};

	for (; *text; text += strspn(text, "\n")) {
		size_t length = strcspn(text, "\n");
		bool disabled = text[0] == '!';

		if (host_parse_subid_line(host, text + disabled, length - disabled, &range)) {
			if (disabled)
				return err_set(err, ERR_DENIED, EPERM,
					       "fakeroot is disabled for %s by the administrator (%s)", host->name, file);
			/* 65536 ids is what everybody hands out. */
			if (best.count != 65536 && (range.count == 65536 || range.count > best.count))
				best = range;
		}
		text += length;
	}
	if (best.count == 0)
		return -ENOENT;
	*out = best;
	return 0;
}

int host_find_subids(const struct host *host, const char *file, struct plan_extent *out, struct err *err)
{
	cleanup_ptr char *text = host_read_text(file);

	return text ? host_parse_subids(host, text, file, out, err) : -ENOENT;
}
