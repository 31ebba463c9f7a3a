/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/settings/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "frontend/registry/digest.h"
#include "frontend/settings/cache_owner.h"
#include "frontend/settings/user_dir.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define TMP_PREFIX "tmp_"
#define LOCK_PREFIX "tmp_lock_"
#define NOTES_DIR "resolved"
#define NOTE_BYTES_MAX 4096
#define NAME_BYTES_MAX 256 /* with its NUL; NAME_MAX is 255 */
#define KEY_BYTES_MAX 160
#define WAIT_MS 100
#define BEAT_SECONDS 5
#define SILENCE_MS 30000              /* of an owner we cannot see: then it is taken for gone */
#define FORGOTTEN_SECONDS (24 * 3600) /* of a temporary file whose owner we cannot see */
#define TEMPORARY_TRIES 100

struct cache {
	char *path;
	int fd;
};

struct cache_entry {
	enum cache_type type;
	char *path;                     /* where it will be */
	char key[KEY_BYTES_MAX];
	char temporary[NAME_BYTES_MAX]; /* the file being filled */
	int dir_fd, fd, lock_fd;
	struct cache_entry *next;
};

/* All that are being filled, for the beat and for the end by a signal. */
static pthread_mutex_t entries_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cache_entry *entries;
static bool beating;

/* Held while there is a temporary file that no entry of the list names; taken before the other one. */
static pthread_mutex_t making_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct {
	const char *name, *dir;
} types[CACHE_TYPES] = {
	[CACHE_LIBRARY] = {"library", "library"}, [CACHE_OCI_TMP] = {"oci-tmp", "oci-tmp"},
	[CACHE_SHUB] = {"shub", "shub"},          [CACHE_ORAS] = {"oras", "oras"},
	[CACHE_NET] = {"net", "net"},             [CACHE_OCI_SIF] = {"oci-sif", "oci-sif"},
	[CACHE_BLOB] = {"blob", "blob/blobs/sha256"},
};

const char *cache_type_name(enum cache_type type)
{
	return types[type].name;
}

int cache_type_find(const char *name)
{
	for (int i = 0; i < CACHE_TYPES; i++)
		if (strcmp(types[i].name, name) == 0)
			return i;
	return -1;
}

const char *cache_get_path(const struct cache *cache)
{
	return cache->path;
}

/* ---- directories -------------------------------------------------------------------------------------------------- */

/* A directory that somebody else owns may change under our hands, and hold what he wants us to run. */
static int own_dir(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot use %s", path);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_SYSTEM, EACCES, "%s belongs to another user", path);
	if ((st.st_mode & 07777) != 0700 && fchmod(fd, 0700) < 0)
		return err_sys(err, errno, "cannot give %s the mode 0700", path);
	return 0;
}

/* Each component of @rel below the cache, none of them a link. */
static int open_dir(const struct cache *cache, const char *rel, int *out_fd, struct err *err)
{
	char name[64];
	cleanup_fd int fd = fcntl(cache->fd, F_DUPFD_CLOEXEC, 3);
	int rc = fd < 0 ? err_sys(err, errno, "cannot use %s", cache->path) : 0;

	while (rc == 0 && *rel) {
		size_t len = strcspn(rel, "/");
		int next;

		if (len >= sizeof(name))
			return err_sys(err, ENAMETOOLONG, "cannot use the cache %s", cache->path);
		memcpy(name, rel, len);
		name[len] = '\0';
		(void)mkdirat(fd, name, 0700);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_sys(err, errno, "cannot use %s in the cache %s", name, cache->path);
		(void)close(fd);
		fd = next;
		rc = own_dir(fd, name, err);
		rel += len + (rel[len] == '/');
	}
	if (rc == 0)
		*out_fd = fd_take(&fd);
	return rc;
}

/* Other programs can read the layers: the directory is an OCI image layout, with an index that names no image. */
static void write_layout_file(int dir_fd, const char *name, const char *text)
{
	cleanup_fd int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		log_debug("cannot write %s of the cache: %s", name, strerror(errno));
}

static int open_type(const struct cache *cache, enum cache_type type, int *out_fd, struct err *err)
{
	cleanup_fd int layout_fd = -1;

	if (type == CACHE_BLOB && open_dir(cache, "blob", &layout_fd, err) == 0) {
		write_layout_file(layout_fd, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
		write_layout_file(layout_fd, "index.json", "{\"schemaVersion\":2,\"manifests\":[]}");
	}
	return open_dir(cache, types[type].dir, out_fd, err);
}

/* The name of @key's file; keys come from outside. */
static int name_file(enum cache_type type, const char *key, const char **out, struct err *err)
{
	if (type == CACHE_BLOB && strncmp(key, "sha256:", 7) == 0)
		key += 7;
	if (!*key || *key == '.' || strchr(key, '/') || strncmp(key, TMP_PREFIX, strlen(TMP_PREFIX)) == 0 ||
	    strlen(key) >= KEY_BYTES_MAX)
		return err_set(err, ERR_SYSTEM, EINVAL, "\"%s\" cannot be the name of a cache entry", key);
	*out = key;
	return 0;
}

/* ---- what dead processes left ------------------------------------------------------------------------------------- */

/* The lock that was judged may have been taken away and set anew by others since: then it goes back. */
static void break_lock(int dir_fd, const char *name, const struct stat *judged)
{
	char broken[NAME_BYTES_MAX], owner[CACHE_OWNER_MAX];
	struct stat st;

	cache_owner_describe(false, owner);
	(void)snprintf(broken, sizeof(broken), TMP_PREFIX "%s_broken.%lx", owner, (unsigned long)pthread_self());
	if (renameat(dir_fd, name, dir_fd, broken) < 0)
		return;
	if (fstatat(dir_fd, broken, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (st.st_ino != judged->st_ino || st.st_dev != judged->st_dev) && linkat(dir_fd, broken, dir_fd, name, 0) < 0)
		log_debug("cannot put back a lock of the cache: %s", strerror(errno));
	(void)unlinkat(dir_fd, broken, 0);
}

/* The owner of the lock @name; @host (HOST_NAME_MAX + 1) for messages. -ENOENT: nobody holds it. */
static int judge_lock(int dir_fd, const char *name, enum cache_owner_state *state, struct stat *st, char host[65])
{
	char text[256] = "", owner[CACHE_OWNER_MAX] = "";
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	host[0] = '\0';
	if (fd < 0 || fstat(fd, st) < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	(void)sscanf(text, "%79s %64s", owner, host);
	*state = cache_owner_judge(owner, fd);
	return 0;
}

static void reap_file(int dir_fd, const char *name)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	enum cache_owner_state state;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	state = cache_owner_judge(name + strlen(TMP_PREFIX), fd);
	if (state == CACHE_OWNER_UNKNOWN && time(NULL) - st.st_mtime > FORGOTTEN_SECONDS)
		state = CACHE_OWNER_GONE;
	if (state == CACHE_OWNER_GONE && unlinkat(dir_fd, name, 0) == 0)
		log_verbose("Removing %s, which a process that is gone left in the cache", name);
}

static void reap_dir(int dir_fd_consumed)
{
	cleanup_dir DIR *dir = fdopendir(dir_fd_consumed);
	const struct dirent *item;
	enum cache_owner_state state;
	char host[65];
	struct stat st;

	if (!dir)
		(void)close(dir_fd_consumed);
	while (dir && (item = readdir(dir))) {
		if (strncmp(item->d_name, TMP_PREFIX, strlen(TMP_PREFIX)) != 0)
			continue;
		if (strncmp(item->d_name, LOCK_PREFIX, strlen(LOCK_PREFIX)) != 0)
			reap_file(dirfd(dir), item->d_name);
		else if (judge_lock(dirfd(dir), item->d_name, &state, &st, host) == 0 &&
			 (state == CACHE_OWNER_GONE ||
			  (state == CACHE_OWNER_UNKNOWN && time(NULL) - st.st_mtime > FORGOTTEN_SECONDS)))
			break_lock(dirfd(dir), item->d_name, &st);
	}
}

static void reap(const struct cache *cache)
{
	int fd;

	for (int i = 0; i <= CACHE_TYPES; i++) {
		const char *rel = i < CACHE_TYPES ? types[i].dir : NOTES_DIR;
		struct stat st;

		if (fstatat(cache->fd, rel, &st, AT_SYMLINK_NOFOLLOW) == 0 && open_dir(cache, rel, &fd, NULL) == 0)
			reap_dir(fd);
	}
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

static int name_cache(char **out, struct err *err)
{
	const char *given = getenv("SINGULARITY_CACHEDIR");
	cleanup_ptr char *user = NULL;
	int rc = 0;

	if (!given || !*given)
		rc = user_dir_make(&user, err);
	if (rc == 0 && asprintf(out, "%s/cache", user ? user : given) < 0) {
		*out = NULL;
		rc = err_sys(err, ENOMEM, "cannot name the cache");
	}
	return rc;
}

static int open_cache(struct cache *cache, struct err *err)
{
	int rc = name_cache(&cache->path, err);

	if (rc == 0)
		rc = user_dir_make_path(cache->path, err);
	if (rc < 0)
		return rc;
	cache->fd = open(cache->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cache->fd < 0)
		return err_sys(err, errno, "cannot open %s", cache->path);
	rc = own_dir(cache->fd, cache->path, err);
	if (rc == 0 && faccessat(cache->fd, ".", W_OK | X_OK, 0) < 0)
		rc = err_set(err, ERR_SYSTEM, errno, "cache location %s is not writable", cache->path);
	return rc;
}

int cache_open(bool disabled, struct cache **out, struct err *err)
{
	struct err why = ERR_INIT;
	struct cache *cache;

	*out = NULL;
	if (disabled)
		return 0;
	cache = calloc(1, sizeof(*cache));
	if (!cache)
		return err_sys(err, ENOMEM, "cannot open the cache");
	cache->fd = -1;
	if (open_cache(cache, &why) < 0) {
		log_warning("Cache disabled - %s", why.message);
		cache_close(cache);
		return 0;
	}
	reap(cache);
	*out = cache;
	return 0;
}

void cache_close(struct cache *cache)
{
	if (!cache)
		return;
	if (cache->fd >= 0)
		(void)close(cache->fd);
	free(cache->path);
	free(cache);
}

/* ---- looking up --------------------------------------------------------------------------------------------------- */

static int find_in(const struct cache *cache, enum cache_type type, int dir_fd, const char *name, char **path, struct err *err)
{
	struct stat st;

	*path = NULL;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "cannot use the cache %s", cache->path);
	/* An empty one is what a power failure makes of a file that was just written. */
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_size == 0)
		return 0;
	if (asprintf(path, "%s/%s/%s", cache->path, types[type].dir, name) < 0) {
		*path = NULL;
		return err_sys(err, ENOMEM, "cannot name a cache entry");
	}
	return 0;
}

int cache_find(struct cache *cache, enum cache_type type, const char *key, char **path, struct err *err)
{
	cleanup_fd int dir_fd = -1;
	int rc = name_file(type, key, &key, err);

	if (rc == 0)
		rc = open_type(cache, type, &dir_fd, err);
	return rc < 0 ? rc : find_in(cache, type, dir_fd, key, path, err);
}

void cache_remove(struct cache *cache, enum cache_type type, const char *key)
{
	cleanup_fd int dir_fd = -1;

	if (name_file(type, key, &key, NULL) == 0 && open_type(cache, type, &dir_fd, NULL) == 0)
		(void)unlinkat(dir_fd, key, 0);
}

/* ---- the lock of an entry ----------------------------------------------------------------------------------------- */

/* A new file that tells its owner, locked by flock(2) where that works: seen from another PID namespace nothing else tells. */
static int make_temporary(int dir_fd, const char *suffix, char name[NAME_BYTES_MAX], int *out_fd, bool *locked)
{
	static unsigned int counter;
	char owner[CACHE_OWNER_MAX];
	cleanup_fd int fd = -1;

	/* The name says that it is locked before it can be: whoever judges it in between finds us by our number. */
	cache_owner_describe(true, owner);
	for (int i = 0; fd < 0 && i < TEMPORARY_TRIES; i++) {
		(void)snprintf(name, NAME_BYTES_MAX, TMP_PREFIX "%s_%u.%s", owner,
			       __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED), suffix);
		fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			return -errno;
	}
	if (fd < 0)
		return -EEXIST;
	*locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
	*out_fd = fd_take(&fd);
	return 0;
}

/* link(2) puts the lock there with its contents, or fails: nobody ever sees it half-written. Where a file system has no links,
 * a rename that replaces nothing does the same. */
static int link_lock(int dir_fd, const char *from, const char *lock)
{
	int errnum = 0;

	if (linkat(dir_fd, from, dir_fd, lock, 0) < 0)
		errnum = errno;
	if (errnum == EPERM || errnum == EOPNOTSUPP || errnum == EMLINK || errnum == ENOSYS)
		errnum = renameat2(dir_fd, from, dir_fd, lock, RENAME_NOREPLACE) < 0 ? errno : 0;
	(void)unlinkat(dir_fd, from, 0);
	return -errnum;
}

/* -EEXIST: somebody holds it. */
static int take_lock(int dir_fd, const char *lock, int *out_fd)
{
	char name[NAME_BYTES_MAX], owner[CACHE_OWNER_MAX], host[65] = "";
	cleanup_fd int fd = -1;
	bool locked;
	int rc = make_temporary(dir_fd, "lock", name, &fd, &locked);

	if (rc < 0)
		return rc;
	cache_owner_describe(locked, owner);
	(void)gethostname(host, sizeof(host) - 1);
	if (dprintf(fd, "%s %s %ld\n", owner, host, (long)getpid()) < 0)
		rc = -errno;
	if (rc < 0)
		(void)unlinkat(dir_fd, name, 0);
	else
		rc = link_lock(dir_fd, name, lock);
	if (rc == 0)
		*out_fd = fd_take(&fd);
	return rc;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What a waiter has seen of a lock whose owner it cannot judge. */
struct watch {
	struct stat st;
	int64_t since_ms;
	bool said;
};

/* Is the lock's owner to be waited for? */
static bool is_held(int dir_fd, const char *lock, const char *what, struct watch *watch)
{
	enum cache_owner_state state;
	struct stat st;
	char host[65];

	if (judge_lock(dir_fd, lock, &state, &st, host) < 0)
		return false;
	if (st.st_ino != watch->st.st_ino || st.st_mtim.tv_sec != watch->st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != watch->st.st_mtim.tv_nsec) {
		watch->st = st;
		watch->since_ms = now_ms();
	}
	if (state == CACHE_OWNER_UNKNOWN && now_ms() - watch->since_ms > SILENCE_MS)
		state = CACHE_OWNER_GONE;
	if (state == CACHE_OWNER_GONE) {
		break_lock(dir_fd, lock, &st);
		return false;
	}
	if (!watch->said)
		log_info("Waiting for another process that pulls %s", what);
	watch->said = true;
	return true;
}

/* ---- filling ------------------------------------------------------------------------------------------------------ */

/* Waiters on other nodes see by the time of the lock that we are still there. */
static void *beat(void *unused)
{
	const struct timespec pause = {.tv_sec = BEAT_SECONDS};

	(void)unused;
	for (;;) {
		(void)nanosleep(&pause, NULL);
		(void)pthread_mutex_lock(&entries_lock);
		for (struct cache_entry *entry = entries; entry; entry = entry->next)
			(void)futimens(entry->lock_fd, NULL);
		(void)pthread_mutex_unlock(&entries_lock);
	}
	return NULL;
}

static void start_beating(void)
{
	sigset_t all, before;
	pthread_t thread;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, beat, NULL) == 0) {
		(void)pthread_detach(thread);
		beating = true;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void list_entry(struct cache_entry *entry)
{
	(void)pthread_mutex_lock(&entries_lock);
	entry->next = entries;
	entries = entry;
	if (!beating)
		start_beating();
	(void)pthread_mutex_unlock(&entries_lock);
}

static void unlist_entry(const struct cache_entry *entry)
{
	(void)pthread_mutex_lock(&entries_lock);
	for (struct cache_entry **at = &entries; *at; at = &(*at)->next) {
		if (*at != entry)
			continue;
		*at = entry->next;
		break;
	}
	(void)pthread_mutex_unlock(&entries_lock);
}

static void name_lock(const char *key, char out[NAME_BYTES_MAX])
{
	(void)snprintf(out, NAME_BYTES_MAX, LOCK_PREFIX "%s", key);
}

/* Only if it is still ours: a waiter that could not see us may have taken it away. */
static void release_lock(const struct cache_entry *entry)
{
	char lock[NAME_BYTES_MAX];
	struct stat ours, st;

	name_lock(entry->key, lock);
	if (entry->lock_fd >= 0 && fstat(entry->lock_fd, &ours) == 0 &&
	    fstatat(entry->dir_fd, lock, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == ours.st_ino &&
	    st.st_dev == ours.st_dev)
		(void)unlinkat(entry->dir_fd, lock, 0);
}

static void remove_files(const struct cache_entry *entry)
{
	if (entry->temporary[0])
		(void)unlinkat(entry->dir_fd, entry->temporary, 0);
	release_lock(entry);
}

static void entry_free(struct cache_entry *entry)
{
	if (entry->fd >= 0)
		(void)close(entry->fd);
	if (entry->lock_fd >= 0)
		(void)close(entry->lock_fd);
	if (entry->dir_fd >= 0)
		(void)close(entry->dir_fd);
	free(entry->path);
	free(entry);
}

void cache_entry_abandon_consume(struct cache_entry *entry)
{
	if (!entry)
		return;
	unlist_entry(entry);
	remove_files(entry);
	entry_free(entry);
}

void cache_abandon_all(void)
{
	/* Not unlocked again: the other threads stop where they touch an entry next. */
	(void)pthread_mutex_lock(&making_lock);
	(void)pthread_mutex_lock(&entries_lock);
	for (const struct cache_entry *entry = entries; entry; entry = entry->next)
		remove_files(entry);
}

static int entry_new(const struct cache *cache, enum cache_type type, const char *key, int dir_fd, struct cache_entry **out,
		     struct err *err)
{
	struct cache_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return err_sys(err, ENOMEM, "cannot make a cache entry");
	entry->type = type;
	entry->fd = entry->lock_fd = -1;
	entry->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	(void)snprintf(entry->key, sizeof(entry->key), "%s", key);
	if (entry->dir_fd < 0 || asprintf(&entry->path, "%s/%s/%s", cache->path, types[type].dir, key) < 0) {
		entry->path = NULL;
		entry_free(entry);
		return err_sys(err, ENOMEM, "cannot make a cache entry");
	}
	*out = entry;
	return 0;
}

/* With the lock held: the entry may have appeared since we looked. */
static int begin(struct cache *cache, struct cache_entry *entry, char **path, struct cache_entry **out, struct err *err)
{
	bool locked;
	int rc = find_in(cache, entry->type, entry->dir_fd, entry->key, path, err);

	list_entry(entry);
	if (rc == 0 && !*path) {
		rc = make_temporary(entry->dir_fd, "fill", entry->temporary, &entry->fd, &locked);
		if (rc < 0) {
			entry->temporary[0] = '\0';
			rc = err_sys(err, -rc, "cannot write to the cache %s", cache->path);
		}
	}
	if (rc < 0 || *path)
		cache_entry_abandon_consume(entry);
	else
		*out = entry;
	return rc;
}

int cache_get(struct cache *cache, enum cache_type type, const char *key, const char *what, char **path,
	      struct cache_entry **out, struct err *err)
{
	const struct timespec pause = {.tv_nsec = (long)WAIT_MS * 1000000};
	struct watch watch = {.said = false};
	struct cache_entry *entry = NULL;
	cleanup_fd int dir_fd = -1;
	char lock[NAME_BYTES_MAX];
	int rc = name_file(type, key, &key, err);

	*path = NULL;
	*out = NULL;
	if (rc == 0)
		rc = open_type(cache, type, &dir_fd, err);
	if (rc < 0)
		return rc;
	name_lock(key, lock);
	for (;;) {
		rc = find_in(cache, type, dir_fd, key, path, err);
		if (rc < 0 || *path)
			return rc;
		if (is_held(dir_fd, lock, what, &watch)) {
			(void)nanosleep(&pause, NULL);
			continue;
		}
		rc = entry_new(cache, type, key, dir_fd, &entry, err);
		if (rc < 0)
			return rc;
		(void)pthread_mutex_lock(&making_lock);
		rc = take_lock(dir_fd, lock, &entry->lock_fd);
		if (rc == 0) {
			rc = begin(cache, entry, path, out, err);
			(void)pthread_mutex_unlock(&making_lock);
			return rc;
		}
		(void)pthread_mutex_unlock(&making_lock);
		entry_free(entry);
		if (rc != -EEXIST)
			return err_sys(err, -rc, "cannot lock an entry of the cache %s", cache->path);
	}
}

int cache_entry_fd(const struct cache_entry *entry)
{
	return entry->fd;
}

/* Layers are verified whenever they are read; an image is not. */
static int sync_entry(const struct cache_entry *entry)
{
	return entry->type != CACHE_BLOB && fdatasync(entry->fd) < 0 && errno != EINVAL ? -errno : 0;
}

int cache_entry_commit_consume(struct cache_entry *entry, char **path, struct err *err)
{
	cleanup_ptr char *name = ptr_take(entry->path);
	int rc = sync_entry(entry);

	if (rc == 0 && renameat(entry->dir_fd, entry->temporary, entry->dir_fd, entry->key) < 0)
		rc = -errno;
	if (rc == 0)
		entry->temporary[0] = '\0';
	/* Taken for dead by somebody who could not see us, and who has done the work himself? */
	else if (rc == -ENOENT && access(name, R_OK) == 0)
		rc = 0;
	cache_entry_abandon_consume(entry);
	if (rc < 0)
		return err_sys(err, -rc, "cannot keep %s", name);
	if (path)
		*path = ptr_take(name);
	return 0;
}

/* ---- notes -------------------------------------------------------------------------------------------------------- */

static int name_note(const char *name, char out[DIGEST_TEXT_MAX])
{
	return digest_of_bytes(name, strlen(name), out, NULL);
}

void cache_note(struct cache *cache, const char *name, const char *text)
{
	char file[DIGEST_TEXT_MAX], temporary[NAME_BYTES_MAX];
	cleanup_fd int dir_fd = -1, fd = -1;
	bool locked;

	if (!cache || name_note(name, file) < 0 || open_dir(cache, NOTES_DIR, &dir_fd, NULL) < 0)
		return;
	(void)pthread_mutex_lock(&making_lock);
	if (make_temporary(dir_fd, "note", temporary, &fd, &locked) == 0 &&
	    (dprintf(fd, "%" PRId64 " %s\n", (int64_t)time(NULL), text) < 0 ||
	     renameat(dir_fd, temporary, dir_fd, file + strlen("sha256:")) < 0))
		(void)unlinkat(dir_fd, temporary, 0);
	(void)pthread_mutex_unlock(&making_lock);
}

void cache_recall(struct cache *cache, const char *name, char **text, int64_t *age_seconds)
{
	char file[DIGEST_TEXT_MAX], bytes[NOTE_BYTES_MAX], *rest;
	cleanup_fd int dir_fd = -1, fd = -1;
	ssize_t size;

	*text = NULL;
	if (!cache || name_note(name, file) < 0 || open_dir(cache, NOTES_DIR, &dir_fd, NULL) < 0)
		return;
	fd = openat(dir_fd, file + strlen("sha256:"), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes) - 1);
	/* The line end comes last: without it the note is not whole. */
	if (size <= 0 || bytes[size - 1] != '\n')
		return;
	bytes[size - 1] = '\0';
	*age_seconds = (int64_t)time(NULL) - strtoll(bytes, &rest, 10);
	if (*rest == ' ' && *age_seconds >= 0)
		*text = strdup(rest + 1);
}

static void empty_dir(int dir_fd_consumed)
{
	cleanup_dir DIR *dir = fdopendir(dir_fd_consumed);
	const struct dirent *item;

	if (!dir)
		(void)close(dir_fd_consumed);
	while (dir && (item = readdir(dir)))
		(void)unlinkat(dirfd(dir), item->d_name, 0);
}

void cache_forget(struct cache *cache)
{
	int fd;

	if (open_dir(cache, NOTES_DIR, &fd, NULL) == 0)
		empty_dir(fd);
}

/* ---- listing ------------------------------------------------------------------------------------------------------ */

static int list_type(struct cache *cache, enum cache_type type, struct cache_item **items, size_t *count, struct err *err)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	int fd, rc = open_type(cache, type, &fd, err);

	if (rc < 0)
		return rc;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return err_sys(err, ENOMEM, "cannot list the cache");
	}
	while ((entry = readdir(dir))) {
		struct cache_item *grown;
		struct stat st;
		char *name;

		if (entry->d_name[0] == '.' || strncmp(entry->d_name, TMP_PREFIX, strlen(TMP_PREFIX)) == 0 ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		name = strdup(entry->d_name);
		grown = name ? realloc(*items, (*count + 1) * sizeof(**items)) : NULL;
		if (!grown) {
			free(name);
			return err_sys(err, ENOMEM, "cannot list the cache");
		}
		*items = grown;
		grown[(*count)++] = (struct cache_item){type, name, (uint64_t)st.st_size, st.st_mtime};
	}
	return 0;
}

int cache_list(struct cache *cache, unsigned int wanted, struct cache_item **out, size_t *out_count, struct err *err)
{
	struct cache_item *items = NULL;
	size_t count = 0;
	int rc = 0;

	for (int i = 0; rc == 0 && i < CACHE_TYPES; i++)
		if (wanted & (1U << i))
			rc = list_type(cache, (enum cache_type)i, &items, &count, err);
	if (rc < 0) {
		cache_list_free(items, count);
		return rc;
	}
	*out = items;
	*out_count = count;
	return 0;
}

void cache_list_free(struct cache_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(items[i].name);
	free(items);
}

int cache_remove_item(struct cache *cache, const struct cache_item *item, struct err *err)
{
	cleanup_fd int dir_fd = -1;
	int rc = open_type(cache, item->type, &dir_fd, err);

	if (rc == 0 && unlinkat(dir_fd, item->name, 0) < 0 && errno != ENOENT)
		rc = err_sys(err, errno, "cannot remove %s from the cache", item->name);
	return rc;
}
