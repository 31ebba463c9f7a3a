/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frontend/pack/elf_read.h"
#include "frontend/pack/hotset.h"

#define STRINGS 512

/* A program that needs libtiny.so and names the loader /lib/ld-tiny.so. */
static void make_program(uint8_t out[1024])
{
	static const char strings[] = "\0libtiny.so\0/lib/ld-tiny.so";
	Elf64_Ehdr header = {.e_machine = EM_X86_64, .e_phoff = 64, .e_phnum = 3, .e_phentsize = sizeof(Elf64_Phdr)};
	Elf64_Phdr segments[3] = {
		{.p_type = PT_LOAD, .p_vaddr = 0x10000, .p_filesz = 1024},
		{.p_type = PT_INTERP, .p_offset = STRINGS + 12, .p_filesz = 16},
		{.p_type = PT_DYNAMIC, .p_offset = 256, .p_filesz = 3 * sizeof(Elf64_Dyn)},
	};
	Elf64_Dyn dynamic[3] = {
		{.d_tag = DT_NEEDED, .d_un.d_val = 1},
		{.d_tag = DT_STRTAB, .d_un.d_ptr = 0x10000 + STRINGS},
		{.d_tag = DT_NULL},
	};

	memset(out, 0, 1024);
	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(out, &header, sizeof(header));
	memcpy(out + 64, segments, sizeof(segments));
	memcpy(out + 256, dynamic, sizeof(dynamic));
	memcpy(out + STRINGS, strings, sizeof(strings));
}

static void elf_read_finds_loader_and_libraries(void **state)
{
	uint8_t bytes[1024];
	struct elf_facts facts;

	(void)state;
	make_program(bytes);
	assert_int_equal(elf_read(bytes, sizeof(bytes), &facts), 0);
	assert_string_equal(facts.arch, "amd64");
	assert_string_equal(facts.loader, "/lib/ld-tiny.so");
	assert_int_equal(facts.needed_count, 1);
	assert_string_equal(facts.needed[0], "libtiny.so");
}

static void elf_read_refuses_tables_outside(void **state)
{
	uint8_t bytes[1024];
	struct elf_facts facts;
	uint64_t far = UINT64_MAX - 4;

	(void)state;
	make_program(bytes);
	memcpy(bytes + 256 + 8, &far, sizeof(far)); /* name of the library */
	assert_true(elf_read(bytes, sizeof(bytes), &facts) < 0);
	make_program(bytes);
	memcpy(bytes + 64 + 56 + 8, &far, sizeof(far)); /* offset of the loader's name */
	assert_true(elf_read(bytes, sizeof(bytes), &facts) < 0);
	assert_true(elf_read(bytes, 10, &facts) < 0);
	assert_true(elf_read((const uint8_t *)"#!/bin/sh and some more text that is long enough, surely it is.....", 66,
			     &facts) < 0);
}

static struct tree_inode *add(struct tree *tree, const char *path, mode_t mode, const void *bytes, size_t size)
{
	const char *slash = strrchr(path, '/');
	char parent[128];
	struct tree_inode *inode = tree_new_inode(tree, mode);

	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
	if (S_ISREG(mode))
		assert_int_equal(tree_set_bytes(inode, bytes, size, NULL), 0);
	assert_int_equal(tree_add(tree_lookup(tree, parent, true), slash + 1, inode, NULL, NULL), 0);
	return inode;
}

static void hotset_mark_follows_a_program(void **state)
{
	struct tree_inode *shell, *loader, *library, *cold, *passwd, *script;
	uint8_t bytes[1024];
	struct tree tree;

	(void)state;
	make_program(bytes);
	assert_int_equal(tree_init(&tree, NULL), 0);
	(void)add(&tree, "/bin", S_IFDIR | 0755, NULL, 0);
	(void)add(&tree, "/lib", S_IFDIR | 0755, NULL, 0);
	(void)add(&tree, "/etc", S_IFDIR | 0755, NULL, 0);
	(void)add(&tree, "/.singularity.d", S_IFDIR | 0755, NULL, 0);
	shell = add(&tree, "/bin/sh", S_IFREG | 0755, bytes, sizeof(bytes));
	loader = add(&tree, "/lib/ld-tiny.so", S_IFREG | 0755, "x", 1);
	library = add(&tree, "/lib/libtiny.so", S_IFREG | 0644, "y", 1);
	cold = add(&tree, "/lib/libother.so", S_IFREG | 0644, "z", 1);
	passwd = add(&tree, "/etc/passwd", S_IFREG | 0644, "", 0);
	script = add(&tree, "/.singularity.d/runscript", S_IFREG | 0755, "r", 1);
	hotset_mark(&tree);
	assert_true(shell->hot);
	assert_true(loader->hot);
	assert_true(library->hot);
	assert_true(passwd->hot);
	assert_true(script->hot);
	assert_false(cold->hot);
	tree_fini(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf_read_finds_loader_and_libraries),
		cmocka_unit_test(elf_read_refuses_tables_outside),
		cmocka_unit_test(hotset_mark_follows_a_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
