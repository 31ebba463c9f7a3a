/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frontend/pack/tree.h"

static struct tree_node *add(struct tree *tree, struct tree_node *parent, const char *name, mode_t mode,
			     const char *target)
{
	struct tree_inode *inode = tree_new_inode(tree, mode);
	struct tree_node *node;

	assert_non_null(inode);
	if (target)
		inode->target = strdup(target);
	assert_int_equal(tree_add(parent, name, inode, &node, NULL), 0);
	return node;
}

static void tree_add_refuses_bad_names(void **state)
{
	char long_name[300];
	const char *const names[] = {"", ".", "..", "a/b", long_name};
	struct tree tree;

	(void)state;
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(tree_init(&tree, NULL), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct tree_inode *inode = tree_new_inode(&tree, S_IFREG | 0644);

		assert_true(tree_add(tree.root, names[i], inode, NULL, NULL) < 0);
	}
	assert_int_equal(tree.root->count, 0);
	tree_fini(&tree);
}

static void tree_lookup_follows_links_inside(void **state)
{
	struct tree_node *usr, *bin, *shell;
	struct tree tree;
	char path[64];

	(void)state;
	assert_int_equal(tree_init(&tree, NULL), 0);
	usr = add(&tree, tree.root, "usr", S_IFDIR | 0755, NULL);
	bin = add(&tree, usr, "bin", S_IFDIR | 0755, NULL);
	shell = add(&tree, bin, "dash", S_IFREG | 0755, NULL);
	(void)add(&tree, bin, "sh", S_IFLNK | 0777, "dash");
	(void)add(&tree, tree.root, "bin", S_IFLNK | 0777, "../../usr/bin");
	(void)add(&tree, tree.root, "loop", S_IFLNK | 0777, "/loop");
	assert_ptr_equal(tree_lookup(&tree, "/bin/sh", true), shell);
	assert_ptr_equal(tree_lookup(&tree, "bin/../bin/sh", true), shell);
	assert_true(S_ISLNK(tree_lookup(&tree, "/bin/sh", false)->inode->mode));
	assert_null(tree_lookup(&tree, "/loop", true));
	assert_null(tree_lookup(&tree, "/usr/bin/dash/x", true));
	assert_string_equal(tree_node_path(shell, path, sizeof(path)), "/usr/bin/dash");
	assert_string_equal(tree_node_path(tree.root, path, sizeof(path)), "/");
	tree_fini(&tree);
}

static void tree_add_counts_hard_links(void **state)
{
	struct tree_node *node;
	struct tree tree;

	(void)state;
	assert_int_equal(tree_init(&tree, NULL), 0);
	node = add(&tree, tree.root, "b", S_IFREG | 0644, NULL);
	assert_int_equal(tree_add(tree.root, "a", node->inode, NULL, NULL), 0);
	assert_int_equal(node->inode->nlink, 2);
	tree_remove(node);
	assert_null(tree_child(tree.root, "b"));
	assert_int_equal(tree_child(tree.root, "a")->inode->nlink, 1);
	node = add(&tree, tree.root, "d", S_IFDIR | 0755, NULL);
	assert_true(tree_add(tree.root, "e", node->inode, NULL, NULL) < 0);
	tree_fini(&tree);
}

static void tree_sort_orders_by_bytes(void **state)
{
	struct tree tree;

	(void)state;
	assert_int_equal(tree_init(&tree, NULL), 0);
	(void)add(&tree, tree.root, "b", S_IFREG | 0644, NULL);
	(void)add(&tree, tree.root, "\303\244", S_IFREG | 0644, NULL);
	(void)add(&tree, tree.root, "B", S_IFREG | 0644, NULL);
	tree_sort(tree.root);
	assert_string_equal(tree.root->children[0]->name, "B");
	assert_string_equal(tree.root->children[1]->name, "b");
	assert_string_equal(tree.root->children[2]->name, "\303\244");
	tree_fini(&tree);
}

static void tree_read_stops_at_limit_and_end(void **state)
{
	struct tree_inode *inode;
	struct tree tree;
	char *text = NULL;
	size_t size;

	(void)state;
	assert_int_equal(tree_init(&tree, NULL), 0);
	inode = tree_new_inode(&tree, S_IFREG | 0644);
	assert_int_equal(tree_set_bytes(inode, "hello", 5, NULL), 0);
	assert_int_equal(tree_read(inode, 3, &text, &size, NULL), 0);
	assert_string_equal(text, "hel");
	free(text);
	assert_int_equal(tree_read(inode, 100, &text, &size, NULL), 0);
	assert_int_equal(size, 5);
	free(text);
	assert_int_equal(tree_read_at(inode, 5, &size, 1, NULL), 0);
	tree_fini(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_add_refuses_bad_names),	 cmocka_unit_test(tree_lookup_follows_links_inside),
		cmocka_unit_test(tree_add_counts_hard_links),	 cmocka_unit_test(tree_sort_orders_by_bytes),
		cmocka_unit_test(tree_read_stops_at_limit_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
