/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * path-loader: started instead of a dynamic program of a confined container. Maps the program and its ELF interpreter, as the kernel
 * would have if the container's root were its own, and jumps there. Freestanding, x86-64: nothing of it may be in the way of what
 * it maps, so it is position independent, has no libc and no data that needs relocation.
 */
#include "starter/confined/loader.h"

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define PAGE_BYTES    4096UL
#define HEADERS_MAX   64
#define FAILED_STATUS 127

/* What loader_main() hands to the entry code in rax and rdx. */
struct loader_jump {
	uint64_t entry;
	uint64_t *stack;
};

struct loader_image {
	uint64_t base; /* to be added to its addresses */
	uint64_t entry, headers;
	uint64_t header_count;
};

__attribute__((used)) struct loader_jump loader_main(uint64_t *stack);

__asm__(".globl _start\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	movq %rsp, %rdi\n"
	"	andq $-16, %rsp\n"
	"	call loader_main\n"
	"	movq %rdx, %rsp\n"
	"	xorl %edx, %edx\n" /* nothing to register with atexit */
	"	jmp *%rax\n");

static long loader_call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
			uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static size_t loader_length(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

static void loader_say(const char *text)
{
	(void)loader_call(SYS_write, 2, (uint64_t)text, loader_length(text), 0, 0, 0);
}

_Noreturn static void loader_fail(const char *path)
{
	loader_say("FATAL:   cannot map ");
	loader_say(path);
	loader_say("\n");
	for (;;)
		(void)loader_call(SYS_exit_group, FAILED_STATUS, 0, 0, 0, 0, 0);
}

static uint64_t loader_map(uint64_t address, uint64_t bytes, int protection, int flags, int fd,
			   uint64_t offset)
{
	return (uint64_t)loader_call(SYS_mmap, address, bytes, (uint64_t)protection,
				     (uint64_t)flags, (uint64_t)fd, offset);
}

static uint64_t loader_page_down(uint64_t value)
{
	return value & ~(PAGE_BYTES - 1);
}

static uint64_t loader_page_up(uint64_t value)
{
	return loader_page_down(value + PAGE_BYTES - 1);
}

/* One PT_LOAD; what lies behind the file's part is zero, up to the end of its last page: ld.so takes its first memory there. */
static int loader_map_part(const Elf64_Phdr *part, uint64_t base, int fd)
{
	int protection = (part->p_flags & PF_R ? PROT_READ : 0) |
			 (part->p_flags & PF_W ? PROT_WRITE : 0) |
			 (part->p_flags & PF_X ? PROT_EXEC : 0);
	uint64_t start = loader_page_down(base + part->p_vaddr),
		 file_end = base + part->p_vaddr + part->p_filesz,
		 end = base + part->p_vaddr + part->p_memsz, mapped_end = loader_page_up(file_end);

	if (part->p_filesz == 0)
		mapped_end = start;
	else if (loader_map(start, file_end - start, protection, MAP_PRIVATE | MAP_FIXED, fd,
			    loader_page_down(part->p_offset)) != start)
		return -1;
	if (end <= file_end)
		return 0;
	if (part->p_flags & PF_W && part->p_filesz)
		for (volatile char *byte = (volatile char *)file_end;
		     byte < (volatile char *)mapped_end; byte++)
			*byte = 0;
	if (loader_page_up(end) <= mapped_end)
		return 0;
	return loader_map(mapped_end, loader_page_up(end) - mapped_end, protection,
			  MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == mapped_end
		       ? 0
		       : -1;
}

/* Room for all parts together, as the file's alignment wants it; a program with fixed addresses gets those. */
static int loader_reserve(const Elf64_Ehdr *header, const Elf64_Phdr *parts, uint64_t *base)
{
	uint64_t low = UINT64_MAX, high = 0, align = PAGE_BYTES, room;

	for (unsigned int i = 0; i < header->e_phnum; i++) {
		if (parts[i].p_type != PT_LOAD)
			continue;
		if (parts[i].p_vaddr < low)
			low = loader_page_down(parts[i].p_vaddr);
		if (parts[i].p_vaddr + parts[i].p_memsz > high)
			high = loader_page_up(parts[i].p_vaddr + parts[i].p_memsz);
		if (parts[i].p_align > align)
			align = parts[i].p_align;
	}
	if (low >= high)
		return -1;
	if (header->e_type == ET_EXEC) {
		*base = 0;
		return loader_map(low, high - low, PROT_NONE,
				  MAP_PRIVATE | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_NORESERVE,
				  -1, 0) == low
			       ? 0
			       : -1;
	}
	room = loader_map(0, high - low + align, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room > -PAGE_BYTES)
		return -1;
	*base = (room + align - 1) / align * align - low;
	/* Give back what alignment left over: a hole would be taken for the program's. */
	if (*base + low > room)
		(void)loader_call(SYS_munmap, room, *base + low - room, 0, 0, 0, 0);
	(void)loader_call(SYS_munmap, *base + high, room + align - (*base + low), 0, 0, 0, 0);
	return 0;
}

static void loader_map_file(const char *path, struct loader_image *image)
{
	Elf64_Phdr parts[HEADERS_MAX];
	Elf64_Ehdr header;
	long fd = loader_call(SYS_openat, (uint64_t)AT_FDCWD, (uint64_t)path, O_RDONLY | O_CLOEXEC,
			      0, 0, 0);
	uint64_t bytes;

	if (fd < 0 ||
	    loader_call(SYS_pread64, (uint64_t)fd, (uint64_t)&header, sizeof(header), 0, 0, 0) !=
		    sizeof(header) ||
	    header.e_phnum > HEADERS_MAX || header.e_phentsize != sizeof(parts[0]))
		loader_fail(path);
	bytes = header.e_phnum * sizeof(parts[0]);
	if (loader_call(SYS_pread64, (uint64_t)fd, (uint64_t)parts, bytes, header.e_phoff, 0, 0) !=
		    (long)bytes ||
	    loader_reserve(&header, parts, &image->base) < 0)
		loader_fail(path);
	image->headers = 0;
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		if (parts[i].p_type != PT_LOAD)
			continue;
		if (loader_map_part(&parts[i], image->base, (int)fd) < 0)
			loader_fail(path);
		if (header.e_phoff >= parts[i].p_offset &&
		    header.e_phoff < parts[i].p_offset + parts[i].p_filesz)
			image->headers = image->base + parts[i].p_vaddr +
					 (header.e_phoff - parts[i].p_offset);
	}
	image->entry = image->base + header.e_entry;
	image->header_count = header.e_phnum;
	(void)loader_call(SYS_close, (uint64_t)fd, 0, 0, 0, 0, 0);
}

static void loader_set_auxv(uint64_t *auxv, const struct loader_image *program, uint64_t base,
			    const char *name)
{
	for (; auxv[0] != AT_NULL; auxv += 2) {
		switch (auxv[0]) {
		case AT_PHDR:
			auxv[1] = program->headers;
			break;
		case AT_PHNUM:
			auxv[1] = program->header_count;
			break;
		case AT_ENTRY:
			auxv[1] = program->entry;
			break;
		case AT_BASE:
			auxv[1] = base;
			break;
		case AT_EXECFN:
			auxv[1] = (uint64_t)name;
			break;
		default:
			break;
		}
	}
}

static const char *loader_get_base_name(const char *path)
{
	const char *base = path;

	for (const char *at = path; *at; at++)
		if (*at == '/')
			base = at + 1;
	return base;
}

/* @stack: argc, argv, NULL, envp, NULL, auxv. The two strings for us leave it by moving everything before them up. */
struct loader_jump loader_main(uint64_t *stack)
{
	uint64_t *envp = stack + 1 + stack[0] + 1, *end = envp;
	struct loader_image program, interp;
	const char *name, *loader;

	while (*end)
		end++;
	if (end - envp < LOADER_WORDS)
		loader_fail("nothing: this program is started by singularity only");
	name = (const char *)end[-2];
	loader = (const char *)end[-1];
	loader_map_file(name, &program);
	loader_map_file(loader, &interp);
	loader_set_auxv(end + 1, &program, interp.base, name);
	(void)loader_call(SYS_prctl, PR_SET_NAME, (uint64_t)loader_get_base_name(name), 0, 0, 0, 0);
	end[0] = 0;
	for (uint64_t *word = end - LOADER_WORDS; word-- > stack;)
		word[LOADER_WORDS] = word[0];
	return (struct loader_jump){interp.entry, stack + LOADER_WORDS};
}
