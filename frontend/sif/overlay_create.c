/* SPDX-License-Identifier: BSD-3-Clause */
/* imager overlay create: a file with an ext3 file system, or the same as a partition of a SIF. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/cli_csv.h"
#include "frontend/image/arch.h"
#include "frontend/image/image.h"
#include "frontend/imager.h"
#include "frontend/pack/sif_write.h"
#include "frontend/pack/target.h"
#include "frontend/sif/overlay_fs.h"
#include "frontend/sif/sif_edit.h"
#include "frontend/sif/sif_tool.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define MIB_MIN 64
#define MIB_MAX (UINT64_C(16) << 20) /* what an ext3 file system can have */
#define GROUP_DEFAULT 1

struct request {
	const char *path; /* borrowed */
	struct overlay_fs_options fs;
};

enum { OPT_SIZE = 1, OPT_SPARSE, OPT_CREATE_DIR };

static const struct option long_options[] = {
	{"size", required_argument, NULL, OPT_SIZE},
	{"sparse", no_argument, NULL, OPT_SPARSE},
	{"create-dir", required_argument, NULL, OPT_CREATE_DIR},
	{NULL, 0, NULL, 0},
};

static int parse_size(const char *text, uint64_t *bytes, struct err *err)
{
	uint64_t mib;
	int rc = sif_tool_parse_number(text, "--size", 0, MIB_MAX, &mib, err);

	if (rc < 0)
		return rc;
	if (mib < MIB_MIN)
		return err_set(err, ERR_USAGE, EINVAL, "image size must be equal or greater than %d MiB", MIB_MIN);
	*bytes = mib << 20;
	return 0;
}

static int parse_arguments(int argc, char **argv, struct request *request, struct err *err)
{
	int option, rc = 0;

	opterr = 0;
	while (rc == 0 && (option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_SIZE:
			rc = parse_size(optarg, &request->fs.size_bytes, err);
			break;
		case OPT_SPARSE:
			request->fs.sparse = true;
			break;
		case OPT_CREATE_DIR:
			rc = cli_csv_split(optarg, &request->fs.dirs, err);
			break;
		default:
			return err_set(err, ERR_USAGE, EINVAL, "imager overlay create does not know the option %s",
				       argv[optind - 1]);
		}
	}
	if (rc < 0)
		return rc;
	if (argc - optind != 1)
		return err_set(err, ERR_USAGE, EINVAL, "imager overlay create takes one image");
	request->path = argv[optind];
	return 0;
}

/* ---- a file of its own ---- */

static int create_file(const struct request *request, struct err *err)
{
	struct target target = TARGET_INIT;
	int rc = target_open(request->path, false, &target, err);

	if (rc < 0)
		return rc;
	if (fchmod(target.fd, 0600) < 0)
		rc = err_sys(err, errno, "cannot make %s", request->path);
	if (rc == 0)
		rc = overlay_fs_make(target.fd, &request->fs, err);
	if (rc == 0)
		rc = target_commit(&target, err);
	target_close(&target);
	return rc;
}

/* ---- a partition of a SIF ---- */

/* Asked of the locked image: what was true before may be so no more. */
static int check_sif(const struct sif_edit *edit, struct err *err)
{
	for (size_t i = 0; i < edit->sif.count; i++) {
		const struct sif_entry *entry = &edit->sif.entries[i];

		if (entry->type == SIF_DATA_OCI_INDEX)
			return err_set(err, ERR_SYSTEM, EOPNOTSUPP,
				       "cannot add an overlay to %s: it is an OCI-SIF, and OCI mode is missing so far", edit->path);
		if (entry->type == SIF_DATA_SIGNATURE)
			return err_set(err, ERR_IMAGE, EINVAL, "cannot add overlay to a signed image");
		if (entry->type != SIF_DATA_PARTITION)
			continue;
		if (sif_get_fs(entry) == SIF_FS_ENCRYPTED)
			return err_set(err, ERR_IMAGE, EINVAL, "cannot add overlay to an encrypted image");
		if (sif_get_part(entry) == SIF_PART_OVERLAY && sif_get_fs(entry) == SIF_FS_EXT3) {
			log_info("Existing overlay partition can be deleted with: singularity sif del %u %s", entry->id, edit->path);
			return err_set(err, ERR_IMAGE, EEXIST, "writable overlay already exists in image");
		}
	}
	return 0;
}

/* The overlay counts for the root file system of its group, and is of the architecture of the image. */
static int describe(const struct sif_edit *edit, struct sif_object *object, struct err *err)
{
	const char *arch = edit->sif.header.arch;

	object->group = GROUP_DEFAULT;
	for (size_t i = 0; i < edit->sif.count; i++) {
		const struct sif_entry *entry = &edit->sif.entries[i];

		if (entry->type == SIF_DATA_PARTITION && sif_get_part(entry) == SIF_PART_PRIMARY && entry->group != 0)
			object->group = entry->group;
	}
	return sif_object_set_partition(object, SIF_FS_EXT3, SIF_PART_OVERLAY,
					strcmp(arch, "unknown") == 0 ? arch_get_host() : arch, err);
}

/* Without a name, beside the image if that can be: there is room for it where there must be room for its copy. */
static int open_scratch(const char *path, int *out_fd, struct err *err)
{
	const char *slash = strrchr(path, '/'), *tmp = getenv("TMPDIR");
	cleanup_ptr char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	cleanup_ptr char *name = NULL;

	*out_fd = dir ? open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
	if (*out_fd >= 0)
		return 0;
	if (asprintf(&name, "%s/overlay-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0) {
		name = NULL;
		return err_sys(err, ENOMEM, "cannot make an overlay");
	}
	*out_fd = mkostemp(name, O_CLOEXEC);
	if (*out_fd < 0)
		return err_sys(err, errno, "cannot make the temporary file %s", name);
	(void)unlink(name);
	return 0;
}

static int add_to_sif(const struct request *request, struct sif_edit *edit, struct err *err)
{
	cleanup_fd int fd = -1;
	/* The scratch file is sparse in any case: only the image's copy has to have its blocks. */
	struct overlay_fs_options fs = request->fs;
	struct sif_source source = {.alignment = SIF_PARTITION_ALIGN, .reserve = !request->fs.sparse};
	struct sif_object object = {.group = 0};
	uint32_t id;
	int rc = check_sif(edit, err);

	fs.sparse = true;
	if (rc == 0)
		rc = describe(edit, &object, err);
	if (rc == 0)
		rc = open_scratch(request->path, &fd, err);
	if (rc == 0)
		rc = overlay_fs_make(fd, &fs, err);
	if (rc < 0)
		return rc;
	source.fd = fd;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "cannot read the overlay");
	return sif_edit_add(edit, &object, &source, &id, err);
}

static int create_in_image(const struct request *request, struct err *err)
{
	struct image image = IMAGE_INIT;
	struct sif_edit edit = SIF_EDIT_INIT;
	struct err reason = ERR_INIT;
	enum image_kind kind;
	int rc = image_open(request->path, false, &image, &reason);

	if (rc < 0 && !strstr(reason.message, "not recognized"))
		return err_set(err, reason.kind, reason.errnum, "%s", reason.message);
	kind = rc < 0 ? 0 : image.kind;
	image_close(&image);
	if (kind == IMAGE_EXT3)
		return err_set(err, ERR_IMAGE, EEXIST, "%s is an EXT3 filesystem that can be used as an overlay directly",
			       request->path);
	if (kind != IMAGE_SIF && kind != IMAGE_OCI_SIF)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot add an overlay to a non-SIF image: %s", request->path);
	rc = sif_edit_open(request->path, &edit, err);
	if (rc == 0)
		rc = add_to_sif(request, &edit, err);
	sif_edit_close(&edit);
	return rc;
}

/* A signal is answered once everything temporary is gone; mke2fs itself ends by it at once. */
static void hold_signals(sigset_t *old)
{
	sigset_t ends;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &ends, old);
}

static int create(const struct request *request, struct err *err)
{
	struct stat st;
	int rc = overlay_fs_check(err);

	if (rc < 0)
		return rc;
	if (lstat(request->path, &st) == 0)
		return create_in_image(request, err);
	return errno == ENOENT ? create_file(request, err) : err_sys(err, errno, "cannot make %s", request->path);
}

int overlay_create_main(int argc, char **argv)
{
	struct request request = {.fs = {.size_bytes = (uint64_t)MIB_MIN << 20}};
	struct err err = ERR_INIT;
	sigset_t old;
	int rc = parse_arguments(argc, argv, &request, &err);

	if (rc == 0) {
		hold_signals(&old);
		rc = create(&request, &err);
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
	}
	cli_csv_free(&request.fs.dirs, 0);
	return sif_tool_finish(rc, &err);
}
