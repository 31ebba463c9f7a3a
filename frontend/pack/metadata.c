/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "frontend/pack/base_files.h"
#include "frontend/pack/elf_read.h"
#include "ipc/cleanup.h"

#define META "/.singularity.d"
#define SCRIPT_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define ELF_HEAD_BYTES ((size_t)64)

/* ---- base files ---- */

static void copy_parent(const char *path, const char *slash, char *out, size_t size)
{
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= size)
		len = size - 1;
	memcpy(out, path, len);
	out[len] = '\0';
	if (len == 0)
		memcpy(out, ".", 2);
}

/* A directory of the source may be a link, "var/tmp" for one, so the parent is looked up with links followed. */
static struct tree_node *find_parent(struct tree *tree, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char parent[256];
	struct tree_node *node;

	*name = slash ? slash + 1 : path;
	copy_parent(path, slash, parent, sizeof(parent));
	node = tree_lookup(tree, parent, true);
	return node && S_ISDIR(node->inode->mode) ? node : NULL;
}

static int put_text(struct tree *tree, const char *path, mode_t mode, const char *text, uint32_t time, struct err *err)
{
	const char *name;
	struct tree_node *parent = find_parent(tree, path, &name);
	struct tree_inode *inode;
	int rc = 0;

	if (!parent)
		return err_set(err, ERR_IMAGE, ENOTDIR, "cannot add %s: its parent is not a directory", path);
	inode = tree_new_inode(tree, mode);
	if (!inode)
		return err_sys(err, ENOMEM, "cannot add %s", path);
	inode->mtime = time;
	if (S_ISLNK(mode)) {
		inode->target = strdup(text);
		rc = inode->target ? 0 : err_sys(err, ENOMEM, "cannot add %s", path);
	} else if (S_ISREG(mode)) {
		rc = tree_set_bytes(inode, text, strlen(text), err);
	}
	return rc < 0 ? rc : tree_add(parent, name, inode, NULL, err);
}

int metadata_add_base(struct tree *tree, uint32_t time, struct err *err)
{
	for (size_t i = 0; i < base_file_count; i++) {
		const struct base_file *file = &base_files[i];
		const char *name;
		struct tree_node *parent = find_parent(tree, file->path, &name);
		int rc;

		/* Where a parent is a dangling link the image keeps it. */
		if (!parent || tree_child(parent, name))
			continue;
		rc = put_text(tree, file->path, file->mode, file->text, time, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int open_parent(int root_fd, const char *path, const char **name)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	const char *slash = strrchr(path, '/');
	char parent[256];

	*name = slash ? slash + 1 : path;
	copy_parent(path, slash, parent, sizeof(parent));
	return (int)syscall(SYS_openat2, root_fd, parent, &how, sizeof(how));
}

static int put_file_at(int dir_fd, const char *name, const struct base_file *file)
{
	cleanup_fd int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t len = strlen(file->text);

	if (fd < 0)
		return -errno;
	if (write(fd, file->text, len) != (ssize_t)len || fchmod(fd, file->mode & 07777) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

static int put_base_at(int dir_fd, const char *name, const struct base_file *file)
{
	if (S_ISREG(file->mode))
		return put_file_at(dir_fd, name, file);
	if (S_ISLNK(file->mode))
		return symlinkat(file->text, dir_fd, name) < 0 ? -errno : 0;
	if (mkdirat(dir_fd, name, 0700) < 0)
		return -errno;
	return fchmodat(dir_fd, name, file->mode & 07777, 0) < 0 ? -errno : 0;
}

int metadata_add_base_at(int root_fd, struct err *err)
{
	for (size_t i = 0; i < base_file_count; i++) {
		const char *name;
		cleanup_fd int dir_fd = open_parent(root_fd, base_files[i].path, &name);
		int rc;

		if (dir_fd < 0)
			continue;
		rc = put_base_at(dir_fd, name, &base_files[i]);
		if (rc < 0 && rc != -EEXIST)
			return err_sys(err, -rc, "cannot make %s in the sandbox", base_files[i].path);
	}
	return 0;
}

/* ---- definition and labels ---- */

static int archive_definition(struct tree *tree, struct tree_node *old, uint32_t time, struct err *err)
{
	struct tree_node *history = tree_lookup(tree, META "/bootstrap_history", true);
	char name[32];
	int rc;

	if (!history) {
		rc = put_text(tree, META "/bootstrap_history", S_IFDIR | 0755, NULL, time, err);
		if (rc < 0)
			return rc;
		history = tree_lookup(tree, META "/bootstrap_history", true);
	}
	for (unsigned int i = 0;; i++) {
		(void)snprintf(name, sizeof(name), "Singularity%u", i);
		if (!tree_child(history, name))
			break;
	}
	rc = tree_add(history, name, old->inode, NULL, err);
	if (rc == 0)
		tree_remove(old);
	return rc;
}

int metadata_set_definition(struct tree *tree, const char *text, uint32_t time, struct err *err)
{
	struct tree_node *old = tree_lookup(tree, META "/Singularity", false);
	int rc = old ? archive_definition(tree, old, time, err) : 0;

	return rc < 0 ? rc : put_text(tree, META "/Singularity", S_IFREG | 0644, text, time, err);
}

static json_t *read_labels(struct tree *tree)
{
	struct tree_node *node = tree_lookup(tree, META "/labels.json", true);
	cleanup_ptr char *text = NULL;
	json_t *labels = NULL;
	size_t size;

	if (node && S_ISREG(node->inode->mode) && tree_read(node->inode, SCRIPT_BYTES_MAX, &text, &size, NULL) == 0)
		labels = json_loadb(text, size, 0, NULL);
	if (!json_is_object(labels)) {
		json_decref(labels);
		labels = json_object();
	}
	return labels;
}

static void format_date(uint32_t time, char *out, size_t size)
{
	time_t seconds = (time_t)time;
	struct tm parts;
	char weekday[16], month[16], zone[16];

	/* A build that is to be repeatable must not depend on where it runs. */
	if (getenv("SOURCE_DATE_EPOCH"))
		(void)gmtime_r(&seconds, &parts);
	else
		(void)localtime_r(&seconds, &parts);
	(void)strftime(weekday, sizeof(weekday), "%A", &parts);
	(void)strftime(month, sizeof(month), "%B", &parts);
	(void)strftime(zone, sizeof(zone), "%Z", &parts);
	(void)snprintf(out, size, "%s_%d_%s_%d_%d:%d:%d_%s", weekday, parts.tm_mday, month, parts.tm_year + 1900,
		       parts.tm_hour, parts.tm_min, parts.tm_sec, strcmp(zone, "GMT") == 0 ? "UTC" : zone);
}

int metadata_put_text(struct tree *tree, const char *path, mode_t mode, const char *text, uint32_t time, struct err *err)
{
	struct tree_node *node = tree_lookup(tree, path, false);

	if (node && S_ISDIR(node->inode->mode))
		return err_set(err, ERR_IMAGE, EISDIR, "cannot write %s: it is a directory", path);
	if (node)
		tree_remove(node);
	return put_text(tree, path, mode, text, time, err);
}

int metadata_set_labels(struct tree *tree, const char *bootstrap, const char *from, uint32_t time, struct err *err)
{
	json_t *labels = read_labels(tree);
	cleanup_ptr char *text = NULL;
	cleanup_ptr char *line = NULL;
	char date[128];

	format_date(time, date, sizeof(date));
	(void)json_object_set_new(labels, "org.label-schema.schema-version", json_string("1.0"));
	(void)json_object_set_new(labels, "org.label-schema.build-arch", json_string(metadata_arch(tree)));
	(void)json_object_set_new(labels, "org.label-schema.build-date", json_string(date));
	(void)json_object_set_new(labels, "org.label-schema.usage.singularity.version", json_string(SINGULARITY_VERSION));
	(void)json_object_set_new(labels, "org.label-schema.usage.singularity.deffile.bootstrap", json_string(bootstrap));
	/* A path of this machine says nothing elsewhere; a name in a registry does. */
	if (strcmp(bootstrap, "localimage") != 0)
		(void)json_object_set_new(labels, "org.label-schema.usage.singularity.deffile.from", json_string(from));
	text = json_dumps(labels, JSON_INDENT(4) | JSON_SORT_KEYS);
	json_decref(labels);
	if (!text || asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		return err_sys(err, ENOMEM, "cannot write labels");
	}
	return metadata_put_text(tree, META "/labels.json", S_IFREG | 0644, line, time, err);
}

/* ---- inspect-metadata.json ---- */

/* Text of the file at @path, or NULL; what is not UTF-8 cannot stand in JSON. */
static json_t *read_text(struct tree *tree, const char *path)
{
	struct tree_node *node = tree_lookup(tree, path, true);
	cleanup_ptr char *text = NULL;
	size_t size;

	if (!node || !S_ISREG(node->inode->mode) || node->inode->size == 0)
		return NULL;
	if (tree_read(node->inode, SCRIPT_BYTES_MAX, &text, &size, NULL) < 0)
		return NULL;
	return json_stringn(text, size);
}

static void set_text(struct tree *tree, json_t *object, const char *key, const char *dir, const char *name)
{
	char path[1024];
	json_t *text;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = read_text(tree, path);
	if (text)
		(void)json_object_set_new(object, key, text);
}

static void set_environment(struct tree *tree, json_t *object, const char *dir)
{
	struct tree_node *node = tree_lookup(tree, dir, true);
	json_t *environment;

	if (!node)
		return;
	environment = json_object();
	tree_sort(node);
	for (size_t i = 0; i < node->count; i++) {
		const char *name = node->children[i]->name;
		size_t len = strlen(name);
		char path[1024];
		json_t *text;

		/* Only what the user can have written; the other files are the runtime's. */
		if (strcmp(name, "10-docker2singularity.sh") != 0 && (len < 15 || strcmp(name + len - 15, "-environment.sh") != 0))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
		text = read_text(tree, path);
		if (text)
			(void)json_object_set_new(environment, path, text);
	}
	if (json_object_size(environment) > 0)
		(void)json_object_set(object, "environment", environment);
	json_decref(environment);
}

static void set_labels(struct tree *tree, json_t *object, const char *dir)
{
	char path[1024];
	json_t *text, *labels;

	(void)snprintf(path, sizeof(path), "%s/labels.json", dir);
	text = read_text(tree, path);
	labels = text ? json_loads(json_string_value(text), 0, NULL) : NULL;
	if (json_object_size(labels) > 0)
		(void)json_object_set(object, "labels", labels);
	json_decref(labels);
	json_decref(text);
}

static void set_scripts(struct tree *tree, json_t *object, const char *dir)
{
	set_labels(tree, object, dir);
	set_text(tree, object, "runscript", dir, "runscript");
	set_text(tree, object, "test", dir, "test");
	set_text(tree, object, "helpfile", dir, "runscript.help");
	set_text(tree, object, "startscript", dir, "startscript");
}

static void set_apps(struct tree *tree, json_t *attributes)
{
	struct tree_node *node = tree_lookup(tree, "/scif/apps", true);
	json_t *apps = json_object();

	for (size_t i = 0; node && i < node->count; i++) {
		json_t *app = json_object();
		char dir[512], env[600];

		(void)snprintf(dir, sizeof(dir), "/scif/apps/%s/scif", node->children[i]->name);
		(void)snprintf(env, sizeof(env), "%s/env", dir);
		set_environment(tree, app, env);
		set_scripts(tree, app, dir);
		(void)json_object_set_new(apps, node->children[i]->name, app);
	}
	if (json_object_size(apps) > 0)
		(void)json_object_set(attributes, "apps", apps);
	json_decref(apps);
}

int metadata_inspect(struct tree *tree, char **out, struct err *err)
{
	json_t *attributes = json_object();
	json_t *document = json_pack("{s:{s:o},s:s}", "data", "attributes", attributes, "type", "container");

	set_apps(tree, attributes);
	set_environment(tree, attributes, META "/env");
	set_scripts(tree, attributes, META);
	set_text(tree, attributes, "deffile", META, "Singularity");
	*out = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	return *out ? 0 : err_sys(err, ENOMEM, "cannot describe the image");
}

/* ---- architecture ---- */

static const char *read_arch(const struct tree_inode *inode)
{
	uint8_t head[ELF_HEAD_BYTES];
	struct elf_facts facts;

	if (S_ISREG(inode->mode) && tree_inode_is_streamed(inode)) {
		(void)inode->source->read_elf(inode->source, inode, &facts);
		return strcmp(facts.arch, "unknown") == 0 ? NULL : facts.arch;
	}
	if (!S_ISREG(inode->mode) || inode->size < sizeof(head) ||
	    tree_read_at(inode, 0, head, sizeof(head), NULL) != (ssize_t)sizeof(head) ||
	    memcmp(head, "\177ELF", 4) != 0)
		return NULL;
	/* The header alone tells the architecture, whatever it says about tables further on. */
	(void)elf_read(head, sizeof(head), &facts);
	return strcmp(facts.arch, "unknown") == 0 ? NULL : facts.arch;
}

static const char *find_arch(struct tree_node *node)
{
	const char *arch = NULL;

	tree_sort(node);
	if (S_ISREG(node->inode->mode) && (node->inode->mode & 0111))
		arch = read_arch(node->inode);
	for (size_t i = 0; i < node->count && !arch; i++)
		arch = find_arch(node->children[i]);
	return arch;
}

static const char *host_arch(void)
{
	cleanup_fd int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint8_t head[ELF_HEAD_BYTES];
	struct elf_facts facts = {.arch = "unknown"};

	if (fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head))
		(void)elf_read(head, sizeof(head), &facts);
	return facts.arch;
}

const char *metadata_arch(struct tree *tree)
{
	struct tree_node *shell = tree_lookup(tree, "/bin/sh", true);
	const char *arch = shell ? read_arch(shell->inode) : NULL;

	if (!arch)
		arch = find_arch(tree->root);
	return arch ? arch : host_arch();
}
