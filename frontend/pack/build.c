/* SPDX-License-Identifier: BSD-3-Clause */
/* imager build: from a local image or directory, or an OCI image, to a SIF file or a sandbox directory. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/image/image.h"
#include "frontend/imager.h"
#include "frontend/oci/convert.h"
#include "frontend/pack/build_sif.h"
#include "frontend/pack/extract.h"
#include "frontend/pack/metadata.h"
#include "frontend/pack/scan.h"
#include "frontend/pack/squash_tree.h"
#include "frontend/pack/target.h"
#include "frontend/pull/from_oci.h"
#include "frontend/pull/interrupt.h"
#include "frontend/pull/options.h"
#include "frontend/pull/transport.h"
#include "frontend/settings/cache.h"
#include "frontend/ui/progress.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define EXIT_FATAL 255

struct build {
	const char *target_path, *spec;
	bool sandbox, force, fix_perms;
	struct squash_options squash;
	struct build_clock clock;
	const char *tmpdir;
	struct pull_options fetch;
	struct cache *cache; /* NULL: none, or the source is local */
	struct image image;
	bool is_oci; /* then: */
	struct from_oci oci;
	/* Whichever the image needs. */
	struct scan *scan;
	struct squash_tree *squash_tree;
	struct tree tree;
};

/* ---- progress ---- */

struct shown {
	struct progress *progress;
	int bar;
};

static void show_progress(void *context, uint64_t done, uint64_t total)
{
	const struct shown *shown = context;

	progress_set_total(shown->progress, shown->bar, total);
	progress_update(shown->progress, shown->bar, done);
}

/* ---- source ---- */

static int open_oci(struct build *build, struct err *err)
{
	struct progress *progress;
	int rc = from_oci_resolve(build->spec, &build->fetch, build->cache, &build->oci, err);

	if (rc < 0)
		return rc;
	progress = progress_new();
	rc = from_oci_get_layers(&build->oci, progress, err);
	progress_free(progress);
	return rc;
}

/* Without a cache: fetched to a file without a name, which gets one for as long as it takes to open it. */
static int fetch_uncached(struct build *build, struct err *err)
{
	cleanup_fd int fd = open(build->fetch.tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	cleanup_ptr char *name = NULL;
	char link[64];
	int rc;

	if (fd < 0)
		return err_sys(err, errno, "cannot make a temporary file in %s", build->fetch.tmpdir);
	rc = transport_fetch_into(build->spec, &build->fetch, fd, err);
	if (rc < 0)
		return rc;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (asprintf(&name, "%s/build-source-%ld", build->fetch.tmpdir, (long)getpid()) < 0) {
		name = NULL;
		return err_sys(err, ENOMEM, "cannot build from %s", build->spec);
	}
	if (linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0)
		return err_sys(err, errno, "cannot make %s", name);
	rc = image_open(name, false, &build->image, err);
	(void)unlink(name);
	return rc;
}

static int open_remote(struct build *build, struct err *err)
{
	cleanup_ptr char *path = NULL;
	int rc = cache_open(build->fetch.disable_cache, &build->cache, err);

	if (rc < 0)
		return rc;
	interrupt_prepare(build->cache ? cache_get_path(build->cache) : NULL);
	if (oci_source_is_reference(build->spec)) {
		build->is_oci = true;
		return open_oci(build, err);
	}
	if (strncmp(build->spec, "http", 4) == 0)
		return err_set(err, ERR_SYSTEM, EOPNOTSUPP, "cannot build from %s: pull it first, and build from the file",
			       build->spec);
	if (!build->cache)
		return fetch_uncached(build, err);
	rc = transport_fetch(build->spec, &build->fetch, build->cache, &path, err);
	return rc < 0 ? rc : image_open(path, false, &build->image, err);
}

static int open_source(struct build *build, struct err *err)
{
	struct stat st;
	int rc;

	if (stat(build->spec, &st) < 0) {
		int errnum = errno;

		return transport_is_reference(build->spec) ? open_remote(build, err)
							   : err_sys(err, errnum, "cannot build from %s", build->spec);
	}
	rc = image_open(build->spec, false, &build->image, err);
	if (rc == -EINVAL && S_ISREG(st.st_mode) && strstr(err->message, "not recognized"))
		return err_set(err, ERR_SYSTEM, EOPNOTSUPP,
			       "cannot build from %s: it is not an image, and definition builds are not available in this version",
			       build->spec);
	return rc;
}

static int get_squashfs(const struct build *build, const struct image_partition **out, struct err *err)
{
	const struct image_partition *root = image_get_root(&build->image);

	if (!root)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot build from %s: it has no root file system", build->spec);
	if (root->fs != IMAGE_FS_SQUASHFS)
		return err_set(err, ERR_IMAGE, EOPNOTSUPP, "cannot build from %s: its root file system is not squashfs",
			       build->spec);
	*out = root;
	return 0;
}

/* As with -all-root of mksquashfs: files of an image made by a plain user belong to root. */
static bool must_squash_ids(void)
{
	return getuid() != 0;
}

static int load_tree(struct build *build, struct err *err)
{
	const struct image_partition *root;
	int rc = tree_init(&build->tree, err);

	if (rc < 0)
		return rc;
	if (build->image.kind == IMAGE_SANDBOX)
		return scan_directory(build->image.fd, must_squash_ids(), &build->tree, &build->scan, err);
	rc = get_squashfs(build, &root, err);
	return rc < 0 ? rc : squash_tree_load(build->image.fd, root->offset_bytes, root->size_bytes, must_squash_ids(),
					      &build->tree, &build->squash_tree, err);
}

/* ---- targets ---- */

/* "docker-archive:file.tar" → "docker-archive" in @scheme and what follows; as a definition would have it. */
static const char *split_spec(const char *spec, char *scheme, size_t size)
{
	size_t len = strcspn(spec, ":");

	(void)snprintf(scheme, size, "%.*s", (int)(len < size ? len : size - 1), spec);
	spec += len + 1;
	return strncmp(spec, "//", 2) == 0 ? spec + 2 : spec;
}

static int convert_oci(struct build *build, int fd, struct err *err)
{
	char scheme[32];
	struct convert_options options = {
		.clock = build->clock,
		.squash = build->squash,
		.from = split_spec(build->spec, scheme, sizeof(scheme)),
		.bootstrap = scheme,
		.squash_ids = must_squash_ids(),
		.fix_perms = build->fix_perms,
	};
	const struct from_oci *oci = &build->oci;
	size_t count = oci->image.manifest.count;

	return build->sandbox ? convert_to_sandbox(oci->layers, count, oci->image.config_json, &options, fd, err)
			      : convert_to_sif(oci->layers, count, oci->image.config_json, &options, fd, err);
}

/* An image made with sudo belongs to who called it. */
static void give_to_sudo_caller(int fd)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");

	if (getuid() != 0 || !uid || !gid)
		return;
	if (fchown(fd, (uid_t)strtoul(uid, NULL, 10), (gid_t)strtoul(gid, NULL, 10)) < 0)
		log_warning("cannot give the image to its caller: %s", strerror(errno));
}

static int build_sif(struct build *build, struct err *err)
{
	struct build_sif_request request = {
		.bootstrap = "localimage", .from = build->spec, .clock = &build->clock, .squash = &build->squash};
	struct shown shown;
	struct target target = TARGET_INIT;
	int rc = build->is_oci ? 0 : load_tree(build, err);

	if (rc < 0)
		return rc;
	if (build->fix_perms && !build->is_oci)
		tree_fix_permissions(&build->tree);
	rc = target_open(build->target_path, false, &target, err);
	if (rc < 0)
		return rc;
	log_info("Creating SIF file...");
	shown.progress = progress_new();
	shown.bar = progress_add(shown.progress, "Packing", 0);
	build->squash.progress = show_progress;
	build->squash.progress_context = &shown;
	rc = build->is_oci ? convert_oci(build, target.fd, err) : build_sif_write(&build->tree, &request, target.fd, err);
	progress_free(shown.progress);
	if (rc == 0) {
		give_to_sudo_caller(target.fd);
		rc = target_commit(&target, err);
	}
	target_close(&target);
	return rc;
}

static int copy_sandbox(const struct build *build, const char *to, struct err *err)
{
	cleanup_ptr char *from = NULL;
	int status;
	pid_t child;

	if (asprintf(&from, "%s/.", build->image.path) < 0) {
		from = NULL;
		return err_sys(err, ENOMEM, "cannot copy %s", build->spec);
	}
	child = fork();
	if (child < 0)
		return err_sys(err, errno, "cannot copy %s", build->spec);
	if (child == 0) {
		(void)execlp("cp", "cp", "-a", "--reflink=auto", "--sparse=auto", "--", from, to, (char *)NULL);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(err, errno, "cannot wait for the copy of %s", build->spec);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, ERR_SYSTEM, EIO, "cannot copy %s: cp ended with status %d", build->spec,
			       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}

static int fill_sandbox(const struct build *build, const struct target *target, struct err *err)
{
	const struct image_partition *root;
	int rc;

	if (build->image.kind == IMAGE_SANDBOX)
		return copy_sandbox(build, target->temporary, err);
	rc = get_squashfs(build, &root, err);
	return rc < 0 ? rc : extract_squashfs(build->image.fd, root->offset_bytes, root->size_bytes, target->temporary,
					      must_squash_ids(), err);
}

static int build_sandbox(struct build *build, struct err *err)
{
	struct target target = TARGET_INIT;
	int rc = target_open(build->target_path, true, &target, err);

	if (rc < 0)
		return rc;
	log_info("Creating sandbox directory...");
	rc = build->is_oci ? convert_oci(build, target.fd, err) : fill_sandbox(build, &target, err);
	if (rc == 0 && !build->is_oci)
		rc = metadata_add_base_at(target.fd, err);
	if (rc == 0)
		rc = target_commit(&target, err);
	target_close(&target);
	return rc;
}

/* ---- command line ---- */

enum { OPT_SANDBOX = 1, OPT_FORCE, OPT_COMPRESSION, OPT_TMPDIR, OPT_FIX_PERMS };

static const struct option long_options[] = {
	{"sandbox", no_argument, NULL, OPT_SANDBOX},
	{"force", no_argument, NULL, OPT_FORCE},
	{"compression", required_argument, NULL, OPT_COMPRESSION},
	{"tmpdir", required_argument, NULL, OPT_TMPDIR},
	{"fix-perms", no_argument, NULL, OPT_FIX_PERMS},
	{NULL, 0, NULL, 0},
};

static int parse_arguments(int argc, char **argv, struct build *build, struct err *err)
{
	int option, rc = 0;

	opterr = 0;
	while (rc == 0 && (option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_SANDBOX:
			build->sandbox = true;
			break;
		case OPT_FORCE:
			build->force = true;
			break;
		case OPT_FIX_PERMS:
			build->fix_perms = true;
			break;
		case OPT_COMPRESSION:
			rc = squash_parse_compression(optarg, &build->squash, err);
			break;
		case OPT_TMPDIR:
			/* For what cannot stream. Everything else does, or goes beside the target. */
			build->tmpdir = optarg;
			break;
		default:
			return err_set(err, ERR_USAGE, EINVAL, "imager build does not know the option %s", argv[optind - 1]);
		}
	}
	if (rc < 0)
		return rc;
	if (argc - optind < 2)
		return err_set(err, ERR_USAGE, EINVAL, "imager build takes a target and a source");
	build->target_path = argv[optind];
	build->spec = argv[optind + 1];
	/* How the source is fetched comes behind it, which serves as the name of the program. */
	rc = options_parse(argc - optind - 1, argv + optind + 1, &build->fetch, &option, err);
	if (build->tmpdir)
		build->fetch.tmpdir = build->tmpdir;
	return rc;
}

static int run_build(struct build *build, struct err *err)
{
	int rc = build_clock_read(&build->clock, err);

	if (rc == 0)
		rc = target_check(build->target_path, build->force, err);
	if (rc == 0)
		rc = open_source(build, err);
	if (rc < 0)
		return rc;
	log_info("Starting build...");
	rc = build->sandbox ? build_sandbox(build, err) : build_sif(build, err);
	if (rc == 0)
		log_info("Build complete: %s", build->target_path);
	return rc;
}

int build_main(int argc, char **argv)
{
	struct build build = {.squash = {.level = -1}, .image = IMAGE_INIT};
	struct err err = ERR_INIT;
	int rc = parse_arguments(argc, argv, &build, &err);

	if (rc == 0)
		rc = run_build(&build, &err);
	tree_fini(&build.tree);
	scan_free(build.scan);
	squash_tree_free(build.squash_tree);
	image_close(&build.image);
	from_oci_fini(&build.oci);
	options_fini(&build.fetch);
	if (rc < 0) {
		log_fatal("%s", err.message);
		return EXIT_FATAL;
	}
	return EXIT_SUCCESS;
}
