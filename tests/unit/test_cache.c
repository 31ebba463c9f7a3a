/* SPDX-License-Identifier: BSD-3-Clause */
/* The cache with several processes at it, and some of them killed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "frontend/settings/cache.h"
#include "frontend/settings/cache_owner.h"
#include "ipc/log.h"

#define KEY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CONTENT "the whole content"
#define PROCESSES 16

static char base[64];

static int make_base(void **state)
{
	(void)state;
	strcpy(base, "/tmp/test_cache.XXXXXX");
	log_init(LOG_LEVEL_ERROR, false);
	return mkdtemp(base) && setenv("SINGULARITY_CACHEDIR", base, 1) == 0 ? 0 : -1;
}

static int remove_base(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", base);
	return system(command);
}

static struct cache *open_one(void)
{
	struct err err = ERR_INIT;
	struct cache *cache = NULL;

	assert_int_equal(cache_open(false, &cache, &err), 0);
	assert_non_null(cache);
	return cache;
}

/* 1: filled by us, 0: was there. Fills slowly, so that others come meanwhile. */
static int get_or_fill(struct cache *cache, useconds_t pause)
{
	struct err err = ERR_INIT;
	struct cache_entry *entry;
	char *path = NULL, text[64] = "";
	bool filled = false;
	FILE *file;

	if (cache_get(cache, CACHE_OCI_TMP, KEY, "a test", &path, &entry, &err) < 0)
		return -1;
	if (!path) {
		filled = true;
		for (size_t i = 0; i < strlen(CONTENT); i++) {
			if (write(cache_entry_fd(entry), CONTENT + i, 1) != 1)
				return -1;
			usleep(pause);
		}
		if (cache_entry_commit_consume(entry, &path, &err) < 0)
			return -1;
	}
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file) || strcmp(text, CONTENT) != 0)
		return -1;
	fclose(file);
	free(path);
	return filled;
}

static int count_files(const char *type, const char *prefix)
{
	char path[128];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/cache/%s", base, type);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (dir)
		closedir(dir);
	return count;
}

static void cache_open_makes_private_directories(void **state)
{
	struct cache *cache = open_one();
	struct stat st;
	char path[128];

	(void)state;
	assert_int_equal(get_or_fill(cache, 0), 1);
	(void)snprintf(path, sizeof(path), "%s/cache/oci-tmp", base);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	path[strlen(path) - strlen("/oci-tmp")] = '\0';
	assert_string_equal(cache_get_path(cache), path);
	assert_int_equal(get_or_fill(cache, 0), 0);
	assert_int_equal(count_files("oci-tmp", ""), 1);
	cache_close(cache);
}

static void cache_open_goes_on_without_one(void **state)
{
	struct err err = ERR_INIT;
	struct cache *cache = (struct cache *)base;

	(void)state;
	assert_int_equal(cache_open(true, &cache, &err), 0);
	assert_null(cache);
	setenv("SINGULARITY_CACHEDIR", "/proc/nowhere", 1);
	assert_int_equal(cache_open(false, &cache, &err), 0);
	assert_null(cache);
	setenv("SINGULARITY_CACHEDIR", base, 1);
}

static void cache_open_refuses_the_directory_of_another(void **state)
{
	struct cache *cache = open_one();
	struct err err = ERR_INIT;
	char path[128];

	(void)state;
	cache_close(cache);
	if (geteuid() != 0)
		skip();
	(void)snprintf(path, sizeof(path), "%s/cache", base);
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_int_equal(cache_open(false, &cache, &err), 0);
	assert_null(cache);
}

static void cache_get_refuses_names_that_are_paths(void **state)
{
	static const char *const keys[] = {"../x", "a/b", "", ".", "..", ".hidden", "tmp_lock_x"};
	struct cache *cache = open_one();

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct err err = ERR_INIT;
		struct cache_entry *entry;
		char *path;

		assert_int_equal(cache_get(cache, CACHE_NET, keys[i], "a test", &path, &entry, &err), -EINVAL);
	}
	cache_close(cache);
}

static void cache_entry_abandon_leaves_nothing(void **state)
{
	struct cache *cache = open_one();
	struct err err = ERR_INIT;
	struct cache_entry *entry;
	char *path;

	(void)state;
	assert_int_equal(cache_get(cache, CACHE_BLOB, KEY, "a test", &path, &entry, &err), 0);
	assert_int_equal(count_files("blob/blobs/sha256", "tmp_"), 2);
	cache_entry_abandon_consume(entry);
	assert_int_equal(count_files("blob/blobs/sha256", ""), 0);
	assert_int_equal(cache_find(cache, CACHE_BLOB, KEY, &path, &err), 0);
	assert_null(path);
	cache_close(cache);
}

/* Each child opens the cache for itself; status 1: it did the work. */
static pid_t start_child(useconds_t pause)
{
	pid_t child = fork();

	if (child == 0) {
		struct err err = ERR_INIT;
		struct cache *cache;

		_exit(cache_open(false, &cache, &err) < 0 || !cache ? 9 : get_or_fill(cache, pause) & 0xff);
	}
	return child;
}

static void cache_get_lets_one_process_work(void **state)
{
	pid_t children[PROCESSES];
	int filled = 0;

	(void)state;
	for (int i = 0; i < PROCESSES; i++)
		children[i] = start_child(20000);
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_in_range(WEXITSTATUS(status), 0, 1);
		filled += WEXITSTATUS(status);
	}
	assert_int_equal(filled, 1);
	assert_int_equal(count_files("oci-tmp", ""), 1);
}

static void cache_get_survives_kills(void **state)
{
	pid_t children[PROCESSES];
	struct cache *cache;

	(void)state;
	srand(7);
	for (int i = 0; i < PROCESSES; i++)
		children[i] = start_child(10000);
	/* Some before they hold anything, some in the middle of the work. */
	for (int i = 0; i < PROCESSES; i += 2) {
		usleep((useconds_t)(rand() % 40000));
		kill(children[i], SIGKILL);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		if (WIFEXITED(status))
			assert_in_range(WEXITSTATUS(status), 0, 1);
		else
			assert_int_equal(WTERMSIG(status), SIGKILL);
	}
	cache = open_one();
	assert_int_equal(get_or_fill(cache, 0), 0);
	assert_int_equal(count_files("oci-tmp", "tmp_"), 0);
	assert_int_equal(count_files("oci-tmp", ""), 1);
	cache_close(cache);
}

static void cache_open_takes_away_what_the_dead_left(void **state)
{
	struct cache *cache;
	pid_t child = start_child(200000);
	int status;

	(void)state;
	for (int i = 0; i < 200 && count_files("oci-tmp", "tmp_") < 2; i++)
		usleep(10000);
	assert_int_equal(count_files("oci-tmp", "tmp_"), 2);
	/* Of one that lives nothing is touched. */
	cache = open_one();
	assert_int_equal(count_files("oci-tmp", "tmp_"), 2);
	cache_close(cache);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	cache = open_one();
	assert_int_equal(count_files("oci-tmp", ""), 0);
	cache_close(cache);
}

static void cache_owner_judge_tells_the_living_from_the_dead(void **state)
{
	char own[CACHE_OWNER_MAX], other[CACHE_OWNER_MAX * 2];
	unsigned long long space, start;
	unsigned int kernel;
	long pid;

	(void)state;
	cache_owner_describe(false, own);
	assert_int_equal(cache_owner_judge(own, -1), CACHE_OWNER_ALIVE);
	assert_int_equal(sscanf(own, "%8x.%llu.%ld.%llu.n", &kernel, &space, &pid, &start), 4);
	/* Our number, of a process that was there before; another boot; a namespace we cannot see. */
	(void)snprintf(other, sizeof(other), "%08x.%llu.%ld.%llu.n", kernel, space, pid, start + 1);
	assert_int_equal(cache_owner_judge(other, -1), CACHE_OWNER_GONE);
	(void)snprintf(other, sizeof(other), "%08x.%llu.%ld.%llu.n", kernel + 1, space, pid, start);
	assert_int_equal(cache_owner_judge(other, -1), CACHE_OWNER_UNKNOWN);
	(void)snprintf(other, sizeof(other), "%08x.%llu.%ld.%llu.n", kernel, space + 1, pid, start);
	assert_int_equal(cache_owner_judge(other, -1), CACHE_OWNER_UNKNOWN);
	assert_int_equal(cache_owner_judge("123456", -1), CACHE_OWNER_UNKNOWN);
}

static void cache_recall_gives_back_notes(void **state)
{
	struct cache *cache = open_one();
	int64_t age = -1;
	char *text;

	(void)state;
	cache_recall(cache, "docker://x:1", &text, &age);
	assert_null(text);
	cache_note(cache, "docker://x:1", KEY " " KEY);
	cache_recall(cache, "docker://x:1", &text, &age);
	assert_string_equal(text, KEY " " KEY);
	assert_in_range(age, 0, 5);
	free(text);
	cache_forget(cache);
	cache_recall(cache, "docker://x:1", &text, &age);
	assert_null(text);
	cache_close(cache);
}

static void cache_list_counts_entries_alone(void **state)
{
	struct cache *cache = open_one();
	struct err err = ERR_INIT;
	struct cache_entry *entry;
	struct cache_item *items;
	size_t count;
	char *path;

	(void)state;
	assert_int_equal(get_or_fill(cache, 0), 1);
	assert_int_equal(cache_get(cache, CACHE_BLOB, KEY, "a test", &path, &entry, &err), 0);
	assert_int_equal(cache_list(cache, ~0U, &items, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(items[0].type, CACHE_OCI_TMP);
	assert_string_equal(items[0].name, KEY);
	assert_int_equal(items[0].size, strlen(CONTENT));
	assert_int_equal(cache_remove_item(cache, &items[0], &err), 0);
	assert_int_equal(count_files("oci-tmp", ""), 0);
	cache_list_free(items, count);
	cache_entry_abandon_consume(entry);
	cache_close(cache);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_base, remove_base)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cache_open_makes_private_directories),
		TEST(cache_open_goes_on_without_one),
		TEST(cache_open_refuses_the_directory_of_another),
		TEST(cache_get_refuses_names_that_are_paths),
		TEST(cache_entry_abandon_leaves_nothing),
		TEST(cache_get_lets_one_process_work),
		TEST(cache_get_survives_kills),
		TEST(cache_open_takes_away_what_the_dead_left),
		TEST(cache_owner_judge_tells_the_living_from_the_dead),
		TEST(cache_recall_gives_back_notes),
		TEST(cache_list_counts_entries_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
