/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/image/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontend/image/image.h"
#include "frontend/image/sif.h"
#include "frontend/settings/install.h"
#include "ipc/cleanup.h"

#define METADATA_NAME "inspect-metadata.json"
#define METADATA_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define RECORDS_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define APPS_MAX 1024
#define APPS_DIR "/scif/apps/"

/* Files of the root or, below the app's "scif" directory, of an app. */
static const struct {
	const char *attribute, *file;
} sections[] = {
	{"deffile", "Singularity"}, {"runscript", "runscript"},     {"startscript", "startscript"},
	{"test", "test"},           {"helpfile", "runscript.help"}, {"labels", "labels.json"},
};

#define SECTION_COUNT (sizeof(sections) / sizeof(sections[0]))

static int out_of_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot read metadata of the image");
}

int attributes_parse_metadata(const char *text, size_t size, json_t **out, struct err *err)
{
	json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	json_t *attributes = json_object_get(json_object_get(document, "data"), "attributes");

	if (!json_is_object(attributes)) {
		json_decref(document);
		return err_set(err, ERR_IMAGE, EINVAL, "cannot read " METADATA_NAME ": not the document it should be");
	}
	*out = json_incref(attributes);
	json_decref(document);
	return 0;
}

/* Environment files that the image's author wrote; the others are the same in every image. */
static bool is_environment(const char *name)
{
	size_t length = strlen(name);

	if (strncmp(name, "10-docker", 9) == 0)
		return length > 3 && strcmp(name + length - 3, ".sh") == 0;
	return name[0] == '9' && length >= strlen("9-environment.sh") &&
	       strcmp(name + length - strlen("-environment.sh"), "-environment.sh") == 0;
}

/* The object @name of @parent, made when missing. Borrowed; NULL without memory. */
static json_t *get_object(json_t *parent, const char *name)
{
	json_t *object = json_object_get(parent, name);

	if (json_is_object(object))
		return object;
	return json_object_set_new(parent, name, json_object()) == 0 ? json_object_get(parent, name) : NULL;
}

/* Line ends at the end are dropped, as the metadata of a SIF has it. Text of an image need not be UTF-8, which JSON must be;
 * then what is not ASCII becomes a question mark. */
static json_t *make_string(const char *bytes, size_t size)
{
	cleanup_ptr char *plain = NULL;
	json_t *string;

	while (size > 0 && bytes[size - 1] == '\n')
		size--;
	string = json_stringn(bytes, size);
	if (string)
		return string;
	plain = malloc(size + 1);
	if (!plain)
		return NULL;
	for (size_t i = 0; i < size; i++)
		plain[i] = (unsigned char)bytes[i] < 0x80 ? bytes[i] : '?';
	return json_stringn(plain, size);
}

/* Record the file @name (below .singularity.d or an app's scif) with absolute path @path in @attributes. */
static int add_section(json_t *attributes, const char *path, const char *name, const char *bytes, size_t size)
{
	if (strncmp(name, "env/", 4) == 0) {
		if (!is_environment(name + 4))
			return 0;
		return json_object_set_new(get_object(attributes, "environment"), path, make_string(bytes, size));
	}
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		json_t *value;

		if (strcmp(sections[i].file, name) != 0)
			continue;
		if (strcmp(sections[i].attribute, "labels") != 0)
			return json_object_set_new(attributes, sections[i].attribute, make_string(bytes, size));
		/* Labels that are no JSON object count as none. */
		value = json_loadb(bytes, size, 0, NULL);
		if (json_is_object(value))
			return json_object_set_new(attributes, "labels", value);
		json_decref(value);
		return 0;
	}
	return 0;
}

/* Records of apps: "/scif/apps/NAME/" tells that there is one, longer paths are its files. */
static int add_app(json_t *attributes, const char *path, const char *bytes, size_t size)
{
	const char *name = path + strlen(APPS_DIR);
	size_t length = strcspn(name, "/");
	char app[NAME_MAX + 1];
	json_t *object;

	if (length == 0 || length > NAME_MAX || name[length] != '/')
		return 0;
	memcpy(app, name, length);
	app[length] = '\0';
	object = get_object(get_object(attributes, "apps"), app);
	if (!object)
		return -1;
	if (strncmp(name + length, "/scif/", 6) != 0)
		return 0;
	return add_section(object, path, name + length + 6, bytes, size);
}

static int add_record(json_t *attributes, const char *path, const char *bytes, size_t size)
{
	static const char base[] = "/.singularity.d/";

	if (strncmp(path, base, sizeof(base) - 1) == 0)
		return add_section(attributes, path, path + sizeof(base) - 1, bytes, size);
	if (strncmp(path, APPS_DIR, strlen(APPS_DIR)) == 0)
		return add_app(attributes, path, bytes, size);
	return 0;
}

static int add_records(json_t *attributes, const char *bytes, size_t size, struct err *err)
{
	size_t at = 0;

	while (at < size) {
		const char *path = bytes + at, *number, *data;
		const char *end = memchr(path, '\0', size - at);
		uintmax_t length;
		char *rest;

		number = end ? end + 1 : NULL;
		end = number ? memchr(number, '\0', size - (size_t)(number - bytes)) : NULL;
		if (!end)
			return err_set(err, ERR_BUG, EINVAL, "cannot read files of the image: record is cut short");
		data = end + 1;
		length = strtoumax(number, &rest, 10);
		if (rest != end || rest == number || length > size - (size_t)(data - bytes))
			return err_set(err, ERR_BUG, EINVAL, "cannot read files of the image: record is cut short");
		if (add_record(attributes, path, data, (size_t)length) < 0)
			return out_of_memory(err);
		at = (size_t)(data - bytes) + (size_t)length;
	}
	return 0;
}

int attributes_parse_records(const char *bytes, size_t size, json_t **out, struct err *err)
{
	json_t *attributes = json_object();
	int rc = attributes ? add_records(attributes, bytes, size, err) : out_of_memory(err);

	if (rc < 0) {
		json_decref(attributes);
		return rc;
	}
	*out = attributes;
	return 0;
}

/* A list of paths to ask for; grows by doubling. */
struct wanted {
	size_t count, capacity;
	char **items; /* owned, NULL-terminated */
};

static void wanted_fini(struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->count; i++)
		free(wanted->items[i]);
	free(wanted->items);
}

__attribute__((format(printf, 2, 3))) static int wanted_add(struct wanted *wanted, const char *fmt, ...)
{
	va_list arguments;
	char *path;
	int length;

	if (wanted->count + 1 >= wanted->capacity) {
		size_t capacity = wanted->capacity ? wanted->capacity * 2 : 32;
		char **items = realloc(wanted->items, capacity * sizeof(*items));

		if (!items)
			return -1;
		wanted->items = items;
		wanted->capacity = capacity;
	}
	va_start(arguments, fmt);
	length = vasprintf(&path, fmt, arguments);
	va_end(arguments);
	if (length < 0)
		return -1;
	wanted->items[wanted->count++] = path;
	wanted->items[wanted->count] = NULL;
	return 0;
}

/* First the files of the image and the names of its apps, then the files of the apps. */
static int want_root(struct wanted *wanted)
{
	int rc = wanted_add(wanted, "/.singularity.d/env/");

	for (size_t i = 0; i < SECTION_COUNT && rc == 0; i++)
		rc = wanted_add(wanted, "/.singularity.d/%s", sections[i].file);
	return rc == 0 ? wanted_add(wanted, APPS_DIR) : rc;
}

static int want_apps(struct wanted *wanted, json_t *apps)
{
	const char *app;
	json_t *unused;
	int rc = 0;

	json_object_foreach(apps, app, unused) {
		rc = wanted_add(wanted, APPS_DIR "%s/scif/env/", app);
		for (size_t i = 0; i < SECTION_COUNT && rc == 0; i++)
			rc = wanted_add(wanted, APPS_DIR "%s/scif/%s", app, sections[i].file);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Reading from a sandbox: links are resolved as if the sandbox were the root. */
static int open_in_root(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		/* openat2(2) refuses O_NONBLOCK beside O_PATH. */
		.flags = (unsigned int)flags | O_CLOEXEC | (flags & O_PATH ? 0u : (unsigned int)O_NONBLOCK),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

static int print_file(int root_fd, const char *path, FILE *to, struct err *err)
{
	cleanup_fd int fd = open_in_root(root_fd, path, O_RDONLY);
	cleanup_ptr char *bytes = NULL;
	size_t size = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (st.st_size < 0 || (size_t)st.st_size > METADATA_BYTES_MAX)
		return err_set(err, ERR_IMAGE, EFBIG, "cannot read %s of the image: it is too large", path);
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return out_of_memory(err);
	while (size < (size_t)st.st_size) {
		ssize_t got = read(fd, bytes + size, (size_t)st.st_size - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "cannot read %s of the image", path);
		if (got == 0)
			break;
		size += (size_t)got;
	}
	if (fprintf(to, "%s%c%zu%c", path, '\0', size, '\0') < 0 || fwrite(bytes, 1, size, to) != size)
		return out_of_memory(err);
	return 0;
}

static int print_directory(int root_fd, const char *path, FILE *to, struct err *err)
{
	cleanup_fd int fd = open_in_root(root_fd, path, O_RDONLY | O_DIRECTORY);
	cleanup_dir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int rc = 0;

	if (!dir)
		return 0;
	fd = -1; /* the stream's now */
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		cleanup_ptr char *child = NULL;
		cleanup_fd int child_fd = -1;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (asprintf(&child, "%s%s", path, entry->d_name) < 0) {
			child = NULL;
			return out_of_memory(err);
		}
		child_fd = open_in_root(root_fd, child, O_PATH | O_DIRECTORY);
		if (child_fd < 0)
			rc = print_file(root_fd, child, to, err);
		else if (fprintf(to, "%s/%c0%c", child, '\0', '\0') < 0)
			rc = out_of_memory(err);
	}
	return rc;
}

/* The same records that the imager prints for a squashfs. */
static int read_sandbox(const struct image *image, const struct wanted *wanted, char **out, size_t *size,
			struct err *err)
{
	cleanup_ptr char *bytes = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&bytes, &length);
	int rc = to ? 0 : out_of_memory(err);

	for (size_t i = 0; i < wanted->count && rc == 0; i++) {
		const char *path = wanted->items[i];

		if (path[strlen(path) - 1] == '/')
			rc = print_directory(image->fd, path, to, err);
		else
			rc = print_file(image->fd, path, to, err);
	}
	if (to && fclose(to) != 0 && rc == 0)
		rc = out_of_memory(err);
	if (rc == 0) {
		*out = ptr_take(bytes);
		*size = length;
	}
	return rc;
}

/* In the child: become the imager. The image keeps its descriptor, which must survive the exec. */
__attribute__((noreturn)) static void exec_reader(int program_fd, int image_fd, int out_fd, char **argv)
{
	if (dup2(out_fd, STDOUT_FILENO) >= 0 && fcntl(image_fd, F_SETFD, 0) == 0)
		(void)fexecve(program_fd, argv, environ);
	_exit(255);
}

static int drain(int fd, char **out, size_t *size, struct err *err)
{
	cleanup_ptr char *bytes = NULL;
	size_t length = 0, capacity = 0;

	for (;;) {
		ssize_t got;

		if (length == capacity) {
			char *more = capacity < RECORDS_BYTES_MAX ? realloc(bytes, capacity + 65536) : NULL;

			if (!more)
				return out_of_memory(err);
			bytes = more;
			capacity += 65536;
		}
		got = read(fd, bytes + length, capacity - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "cannot read files of the image");
		if (got == 0)
			break;
		length += (size_t)got;
	}
	*out = ptr_take(bytes);
	*size = length;
	return 0;
}

static int run_reader(int program_fd, const struct image *image, char **argv, char **out, size_t *size, struct err *err)
{
	cleanup_fd int read_fd = -1, write_fd = -1;
	int ends[2], status = 0, rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	read_fd = ends[0];
	write_fd = ends[1];
	pid = fork();
	if (pid < 0)
		return err_sys(err, errno, "cannot start the imager");
	if (pid == 0)
		exec_reader(program_fd, image->fd, write_fd, argv);
	(void)close(fd_take(&write_fd));
	rc = drain(read_fd, out, size, err);
	/* A reader that still writes is ended by this. */
	(void)close(fd_take(&read_fd));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc == 0 && status != 0) {
		free(*out);
		*out = NULL;
		rc = err_set(err, ERR_IMAGE, EIO, "cannot read files of the image: the imager failed");
	}
	return rc;
}

static int read_squashfs(const struct image *image, const struct image_partition *root, const struct wanted *wanted,
			 char **out, size_t *size, struct err *err)
{
	static char name[] = "imager", command[] = "read-files", fd_flag[] = "--fd", offset_flag[] = "--offset",
		    size_flag[] = "--size";
	cleanup_ptr char **argv = calloc(wanted->count + 9, sizeof(*argv));
	cleanup_fd int program_fd = -1;
	char fd_text[24], offset_text[24], size_text[24];
	int rc;

	if (!argv)
		return out_of_memory(err);
	rc = install_open_program("imager", &program_fd, err);
	if (rc < 0)
		return rc;
	(void)snprintf(fd_text, sizeof(fd_text), "%d", image->fd);
	(void)snprintf(offset_text, sizeof(offset_text), "%" PRIu64, root->offset_bytes);
	(void)snprintf(size_text, sizeof(size_text), "%" PRIu64, root->size_bytes);
	memcpy(argv, (char *[]){name, command, fd_flag, fd_text, offset_flag, offset_text, size_flag, size_text},
	       8 * sizeof(*argv));
	memcpy(argv + 8, wanted->items, wanted->count * sizeof(*argv));
	return run_reader(program_fd, image, argv, out, size, err);
}

static int read_wanted(const struct image *image, const struct wanted *wanted, json_t *attributes, struct err *err)
{
	const struct image_partition *root = image_get_root(image);
	cleanup_ptr char *bytes = NULL;
	size_t size = 0;
	int rc;

	if (image->kind == IMAGE_SANDBOX)
		rc = read_sandbox(image, wanted, &bytes, &size, err);
	else if (root && root->fs == IMAGE_FS_SQUASHFS)
		rc = read_squashfs(image, root, wanted, &bytes, &size, err);
	else if (root)
		return err_set(err, ERR_IMAGE, ENOTSUP, "cannot read files of the image: its file system is %s",
			       root->fs == IMAGE_FS_ENCRYPTED ? "encrypted" : "not squashfs");
	else
		return err_set(err, ERR_IMAGE, EINVAL, "cannot read files of the image: it has no root file system");
	return rc < 0 ? rc : add_records(attributes, bytes, size, err);
}

static int load_files(const struct image *image, json_t *attributes, struct err *err)
{
	struct wanted root = {.count = 0}, apps = {.count = 0};
	json_t *found;
	int rc = want_root(&root) < 0 ? out_of_memory(err) : read_wanted(image, &root, attributes, err);

	found = json_object_get(attributes, "apps");
	if (rc == 0 && json_object_size(found) > APPS_MAX)
		rc = err_set(err, ERR_IMAGE, EINVAL, "cannot read the image: it has too many apps");
	if (rc == 0 && want_apps(&apps, found) < 0)
		rc = out_of_memory(err);
	if (rc == 0 && apps.count > 0)
		rc = read_wanted(image, &apps, attributes, err);
	wanted_fini(&root);
	wanted_fini(&apps);
	return rc;
}

/* *@out stays NULL if the SIF has no such object. */
static int load_metadata(const struct image *image, json_t **out, struct err *err)
{
	struct sif sif = {.count = 0};
	const struct sif_entry *entry = NULL;
	cleanup_ptr char *text = NULL;
	struct stat st;
	size_t size = 0;
	int rc;

	if (fstat(image->fd, &st) < 0)
		return err_sys(err, errno, "cannot examine the image");
	rc = sif_load(image->fd, (uint64_t)st.st_size, &sif, err);
	if (rc == 0)
		rc = sif_find(&sif, SIF_DATA_JSON, METADATA_NAME, &entry, err);
	if (rc == 0 && entry)
		rc = sif_read_object(image->fd, entry, METADATA_BYTES_MAX, &text, &size, err);
	if (rc == 0 && entry)
		rc = attributes_parse_metadata(text, size, out, err);
	sif_fini(&sif);
	return rc;
}

int attributes_load(const char *path, json_t **out, struct err *err)
{
	struct image image = IMAGE_INIT;
	json_t *attributes = NULL;
	int rc = image_open(path, false, &image, err);

	if (rc < 0)
		return rc;
	if (image.kind == IMAGE_OCI_SIF)
		rc = err_set(err, ERR_IMAGE, ENOTSUP, "cannot inspect %s: OCI-SIF images are not decoded", path);
	if (rc == 0 && image.kind == IMAGE_SIF)
		rc = load_metadata(&image, &attributes, err);
	if (rc == 0 && !attributes) {
		attributes = json_object();
		rc = attributes ? load_files(&image, attributes, err) : out_of_memory(err);
	}
	image_close(&image);
	if (rc < 0)
		json_decref(attributes);
	else
		*out = attributes;
	return rc;
}
