/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pack/elf_read.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct machine {
	uint16_t machine;
	uint8_t class, data; /* 0: any */
	const char *arch;
};

static const struct machine machines[] = {
	{EM_X86_64, 0, 0, "amd64"},
	{EM_386, 0, 0, "386"},
	{EM_AARCH64, 0, ELFDATA2LSB, "arm64"},
	{EM_ARM, 0, ELFDATA2LSB, "arm"},
	{EM_PPC64, 0, ELFDATA2LSB, "ppc64le"},
	{EM_PPC64, 0, ELFDATA2MSB, "ppc64"},
	{EM_S390, 0, 0, "s390x"},
	{EM_RISCV, ELFCLASS64, 0, "riscv64"},
	{EM_MIPS, ELFCLASS64, ELFDATA2LSB, "mips64le"},
	{EM_MIPS, ELFCLASS64, ELFDATA2MSB, "mips64"},
	{EM_MIPS, 0, ELFDATA2LSB, "mipsle"},
	{EM_MIPS, 0, ELFDATA2MSB, "mips"},
	{258 /* EM_LOONGARCH */, ELFCLASS64, 0, "loong64"},
};

static const char *name_arch(const uint8_t *ident, uint16_t machine)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		const struct machine *row = &machines[i];

		if (row->machine == machine && (!row->class || row->class == ident[EI_CLASS]) &&
		    (!row->data || row->data == ident[EI_DATA]))
			return row->arch;
	}
	return "unknown";
}

static bool lies_inside(size_t size, uint64_t offset, uint64_t length)
{
	return offset <= size && length <= size - offset;
}

static int copy_name(const uint8_t *bytes, size_t size, uint64_t offset, char out[ELF_NAME_MAX])
{
	size_t len;

	if (offset >= size)
		return -ENOEXEC;
	len = strnlen((const char *)bytes + offset, (size_t)(size - offset));
	if (len >= ELF_NAME_MAX || offset + len >= size)
		return -ENOEXEC;
	memcpy(out, bytes + offset, len + 1);
	return 0;
}

static bool read_segment(const uint8_t *bytes, size_t size, const Elf64_Ehdr *header, unsigned int index,
			 Elf64_Phdr *out)
{
	uint64_t step = (uint64_t)index * sizeof(*out);

	if (header->e_phoff > size || !lies_inside(size, header->e_phoff + step, sizeof(*out)))
		return false;
	memcpy(out, bytes + header->e_phoff + step, sizeof(*out));
	return true;
}

/* Dynamic entries name addresses; the file has offsets. */
static uint64_t find_offset(const uint8_t *bytes, size_t size, const Elf64_Ehdr *header, uint64_t address)
{
	Elf64_Phdr segment;

	for (unsigned int i = 0; i < header->e_phnum; i++) {
		if (!read_segment(bytes, size, header, i, &segment))
			break;
		if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz)
			return segment.p_offset + (address - segment.p_vaddr);
	}
	return UINT64_MAX;
}

static int read_dynamic(const uint8_t *bytes, size_t size, const Elf64_Ehdr *header, const Elf64_Phdr *dynamic,
			struct elf_facts *out)
{
	uint64_t count = dynamic->p_filesz / sizeof(Elf64_Dyn);
	uint64_t strings = UINT64_MAX;

	if (!lies_inside(size, dynamic->p_offset, dynamic->p_filesz))
		return -ENOEXEC;
	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t i = 0; i < count; i++) {
			Elf64_Dyn entry;

			memcpy(&entry, bytes + dynamic->p_offset + i * sizeof(entry), sizeof(entry));
			if (entry.d_tag == DT_NULL)
				break;
			if (pass == 0 && entry.d_tag == DT_STRTAB)
				strings = find_offset(bytes, size, header, entry.d_un.d_ptr);
			if (pass == 0 || entry.d_tag != DT_NEEDED || out->needed_count >= ELF_NEEDED_MAX)
				continue;
			if (strings > size || entry.d_un.d_val > size ||
			    copy_name(bytes, size, strings + entry.d_un.d_val, out->needed[out->needed_count]) < 0)
				return -ENOEXEC;
			out->needed_count++;
		}
	}
	return 0;
}

static bool is_native_form(const uint8_t *ident)
{
	uint8_t native = __BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;

	return ident[EI_CLASS] == ELFCLASS64 && ident[EI_DATA] == native;
}

int elf_read(const uint8_t *bytes, size_t size, struct elf_facts *out)
{
	Elf64_Ehdr header;
	uint16_t machine;

	*out = (struct elf_facts){.arch = "unknown"};
	if (size < sizeof(header) || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	machine = (uint16_t)(bytes[EI_DATA] == ELFDATA2MSB ? bytes[18] << 8 | bytes[19] : bytes[19] << 8 | bytes[18]);
	out->arch = name_arch(bytes, machine);
	if (!is_native_form(bytes))
		return 0;
	memcpy(&header, bytes, sizeof(header));
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;
		int rc = 0;

		if (header.e_phentsize != sizeof(segment) || !read_segment(bytes, size, &header, i, &segment))
			return 0; /* @bytes may be only the beginning of the file */
		if (segment.p_type == PT_INTERP)
			rc = copy_name(bytes, size, segment.p_offset, out->loader);
		else if (segment.p_type == PT_DYNAMIC)
			rc = read_dynamic(bytes, size, &header, &segment, out);
		if (rc < 0)
			return rc;
	}
	return 0;
}
