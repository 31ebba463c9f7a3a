/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/settings/cache_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ipc/cleanup.h"

#define YOUNG_SECONDS 2
#define START_OF_THE_DEAD UINT64_MAX /* killed, and its parent has not looked yet */

struct owner {
	uint32_t kernel;    /* which running kernel: a hash of its boot */
	uint64_t namespace; /* number of the PID namespace; 0: unknown */
	long pid;
	uint64_t start; /* in clock ticks since the boot; 0: unknown */
	char locked;    /* 'f': the file is locked as long as the process lives */
};

static uint32_t hash_text(const char *text)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash;
}

/* The boot rather than the host's name: containers have names of their own, and after a reboot nobody of before is left. */
static uint32_t read_kernel(void)
{
	cleanup_file FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char text[256] = "";

	if (!file || !fgets(text, sizeof(text), file))
		(void)gethostname(text, sizeof(text) - 1);
	return hash_text(text);
}

/* A /proc of an outer PID namespace has other processes under our numbers. */
static bool has_own_proc(void)
{
	char text[32] = "", *end;
	ssize_t len = readlink("/proc/self", text, sizeof(text) - 1);

	return len > 0 && strtol(text, &end, 10) == (long)getpid() && *end == '\0';
}

static uint64_t read_start(long pid)
{
	char path[64], text[1024], *at;
	cleanup_file FILE *file = NULL;
	uint64_t start = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	file = has_own_proc() ? fopen(path, "re") : NULL;
	if (!file || !fgets(text, sizeof(text), file))
		return 0;
	/* The name may hold anything, and ends with the last parenthesis. Start is the 22nd field: 20 blanks further. */
	at = strrchr(text, ')');
	if (at && (at[2] == 'Z' || at[2] == 'X'))
		return START_OF_THE_DEAD;
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	if (at)
		start = strtoull(at + 1, NULL, 10);
	return start;
}

static uint64_t read_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) < 0 ? 0 : st.st_ino;
}

void cache_owner_describe(bool locked, char out[CACHE_OWNER_MAX])
{
	(void)snprintf(out, CACHE_OWNER_MAX, "%08" PRIx32 ".%" PRIu64 ".%ld.%" PRIu64 ".%c", read_kernel(), read_namespace(),
		       (long)getpid(), read_start((long)getpid()), locked ? 'f' : 'n');
}

enum cache_owner_state cache_owner_judge(const char *text, int fd)
{
	struct owner owner;
	struct stat st;
	uint64_t start;

	if (sscanf(text, "%8" SCNx32 ".%20" SCNu64 ".%10ld.%20" SCNu64 ".%c", &owner.kernel, &owner.namespace, &owner.pid,
		   &owner.start, &owner.locked) != 5 ||
	    owner.pid <= 0)
		return CACHE_OWNER_UNKNOWN;
	if (owner.kernel != read_kernel())
		return CACHE_OWNER_UNKNOWN;
	if (owner.namespace != 0 && owner.namespace == read_namespace()) {
		if (kill((pid_t)owner.pid, 0) < 0 && errno == ESRCH)
			return CACHE_OWNER_GONE;
		start = read_start(owner.pid);
		return start && owner.start && start != owner.start ? CACHE_OWNER_GONE : CACHE_OWNER_ALIVE;
	}
	if (owner.locked != 'f' || fd < 0 || fstat(fd, &st) < 0)
		return CACHE_OWNER_UNKNOWN;
	/* It may be between making the file and locking it. */
	if (time(NULL) - st.st_mtime <= YOUNG_SECONDS)
		return CACHE_OWNER_ALIVE;
	/* Shared: two who look at the same time must not take each other for the owner. */
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? CACHE_OWNER_ALIVE : CACHE_OWNER_UNKNOWN;
	(void)flock(fd, LOCK_UN);
	return CACHE_OWNER_GONE;
}
