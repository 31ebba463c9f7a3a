/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * driver STARTER WORK UID GID GROUP…: run the named groups of attacks as root's test of the setuid starter. Everything happens in a mount
 * namespace of our own whose mounts are shared, so that one that escapes a launch shows up here.
 */
#include "tests/hostile/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ATTEMPT_MS 9000 /* the starter waits 5 s for a record */
#define LEFTOVER_MS 2000
#define GAVE_UP 77

struct scene scene;

static struct {
	unsigned int cases, refused, ran, failed, skipped;
	char mounts[256 * 1024];
} tally;

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

_Noreturn void give_up(const char *what)
{
	(void)fprintf(stderr, "GAVE UP: %s: %s\n", what, strerror(errno));
	_exit(GAVE_UP);
}

static void become_caller(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(scene.gid, scene.gid, scene.gid) < 0 ||
	    setresuid(scene.uid, scene.uid, scene.uid) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		give_up("become the caller");
}

_Noreturn static void attempt_child(int out_fd, step as_root, step as_caller, intptr_t argument)
{
	static struct attempt attempt;
	int null_fd = open("/dev/null", O_RDWR);

	attempt.message_fd = -1;
	(void)dup2(null_fd, 0);
	(void)dup2(out_fd, 1);
	(void)dup2(out_fd, 2);
	(void)close(null_fd);
	(void)close(out_fd);
	/* A number that no attempt uses by chance. */
	while ((null_fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && null_fd <= 3)
		;
	if (as_root)
		as_root(&attempt, argument);
	become_caller();
	as_caller(&attempt, argument);
	_exit(GAVE_UP);
}

/* Read what the attempt says until it is over; the pipe stays open in nobody but it. */
static bool collect(int fd, char *text, size_t size, int64_t deadline)
{
	size_t used = 0;

	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - now_ms();
		ssize_t n;

		text[used] = '\0';
		if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
			return false;
		n = read(fd, text + used, size - 1 - used);
		if (n <= 0)
			return true;
		used += (size_t)n;
		if (used == size - 1)
			used = size / 2;
	}
}

/* Orphans come to us: whoever is still there after a while was left behind. */
static bool reap_all(pid_t main_pid, int *main_status, int64_t deadline)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == main_pid)
			*main_status = status;
		if (pid < 0 && errno == ECHILD)
			return true;
		if (pid == 0) {
			if (now_ms() > deadline)
				return false;
			(void)poll(NULL, 0, 1);
		}
	}
}

static void kill_children(void)
{
	char path[64], list[4096];
	ssize_t n;
	int fd, status;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, list, sizeof(list) - 1);
	list[n > 0 ? n : 0] = '\0';
	for (char *at = strtok(list, " "); at; at = strtok(NULL, " "))
		(void)kill((pid_t)atoi(at), SIGKILL);
	if (fd >= 0)
		(void)close(fd);
	while (waitpid(-1, &status, 0) > 0)
		;
}

static void read_mounts(char *text, size_t size)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 1;

	while (fd >= 0 && used < size - 1 && n > 0) {
		n = read(fd, text + used, size - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	(void)close(fd);
}

/* Names below canary/, which belongs to root and nobody has business with. */
static bool canary_is_whole(void)
{
	static struct timespec first;
	char path[512];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/canary", scene.work);
	if (stat(path, &st) < 0)
		return false;
	if (first.tv_sec == 0)
		first = st.st_mtim;
	return first.tv_sec == st.st_mtim.tv_sec && first.tv_nsec == st.st_mtim.tv_nsec;
}

static void fail_case(const char *name, const char *why, const char *text)
{
	tally.failed++;
	printf("FAILED %s: %s\n%s%s", name, why, text, text[0] ? "\n" : "");
}

static void judge_output(const char *name, enum expectation expectation, int status, const char *text)
{
	char ids[128];
	bool ran = strstr(text, "PAYLOAD") != NULL;

	(void)snprintf(ids, sizeof(ids), "IDS %u %u %u %u %u %u :\n", scene.uid, scene.uid, scene.uid, scene.gid, scene.gid,
		       scene.gid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == GAVE_UP) {
		tally.skipped++;
		printf("skipped %s: %s", name, text);
		return;
	}
	if (strstr(text, "BREACH") || (ran && !strstr(text, ids)))
		fail_case(name, "the payload has what it must not have", text);
	else if (ran && expectation == MUST_REFUSE)
		fail_case(name, "was not refused", text);
	else if (!ran && expectation == MUST_RUN)
		fail_case(name, "was refused", text);
	else if (!ran && WIFEXITED(status) && (WEXITSTATUS(status) != 255 || !strstr(text, "FATAL")) &&
		 (expectation == MUST_REFUSE || WEXITSTATUS(status) != 0))
		fail_case(name, "ended without a refusal", text);
	else if (ran)
		tally.ran++;
	else
		tally.refused++;
}

static void judge_host(const char *name)
{
	static char mounts[sizeof(tally.mounts)];

	read_mounts(mounts, sizeof(mounts));
	if (strcmp(mounts, tally.mounts) != 0) {
		fail_case(name, "the host's mounts have changed", mounts);
		memcpy(tally.mounts, mounts, sizeof(mounts));
	}
	if (!canary_is_whole())
		fail_case(name, "the canary has changed", "");
}

void run_attempt(const char *name, enum expectation expectation, step as_root, step as_caller, intptr_t argument)
{
	static char text[64 * 1024];
	int pair[2], status = 0;
	int64_t deadline = now_ms() + ATTEMPT_MS;
	bool ended;
	pid_t pid;

	tally.cases++;
	if (pipe2(pair, O_CLOEXEC) < 0)
		give_up("pipe");
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		give_up("fork");
	if (pid == 0)
		attempt_child(pair[1], as_root, as_caller, argument);
	(void)close(pair[1]);
	ended = collect(pair[0], text, sizeof(text), deadline);
	(void)close(pair[0]);
	if (!ended || !reap_all(pid, &status, now_ms() + LEFTOVER_MS)) {
		fail_case(name, ended ? "left a process behind" : "did not end", text);
		kill_children();
	} else {
		judge_output(name, expectation, status, text);
	}
	judge_host(name);
}

static void prepare(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		give_up("prepare");
	(void)signal(SIGPIPE, SIG_IGN);
	read_mounts(tally.mounts, sizeof(tally.mounts));
	(void)canary_is_whole();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} groups[] = {{"plans", attack_plans},     {"fields", attack_fields},   {"kinds", attack_kinds},
		      {"records", attack_records}, {"senders", attack_senders}, {"entry", attack_entry},
		      {"served", attack_served},   {"bound", attack_bound},   {"denied", attack_denied}};

	if (argc < 6)
		return 2;
	scene = (struct scene){argv[1], argv[2], (uid_t)atoi(argv[3]), (gid_t)atoi(argv[4])};
	prepare();
	for (int i = 5; i < argc; i++)
		for (size_t k = 0; k < sizeof(groups) / sizeof(groups[0]); k++)
			if (strcmp(argv[i], groups[k].name) == 0)
				groups[k].run();
	printf("%u attempts: %u refused, %u ran without gain, %u skipped, %u failed\n", tally.cases, tally.refused, tally.ran,
	       tally.skipped, tally.failed);
	return tally.failed || !tally.cases || tally.skipped == tally.cases ? 1 : 0;
}
