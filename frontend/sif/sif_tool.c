/* SPDX-License-Identifier: BSD-3-Clause */
/* imager sif header, list, info, dump, new, del, setprim. */
#include "frontend/sif/sif_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/image/bytes.h"
#include "frontend/image/sif.h"
#include "frontend/imager.h"
#include "frontend/pack/build_sif.h"
#include "frontend/pack/sif_write.h"
#include "frontend/pack/target.h"
#include "frontend/sif/sif_edit.h"
#include "frontend/sif/sif_print.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define EXIT_FATAL 255
#define CHUNK_BYTES ((size_t)1024 * 1024)

int sif_tool_parse_number(const char *text, const char *what, uint64_t min, uint64_t max, uint64_t *out, struct err *err)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || value < min || value > max)
		return err_set(err, ERR_USAGE, EINVAL, "%s '%s' is not a number from %llu to %llu", what, text,
			       (unsigned long long)min, (unsigned long long)max);
	*out = value;
	return 0;
}

int sif_tool_finish(int rc, const struct err *err)
{
	if (rc < 0)
		log_fatal("%s", err->message);
	return rc < 0 ? EXIT_FATAL : EXIT_SUCCESS;
}

/* None of these takes an option: behind the -- stand @count arguments. */
static int take_arguments(int argc, char **argv, int count, char ***out, struct err *err)
{
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;

	if (argc - first != count)
		return err_set(err, ERR_USAGE, EINVAL, "imager sif: %d arguments where %d belong", argc - first, count);
	*out = argv + first;
	return 0;
}

static int parse_id(const char *text, uint32_t *out, struct err *err)
{
	uint64_t value;
	int rc = sif_tool_parse_number(text, "object ID", 1, UINT32_MAX, &value, err);

	if (rc == 0)
		*out = (uint32_t)value;
	return rc;
}

static int load(const char *path, int *out_fd, struct sif *out, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IMAGE, EINVAL, "%s is not a SIF image: it is not a regular file", path);
	rc = sif_load(fd, (uint64_t)st.st_size, out, err);
	if (rc < 0)
		return err_wrap(err, "%s", path);
	*out_fd = fd_take(&fd);
	return 0;
}

static int flush(struct err *err)
{
	return ferror(stdout) || fflush(stdout) == EOF ? err_sys(err, errno, "cannot write to standard output") : 0;
}

/* ---- reading ---- */

int sif_header_main(int argc, char **argv)
{
	cleanup_fd int fd = -1;
	struct sif sif = {.count = 0};
	struct err err = ERR_INIT;
	char **args;
	int rc = take_arguments(argc, argv, 1, &args, &err);

	if (rc == 0)
		rc = load(args[0], &fd, &sif, &err);
	if (rc == 0) {
		sif_print_header(&sif.header, stdout);
		rc = flush(&err);
	}
	sif_fini(&sif);
	return sif_tool_finish(rc, &err);
}

int sif_list_main(int argc, char **argv)
{
	cleanup_fd int fd = -1;
	struct sif sif = {.count = 0};
	struct err err = ERR_INIT;
	char **args;
	int rc = take_arguments(argc, argv, 1, &args, &err);

	if (rc == 0)
		rc = load(args[0], &fd, &sif, &err);
	if (rc == 0) {
		sif_print_list(&sif, stdout);
		rc = flush(&err);
	}
	sif_fini(&sif);
	return sif_tool_finish(rc, &err);
}

static int copy_out(int fd, const struct sif_entry *entry, struct err *err)
{
	cleanup_ptr char *chunk = malloc(CHUNK_BYTES);
	uint64_t done = 0;

	if (!chunk)
		return err_sys(err, ENOMEM, "cannot dump object %u", entry->id);
	while (done < entry->size) {
		size_t want = entry->size - done < CHUNK_BYTES ? (size_t)(entry->size - done) : CHUNK_BYTES;
		ssize_t got = bytes_read_at(fd, chunk, want, entry->offset + done);

		if (got <= 0)
			return err_sys(err, got < 0 ? (int)-got : EIO, "cannot read object %u", entry->id);
		if (fwrite(chunk, 1, (size_t)got, stdout) != (size_t)got)
			break;
		done += (uint64_t)got;
	}
	return flush(err);
}

static int show_info(int fd, const struct sif_entry *entry, struct err *err)
{
	(void)fd;
	sif_print_info(entry, stdout);
	return flush(err);
}

static int show_object(int argc, char **argv, int (*show)(int fd, const struct sif_entry *entry, struct err *err))
{
	cleanup_fd int fd = -1;
	struct sif sif = {.count = 0};
	const struct sif_entry *entry = NULL;
	struct err err = ERR_INIT;
	uint32_t id = 0;
	char **args;
	int rc = take_arguments(argc, argv, 2, &args, &err);

	if (rc == 0)
		rc = parse_id(args[0], &id, &err);
	if (rc == 0)
		rc = load(args[1], &fd, &sif, &err);
	if (rc == 0) {
		entry = sif_find_id(&sif, id);
		rc = entry ? show(fd, entry, &err) : err_set(&err, ERR_IMAGE, ENOENT, "%s has no object %u", args[1], id);
	}
	sif_fini(&sif);
	return sif_tool_finish(rc, &err);
}

int sif_info_main(int argc, char **argv)
{
	return show_object(argc, argv, show_info);
}

int sif_dump_main(int argc, char **argv)
{
	return show_object(argc, argv, copy_out);
}

/* ---- new ---- */

/* With SOURCE_DATE_EPOCH the same bytes each time: an image without objects has nothing that could tell it from another. */
static int choose_options(struct sif_options *options, struct err *err)
{
	struct build_clock clock;
	int rc = build_clock_read(&clock, err);

	if (rc < 0)
		return rc;
	options->slots = SIF_SLOTS_DEFAULT;
	options->time = clock.now;
	return clock.repeatable ? 0 : sif_writer_make_uuid(options->uuid, err);
}

static int write_empty(const char *path, const struct sif_options *options, struct err *err)
{
	struct target target = TARGET_INIT;
	struct sif_writer *writer = NULL;
	int rc = target_open(path, false, &target, err);

	if (rc < 0)
		return rc;
	rc = sif_writer_create(target.fd, options, &writer, err);
	if (rc == 0)
		rc = sif_writer_finish(writer, err);
	sif_writer_free(writer);
	if (rc == 0)
		rc = target_commit(&target, err);
	target_close(&target);
	return rc;
}

int sif_new_main(int argc, char **argv)
{
	struct sif_options options = {.launch = NULL};
	struct err err = ERR_INIT;
	struct stat st;
	char **args;
	int rc = take_arguments(argc, argv, 1, &args, &err);

	if (rc == 0 && stat(args[0], &st) == 0 && !S_ISREG(st.st_mode))
		rc = err_set(&err, ERR_USAGE, EEXIST, "cannot make %s: what is there is not a regular file", args[0]);
	if (rc == 0)
		rc = choose_options(&options, &err);
	if (rc == 0)
		rc = write_empty(args[0], &options, &err);
	return sif_tool_finish(rc, &err);
}

/* ---- changes ---- */

static int delete_object(struct sif_edit *edit, uint32_t id, struct err *err)
{
	const struct sif_entry *entry;
	int rc = sif_edit_find(edit, id, &entry, err);

	if (rc < 0)
		return rc;
	if (sif_edit_is_signed(edit, entry->group, id))
		log_warning("object %u of %s is signed: its signature does not hold without it", id, edit->path);
	return sif_edit_delete(edit, id, err);
}

static int set_primary(struct sif_edit *edit, uint32_t id, struct err *err)
{
	for (size_t i = 0; i < edit->sif.count; i++) {
		const struct sif_entry *entry = &edit->sif.entries[i];
		bool changes = entry->type == SIF_DATA_PARTITION && (entry->id == id) != (sif_get_part(entry) == SIF_PART_PRIMARY);

		if (changes && sif_edit_is_signed(edit, entry->group, entry->id))
			log_warning("partition %u of %s is signed: its signature does not hold any more", entry->id, edit->path);
	}
	return sif_edit_set_primary(edit, id, err);
}

static int change_object(int argc, char **argv, int (*change)(struct sif_edit *edit, uint32_t id, struct err *err))
{
	struct sif_edit edit = SIF_EDIT_INIT;
	struct err err = ERR_INIT;
	uint32_t id = 0;
	char **args;
	int rc = take_arguments(argc, argv, 2, &args, &err);

	if (rc == 0)
		rc = parse_id(args[0], &id, &err);
	if (rc == 0)
		rc = sif_edit_open(args[1], &edit, &err);
	if (rc == 0)
		rc = change(&edit, id, &err);
	sif_edit_close(&edit);
	return sif_tool_finish(rc, &err);
}

int sif_del_main(int argc, char **argv)
{
	return change_object(argc, argv, delete_object);
}

int sif_setprim_main(int argc, char **argv)
{
	return change_object(argc, argv, set_primary);
}
