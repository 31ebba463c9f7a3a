/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules, as they stand in the OCI layer specification and in what the engines do:
 * - a name is cleaned as if it began at the root; links in its parent are followed inside the tree, its last part never is;
 * - what is at a name is replaced, except that a directory stays under a directory;
 * - a whiteout removes what lower layers have, wherever in its own layer it stands. Each node is marked with the last layer that
 *   named it or something below it, so "what this layer made" is one comparison;
 * - a hard link gives its target's inode a further name, in whichever layer the target lies.
 *
 * What an archive can make us keep is limited: entries, bytes of names and attributes, depth, bytes of contents.
 */
#include "frontend/oci/merge.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "frontend/pack/elf_read.h"
#include "ipc/cleanup.h"

#define ENTRIES_MAX ((size_t)16 * 1024 * 1024)
#define KEPT_MAX ((size_t)1 << 30) /* bytes of names, link targets, attributes and small files */
#define DEPTH_MAX 256              /* as many as extract.c unpacks */
#define LINKS_MAX 40
#define XATTR_VALUE_MAX ((size_t)65536)
#define TARGET_MAX ((size_t)PATH_MAX - 1)
#define PROGRAM_BYTES_MAX ((size_t)8 * 1024 * 1024) /* as large as hotset.c looks at */
#define ELF_HEAD_BYTES ((size_t)64)
#define TEXT_BYTES_MAX ((size_t)4 * 1024 * 1024) /* as large as metadata.c reads */
#define SHOWN_MAX 400 /* bytes of a name in a message, which must have room for the reason */
#define MAJOR_MAX 0xfff
#define MINOR_MAX 0xfffff
#define WHITEOUT ".wh."
#define WHITEOUT_LEN (sizeof(WHITEOUT) - 1)
#define OPAQUE ".wh..wh..opq"
#define DOUBLE_WHITEOUT ".wh..wh."

/* Where the contents of an inode are, and what was kept of a program. It is the inode's locator. */
struct place {
	uint32_t layer, entry;
	const char *arch; /* NULL: no program */
	char names[];     /* loader, libraries, each with its NUL; then an empty one */
};

struct merge {
	struct tree_source source; /* first: the source handed to inodes */
	struct tree *tree;
	bool squash_ids;
	uint64_t bytes, bytes_max;
	size_t entries, kept;
	uint32_t layer; /* number of the layer at work, from 0 */
	uint32_t entry; /* of the layer's entries, from 0 */
	struct layer *stream;
	struct elf_facts *facts;
	uint8_t *program; /* PROGRAM_BYTES_MAX */
	struct tree_inode *cursor; /* second reading: the next inode whose contents are wanted */
	char name[PATH_MAX];       /* the entry's name, cleaned: no leading slash, no "." or ".." */
	char link[PATH_MAX];       /* a hard link's target, cleaned */
};

static int refuse(const struct merge *merge, int errnum, const char *reason, struct err *err)
{
	bool cut = strlen(merge->name) > SHOWN_MAX;

	return err_set(err, ERR_IMAGE, errnum, "cannot use layer %u of the image: /%.*s%s: %s", merge->layer + 1, SHOWN_MAX, merge->name,
		       cut ? "..." : "", reason);
}

static int no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot merge the layers");
}

/* ---- what was kept of programs ---- */

static struct place *get_place(const struct tree_inode *inode)
{
	return (struct place *)(void *)inode->locator;
}

static int source_read_elf(struct tree_source *source, const struct tree_inode *inode, struct elf_facts *out)
{
	const struct place *place = get_place(inode);
	const char *at = place->names;

	(void)source;
	*out = (struct elf_facts){.arch = place->arch ? place->arch : "unknown"};
	if (!place->arch)
		return -ENOEXEC;
	strcpy(out->loader, at);
	for (at += strlen(at) + 1; *at && out->needed_count < ELF_NEEDED_MAX; at += strlen(at) + 1)
		strcpy(out->needed[out->needed_count++], at);
	return 0;
}

static size_t measure_names(const struct elf_facts *facts)
{
	size_t size = strlen(facts->loader) + 2;

	for (size_t i = 0; i < facts->needed_count; i++)
		size += strlen(facts->needed[i]) + 1;
	return size;
}

static void put_names(const struct elf_facts *facts, char *at)
{
	at = stpcpy(at, facts->loader) + 1;
	for (size_t i = 0; i < facts->needed_count; i++) {
		/* An empty name would end the list. */
		if (facts->needed[i][0])
			at = stpcpy(at, facts->needed[i]) + 1;
	}
	*at = '\0';
}

/* @facts NULL: no program. */
static int set_place(struct merge *merge, struct tree_inode *inode, const struct elf_facts *facts, struct err *err)
{
	size_t names = facts ? measure_names(facts) : 0;
	struct place *place = calloc(1, sizeof(*place) + names);

	if (!place)
		return no_memory(err);
	place->layer = merge->layer;
	place->entry = merge->entry;
	if (facts) {
		place->arch = facts->arch;
		put_names(facts, place->names);
	}
	merge->kept += names;
	inode->locator = (char *)place;
	inode->source = &merge->source;
	return 0;
}

/* ---- names ---- */

/* The cleaned form of @from in @to, which has PATH_MAX bytes. */
static int clean_name(struct merge *merge, const char *from, char *to, struct err *err)
{
	size_t used = 0;

	while (*from) {
		size_t len = strcspn(from, "/");

		if (len == 2 && memcmp(from, "..", 2) == 0) {
			while (used > 0 && to[--used] != '/')
				;
		} else if (len > 0 && !(len == 1 && from[0] == '.')) {
			if (len > NAME_MAX || used + len + 2 > PATH_MAX) {
				to[used] = '\0';
				return refuse(merge, ENAMETOOLONG, "a name below it is too long", err);
			}
			if (used > 0)
				to[used++] = '/';
			memcpy(to + used, from, len);
			used += len;
		}
		from += len;
		from += strspn(from, "/");
	}
	to[used] = '\0';
	return 0;
}

/* A link in a parent's name may lead to where names get longer than the archive's own. */
static bool is_too_deep(const struct tree_node *node, size_t name_len)
{
	unsigned int depth = 1;
	size_t len = name_len + 1;

	for (; node->parent != node; node = node->parent) {
		depth++;
		len += strlen(node->name) + 1;
	}
	return depth > DEPTH_MAX || len >= PATH_MAX;
}

/* Up to the root, or to what is marked already: then all above it is, too. */
static void mark_up(const struct merge *merge, struct tree_node *node)
{
	while (node->mark != merge->layer + 1) {
		node->mark = merge->layer + 1;
		node = node->parent;
	}
}

static int count_entry(struct merge *merge, size_t bytes, struct err *err)
{
	merge->kept += bytes;
	if (++merge->entries > ENTRIES_MAX)
		return refuse(merge, E2BIG, "the image has too many entries", err);
	if (merge->kept > KEPT_MAX)
		return refuse(merge, E2BIG, "the image's names, links and attributes take too much memory", err);
	return 0;
}

static int add_node(struct merge *merge, struct tree_node *parent, const char *name, struct tree_inode *inode,
		    struct tree_node **out, struct err *err)
{
	int rc = count_entry(merge, strlen(name), err);

	if (rc == 0 && is_too_deep(parent, strlen(name)))
		return refuse(merge, ELOOP, "directories are nested too deeply", err);
	return rc < 0 ? rc : tree_add(parent, name, inode, out, err);
}

/* A parent that no entry has named. Its own entry, should one follow, sets what is missing here. */
static int add_parent(struct merge *merge, struct tree_node *parent, const char *name, uint32_t mtime,
		      struct tree_node **out, struct err *err)
{
	struct tree_inode *inode = tree_new_inode(merge->tree, S_IFDIR | 0755);

	if (!inode)
		return no_memory(err);
	inode->mtime = mtime;
	return add_node(merge, parent, name, inode, out, err);
}

/* From the directory @at down the @len bytes of @path, making what is missing, to a directory. */
static int enter(struct merge *merge, struct tree_node *at, const char *path, size_t len, uint32_t mtime, int *links,
		 struct tree_node **out, struct err *err)
{
	const char *end = path + len;
	char name[NAME_MAX + 1];

	if (len > 0 && *path == '/')
		at = merge->tree->root;
	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t size = (size_t)((slash ? slash : end) - path);
		struct tree_node *child;
		int rc = 0;

		if (size > NAME_MAX)
			return refuse(merge, ENAMETOOLONG, "a name in a link is too long", err);
		memcpy(name, path, size);
		name[size] = '\0';
		path += size + (slash ? 1 : 0);
		if (size == 0 || strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			at = at->parent;
			continue;
		}
		child = tree_child(at, name);
		if (!child)
			rc = add_parent(merge, at, name, mtime, &child, err);
		else if (S_ISLNK(child->inode->mode) && (*links)++ >= LINKS_MAX)
			rc = refuse(merge, ELOOP, "its directory leads through too many links", err);
		else if (S_ISLNK(child->inode->mode))
			rc = enter(merge, at, child->inode->target, strlen(child->inode->target), mtime, links, &child, err);
		else if (!S_ISDIR(child->inode->mode))
			rc = refuse(merge, ENOTDIR, "what it is in is no directory", err);
		if (rc < 0)
			return rc;
		at = child;
	}
	*out = at;
	return 0;
}

/* The directory of the cleaned @path, and where the last part begins. */
static int enter_parent(struct merge *merge, const char *path, uint32_t mtime, struct tree_node **parent, const char **name,
			struct err *err)
{
	const char *slash = strrchr(path, '/');
	int links = 0;

	*name = slash ? slash + 1 : path;
	return enter(merge, merge->tree->root, path, slash ? (size_t)(slash - path) : 0, mtime, &links, parent, err);
}

/* The same without making anything; NULL when there is no such directory. */
static struct tree_node *find_parent(struct merge *merge, char *path, const char **name)
{
	char *slash = strrchr(path, '/');
	struct tree_node *parent;

	*name = slash ? slash + 1 : path;
	if (!slash)
		return merge->tree->root;
	*slash = '\0';
	parent = tree_lookup(merge->tree, path, true);
	*slash = '/';
	return parent && S_ISDIR(parent->inode->mode) ? parent : NULL;
}

/* ---- whiteouts ---- */

/* Everything below @dir that this layer has not named. */
static void remove_lower_below(const struct merge *merge, struct tree_node *dir)
{
	/* Backwards: removing puts the last entry, which has been looked at, in the place. */
	for (uint32_t i = dir->count; i-- > 0;) {
		struct tree_node *child = dir->children[i];

		if (child->mark != merge->layer + 1)
			tree_remove(child);
		else if (S_ISDIR(child->inode->mode))
			remove_lower_below(merge, child);
	}
}

static int apply_whiteout(struct merge *merge, struct err *err)
{
	const char *name;
	struct tree_node *parent = find_parent(merge, merge->name, &name);
	struct tree_node *node;

	if (strcmp(name, OPAQUE) == 0) {
		if (parent)
			remove_lower_below(merge, parent);
		return 0;
	}
	name += WHITEOUT_LEN;
	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return refuse(merge, EINVAL, "it removes no name", err);
	node = parent ? tree_child(parent, name) : NULL;
	if (!node)
		return 0;
	if (node->mark != merge->layer + 1)
		tree_remove(node);
	else if (S_ISDIR(node->inode->mode))
		remove_lower_below(merge, node);
	return 0;
}

static bool is_whiteout(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(slash ? slash + 1 : path, WHITEOUT, WHITEOUT_LEN) == 0;
}

/* What AUFS kept for itself in directories of these names. */
static bool is_aufs_metadata(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *at = path;

	if (strcmp(slash ? slash + 1 : path, OPAQUE) == 0)
		return false;
	for (;;) {
		if (strncmp(at, DOUBLE_WHITEOUT, sizeof(DOUBLE_WHITEOUT) - 1) == 0)
			return true;
		at = strchr(at, '/');
		if (!at)
			return false;
		at++;
	}
}

/* ---- inodes ---- */

static bool is_kept_xattr(const char *name)
{
	/* Labels belong to the machine where the layer was made. */
	if (strcmp(name, "security.selinux") == 0)
		return false;
	return strncmp(name, "user.", 5) == 0 || strncmp(name, "trusted.", 8) == 0 || strncmp(name, "security.", 9) == 0;
}

static bool has_xattr(const struct tree_inode *inode, const char *name)
{
	for (const struct tree_xattr *xattr = inode->xattrs; xattr; xattr = xattr->next) {
		if (strcmp(xattr->name, name) == 0)
			return true;
	}
	return false;
}

static int set_xattrs(struct merge *merge, struct tree_inode *inode, struct archive_entry *entry, struct err *err)
{
	const char *name;
	const void *value;
	size_t size;

	tree_clear_xattrs(inode);
	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		int rc;

		if (!name || !is_kept_xattr(name) || has_xattr(inode, name))
			continue;
		if (size > XATTR_VALUE_MAX || strlen(name) > NAME_MAX)
			return refuse(merge, E2BIG, "an extended attribute is too large", err);
		rc = tree_set_xattr(inode, name, value, size, err);
		if (rc < 0)
			return rc;
		merge->kept += size + strlen(name) + sizeof(struct tree_xattr);
	}
	return 0;
}

static uint32_t get_mtime(struct archive_entry *entry)
{
	time_t mtime = archive_entry_mtime(entry);

	return mtime < 0 ? 0 : mtime > UINT32_MAX ? UINT32_MAX : (uint32_t)mtime;
}

static int set_metadata(struct merge *merge, struct tree_inode *inode, struct archive_entry *entry, struct err *err)
{
	la_int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	if (uid < 0 || uid > UINT32_MAX || gid < 0 || gid > UINT32_MAX)
		return refuse(merge, EINVAL, "its owner is out of range", err);
	inode->mode = (inode->mode & S_IFMT) | (S_ISLNK(inode->mode) ? 0777 : archive_entry_perm(entry) & 07777);
	inode->uid = merge->squash_ids ? 0 : (uint32_t)uid;
	inode->gid = merge->squash_ids ? 0 : (uint32_t)gid;
	inode->mtime = get_mtime(entry);
	return set_xattrs(merge, inode, entry, err);
}

/* Reads the entry's contents into the buffer until it has @max bytes, @have of them from calls before. Holes are zeros. Pieces
 * that reach beyond @max are kept as far as the buffer goes; *@have tells. */
static int read_contents(struct merge *merge, size_t max, size_t *have, struct err *err)
{
	while (*have < max) {
		const void *bytes;
		size_t size;
		uint64_t offset;
		int rc = layer_read(merge->stream, &bytes, &size, &offset, err);

		if (rc < 0)
			return rc;
		if (rc == 0 || offset >= PROGRAM_BYTES_MAX || offset < *have) {
			memset(merge->program + *have, 0, max - *have);
			*have = max;
			return 0;
		}
		memset(merge->program + *have, 0, (size_t)offset - *have);
		if (size > PROGRAM_BYTES_MAX - offset)
			size = PROGRAM_BYTES_MAX - (size_t)offset;
		memcpy(merge->program + offset, bytes, size);
		*have = (size_t)offset + size;
	}
	return 0;
}

/* The architecture of an image is told from a program, and the hot set from what programs ask for: both must be known before the
 * contents are read for good. *@known: the facts are filled. */
static int read_program(struct merge *merge, const struct tree_inode *inode, const char *name, bool *known, struct err *err)
{
	size_t have = 0, size = inode->size <= PROGRAM_BYTES_MAX ? (size_t)inode->size : ELF_HEAD_BYTES;
	int rc;

	*known = false;
	if (inode->size < ELF_HEAD_BYTES || (!(inode->mode & 0111) && !strstr(name, ".so")))
		return 0;
	rc = read_contents(merge, ELF_HEAD_BYTES, &have, err);
	if (rc < 0 || memcmp(merge->program, "\177ELF", 4) != 0)
		return rc;
	rc = read_contents(merge, size, &have, err);
	if (rc < 0)
		return rc;
	/* The header alone tells the architecture, whatever it says about tables further on. */
	(void)elf_read(merge->program, size, merge->facts);
	*known = strcmp(merge->facts->arch, "unknown") != 0;
	return 0;
}

/* Whether the file lies where an image's own description does. */
static bool is_description(const struct tree_node *parent)
{
	if (parent->parent == parent)
		return false;
	while (parent->parent->parent != parent->parent)
		parent = parent->parent;
	return strcmp(parent->name, ".singularity.d") == 0 || strcmp(parent->name, "scif") == 0;
}

static int fill_regular(struct merge *merge, const struct tree_node *parent, const char *name, struct tree_inode *inode,
			struct archive_entry *entry, struct err *err)
{
	la_int64_t size = archive_entry_size(entry);
	size_t have = 0;
	bool known;
	int rc;

	if (size < 0)
		return refuse(merge, EINVAL, "its size is out of range", err);
	inode->size = (uint64_t)size;
	if (inode->size > merge->bytes_max - merge->bytes)
		return refuse(merge, EFBIG, "the files of the image are far larger than the size of its layers allows", err);
	merge->bytes += inode->size;
	if (inode->size == 0)
		return 0;
	if (inode->size <= TEXT_BYTES_MAX && is_description(parent)) {
		merge->kept += (size_t)inode->size;
		rc = read_contents(merge, (size_t)inode->size, &have, err);
		return rc < 0 ? rc : tree_set_bytes(inode, merge->program, (size_t)inode->size, err);
	}
	rc = read_program(merge, inode, name, &known, err);
	return rc < 0 ? rc : set_place(merge, inode, known ? merge->facts : NULL, err);
}

static int fill_symlink(struct merge *merge, struct tree_inode *inode, struct archive_entry *entry, struct err *err)
{
	const char *target = archive_entry_symlink(entry);

	if (!target || *target == '\0' || strlen(target) > TARGET_MAX)
		return refuse(merge, EINVAL, "the target of the link is empty or too long", err);
	merge->kept += strlen(target);
	inode->target = strdup(target);
	return inode->target ? 0 : no_memory(err);
}

static int fill_device(struct merge *merge, struct tree_inode *inode, struct archive_entry *entry, struct err *err)
{
	dev_t major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);

	if (major > MAJOR_MAX || minor > MINOR_MAX)
		return refuse(merge, EINVAL, "the number of the device is out of range", err);
	if (merge->squash_ids)
		inode->mode = S_IFREG; /* without privilege no device is made, as when a layer is unpacked */
	else
		inode->rdev = tree_encode_device((unsigned int)major, (unsigned int)minor);
	return 0;
}

static int fill_inode(struct merge *merge, const struct tree_node *parent, const char *name, struct tree_inode *inode,
		      struct archive_entry *entry, struct err *err)
{
	int rc = set_metadata(merge, inode, entry, err);

	if (rc < 0)
		return rc;
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		return fill_regular(merge, parent, name, inode, entry, err);
	case S_IFLNK:
		return fill_symlink(merge, inode, entry, err);
	case S_IFCHR:
	case S_IFBLK:
		return fill_device(merge, inode, entry, err);
	case S_IFDIR:
	case S_IFIFO:
		return 0;
	default:
		return refuse(merge, EINVAL, "this type of file is not known", err);
	}
}

/* ---- entries ---- */

static int apply_root(struct merge *merge, struct archive_entry *entry, struct err *err)
{
	if (archive_entry_filetype(entry) != AE_IFDIR || archive_entry_hardlink(entry))
		return refuse(merge, EINVAL, "the root can only be a directory", err);
	return set_metadata(merge, merge->tree->root->inode, entry, err);
}

static int apply_hard_link(struct merge *merge, const char *target, uint32_t mtime, struct err *err)
{
	struct tree_node *parent, *node, *existing;
	struct tree_inode *inode;
	const char *name;
	int rc = clean_name(merge, target, merge->link, err);

	if (rc < 0)
		return rc;
	parent = find_parent(merge, merge->link, &name);
	node = parent && *name ? tree_child(parent, name) : NULL;
	if (!node)
		return refuse(merge, ENOENT, "the target of the hard link is not there", err);
	inode = node->inode;
	if (S_ISDIR(inode->mode))
		return refuse(merge, EPERM, "a directory cannot have a hard link", err);
	rc = enter_parent(merge, merge->name, mtime, &parent, &name, err);
	if (rc < 0)
		return rc;
	existing = tree_child(parent, name);
	if (existing && existing->inode == inode) {
		mark_up(merge, existing);
		return 0;
	}
	if (existing)
		tree_remove(existing);
	rc = add_node(merge, parent, name, inode, &node, err);
	if (rc == 0)
		mark_up(merge, node);
	return rc;
}

static int apply_file(struct merge *merge, struct archive_entry *entry, struct err *err)
{
	mode_t type = archive_entry_filetype(entry);
	struct tree_node *parent, *node;
	struct tree_inode *inode;
	const char *name;
	int rc = enter_parent(merge, merge->name, get_mtime(entry), &parent, &name, err);

	if (rc < 0)
		return rc;
	node = tree_child(parent, name);
	if (node && S_ISDIR(node->inode->mode) && type == AE_IFDIR) {
		mark_up(merge, node);
		return set_metadata(merge, node->inode, entry, err);
	}
	if (node)
		tree_remove(node);
	inode = tree_new_inode(merge->tree, type);
	if (!inode)
		return no_memory(err);
	rc = fill_inode(merge, parent, name, inode, entry, err);
	if (rc == 0)
		rc = add_node(merge, parent, name, inode, &node, err);
	if (rc == 0)
		mark_up(merge, node);
	return rc;
}

static int apply_entry(struct merge *merge, struct archive_entry *entry, struct err *err)
{
	const char *name = archive_entry_pathname(entry);
	const char *target = archive_entry_hardlink(entry);
	int rc;

	merge->name[0] = '\0';
	if (!name)
		return refuse(merge, EINVAL, "an entry has no name that can be read", err);
	rc = clean_name(merge, name, merge->name, err);
	if (rc < 0)
		return rc;
	if (merge->name[0] == '\0')
		return apply_root(merge, entry, err);
	if (is_aufs_metadata(merge->name))
		return 0;
	if (is_whiteout(merge->name))
		return apply_whiteout(merge, err);
	return target ? apply_hard_link(merge, target, get_mtime(entry), err) : apply_file(merge, entry, err);
}

int merge_apply(struct merge *merge, struct layer *layer, struct err *err)
{
	struct archive_entry *entry;
	int rc;

	merge->stream = layer;
	for (merge->entry = 0;; merge->entry++) {
		if (merge->entry >= ENTRIES_MAX)
			return refuse(merge, E2BIG, "the layer has too many entries", err);
		rc = layer_next(layer, &entry, err);
		if (rc == 1)
			rc = apply_entry(merge, entry, err);
		else if (rc == 0)
			break;
		if (rc < 0)
			return rc;
	}
	merge->layer++;
	return 0;
}

/* ---- second reading ---- */

/* Inodes are listed in the order in which the layers brought them, which is the order in which they come again. */
static struct tree_inode *skip_unwanted(const struct merge *merge, struct tree_inode *inode)
{
	while (inode && (inode->nlink == 0 || inode->source != &merge->source))
		inode = inode->next;
	return inode;
}

void merge_rewind(struct merge *merge)
{
	merge->cursor = skip_unwanted(merge, merge->tree->inodes);
}

bool merge_needs(const struct merge *merge, uint32_t index)
{
	return merge->cursor && get_place(merge->cursor)->layer == index;
}

static int changed(const struct merge *merge, struct err *err)
{
	return err_set(err, ERR_IMAGE, ESTALE, "cannot use layer %u of the image: it changed while it was read", merge->layer + 1);
}

static int feed_file(struct merge *merge, struct tree_inode *inode, struct tree_sink *sink, struct err *err)
{
	uint64_t at = 0;
	int rc = sink->begin(sink, inode, err);

	while (rc == 0) {
		const void *bytes;
		uint64_t offset;
		size_t size;

		rc = layer_read(merge->stream, &bytes, &size, &offset, err);
		if (rc <= 0)
			break;
		if (offset < at || offset > inode->size || size > inode->size - offset)
			return changed(merge, err);
		rc = offset > at ? sink->append(sink, NULL, (size_t)(offset - at), err) : 0;
		if (rc == 0 && size > 0)
			rc = sink->append(sink, bytes, size, err);
		at = offset + size;
	}
	if (rc == 0 && at < inode->size)
		rc = sink->append(sink, NULL, (size_t)(inode->size - at), err);
	return rc < 0 ? rc : sink->end(sink, err);
}

int merge_feed(struct merge *merge, uint32_t index, struct layer *layer, struct tree_sink *sink, struct err *err)
{
	struct archive_entry *entry;

	merge->stream = layer;
	merge->layer = index;
	for (uint32_t number = 0; merge_needs(merge, index); number++) {
		int rc = layer_next(layer, &entry, err);

		if (rc < 0)
			return rc;
		if (rc == 0)
			return changed(merge, err);
		if (number != get_place(merge->cursor)->entry)
			continue;
		if (archive_entry_filetype(entry) != AE_IFREG || (uint64_t)archive_entry_size(entry) != merge->cursor->size)
			return changed(merge, err);
		rc = feed_file(merge, merge->cursor, sink, err);
		if (rc < 0)
			return rc;
		merge->cursor = skip_unwanted(merge, merge->cursor->next);
	}
	return 0;
}

int merge_new(struct tree *tree, bool squash_ids, uint64_t bytes_max, struct merge **out, struct err *err)
{
	struct merge *merge = calloc(1, sizeof(*merge));

	if (merge) {
		merge->source.read_elf = source_read_elf;
		merge->tree = tree;
		merge->squash_ids = squash_ids;
		merge->bytes_max = bytes_max;
		merge->facts = malloc(sizeof(*merge->facts));
		merge->program = malloc(PROGRAM_BYTES_MAX);
	}
	if (!merge || !merge->facts || !merge->program) {
		merge_free(merge);
		return no_memory(err);
	}
	*out = merge;
	return 0;
}

void merge_free(struct merge *merge)
{
	if (!merge)
		return;
	free(merge->facts);
	free(merge->program);
	free(merge);
}
