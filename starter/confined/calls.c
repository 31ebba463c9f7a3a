/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: each system call that names a file; a row says which arguments are paths, a handler what else is to be done. Must
 * not: be taken for a boundary. Runs in the supervisor, at the stop before the call. x86-64.
 *
 * Three ways, from dear to cheap: a path of ours is put in (two stops), the call is answered from here (one), it is let through
 * because the kernel would come to the same place (one). Answered are calls whose result does not depend on who asks; where the
 * supervisor is root, the process may have become somebody with less, and asks itself.
 */
#include "starter/confined/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "starter/confined/proc.h"
#include "starter/confined/program.h"
#include "starter/confined/tracee.h"

enum follow {
	FOLLOW,
	NOFOLLOW,
	UNLESS, /* not if the row's flag is given */
	IF,     /* only if it is given */
};

/* What the call does to the place; decides what a read-only one answers. */
enum intent {
	LOOKS,
	CHANGES, /* contents or attributes of what is there */
	NAMES,   /* takes the name away, or puts another thing there */
	MAKES,   /* a new thing, where nothing is */
};

struct call_path {
	signed char dir,
		arg; /* numbers of arguments; dir NONE: the working directory; arg NONE: no second path */
	unsigned char follow, intent;
};

struct call_row {
	int number;
	int (*handle)(struct tracee *tracee, const struct call_row *row);
	struct call_path paths[2];
	signed char flags; /* number of the argument, or NONE */
	unsigned int flag;
};

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* newer than our C library */
#endif

#define NONE     (-1)
#define ROWS_MAX 512 /* above the highest number */

static const struct calls_setup *setup;
static bool answers; /* stat and access are answered from here */
static const struct call_row *by_number[ROWS_MAX];

const struct calls_setup *calls_get_setup(void)
{
	return setup;
}

/* ---- where is it? ------------------------------------------------------------------------------------------------- */

static struct tracee *view_tracee;

static ssize_t calls_read_link(void *context, const char *host, bool last, char *out, size_t size)
{
	(void)context;
	return proc_read_link(view_tracee, setup->table, host, last, out, size);
}

static const struct path_view view = {calls_read_link, NULL};

/* Would the kernel, starting at @base on the host, come to @host by the letters of @path? */
static bool calls_is_same(const char *base, const char *path, const char *host)
{
	size_t length = strlen(base);

	if (path[0] == '/')
		return strcmp(path, host) == 0;
	if (length == 1)
		length = 0;
	return strncmp(host, base, length) == 0 && host[length] == '/' &&
	       strcmp(host + length + 1, path) == 0;
}

int calls_resolve_path(struct tracee *tracee, int dir_fd, const char *path, bool follow,
		       struct path_result *out, bool *same)
{
	char base[PATH_MAX] = "/", guest[PATH_MAX] = "/";
	int result;

	if (path[0] != '/') {
		result = proc_get_directory(tracee, dir_fd, base, sizeof(base));
		if (result < 0 || !path_to_guest(setup->table, base, guest, sizeof(guest)))
			return -ESTALE;
	}
	view_tracee = tracee;
	result = path_resolve(setup->table, &view, guest, path, follow, out);
	*same = result == 0 && calls_is_same(base, path, out->host);
	return result;
}

static bool calls_follows(const struct tracee *tracee, const struct call_row *row,
			  const struct call_path *path)
{
	bool given =
		row->flags != NONE && tracee_get_arg(tracee, (unsigned int)row->flags) & row->flag;

	return path->follow == FOLLOW || (path->follow == UNLESS && !given) ||
	       (path->follow == IF && given);
}

static int calls_get_dir(const struct tracee *tracee, const struct call_path *path)
{
	return path->dir == NONE ? AT_FDCWD : (int)tracee_get_arg(tracee, (unsigned int)path->dir);
}

/* The text of a path argument. Returns 1: there is none, or an empty one: nothing to be translated. */
static int calls_read_path(const struct tracee *tracee, const struct call_path *path, char *text)
{
	uint64_t address = tracee_get_arg(tracee, (unsigned int)path->arg);
	int result = address ? tracee_read_text(tracee, address, text, PATH_MAX) : 1;

	return result < 0 ? result : result == 1 || text[0] == '\0';
}

/* Returns 0 with @out; 1: leave the argument alone. */
static int calls_locate(struct tracee *tracee, const struct call_row *row,
			const struct call_path *path, struct path_result *out, bool *same)
{
	char text[PATH_MAX];
	int result = calls_read_path(tracee, path, text);

	if (result != 0)
		return result;
	result = calls_resolve_path(tracee, calls_get_dir(tracee, path), text,
				    calls_follows(tracee, row, path), out, same);
	return result == -ESTALE ? 1 : result;
}

/* ---- read-only places --------------------------------------------------------------------------------------------- */

static bool calls_exists(const char *host)
{
	struct stat st;

	return lstat(host, &st) == 0;
}

static bool calls_has_parent(const char *host)
{
	char dir[PATH_MAX];
	size_t length = strlen(host);
	struct stat st;

	memcpy(dir, host, length + 1);
	while (length > 1 && dir[length - 1] == '/')
		dir[--length] = '\0';
	*(strrchr(dir, '/') + 1) = '\0';
	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What the kernel would say of a read-only mount there; 0: let it speak itself. */
static int calls_check_intent(const struct path_result *place, enum intent intent)
{
	const struct path_entry *entry = place->entry;

	/* The mount point of a bind is busy. */
	if (intent == NAMES && entry != setup->table->entries &&
	    strcmp(place->guest, entry->guest) == 0)
		return -EBUSY;
	if (!entry->readonly || intent == LOOKS)
		return 0;
	if (intent == MAKES)
		return !calls_exists(place->host) && calls_has_parent(place->host) ? -EROFS : 0;
	return calls_exists(place->host) || (intent == NAMES && calls_has_parent(place->host))
		       ? -EROFS
		       : 0;
}

static int calls_check_open(const struct path_result *place, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
	struct stat st;

	if (!place->entry->readonly || flags & O_PATH || !(writes || flags & O_CREAT))
		return 0;
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return -EROFS;
	if (lstat(place->host, &st) < 0)
		return flags & O_CREAT && calls_has_parent(place->host) ? -EROFS : 0;
	return writes && S_ISREG(st.st_mode) && !(flags & O_CREAT && flags & O_EXCL) ? -EROFS : 0;
}

/* ---- handlers ----------------------------------------------------------------------------------------------------- */

static int calls_put_path(struct tracee *tracee, const struct call_path *path,
			  const struct path_result *place)
{
	uint64_t address;
	int result = tracee_place(tracee, place->host, strlen(place->host) + 1, &address);

	return result < 0 ? result : tracee_set_arg(tracee, (unsigned int)path->arg, address);
}

static int calls_paths(struct tracee *tracee, const struct call_row *row)
{
	static struct path_result places[2];
	bool same[2] = {true, true};
	int result = 0;

	for (int i = 0; i < 2 && row->paths[i].arg != NONE; i++) {
		result = calls_locate(tracee, row, &row->paths[i], &places[i], &same[i]);
		if (result == 1)
			continue;
		if (result == 0)
			result = calls_check_intent(&places[i], row->paths[i].intent);
		if (result < 0)
			return result;
	}
	if (same[0] && same[1])
		return CALLS_PASS;
	result = tracee_make_room(tracee, 2 * PATH_MAX);
	for (int i = 0; result == 0 && i < 2; i++)
		if (!same[i])
			result = calls_put_path(tracee, &row->paths[i], &places[i]);
	return result < 0 ? result : CALLS_CHANGED;
}

/* Root's processes may become other users', whose working directory we could not ask for: it is noted when it changes. */
static int calls_chdir(struct tracee *tracee, const struct call_row *row)
{
	static struct path_result place;
	bool same;
	int result = calls_locate(tracee, row, &row->paths[0], &place, &same);

	if (result != 0 || (answers && same))
		return result < 0 ? result : CALLS_PASS;
	if (!same)
		result = calls_put_path(tracee, &row->paths[0], &place);
	if (result == 0 && !answers) {
		free(tracee->next_cwd);
		tracee->next_cwd = strdup(place.host);
	}
	return result < 0 ? result : CALLS_CHANGED;
}

static int calls_fchdir(struct tracee *tracee, const struct call_row *row)
{
	char host[PATH_MAX];

	if (answers || proc_get_directory(tracee, calls_get_dir(tracee, &row->paths[0]), host,
					  sizeof(host)) < 0)
		return CALLS_PASS;
	free(tracee->next_cwd);
	tracee->next_cwd = strdup(host);
	return CALLS_CHANGED;
}

static int calls_open_with(struct tracee *tracee, const struct call_row *row, int flags)
{
	static struct path_result place;
	char text[PATH_MAX];
	bool same, follow = !(flags & O_NOFOLLOW) && !(flags & O_CREAT && flags & O_EXCL);
	int result = calls_read_path(tracee, &row->paths[0], text);

	if (result == 0)
		result = calls_resolve_path(tracee, calls_get_dir(tracee, &row->paths[0]), text,
					    follow, &place, &same);
	if (result == 1 || result == -ESTALE)
		return CALLS_PASS;
	if (result == 0)
		result = calls_check_open(&place, flags);
	if (result < 0 || same)
		return result < 0 ? result : CALLS_PASS;
	result = calls_put_path(tracee, &row->paths[0], &place);
	return result < 0 ? result : CALLS_CHANGED;
}

static int calls_open(struct tracee *tracee, const struct call_row *row)
{
	return calls_open_with(tracee, row,
			       row->flags == NONE
				       ? O_WRONLY | O_CREAT | O_TRUNC
				       : (int)tracee_get_arg(tracee, (unsigned int)row->flags));
}

/* A walk that is kept below its directory stays there, whatever is bound over it. */
static int calls_openat2(struct tracee *tracee, const struct call_row *row)
{
	struct open_how how;

	if (tracee_get_arg(tracee, 3) < sizeof(how))
		return CALLS_PASS;
	if (tracee_read(tracee, tracee_get_arg(tracee, 2), &how, sizeof(how)) < 0)
		return -EFAULT;
	if (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return CALLS_PASS;
	return calls_open_with(tracee, row, (int)how.flags);
}

/* What is asked about: by path, or the descriptor itself, which matters to --fakeroot only. */
struct question {
	struct path_result place;
	bool follow;
};

enum asked {
	ASK_KERNEL,
	ASK_HERE,
	ASK_CHANGED
};

static int calls_ask_fd(const struct tracee *tracee, int fd, struct question *question)
{
	if (!setup->fake_root)
		return ASK_KERNEL;
	(void)snprintf(question->place.host, sizeof(question->place.host),
		       fd == AT_FDCWD ? "/proc/%d/cwd" : "/proc/%d/fd/%d", (int)tracee->tid, fd);
	question->follow = true;
	return ASK_HERE;
}

/* Returns an enum asked or a negative errno. */
static int calls_ask(struct tracee *tracee, const struct call_row *row, struct question *question)
{
	const struct call_path *path = &row->paths[0];
	char text[PATH_MAX];
	bool same;
	int result;

	if (path->arg == NONE)
		return calls_ask_fd(tracee, calls_get_dir(tracee, path), question);
	result = calls_read_path(tracee, path, text);
	if (result == 1 && row->flags != NONE &&
	    tracee_get_arg(tracee, (unsigned int)row->flags) & AT_EMPTY_PATH)
		return calls_ask_fd(tracee, calls_get_dir(tracee, path), question);
	if (result == 1)
		return ASK_KERNEL;
	question->follow = calls_follows(tracee, row, path);
	if (result == 0)
		result = calls_resolve_path(tracee, calls_get_dir(tracee, path), text,
					    question->follow, &question->place, &same);
	if (result < 0)
		return result == -ESTALE ? ASK_KERNEL : result;
	if (answers)
		return ASK_HERE;
	if (same)
		return ASK_KERNEL;
	result = calls_put_path(tracee, path, &question->place);
	return result < 0 ? result : ASK_CHANGED;
}

/* Ids are changed in the answer: what is ours looks as root's. */
static void calls_fake_owner(uint32_t *uid, uint32_t *gid)
{
	if (!setup->fake_root)
		return;
	*uid = *uid == getuid() ? 0 : *uid;
	*gid = *gid == getgid() ? 0 : *gid;
}

static int calls_answer_bytes(struct tracee *tracee, uint64_t address, const void *bytes,
			      size_t length, int64_t value)
{
	if (tracee_write(tracee, address, bytes, length) < 0)
		return -EFAULT;
	return tracee_answer(tracee, value) < 0 ? -ESRCH : CALLS_ANSWERED;
}

static int calls_stat(struct tracee *tracee, const struct call_row *row)
{
	static struct question question;
	int result = calls_ask(tracee, row, &question);
	struct stat st;

	if (result != ASK_HERE)
		return result < 0 ? result : result == ASK_KERNEL ? CALLS_PASS : CALLS_CHANGED;
	if ((question.follow ? stat : lstat)(question.place.host, &st) < 0)
		return -errno;
	calls_fake_owner(&st.st_uid, &st.st_gid);
	return calls_answer_bytes(tracee, tracee_get_arg(tracee, (unsigned int)row->paths[1].dir),
				  &st, sizeof(st), 0);
}

static int calls_statx(struct tracee *tracee, const struct call_row *row)
{
	static struct question question;
	int result = calls_ask(tracee, row, &question);
	int flags = (int)tracee_get_arg(tracee, 2) & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	struct statx st;

	if (result != ASK_HERE)
		return result < 0 ? result : result == ASK_KERNEL ? CALLS_PASS : CALLS_CHANGED;
	if (statx(AT_FDCWD, question.place.host,
		  flags | (question.follow ? 0 : AT_SYMLINK_NOFOLLOW),
		  (unsigned int)tracee_get_arg(tracee, 3), &st) < 0)
		return -errno;
	calls_fake_owner(&st.stx_uid, &st.stx_gid);
	return calls_answer_bytes(tracee, tracee_get_arg(tracee, 4), &st, sizeof(st), 0);
}

/* Flags that only faccessat2(2) takes go to the kernel with the path changed. */
static int calls_access(struct tracee *tracee, const struct call_row *row)
{
	static struct path_result place;
	bool same,
		plain = row->flags == NONE || tracee_get_arg(tracee, (unsigned int)row->flags) == 0;
	int mode = (int)tracee_get_arg(tracee, (unsigned int)row->paths[0].arg + 1);
	int result = calls_locate(tracee, row, &row->paths[0], &place, &same);
	struct stat st;

	if (result != 0)
		return result < 0 ? result : CALLS_PASS;
	if (mode & W_OK && place.entry->readonly && stat(place.host, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return -EROFS;
	if (answers && plain) {
		result = faccessat(AT_FDCWD, place.host, mode, 0) < 0 ? -errno
								      : tracee_answer(tracee, 0);
		return result < 0 ? result : CALLS_ANSWERED;
	}
	if (same)
		return CALLS_PASS;
	result = calls_put_path(tracee, &row->paths[0], &place);
	return result < 0 ? result : CALLS_CHANGED;
}

static int calls_readlink(struct tracee *tracee, const struct call_row *row)
{
	static struct path_result place;
	unsigned int buffer = (unsigned int)row->paths[0].arg + 1;
	int64_t size = (int)tracee_get_arg(tracee, buffer + 1);
	char text[PATH_MAX];
	ssize_t length;
	bool same;
	int result = calls_locate(tracee, row, &row->paths[0], &place, &same);

	if (result != 0 || size <= 0)
		return result < 0 ? result : CALLS_PASS;
	length = proc_read_link_text(tracee, setup->table, place.host, text, sizeof(text));
	if (length < 0)
		return (int)length;
	length = length < size ? length : (ssize_t)size;
	return calls_answer_bytes(tracee, tracee_get_arg(tracee, buffer), text, (size_t)length,
				  length);
}

static int calls_getcwd(struct tracee *tracee, const struct call_row *row)
{
	char host[PATH_MAX], guest[PATH_MAX];
	int result = proc_get_directory(tracee, AT_FDCWD, host, sizeof(host));

	(void)row;
	if (result == -ENOENT)
		return -ENOENT;
	if (result < 0 || !path_to_guest(setup->table, host, guest, sizeof(guest)))
		return CALLS_PASS;
	if (strlen(guest) + 1 > tracee_get_arg(tracee, 1))
		return -ERANGE;
	return calls_answer_bytes(tracee, tracee_get_arg(tracee, 0), guest, strlen(guest) + 1,
				  (int64_t)strlen(guest) + 1);
}

/* "/" is where the process is already; anywhere else its paths would mean something that we do not know. */
static int calls_chroot(struct tracee *tracee, const struct call_row *row)
{
	static struct path_result place;
	bool same;
	int result = calls_locate(tracee, row, &row->paths[0], &place, &same);

	if (result < 0)
		return result;
	if (result == 1 || strcmp(place.guest, "/") != 0)
		return -EPERM;
	return tracee_answer(tracee, 0) < 0 ? -ESRCH : CALLS_ANSWERED;
}

/* A socket's name has 108 bytes, which a host path may not fit in: then by way of its directory, held open here. */
static int calls_shorten(struct tracee *tracee, const char *host, struct sockaddr_un *name)
{
	const char *base = strrchr(host, '/') + 1;
	char dir[PATH_MAX];

	if (strlen(host) < sizeof(name->sun_path)) {
		memcpy(name->sun_path, host, strlen(host) + 1);
		return 0;
	}
	memcpy(dir, host, (size_t)(base - host));
	dir[base - host] = '\0';
	if (tracee->held_fd >= 0)
		(void)close(tracee->held_fd);
	tracee->held_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (tracee->held_fd < 0)
		return -errno;
	return snprintf(name->sun_path, sizeof(name->sun_path), "/proc/%d/fd/%d/%s", (int)getpid(),
			tracee->held_fd, base) < (int)sizeof(name->sun_path)
		       ? 0
		       : -ENAMETOOLONG;
}

static int calls_socket_name(struct tracee *tracee, const struct call_row *row)
{
	static struct path_result place;
	unsigned int arg = (unsigned int)row->paths[0].arg;
	uint64_t address = tracee_get_arg(tracee, arg), length = tracee_get_arg(tracee, arg + 1);
	struct sockaddr_un name = {.sun_family = AF_UNSPEC};
	bool same;
	int result;

	if (address == 0 || length <= offsetof(struct sockaddr_un, sun_path) ||
	    length > sizeof(name))
		return CALLS_PASS;
	if (tracee_read(tracee, address, &name, length) < 0)
		return -EFAULT;
	if (name.sun_family != AF_UNIX || name.sun_path[0] == '\0' ||
	    name.sun_path[sizeof(name.sun_path) - 1] != '\0')
		return CALLS_PASS;
	result = calls_resolve_path(tracee, AT_FDCWD, name.sun_path, row->paths[0].follow == FOLLOW,
				    &place, &same);
	if (result == 0 && row->paths[0].intent == MAKES)
		result = calls_check_intent(&place, MAKES);
	if (result < 0 || same)
		return result < 0 && result != -ESTALE ? result : CALLS_PASS;
	result = calls_shorten(tracee, place.host, &name);
	if (result == 0)
		result = tracee_place(tracee, &name, sizeof(name), &address);
	if (result == 0)
		result = tracee_set_arg(tracee, arg, address);
	if (result == 0)
		result = tracee_set_arg(tracee, arg + 1,
					offsetof(struct sockaddr_un, sun_path) +
						strlen(name.sun_path) + 1);
	return result < 0 ? result : CALLS_CHANGED;
}

/* getresuid(2), getresgid(2) with --fakeroot; those with one value are in the filter. */
static int calls_root_ids(struct tracee *tracee, const struct call_row *row)
{
	const uint32_t zero = 0;

	(void)row;
	for (unsigned int i = 0; i < 3; i++)
		if (tracee_write(tracee, tracee_get_arg(tracee, i), &zero, sizeof(zero)) < 0)
			return -EFAULT;
	return tracee_answer(tracee, 0) < 0 ? -ESRCH : CALLS_ANSWERED;
}

/* Of root's processes: see tracee_begin_dumpable(). */
static int calls_set_ids(struct tracee *tracee, const struct call_row *row)
{
	(void)row;
	tracee->changes_ids = true;
	return CALLS_CHANGED;
}

static int calls_exec(struct tracee *tracee, const struct call_row *row)
{
	int dir = calls_get_dir(tracee, &row->paths[0]);
	int flags = row->flags == NONE ? 0 : (int)tracee_get_arg(tracee, (unsigned int)row->flags);
	int result = program_exec(tracee, dir, (unsigned int)row->paths[0].arg, flags);

	return result < 0 ? result : result == 0 ? CALLS_PASS : CALLS_CHANGED;
}

/* ---- the table ---------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define ONE(dir, arg, follow, intent) {{dir, arg, follow, intent}, {NONE, NONE, FOLLOW, LOOKS}}
#define TWO(d1, a1, i1, d2, a2, i2, f1) {{d1, a1, f1, i1}, {d2, a2, NOFOLLOW, i2}}
#define STAT(dir, arg, follow, buffer) {{dir, arg, follow, LOOKS}, {buffer, NONE, FOLLOW, LOOKS}}

static const struct call_row rows[] = {
	/* number            handler            path(s)                                 flags argument and bit */
	{SYS_open,           calls_open,        ONE(NONE, 0, FOLLOW, LOOKS),            1, 0},
	{SYS_creat,          calls_open,        ONE(NONE, 0, FOLLOW, LOOKS),            NONE, 0},
	{SYS_openat,         calls_open,        ONE(0, 1, FOLLOW, LOOKS),               2, 0},
	{SYS_openat2,        calls_openat2,     ONE(0, 1, FOLLOW, LOOKS),               NONE, 0},
	{SYS_stat,           calls_stat,        STAT(NONE, 0, FOLLOW, 1),               NONE, 0},
	{SYS_lstat,          calls_stat,        STAT(NONE, 0, NOFOLLOW, 1),             NONE, 0},
	{SYS_newfstatat,     calls_stat,        STAT(0, 1, UNLESS, 2),                  3, AT_SYMLINK_NOFOLLOW},
	{SYS_statx,          calls_statx,       STAT(0, 1, UNLESS, 4),                  2, AT_SYMLINK_NOFOLLOW},
	{SYS_access,         calls_access,      ONE(NONE, 0, FOLLOW, LOOKS),            NONE, 0},
	{SYS_faccessat,      calls_access,      ONE(0, 1, FOLLOW, LOOKS),               NONE, 0},
	{SYS_faccessat2,     calls_access,      ONE(0, 1, UNLESS, LOOKS),               3, AT_SYMLINK_NOFOLLOW},
	{SYS_readlink,       calls_readlink,    ONE(NONE, 0, NOFOLLOW, LOOKS),          NONE, 0},
	{SYS_readlinkat,     calls_readlink,    ONE(0, 1, NOFOLLOW, LOOKS),             NONE, 0},
	{SYS_getcwd,         calls_getcwd,      ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
	{SYS_chroot,         calls_chroot,      ONE(NONE, 0, FOLLOW, LOOKS),            NONE, 0},
	{SYS_execve,         calls_exec,        ONE(NONE, 0, FOLLOW, LOOKS),            NONE, 0},
	{SYS_execveat,       calls_exec,        ONE(0, 1, FOLLOW, LOOKS),               4, 0},
	{SYS_chdir,          calls_chdir,       ONE(NONE, 0, FOLLOW, LOOKS),            NONE, 0},
	{SYS_fchdir,         calls_fchdir,      ONE(0, NONE, FOLLOW, LOOKS),            NONE, 0},
	{SYS_statfs,         calls_paths,       ONE(NONE, 0, FOLLOW, LOOKS),            NONE, 0},
	{SYS_truncate,       calls_paths,       ONE(NONE, 0, FOLLOW, CHANGES),          NONE, 0},
	{SYS_mkdir,          calls_paths,       ONE(NONE, 0, NOFOLLOW, MAKES),          NONE, 0},
	{SYS_mkdirat,        calls_paths,       ONE(0, 1, NOFOLLOW, MAKES),             NONE, 0},
	{SYS_mknod,          calls_paths,       ONE(NONE, 0, NOFOLLOW, MAKES),          NONE, 0},
	{SYS_mknodat,        calls_paths,       ONE(0, 1, NOFOLLOW, MAKES),             NONE, 0},
	{SYS_rmdir,          calls_paths,       ONE(NONE, 0, NOFOLLOW, NAMES),          NONE, 0},
	{SYS_unlink,         calls_paths,       ONE(NONE, 0, NOFOLLOW, NAMES),          NONE, 0},
	{SYS_unlinkat,       calls_paths,       ONE(0, 1, NOFOLLOW, NAMES),             NONE, 0},
	{SYS_rename,         calls_paths,       TWO(NONE, 0, NAMES, NONE, 1, NAMES, NOFOLLOW), NONE, 0},
	{SYS_renameat,       calls_paths,       TWO(0, 1, NAMES, 2, 3, NAMES, NOFOLLOW), NONE, 0},
	{SYS_renameat2,      calls_paths,       TWO(0, 1, NAMES, 2, 3, NAMES, NOFOLLOW), NONE, 0},
	{SYS_link,           calls_paths,       TWO(NONE, 0, LOOKS, NONE, 1, MAKES, NOFOLLOW), NONE, 0},
	{SYS_linkat,         calls_paths,       TWO(0, 1, LOOKS, 2, 3, MAKES, IF),      4, AT_SYMLINK_FOLLOW},
	/* The text of a symbolic link is the container's own and stays as it is. */
	{SYS_symlink,        calls_paths,       ONE(NONE, 1, NOFOLLOW, MAKES),          NONE, 0},
	{SYS_symlinkat,      calls_paths,       ONE(1, 2, NOFOLLOW, MAKES),             NONE, 0},
	{SYS_chmod,          calls_paths,       ONE(NONE, 0, FOLLOW, CHANGES),          NONE, 0},
	{SYS_fchmodat,       calls_paths,       ONE(0, 1, FOLLOW, CHANGES),             NONE, 0},
	{SYS_fchmodat2,      calls_paths,       ONE(0, 1, UNLESS, CHANGES),             3, AT_SYMLINK_NOFOLLOW},
	{SYS_chown,          calls_paths,       ONE(NONE, 0, FOLLOW, CHANGES),          NONE, 0},
	{SYS_lchown,         calls_paths,       ONE(NONE, 0, NOFOLLOW, CHANGES),        NONE, 0},
	{SYS_fchownat,       calls_paths,       ONE(0, 1, UNLESS, CHANGES),             4, AT_SYMLINK_NOFOLLOW},
	{SYS_utime,          calls_paths,       ONE(NONE, 0, FOLLOW, CHANGES),          NONE, 0},
	{SYS_utimes,         calls_paths,       ONE(NONE, 0, FOLLOW, CHANGES),          NONE, 0},
	{SYS_futimesat,      calls_paths,       ONE(0, 1, FOLLOW, CHANGES),             NONE, 0},
	{SYS_utimensat,      calls_paths,       ONE(0, 1, UNLESS, CHANGES),             3, AT_SYMLINK_NOFOLLOW},
	{SYS_setxattr,       calls_paths,       ONE(NONE, 0, FOLLOW, CHANGES),          NONE, 0},
	{SYS_lsetxattr,      calls_paths,       ONE(NONE, 0, NOFOLLOW, CHANGES),        NONE, 0},
	{SYS_getxattr,       calls_paths,       ONE(NONE, 0, FOLLOW, LOOKS),            NONE, 0},
	{SYS_lgetxattr,      calls_paths,       ONE(NONE, 0, NOFOLLOW, LOOKS),          NONE, 0},
	{SYS_listxattr,      calls_paths,       ONE(NONE, 0, FOLLOW, LOOKS),            NONE, 0},
	{SYS_llistxattr,     calls_paths,       ONE(NONE, 0, NOFOLLOW, LOOKS),          NONE, 0},
	{SYS_removexattr,    calls_paths,       ONE(NONE, 0, FOLLOW, CHANGES),          NONE, 0},
	{SYS_lremovexattr,   calls_paths,       ONE(NONE, 0, NOFOLLOW, CHANGES),        NONE, 0},
	{SYS_inotify_add_watch, calls_paths,    ONE(NONE, 1, UNLESS, LOOKS),            2, IN_DONT_FOLLOW},
	{SYS_name_to_handle_at, calls_paths,    ONE(0, 1, IF, LOOKS),                   4, AT_SYMLINK_FOLLOW},
	{SYS_connect,        calls_socket_name, ONE(NONE, 1, FOLLOW, LOOKS),            NONE, 0},
	{SYS_bind,           calls_socket_name, ONE(NONE, 1, NOFOLLOW, MAKES),          NONE, 0},
	{SYS_sendto,         calls_socket_name, ONE(NONE, 4, FOLLOW, LOOKS),            NONE, 0},
};

static const struct call_row fake_root_rows[] = {
	{SYS_fstat,          calls_stat,        STAT(0, NONE, FOLLOW, 1),               NONE, 0},
	{SYS_getresuid,      calls_root_ids,    ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
	{SYS_getresgid,      calls_root_ids,    ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
};

static const struct call_row root_rows[] = {
	{SYS_setuid,         calls_set_ids,     ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
	{SYS_setgid,         calls_set_ids,     ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
	{SYS_setreuid,       calls_set_ids,     ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
	{SYS_setregid,       calls_set_ids,     ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
	{SYS_setresuid,      calls_set_ids,     ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
	{SYS_setresgid,      calls_set_ids,     ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
	{SYS_setfsuid,       calls_set_ids,     ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
	{SYS_setfsgid,       calls_set_ids,     ONE(NONE, NONE, FOLLOW, LOOKS),         NONE, 0},
};
/* clang-format on */

#define ROW_COUNT       (sizeof(rows) / sizeof(rows[0]))
#define FAKE_ROOT_COUNT (sizeof(fake_root_rows) / sizeof(fake_root_rows[0]))
#define ROOT_COUNT      (sizeof(root_rows) / sizeof(root_rows[0]))

void calls_init(const struct calls_setup *given)
{
	setup = given;
	answers = geteuid() != 0;
	for (size_t i = 0; i < ROW_COUNT; i++)
		by_number[rows[i].number] = &rows[i];
	for (size_t i = 0; setup->fake_root && i < FAKE_ROOT_COUNT; i++)
		by_number[fake_root_rows[i].number] = &fake_root_rows[i];
	for (size_t i = 0; !answers && i < ROOT_COUNT; i++)
		by_number[root_rows[i].number] = &root_rows[i];
}

size_t calls_get_traced(bool fake_root, int *numbers, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < ROW_COUNT && count < max; i++)
		numbers[count++] = rows[i].number;
	for (size_t i = 0; fake_root && i < FAKE_ROOT_COUNT && count < max; i++)
		numbers[count++] = fake_root_rows[i].number;
	for (size_t i = 0; geteuid() == 0 && i < ROOT_COUNT && count < max; i++)
		numbers[count++] = root_rows[i].number;
	return count;
}

int calls_handle(struct tracee *tracee)
{
	const struct call_row *row;
	long number;
	int result = tracee_read_call(tracee);

	if (result < 0)
		return result;
	number = tracee_get_number(tracee);
	row = number >= 0 && number < ROWS_MAX ? by_number[number] : NULL;
	if (!row)
		return CALLS_PASS;
	result = row->handle(tracee, row);
	if (result == TRACEE_NEEDS_MAP)
		return tracee_begin_map(tracee) < 0 ? -ESRCH : CALLS_MAPPING;
	if (result == CALLS_CHANGED)
		tracee->state = TRACEE_CALLING;
	if (result >= 0 || result == -ESRCH)
		return result;
	return tracee_answer(tracee, result) < 0 ? -ESRCH : CALLS_ANSWERED;
}
