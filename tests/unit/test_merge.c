/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "frontend/oci/merge.h"
#include "frontend/pack/elf_read.h"
#include "tests/unit/oci_tars.h"

#define LAYERS_MAX 4
#define BYTES_MAX (UINT64_C(1) << 30)

struct stack {
	struct tree tree;
	struct merge *merge;
	struct { int fd; uint64_t size; } layers[LAYERS_MAX];
	uint32_t count;
	struct err err;
};

static void begin(struct stack *stack, bool squash_ids)
{
	memset(stack, 0, sizeof(*stack));
	assert_int_equal(tree_init(&stack->tree, &stack->err), 0);
	assert_int_equal(merge_new(&stack->tree, squash_ids, BYTES_MAX, &stack->merge, &stack->err), 0);
}

static void end(struct stack *stack)
{
	tree_fini(&stack->tree);
	merge_free(stack->merge);
	for (uint32_t i = 0; i < stack->count; i++)
		(void)close(stack->layers[i].fd);
}

static struct layer *open_layer(struct stack *stack, uint32_t index)
{
	struct layer_request request = {.fd = stack->layers[index].fd, .size = stack->layers[index].size, .bytes_max = BYTES_MAX};
	struct layer *layer = NULL;

	assert_int_equal(layer_open(&request, &layer, &stack->err), 0);
	return layer;
}

static int push_fd(struct stack *stack, int fd, uint64_t size)
{
	struct layer *layer;
	int rc;

	stack->layers[stack->count].fd = fd;
	stack->layers[stack->count].size = size;
	layer = open_layer(stack, stack->count++);
	rc = merge_apply(stack->merge, layer, &stack->err);
	layer_close(layer);
	return rc;
}

static int push(struct stack *stack, const struct tar_member *members)
{
	uint64_t size;
	int fd = tar_make(members, ARCHIVE_FILTER_GZIP, &size);

	return push_fd(stack, fd, size);
}

static void push_good(struct stack *stack, const struct tar_member *members)
{
	int rc = push(stack, members);

	if (rc < 0)
		fail_msg("%s", stack->err.message);
}

/* "name name …" of a directory, in order; "-" when it is not there. */
static const char *list(struct stack *stack, const char *path)
{
	static char text[1024];
	struct tree_node *node = tree_lookup(&stack->tree, path, false);

	text[0] = '\0';
	if (!node)
		return "-";
	tree_sort(node);
	for (uint32_t i = 0; i < node->count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, node->children[i]->name);
	}
	return text;
}

static const struct tree_inode *inode_at(struct stack *stack, const char *path)
{
	struct tree_node *node = tree_lookup(&stack->tree, path, false);

	return node ? node->inode : NULL;
}

/* Collects contents by inode number. */
struct collector {
	struct tree_sink sink;
	char *texts[64];
	size_t sizes[64];
	uint32_t count;
};

static int collect_begin(struct tree_sink *sink, struct tree_inode *inode, struct err *err)
{
	struct collector *collector = (struct collector *)(void *)sink;

	(void)err;
	inode->number = ++collector->count;
	collector->texts[inode->number] = calloc(1, inode->size + 1);
	return 0;
}

static int collect_append(struct tree_sink *sink, const void *bytes, size_t size, struct err *err)
{
	struct collector *collector = (struct collector *)(void *)sink;

	(void)err;
	if (bytes)
		memcpy(collector->texts[collector->count] + collector->sizes[collector->count], bytes, size);
	collector->sizes[collector->count] += size;
	return 0;
}

static int collect_end(struct tree_sink *sink, struct err *err)
{
	(void)sink;
	(void)err;
	return 0;
}

static void collect(struct stack *stack, struct collector *collector)
{
	memset(collector, 0, sizeof(*collector));
	collector->sink = (struct tree_sink){.begin = collect_begin, .append = collect_append, .end = collect_end};
	merge_rewind(stack->merge);
	for (uint32_t i = 0; i < stack->count; i++) {
		struct layer *layer;

		if (!merge_needs(stack->merge, i))
			continue;
		layer = open_layer(stack, i);
		if (merge_feed(stack->merge, i, layer, &collector->sink, &stack->err) < 0)
			fail_msg("%s", stack->err.message);
		layer_close(layer);
	}
}

static void collector_fini(struct collector *collector)
{
	for (uint32_t i = 0; i <= collector->count; i++)
		free(collector->texts[i]);
}

static void merge_stacks_layers(void **state)
{
	static const struct tar_member lower[] = {
		{"./", S_IFDIR | 0711, NULL, 3}, {"etc/", DIR_MODE, NULL, 1}, {"etc/a", FILE_MODE, "lower a", 1},
		{"etc/b", FILE_MODE, "lower b", 1}, {"bin", LINK_MODE, "usr/bin", 0}, {NULL, 0, NULL, 0}};
	static const struct tar_member upper[] = {
		{"etc/a", S_IFREG | 04755, "upper a", 2}, {"bin/tool", FILE_MODE, "tool", 0}, {"dev/null", S_IFCHR | 0666, NULL, 0},
		{"etc/fifo", S_IFIFO | 0600, NULL, 0}, {NULL, 0, NULL, 0}};
	struct stack stack;
	struct collector collector;

	(void)state;
	begin(&stack, false);
	push_good(&stack, lower);
	push_good(&stack, upper);
	assert_string_equal(list(&stack, "/"), "bin dev etc usr");
	assert_int_equal(inode_at(&stack, "/")->mode, S_IFDIR | 0711);
	assert_int_equal(inode_at(&stack, "/")->uid, 3);
	/* Through the link, whose target was made. */
	assert_string_equal(list(&stack, "/usr/bin"), "tool");
	assert_int_equal(inode_at(&stack, "/etc/a")->mode, S_IFREG | 04755);
	assert_int_equal(inode_at(&stack, "/etc/a")->uid, 2);
	assert_int_equal(inode_at(&stack, "/dev/null")->rdev, tree_encode_device(1, 259));
	collect(&stack, &collector);
	assert_int_equal(collector.count, 3);
	assert_string_equal(collector.texts[inode_at(&stack, "/etc/a")->number], "upper a");
	assert_string_equal(collector.texts[inode_at(&stack, "/etc/b")->number], "lower b");
	collector_fini(&collector);
	end(&stack);
}

static void merge_squashes_ids(void **state)
{
	static const struct tar_member members[] = {{"a", FILE_MODE, "x", 7}, {"null", S_IFCHR | 0666, NULL, 7}, {NULL, 0, NULL, 0}};
	struct stack stack;

	(void)state;
	begin(&stack, true);
	push_good(&stack, members);
	assert_int_equal(inode_at(&stack, "/a")->uid, 0);
	assert_int_equal(inode_at(&stack, "/null")->mode, S_IFREG);
	assert_int_equal(inode_at(&stack, "/null")->size, 0);
	end(&stack);
}

static void merge_applies_whiteouts_in_any_order(void **state)
{
	static const struct tar_member lower[] = {
		{"d/old", FILE_MODE, "old", 0}, {"d/sub/old", FILE_MODE, "old", 0}, {"e/old", FILE_MODE, "old", 0},
		{"f", FILE_MODE, "f", 0}, {"g/h/i", FILE_MODE, "i", 0}, {NULL, 0, NULL, 0}};
	static const struct tar_member first[] = {
		{"d/.wh..wh..opq", FILE_MODE, NULL, 0}, {"d/sub/new", FILE_MODE, "new", 0}, {".wh.f", FILE_MODE, NULL, 0},
		{"e/new", FILE_MODE, "new", 0}, {"e/.wh.old", FILE_MODE, NULL, 0}, {"missing/.wh.x", FILE_MODE, NULL, 0},
		{NULL, 0, NULL, 0}};
	static const struct tar_member last[] = {
		{"g/h/new", FILE_MODE, "new", 0}, {".wh.g", FILE_MODE, NULL, 0}, {"d/new", FILE_MODE, "new", 0},
		{"d/.wh..wh..opq", FILE_MODE, NULL, 0}, {"e/.wh..wh.plnk/1.2", FILE_MODE, "x", 0}, {NULL, 0, NULL, 0}};
	struct stack stack;

	(void)state;
	begin(&stack, false);
	push_good(&stack, lower);
	push_good(&stack, first);
	assert_string_equal(list(&stack, "/"), "d e g");
	assert_string_equal(list(&stack, "/d"), "sub");
	assert_string_equal(list(&stack, "/d/sub"), "new");
	assert_string_equal(list(&stack, "/e"), "new");
	push_good(&stack, last);
	assert_string_equal(list(&stack, "/g/h"), "new");
	assert_string_equal(list(&stack, "/d"), "new");
	assert_string_equal(list(&stack, "/e"), "new");
	end(&stack);
}

static void merge_links_across_layers(void **state)
{
	static const struct tar_member lower[] = {{"a", FILE_MODE, "contents", 5}, {"real/x", FILE_MODE, "x", 0},
						  {"to", LINK_MODE, "real", 0}, {NULL, 0, NULL, 0}};
	static const struct tar_member upper[] = {{"b", HARD, "a", 0}, {"c", HARD, "/to/x", 0}, {"a", FILE_MODE, "other", 0},
						  {"b", HARD, "./b", 0}, {NULL, 0, NULL, 0}};
	struct stack stack;
	struct collector collector;

	(void)state;
	begin(&stack, false);
	push_good(&stack, lower);
	push_good(&stack, upper);
	assert_int_equal(inode_at(&stack, "/b")->uid, 5);
	assert_int_equal(inode_at(&stack, "/b")->nlink, 1);
	assert_ptr_equal(inode_at(&stack, "/c"), inode_at(&stack, "/real/x"));
	assert_int_equal(inode_at(&stack, "/c")->nlink, 2);
	collect(&stack, &collector);
	assert_string_equal(collector.texts[inode_at(&stack, "/b")->number], "contents");
	assert_string_equal(collector.texts[inode_at(&stack, "/a")->number], "other");
	collector_fini(&collector);
	end(&stack);
}

static void merge_replaces_types(void **state)
{
	static const struct tar_member lower[] = {{"a/x", FILE_MODE, "x", 0}, {"b", FILE_MODE, "b", 0}, {"c", LINK_MODE, "a", 0},
						  {"d/x", FILE_MODE, "x", 0}, {NULL, 0, NULL, 0}};
	/* "a" becomes a link to a directory outside of what was, and is written below. */
	static const struct tar_member upper[] = {{"a", LINK_MODE, "/../d", 0}, {"a/y", FILE_MODE, "y", 0}, {"b/", DIR_MODE, NULL, 0},
						  {"c/", DIR_MODE, NULL, 0}, {"c/z", FILE_MODE, "z", 0}, {NULL, 0, NULL, 0}};
	struct stack stack;

	(void)state;
	begin(&stack, false);
	push_good(&stack, lower);
	push_good(&stack, upper);
	assert_true(S_ISLNK(inode_at(&stack, "/a")->mode));
	assert_string_equal(list(&stack, "/d"), "x y");
	assert_true(S_ISDIR(inode_at(&stack, "/b")->mode));
	assert_string_equal(list(&stack, "/c"), "z");
	end(&stack);
}

static void merge_keeps_names_inside(void **state)
{
	static const struct tar_member members[] = {
		{"../../etc/passwd", FILE_MODE, "x", 0}, {"/abs/../up", FILE_MODE, "x", 0}, {"out", LINK_MODE, "../../../..", 0},
		{"out/in", FILE_MODE, "x", 0}, {"./a//b/./c", FILE_MODE, "x", 0}, {NULL, 0, NULL, 0}};
	struct stack stack;

	(void)state;
	begin(&stack, false);
	push_good(&stack, members);
	assert_string_equal(list(&stack, "/"), "a etc in out up");
	assert_string_equal(list(&stack, "/etc"), "passwd");
	assert_string_equal(list(&stack, "/a/b"), "c");
	end(&stack);
}

/* Names that are no UTF-8, or are UTF-8 in a form that some would "correct". */
static void merge_keeps_bytes_of_names(void **state)
{
	static const struct tar_member members[] = {
		{"caf\xe9", FILE_MODE, "x", 0}, {"cafe\xcc\x81", FILE_MODE, "y", 0}, {"link", LINK_MODE, "caf\xe9", 0}, {NULL, 0, NULL, 0}};
	struct stack stack;

	(void)state;
	begin(&stack, false);
	push_good(&stack, members);
	assert_non_null(inode_at(&stack, "/caf\xe9"));
	assert_non_null(inode_at(&stack, "/cafe\xcc\x81"));
	assert_string_equal(inode_at(&stack, "/link")->target, "caf\xe9");
	end(&stack);
}

static void refuses(const struct tar_member *upper, const char *reason)
{
	static const struct tar_member lower[] = {{"file", FILE_MODE, "x", 0}, {"dir/x", FILE_MODE, "x", 0},
						  {"loop", LINK_MODE, "loop2", 0}, {"loop2", LINK_MODE, "loop", 0}, {NULL, 0, NULL, 0}};
	struct stack stack;

	begin(&stack, false);
	push_good(&stack, lower);
	assert_true(push(&stack, upper) < 0);
	if (!strstr(stack.err.message, reason))
		fail_msg("not '%s': %s", reason, stack.err.message);
	end(&stack);
}

static void merge_refuses_what_makes_no_sense(void **state)
{
	static char long_name[400];
	static const struct tar_member cases[][2] = {
		{{".", FILE_MODE, "x", 0}, {NULL, 0, NULL, 0}},
		{{"..", LINK_MODE, "/", 0}, {NULL, 0, NULL, 0}},
		{{"file/below", FILE_MODE, "x", 0}, {NULL, 0, NULL, 0}},
		{{"loop/x", FILE_MODE, "x", 0}, {NULL, 0, NULL, 0}},
		{{"hard", HARD, "nothing", 0}, {NULL, 0, NULL, 0}},
		{{"hard", HARD, "dir", 0}, {NULL, 0, NULL, 0}},
		{{"hard", HARD, "../..", 0}, {NULL, 0, NULL, 0}},
		{{"dir/.wh.", FILE_MODE, NULL, 0}, {NULL, 0, NULL, 0}},
		{{"dir/.wh..", FILE_MODE, NULL, 0}, {NULL, 0, NULL, 0}},
		{{"dir/.wh...", FILE_MODE, NULL, 0}, {NULL, 0, NULL, 0}},
		{{long_name, FILE_MODE, "x", 0}, {NULL, 0, NULL, 0}},
	};
	static const char *const reasons[] = {"only be a directory", "only be a directory", "no directory", "too many links",
					      "not there", "cannot have a hard link", "not there", "removes no name", "removes no name",
					      "removes no name", "too long"};

	(void)state;
	memset(long_name, 'n', sizeof(long_name) - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refuses(cases[i], reasons[i]);
}

static void merge_limits_depth_and_bytes(void **state)
{
	struct stack stack;
	char name[1100] = "";

	(void)state;
	for (int i = 0; i < 260; i++)
		strcat(name, "d/");
	begin(&stack, false);
	assert_true(push(&stack, (const struct tar_member[]){{name, DIR_MODE, NULL, 0}, {NULL, 0, NULL, 0}}) < 0);
	assert_non_null(strstr(stack.err.message, "nested too deeply"));
	end(&stack);
	memset(&stack, 0, sizeof(stack));
	assert_int_equal(tree_init(&stack.tree, &stack.err), 0);
	assert_int_equal(merge_new(&stack.tree, false, 10, &stack.merge, &stack.err), 0);
	assert_true(push(&stack, (const struct tar_member[]){{"a", FILE_MODE, "123456", 0}, {"b", FILE_MODE, "12345", 0}, {NULL, 0, NULL, 0}}) < 0);
	assert_non_null(strstr(stack.err.message, "/b: the files of the image are far larger"));
	end(&stack);
}

static void merge_reads_attributes_and_holes(void **state)
{
	static const char capability[] = {1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct archive_entry *entry = archive_entry_new();
	struct stack stack;
	struct tar_file tar;
	struct collector collector;
	const struct tree_xattr *xattr;
	char text[9000];
	uint64_t size;
	int fd;

	(void)state;
	memset(text, 'x', sizeof(text));
	tar_begin(&tar, ARCHIVE_FILTER_ZSTD);
	archive_entry_set_pathname(entry, "ping");
	archive_entry_set_mode(entry, S_IFREG | 0755);
	archive_entry_set_size(entry, 100000);
	archive_entry_sparse_add_entry(entry, 50000, 10);
	archive_entry_sparse_add_entry(entry, 100000, 0);
	archive_entry_xattr_add_entry(entry, "security.capability", capability, sizeof(capability));
	archive_entry_xattr_add_entry(entry, "security.selinux", "label", 5);
	archive_entry_xattr_add_entry(entry, "user.note", "\0\1", 2);
	assert_int_equal(archive_write_header(tar.archive, entry), ARCHIVE_OK);
	{
		static char zeros[100000];

		memcpy(zeros + 50000, "0123456789", 10);
		(void)archive_write_data(tar.archive, zeros, sizeof(zeros));
	}
	archive_entry_free(entry);
	fd = tar_end(&tar, &size);
	begin(&stack, false);
	assert_int_equal(push_fd(&stack, fd, size), 0);
	assert_int_equal(inode_at(&stack, "/ping")->size, 100000);
	xattr = inode_at(&stack, "/ping")->xattrs;
	assert_non_null(xattr);
	for (int found = 0; xattr; xattr = xattr->next) {
		assert_string_not_equal(xattr->name, "security.selinux");
		if (strcmp(xattr->name, "security.capability") == 0) {
			assert_int_equal(xattr->size, sizeof(capability));
			assert_memory_equal(xattr->value, capability, sizeof(capability));
			found++;
		} else {
			assert_string_equal(xattr->name, "user.note");
			assert_int_equal(xattr->size, 2);
			found++;
		}
		if (!xattr->next)
			assert_int_equal(found, 2);
	}
	collect(&stack, &collector);
	assert_int_equal(collector.sizes[1], 100000);
	assert_memory_equal(collector.texts[1] + 50000, "0123456789", 10);
	assert_int_equal(collector.texts[1][49999], 0);
	collector_fini(&collector);
	end(&stack);
}

static void merge_tells_programs(void **state)
{
	struct stack stack;
	struct elf_facts facts;
	struct tar_file tar;
	struct archive_entry *entry = archive_entry_new();
	FILE *self = fopen("/proc/self/exe", "r");
	char *bytes = malloc(8 << 20);
	size_t length = fread(bytes, 1, 8 << 20, self);
	uint64_t size;
	int fd;

	(void)state;
	(void)fclose(self);
	tar_begin(&tar, ARCHIVE_FILTER_XZ);
	archive_entry_set_pathname(entry, "bin/program");
	archive_entry_set_mode(entry, S_IFREG | 0755);
	archive_entry_set_size(entry, (la_int64_t)length);
	(void)archive_write_header(tar.archive, entry);
	(void)archive_write_data(tar.archive, bytes, length);
	archive_entry_free(entry);
	free(bytes);
	tar_put(&tar, &(struct tar_member){"bin/script", S_IFREG | 0755, "#!/bin/sh\n0123456789012345678901234567890123456789012345678901234567890", 0});
	tar_put(&tar, &(struct tar_member){".singularity.d/runscript", S_IFREG | 0755, "#!/bin/sh\n", 0});
	fd = tar_end(&tar, &size);
	begin(&stack, false);
	assert_int_equal(push_fd(&stack, fd, size), 0);
	assert_int_equal(tree_read_elf(inode_at(&stack, "/bin/program"), 8 << 20, &facts), 0);
	assert_string_not_equal(facts.arch, "unknown");
	assert_true(facts.needed_count > 0);
	assert_true(tree_read_elf(inode_at(&stack, "/bin/script"), 8 << 20, &facts) < 0);
	assert_false(tree_inode_is_streamed(inode_at(&stack, "/.singularity.d/runscript")));
	end(&stack);
}

static void layer_verifies_digests(void **state)
{
	static const struct tar_member members[] = {{"a", FILE_MODE, "x", 0}, {NULL, 0, NULL, 0}};
	static const char wrong[] = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct layer_request request = {.bytes_max = BYTES_MAX};
	struct archive_entry *entry;
	struct err err = ERR_INIT;

	(void)state;
	request.fd = tar_make(members, ARCHIVE_FILTER_GZIP, &request.size);
	for (int i = 0; i < 4; i++) {
		struct layer *layer = NULL;
		int rc;

		request.digest = i == 0 ? wrong : NULL;
		request.diff_id = i == 1 ? wrong : NULL;
		request.bytes_max = i == 2 ? 100 : BYTES_MAX;
		request.size -= i == 3 ? 20 : 0;
		assert_int_equal(layer_open(&request, &layer, &err), 0);
		do {
			rc = layer_next(layer, &entry, &err);
		} while (rc == 1);
		assert_true(rc < 0);
		layer_close(layer);
		assert_non_null(strstr(err.message, i == 0 ? "its digest is" : i == 1 ? "its diff_id is" : i == 2 ? "far more" : "layer"));
	}
	(void)close(request.fd);
}

static void layer_close_ends_early(void **state)
{
	struct layer_request request = {.bytes_max = BYTES_MAX};
	struct archive_entry *entry;
	struct layer *layer = NULL;
	struct err err = ERR_INIT;
	struct tar_file tar;

	(void)state;
	tar_begin(&tar, ARCHIVE_FILTER_NONE);
	for (int i = 0; i < 20000; i++)
		tar_put(&tar, &(struct tar_member){"file", FILE_MODE, "x", 0});
	request.fd = tar_end(&tar, &request.size);
	assert_int_equal(layer_open(&request, &layer, &err), 0);
	assert_int_equal(layer_next(layer, &entry, &err), 1);
	layer_close(layer);
	(void)close(request.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_stacks_layers),
		cmocka_unit_test(merge_squashes_ids),
		cmocka_unit_test(merge_applies_whiteouts_in_any_order),
		cmocka_unit_test(merge_links_across_layers),
		cmocka_unit_test(merge_replaces_types),
		cmocka_unit_test(merge_keeps_names_inside),
		cmocka_unit_test(merge_keeps_bytes_of_names),
		cmocka_unit_test(merge_refuses_what_makes_no_sense),
		cmocka_unit_test(merge_limits_depth_and_bytes),
		cmocka_unit_test(merge_reads_attributes_and_holes),
		cmocka_unit_test(merge_tells_programs),
		cmocka_unit_test(layer_verifies_digests),
		cmocka_unit_test(layer_close_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
