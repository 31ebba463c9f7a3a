/* SPDX-License-Identifier: BSD-3-Clause */
/* imager cache list, cache clean. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontend/imager.h"
#include "frontend/settings/cache.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define EXIT_FATAL 255
#define ALL_TYPES ((1U << CACHE_TYPES) - 1)
#define SIZE_TEXT_MAX 352 /* of any number; GCC does not know that these are small */
#define SECONDS_PER_DAY (24 * 3600)

struct wish {
	unsigned int types; /* a bit for each; 0: not said, which means all */
	bool verbose, dry_run, force;
	long days; /* 0: any age */
};

enum { OPT_TYPE = 1, OPT_VERBOSE, OPT_DAYS, OPT_DRY_RUN, OPT_FORCE };

static const struct option long_options[] = {
	{"type", required_argument, NULL, OPT_TYPE},   {"verbose", no_argument, NULL, OPT_VERBOSE},
	{"days", required_argument, NULL, OPT_DAYS},   {"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"force", no_argument, NULL, OPT_FORCE},       {NULL, 0, NULL, 0},
};

static int add_types(const char *text, unsigned int *types, struct err *err)
{
	cleanup_ptr char *copy = strdup(text);
	char *rest = copy;

	if (!copy)
		return err_sys(err, ENOMEM, "cannot read the types");
	for (char *name = strsep(&rest, ","); name; name = strsep(&rest, ",")) {
		int type = cache_type_find(name);

		if (strcmp(name, "all") == 0)
			*types |= ALL_TYPES;
		else if (type < 0)
			return err_set(err, ERR_SYSTEM, EINVAL,
				       "\"%s\" is not a type of cache entry: library, oci-tmp, shub, oras, net, oci-sif, blob or all",
				       name);
		else
			*types |= 1U << type;
	}
	return 0;
}

static int read_days(const char *text, long *out, struct err *err)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno || *end || end == text || *out < 0)
		return err_set(err, ERR_SYSTEM, EINVAL, "\"%s\" is not a number of days", text);
	return 0;
}

static int read_wish(int argc, char **argv, struct wish *wish, struct err *err)
{
	int option, rc = 0;

	opterr = 0;
	while (rc == 0 && (option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_TYPE:
			rc = add_types(optarg, &wish->types, err);
			break;
		case OPT_VERBOSE:
			wish->verbose = true;
			break;
		case OPT_DAYS:
			rc = read_days(optarg, &wish->days, err);
			break;
		case OPT_DRY_RUN:
			wish->dry_run = true;
			break;
		case OPT_FORCE:
			wish->force = true;
			break;
		default:
			rc = err_set(err, ERR_BUG, EINVAL, "imager does not know the option %s", argv[optind - 1]);
		}
	}
	if (!wish->types)
		wish->types = ALL_TYPES;
	return rc;
}

/* ---- list ---- */

static void format_size(char *out, size_t size, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(out, size, "%.2f %s", value, units[unit]);
}

static void print_item(const struct cache_item *item)
{
	char date[32] = "", size[SIZE_TEXT_MAX];
	time_t modified = (time_t)item->modified;
	struct tm local;

	if (localtime_r(&modified, &local))
		(void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &local);
	format_size(size, sizeof(size), item->size);
	printf("%-24.22s %-22s %-16s %s\n", item->name, date, size, cache_type_name(item->type));
}

static void print_summary(const struct cache_item *items, size_t count)
{
	uint64_t bytes[2] = {0, 0}, counts[2] = {0, 0};
	char text[3][SIZE_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		bool is_blob = items[i].type == CACHE_BLOB;

		bytes[is_blob] += items[i].size;
		counts[is_blob]++;
	}
	format_size(text[0], sizeof(text[0]), bytes[0]);
	format_size(text[1], sizeof(text[1]), bytes[1]);
	format_size(text[2], sizeof(text[2]), bytes[0] + bytes[1]);
	printf("There are %" PRIu64 " container file(s) using %s and %" PRIu64 " oci blob file(s) using %s of space\n"
	       "Total space used: %s\n",
	       counts[0], text[0], counts[1], text[1], text[2]);
}

static int list(const struct wish *wish, struct err *err)
{
	struct cache_item *items = NULL;
	struct cache *cache;
	size_t count = 0;
	int rc = cache_open(false, &cache, err);

	if (rc == 0 && cache)
		rc = cache_list(cache, wish->types, &items, &count, err);
	cache_close(cache);
	if (rc < 0)
		return rc;
	if (wish->verbose)
		printf("%-24s %-22s %-16s %s\n", "NAME", "DATE CREATED", "SIZE", "TYPE");
	for (size_t i = 0; wish->verbose && i < count; i++)
		print_item(&items[i]);
	if (wish->verbose)
		putchar('\n');
	print_summary(items, count);
	cache_list_free(items, count);
	return fflush(stdout) == EOF ? err_sys(err, errno, "cannot write to standard output") : 0;
}

/* ---- clean ---- */

static bool ask(const struct wish *wish)
{
	cleanup_ptr char *line = NULL;
	size_t size = 0;

	if (wish->types == ALL_TYPES)
		printf("This will delete everything in your cache (containers from all sources and OCI blobs).\n");
	else
		printf("This will delete the entries of the chosen types in your cache.\n");
	printf("Hint: You can see exactly what would be deleted by canceling and using the --dry-run option.\n"
	       "Do you want to continue? [y/N] ");
	(void)fflush(stdout);
	return getline(&line, &size, stdin) > 0 && (strcmp(line, "y\n") == 0 || strcmp(line, "y") == 0);
}

static int remove_items(struct cache *cache, const struct wish *wish, struct err *err)
{
	struct cache_item *items;
	size_t count, removed = 0;
	int64_t now = (int64_t)time(NULL);
	int rc = cache_list(cache, wish->types, &items, &count, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (wish->days && now - items[i].modified < wish->days * SECONDS_PER_DAY)
			continue;
		log_info("Removing %s cache entry: %s", cache_type_name(items[i].type), items[i].name);
		if (!wish->dry_run)
			rc = cache_remove_item(cache, &items[i], err);
		removed++;
	}
	cache_list_free(items, count);
	if (removed == 0)
		log_info("No cached files to remove.");
	/* Notes say nothing without the entries that they name. */
	if (rc == 0 && !wish->dry_run && !wish->days && wish->types == ALL_TYPES)
		cache_forget(cache);
	return rc;
}

static int clean(const struct wish *wish, struct err *err)
{
	struct cache *cache;
	int rc;

	if (wish->dry_run)
		log_info("User requested a dry run. Not actually deleting any data!");
	if (!wish->force && !wish->dry_run && !ask(wish)) {
		log_info("Cache cleanup canceled");
		return 0;
	}
	rc = cache_open(false, &cache, err);
	if (rc == 0 && cache)
		rc = remove_items(cache, wish, err);
	else if (rc == 0)
		rc = err_set(err, ERR_SYSTEM, EACCES, "cannot clean a cache that cannot be used");
	cache_close(cache);
	return rc;
}

static int run(int argc, char **argv, int (*work)(const struct wish *wish, struct err *err))
{
	struct wish wish = {.types = 0};
	struct err err = ERR_INIT;
	int rc = read_wish(argc, argv, &wish, &err);

	if (rc == 0)
		rc = work(&wish, &err);
	if (rc < 0)
		log_fatal("%s", err.message);
	return rc < 0 ? EXIT_FATAL : EXIT_SUCCESS;
}

int cache_list_main(int argc, char **argv)
{
	return run(argc, argv, list);
}

int cache_clean_main(int argc, char **argv)
{
	return run(argc, argv, clean);
}
