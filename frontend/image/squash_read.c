/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/image/squash_read.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqfs/compressor.h>
#include <sqfs/dir.h>
#include <sqfs/error.h>
#include <sqfs/io.h>

#include "frontend/image/bytes.h"
#include "frontend/imager.h"
#include "frontend/pack/deflate.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define LINKS_MAX 40
#define RECORD_BYTES_MAX (16 * 1024 * 1024) /* one file that inspect asks for */
#define RECORD_ENTRIES_MAX 4096             /* names in a directory that inspect asks for */

/* An extent of a descriptor, in the form libsquashfs reads from. */
struct extent {
	sqfs_file_t base; /* first: libsquashfs casts */
	int fd;           /* borrowed */
	uint64_t offset, size;
};

static void extent_destroy(sqfs_object_t *object)
{
	free(object);
}

static int extent_read(sqfs_file_t *base, sqfs_u64 offset, void *buffer, size_t size)
{
	const struct extent *extent = (const struct extent *)base;

	if (offset > extent->size || size > extent->size - offset)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	return bytes_read_at(extent->fd, buffer, size, extent->offset + offset) == (ssize_t)size ? 0 : SQFS_ERROR_IO;
}

static int extent_write(sqfs_file_t *base, sqfs_u64 offset, const void *buffer, size_t size)
{
	(void)base, (void)offset, (void)buffer, (void)size;
	return SQFS_ERROR_IO;
}

static sqfs_u64 extent_get_size(const sqfs_file_t *base)
{
	return ((const struct extent *)base)->size;
}

static int extent_truncate(sqfs_file_t *base, sqfs_u64 size)
{
	(void)base, (void)size;
	return SQFS_ERROR_IO;
}

static sqfs_file_t *extent_new(int fd, uint64_t offset, uint64_t size)
{
	struct extent *extent = calloc(1, sizeof(*extent));

	if (!extent)
		return NULL;
	extent->base.base.destroy = extent_destroy;
	extent->base.read_at = extent_read;
	extent->base.write_at = extent_write;
	extent->base.get_size = extent_get_size;
	extent->base.truncate = extent_truncate;
	extent->fd = fd;
	extent->offset = offset;
	extent->size = size;
	return &extent->base;
}

int squash_fail(struct err *err, int status, const char *what)
{
	switch (status) {
	case SQFS_ERROR_ALLOC:
		return err_sys(err, ENOMEM, "cannot %s", what);
	case SQFS_ERROR_IO:
		return err_sys(err, EIO, "cannot %s", what);
	case SQFS_ERROR_UNSUPPORTED:
		return err_set(err, ERR_IMAGE, ENOTSUP, "cannot %s: not supported by the squashfs library", what);
	default:
		return err_set(err, ERR_IMAGE, EINVAL, "cannot %s: the squashfs is damaged (%d)", what, status);
	}
}

/* Our own inflater is several times faster than the library's. */
static int create_compressor(struct squash *squash)
{
	sqfs_compressor_config_t config;
	int status;

	if (squash->super.compression_id == SQFS_COMP_GZIP) {
		squash->compressor = deflate_create(DEFLATE_LEVEL_DEFAULT, squash->super.block_size, true);
		return squash->compressor ? 0 : SQFS_ERROR_ALLOC;
	}
	status = sqfs_compressor_config_init(&config, squash->super.compression_id, squash->super.block_size,
					     SQFS_COMP_FLAG_UNCOMPRESS);
	return status ? status : sqfs_compressor_create(&config, &squash->compressor);
}

static int load_xattrs(struct squash *squash)
{
	if (squash->super.flags & SQFS_FLAG_NO_XATTRS || squash->super.xattr_id_table_start == UINT64_MAX)
		return 0;
	squash->xattrs = sqfs_xattr_reader_create(0);
	if (!squash->xattrs)
		return SQFS_ERROR_ALLOC;
	return sqfs_xattr_reader_load(squash->xattrs, &squash->super, squash->file, squash->compressor);
}

static int load_tables(struct squash *squash)
{
	int status = sqfs_super_read(&squash->super, squash->file);

	/* The library reserves the whole table first: each fragment has at least a byte in the image. */
	if (status == 0 && squash->super.fragment_entry_count > squash->file->get_size(squash->file))
		status = SQFS_ERROR_CORRUPTED;
	if (status == 0)
		status = create_compressor(squash);
	if (status)
		return status;
	squash->ids = sqfs_id_table_create(0);
	squash->dirs = sqfs_dir_reader_create(&squash->super, squash->compressor, squash->file, 0);
	squash->data = sqfs_data_reader_create(squash->file, squash->super.block_size, squash->compressor, 0);
	if (!squash->ids || !squash->dirs || !squash->data)
		return SQFS_ERROR_ALLOC;
	status = sqfs_id_table_read(squash->ids, squash->file, &squash->super, squash->compressor);
	if (status == 0)
		status = sqfs_data_reader_load_fragment_table(squash->data, &squash->super);
	return status ? status : load_xattrs(squash);
}

int squash_open(int fd, uint64_t offset, uint64_t size, struct squash **out, struct err *err)
{
	struct squash *squash;
	int status;

	if (offset > INT64_MAX || size > INT64_MAX - offset)
		return err_set(err, ERR_IMAGE, EINVAL, "cannot open squashfs: offset or size out of range");
	squash = calloc(1, sizeof(*squash));
	if (squash)
		squash->file = extent_new(fd, offset, size);
	status = squash && squash->file ? load_tables(squash) : SQFS_ERROR_ALLOC;
	if (status) {
		squash_close(squash);
		return squash_fail(err, status, "open squashfs");
	}
	*out = squash;
	return 0;
}

void squash_close(struct squash *squash)
{
	if (!squash)
		return;
	sqfs_destroy(squash->xattrs);
	sqfs_destroy(squash->data);
	sqfs_destroy(squash->dirs);
	sqfs_destroy(squash->ids);
	sqfs_destroy(squash->compressor);
	sqfs_destroy(squash->file);
	free(squash);
}

unsigned int squash_get_type(const sqfs_inode_generic_t *inode)
{
	switch (inode->base.type) {
	case SQFS_INODE_DIR:
	case SQFS_INODE_EXT_DIR:
		return S_IFDIR;
	case SQFS_INODE_FILE:
	case SQFS_INODE_EXT_FILE:
		return S_IFREG;
	case SQFS_INODE_SLINK:
	case SQFS_INODE_EXT_SLINK:
		return S_IFLNK;
	case SQFS_INODE_BDEV:
	case SQFS_INODE_EXT_BDEV:
		return S_IFBLK;
	case SQFS_INODE_CDEV:
	case SQFS_INODE_EXT_CDEV:
		return S_IFCHR;
	case SQFS_INODE_FIFO:
	case SQFS_INODE_EXT_FIFO:
		return S_IFIFO;
	case SQFS_INODE_SOCKET:
	case SQFS_INODE_EXT_SOCKET:
		return S_IFSOCK;
	default:
		return 0;
	}
}

char *squash_get_target(const sqfs_inode_generic_t *inode)
{
	uint32_t size = inode->base.type == SQFS_INODE_SLINK ? inode->data.slink.target_size
							     : inode->data.slink_ext.target_size;

	if (size >= PATH_MAX)
		return NULL;
	return strndup((const char *)inode->extra, size);
}

/* State of a lookup: the part walked so far, without links or dots, and what is still to do. */
struct walk {
	char done[PATH_MAX];
	char rest[PATH_MAX];
	unsigned int links;
};

static void drop_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* Take the next component off walk->rest. False at the end. */
static bool next_component(struct walk *walk, char name[SQUASH_NAME_MAX + 1], bool *too_long)
{
	size_t skip = strspn(walk->rest, "/");
	size_t length = strcspn(walk->rest + skip, "/");

	*too_long = length > SQUASH_NAME_MAX;
	if (length == 0 || *too_long)
		return false;
	memcpy(name, walk->rest + skip, length);
	name[length] = '\0';
	memmove(walk->rest, walk->rest + skip + length, strlen(walk->rest + skip + length) + 1);
	return true;
}

/* Put the target of a link before what is left. False if that becomes too long or too deep. */
static bool follow_link(struct walk *walk, const sqfs_inode_generic_t *inode)
{
	cleanup_ptr char *target = squash_get_target(inode);
	char joined[PATH_MAX];
	size_t length, rest = strlen(walk->rest);

	if (!target || ++walk->links > LINKS_MAX)
		return false;
	length = strlen(target);
	if (length + 1 + rest + 1 > sizeof(joined))
		return false;
	if (target[0] == '/')
		walk->done[0] = '\0';
	memcpy(joined, target, length);
	joined[length] = '/';
	memcpy(joined + length + 1, walk->rest, rest + 1);
	memcpy(walk->rest, joined, length + 1 + rest + 1);
	return true;
}

/* One step. Returns 0 and *@found, whether the component exists, or a libsquashfs status. */
static int step(struct squash *squash, struct walk *walk, const char *name, bool *found)
{
	size_t length = strlen(walk->done);
	sqfs_inode_generic_t *inode = NULL;
	int status;

	*found = true;
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		drop_last(walk->done);
		return 0;
	}
	*found = length + 1 + strlen(name) < sizeof(walk->done);
	if (!*found)
		return 0;
	walk->done[length] = '/';
	strcpy(walk->done + length + 1, name);
	status = sqfs_dir_reader_find_by_path(squash->dirs, NULL, walk->done, &inode);
	if (status == SQFS_ERROR_NO_ENTRY || status == SQFS_ERROR_NOT_DIR)
		*found = false;
	else if (status)
		return status;
	else if (squash_get_type(inode) == S_IFLNK) {
		walk->done[length] = '\0';
		*found = follow_link(walk, inode);
	}
	sqfs_free(inode);
	return 0;
}

int squash_lookup(struct squash *squash, const char *path, sqfs_inode_generic_t **out, struct err *err)
{
	struct walk walk = {.links = 0};
	char name[SQUASH_NAME_MAX + 1];
	bool found = strlen(path) < sizeof(walk.rest), too_long = false;
	int status = 0;

	*out = NULL;
	if (!found)
		return 0;
	strcpy(walk.rest, path);
	while (found && status == 0 && next_component(&walk, name, &too_long))
		status = step(squash, &walk, name, &found);
	if (status)
		return squash_fail(err, status, "look up a file in the image");
	if (!found || too_long)
		return 0;
	if (walk.done[0] == '\0')
		status = sqfs_dir_reader_get_root_inode(squash->dirs, out);
	else
		status = sqfs_dir_reader_find_by_path(squash->dirs, NULL, walk.done, out);
	return status ? squash_fail(err, status, "look up a file in the image") : 0;
}

void squash_children_fini(struct squash_children *children)
{
	for (size_t i = 0; i < children->count; i++)
		sqfs_free(children->items[i].inode);
	free(children->items);
	*children = (struct squash_children){.count = 0};
}

static int add_child(struct squash_children *children, const sqfs_dir_entry_t *entry, sqfs_inode_generic_t *inode)
{
	size_t length = (size_t)entry->size + 1;
	struct squash_child *child;

	if (children->count == children->capacity) {
		size_t capacity = children->capacity ? children->capacity * 2 : 16;
		struct squash_child *items = realloc(children->items, capacity * sizeof(*items));

		if (!items)
			return SQFS_ERROR_ALLOC;
		children->items = items;
		children->capacity = capacity;
	}
	child = &children->items[children->count];
	if (length > SQUASH_NAME_MAX || memchr(entry->name, '/', length) || memchr(entry->name, '\0', length))
		return SQFS_ERROR_CORRUPTED;
	memcpy(child->name, entry->name, length);
	child->name[length] = '\0';
	if (strcmp(child->name, ".") == 0 || strcmp(child->name, "..") == 0)
		return SQFS_ERROR_CORRUPTED;
	child->inode = inode;
	children->count++;
	return 0;
}

int squash_list(struct squash *squash, const sqfs_inode_generic_t *inode, size_t max, struct squash_children *out,
		struct err *err)
{
	struct squash_children children = {.count = 0};
	int status = sqfs_dir_reader_open_dir(squash->dirs, inode, 0);

	while (status == 0) {
		sqfs_dir_entry_t *entry = NULL;
		sqfs_inode_generic_t *child = NULL;

		status = sqfs_dir_reader_read(squash->dirs, &entry);
		if (status)
			break;
		if (children.count == max)
			status = SQFS_ERROR_OVERFLOW;
		if (status == 0)
			status = sqfs_dir_reader_get_inode(squash->dirs, &child);
		if (status == 0)
			status = add_child(&children, entry, child);
		if (status)
			sqfs_free(child);
		sqfs_free(entry);
	}
	if (status < 0) {
		squash_children_fini(&children);
		return squash_fail(err, status, "read a directory of the image");
	}
	*out = children;
	return 0;
}

int squash_read_file(struct squash *squash, const sqfs_inode_generic_t *inode, size_t max, char **out, size_t *size,
		     struct err *err)
{
	cleanup_ptr char *bytes = NULL;
	sqfs_u64 length = 0, done = 0;
	int status = sqfs_inode_get_file_size(inode, &length);

	if (status)
		return squash_fail(err, status, "read a file of the image");
	if (length > max)
		return err_set(err, ERR_IMAGE, EFBIG, "cannot read a file of the image: it is too large");
	bytes = malloc((size_t)length + 1);
	if (!bytes)
		return err_sys(err, ENOMEM, "cannot read a file of the image");
	while (done < length) {
		sqfs_s32 got = sqfs_data_reader_read(squash->data, inode, done, bytes + done,
						     (sqfs_u32)(length - done));

		if (got <= 0)
			return squash_fail(err, got < 0 ? got : SQFS_ERROR_CORRUPTED, "read a file of the image");
		done += (sqfs_u64)got;
	}
	bytes[length] = '\0';
	*size = (size_t)length;
	*out = ptr_take(bytes);
	return 0;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end != '\0' || errno || value > max)
		return false;
	*out = value;
	return true;
}

int squash_parse_arguments(int argc, char **argv, bool with_squash_ids, struct squash_arguments *out, struct err *err)
{
	uint64_t fd = 0;
	bool has_fd = false, has_offset = false, has_size = false;
	int i = 1;

	*out = (struct squash_arguments){.fd = -1};
	while (i < argc && strncmp(argv[i], "--", 2) == 0) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		bool known;

		if (with_squash_ids && strcmp(argv[i], "--squash-ids") == 0) {
			out->squash_ids = true;
			i++;
			continue;
		}
		if (strcmp(argv[i], "--fd") == 0)
			known = has_fd = parse_number(value, INT_MAX, &fd);
		else if (strcmp(argv[i], "--offset") == 0)
			known = has_offset = parse_number(value, INT64_MAX, &out->offset);
		else if (strcmp(argv[i], "--size") == 0)
			known = has_size = parse_number(value, INT64_MAX, &out->size);
		else
			known = false;
		if (!known)
			return err_set(err, ERR_USAGE, EINVAL, "bad option %s %s", argv[i], value);
		i += 2;
	}
	if (!has_fd || !has_offset || !has_size)
		return err_set(err, ERR_USAGE, EINVAL, "--fd, --offset and --size are needed");
	out->fd = (int)fd;
	out->first = i;
	return 0;
}

static int print_record(const char *path, const char *bytes, size_t size, struct err *err)
{
	if (printf("%s%c%zu%c", path, '\0', size, '\0') < 0 || fwrite(bytes, 1, size, stdout) != size)
		return err_sys(err, errno, "cannot write a record");
	return 0;
}

static int print_file(struct squash *squash, const char *path, const sqfs_inode_generic_t *inode, struct err *err)
{
	cleanup_ptr char *bytes = NULL;
	size_t size;
	int rc = squash_read_file(squash, inode, RECORD_BYTES_MAX, &bytes, &size, err);

	return rc < 0 ? err_wrap(err, "%s", path) : print_record(path, bytes, size, err);
}

/* A directory inside a listing: its name with a slash, and no bytes. */
static int print_directory_name(const char *path, struct err *err)
{
	if (printf("%s/%c0%c", path, '\0', '\0') < 0)
		return err_sys(err, errno, "cannot write a record");
	return 0;
}

static int print_path(struct squash *squash, const char *path, bool in_directory, struct err *err);

/* Every entry of the directory; those that are links count as what they lead to. */
static int print_directory(struct squash *squash, const char *path, const sqfs_inode_generic_t *inode, struct err *err)
{
	struct squash_children children;
	int rc = squash_list(squash, inode, RECORD_ENTRIES_MAX, &children, err);

	if (rc < 0)
		return err_wrap(err, "%s", path);
	for (size_t i = 0; i < children.count && rc == 0; i++) {
		cleanup_ptr char *child = NULL;

		if (asprintf(&child, "%s%s", path, children.items[i].name) < 0) {
			child = NULL;
			rc = err_sys(err, ENOMEM, "cannot read the image");
		} else {
			rc = print_path(squash, child, true, err);
		}
	}
	squash_children_fini(&children);
	return rc;
}

static int print_path(struct squash *squash, const char *path, bool in_directory, struct err *err)
{
	sqfs_inode_generic_t *inode = NULL;
	size_t length = strlen(path);
	bool wants_directory = length > 0 && path[length - 1] == '/';
	int rc = squash_lookup(squash, path, &inode, err);

	if (rc < 0 || !inode)
		return rc;
	if (squash_get_type(inode) == S_IFREG && !wants_directory)
		rc = print_file(squash, path, inode, err);
	else if (squash_get_type(inode) == S_IFDIR && wants_directory)
		rc = print_directory(squash, path, inode, err);
	else if (squash_get_type(inode) == S_IFDIR && in_directory)
		rc = print_directory_name(path, err);
	sqfs_free(inode);
	return rc;
}

int read_files_main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct squash_arguments arguments;
	struct squash *squash = NULL;
	int rc = squash_parse_arguments(argc, argv, false, &arguments, &err);

	if (rc == 0)
		rc = squash_open(arguments.fd, arguments.offset, arguments.size, &squash, &err);
	for (int i = arguments.first; i < argc && rc == 0; i++)
		rc = print_path(squash, argv[i], false, &err);
	squash_close(squash);
	if (rc == 0 && fflush(stdout) != 0)
		rc = err_sys(&err, errno, "cannot write a record");
	if (rc == 0)
		return 0;
	log_fatal("read-files: %s", err.message);
	return 255;
}
