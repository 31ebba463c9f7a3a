/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: registers and memory of the traced threads. Must not: know what a call means. Runs in the supervisor. x86-64.
 *
 * Paths of ours go into a mapping that the process itself is made to create, once per address space: below the stack pointer there
 * may be nothing (goroutines), and what is there is not ours. Registers are put back when a call returns: the system call
 * convention promises them unchanged, and a restarted call must find the path that the process gave.
 */
#include "starter/confined/tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUCKETS                256
#define SLOT_BYTES             (32 * 1024)
#define SLOT_COUNT             32
#define CALL_INSTRUCTION_BYTES 2 /* syscall */
#define PAGE_BYTES             4096

static struct tracee *buckets[BUCKETS];

static const size_t arg_offsets[TRACEE_ARGS] = {
	offsetof(struct user_regs_struct, rdi), offsetof(struct user_regs_struct, rsi),
	offsetof(struct user_regs_struct, rdx), offsetof(struct user_regs_struct, r10),
	offsetof(struct user_regs_struct, r8),  offsetof(struct user_regs_struct, r9),
};

/* ---- the list ----------------------------------------------------------------------------------------------------- */

struct tracee *tracee_find(pid_t tid)
{
	struct tracee *tracee = buckets[(unsigned int)tid % BUCKETS];

	while (tracee && tracee->tid != tid)
		tracee = tracee->next;
	return tracee;
}

struct tracee *tracee_add(pid_t tid, enum tracee_state state)
{
	struct tracee *tracee = calloc(1, sizeof(*tracee));
	struct tracee **bucket = &buckets[(unsigned int)tid % BUCKETS];

	if (!tracee)
		return NULL;
	tracee->tid = tid;
	tracee->state = state;
	tracee->mem_fd = tracee->slot = tracee->held_fd = -1;
	tracee->next = *bucket;
	*bucket = tracee;
	return tracee;
}

/* What a call needed is not needed any more. */
static void tracee_free_slot(struct tracee *tracee)
{
	if (tracee->held_fd >= 0)
		(void)close(tracee->held_fd);
	tracee->held_fd = -1;
	if (tracee->slot >= 0)
		tracee->space->slots &= ~(1u << tracee->slot);
	tracee->slot = -1;
	tracee->area = tracee->area_bytes = tracee->area_used = 0;
}

static void tracee_leave_space(struct tracee *tracee)
{
	struct tracee_space *space = tracee->space;

	if (tracee->mem_fd >= 0)
		(void)close(tracee->mem_fd);
	tracee->mem_fd = -1;
	if (!space)
		return;
	tracee_free_slot(tracee);
	tracee->space = NULL;
	if (--space->users > 0)
		return;
	free(space->exe);
	free(space);
}

void tracee_remove(struct tracee *tracee)
{
	struct tracee **at = &buckets[(unsigned int)tracee->tid % BUCKETS];

	while (*at != tracee)
		at = &(*at)->next;
	*at = tracee->next;
	tracee_leave_space(tracee);
	free(tracee->next_exe);
	free(tracee->next_cwd);
	free(tracee->cwd);
	free(tracee);
}

pid_t tracee_get_tgid(struct tracee *tracee)
{
	char path[32], line[64];
	FILE *status;
	int number;

	if (tracee->tgid)
		return tracee->tgid;
	tracee->tgid = tracee->tid;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)tracee->tid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "Tgid: %d", &number) == 1)
			tracee->tgid = number;
	if (status)
		(void)fclose(status);
	return tracee->tgid;
}

/* Without the descriptor (too many, or another user's process) memory is read word by word. */
static void tracee_open_memory(struct tracee *tracee)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)tracee->tid);
	tracee->mem_fd = open(path, O_RDWR | O_CLOEXEC);
}

static int tracee_new_space(struct tracee *tracee, const char *exe)
{
	tracee->space = calloc(1, sizeof(*tracee->space));
	if (!tracee->space)
		return -ENOMEM;
	tracee->space->users = 1;
	tracee->space->exe = exe ? strdup(exe) : NULL;
	tracee_open_memory(tracee);
	return exe && !tracee->space->exe ? -ENOMEM : 0;
}

void tracee_note_cwd(struct tracee *tracee, const char *host)
{
	if (tracee->cwd && host && strcmp(tracee->cwd, host) == 0)
		return;
	free(tracee->cwd);
	tracee->cwd = host ? strdup(host) : NULL;
	for (size_t length = tracee->cwd ? strlen(tracee->cwd) : 0;
	     length > 1 && tracee->cwd[length - 1] == '/';)
		tracee->cwd[--length] = '\0';
}

/* A copy of the memory has our mapping at the same address, so it makes no difference whether it is shared: slots that others use are
 * merely not used twice. Where there is no mapping yet, each makes its own. */
int tracee_inherit(struct tracee *child, const struct tracee *parent)
{
	if (parent)
		tracee_note_cwd(child, parent->cwd);
	if (!parent || parent->space->scratch == 0)
		return tracee_new_space(child, parent ? parent->space->exe : NULL);
	child->space = parent->space;
	child->space->users++;
	tracee_open_memory(child);
	return 0;
}

int tracee_renew(struct tracee *tracee)
{
	int result;

	tracee_leave_space(tracee);
	result = tracee_new_space(tracee, tracee->next_exe);
	free(tracee->next_exe);
	tracee->next_exe = NULL;
	tracee->state = TRACEE_RUNNING;
	tracee->changed = 0;
	tracee->tgid = tracee->tid;
	return result;
}

/* ---- registers ---------------------------------------------------------------------------------------------------- */

int tracee_read_call(struct tracee *tracee)
{
	return ptrace(PTRACE_GETREGS, tracee->tid, NULL, &tracee->regs) < 0 ? -errno : 0;
}

long tracee_get_number(const struct tracee *tracee)
{
	return (long)tracee->regs.orig_rax;
}

uint64_t tracee_get_arg(const struct tracee *tracee, unsigned int index)
{
	uint64_t value;

	memcpy(&value, (const char *)&tracee->regs + arg_offsets[index], sizeof(value));
	return value;
}

static int tracee_poke_register(const struct tracee *tracee, size_t offset, uint64_t value)
{
	return ptrace(PTRACE_POKEUSER, tracee->tid, offset, value) < 0 ? -errno : 0;
}

int tracee_set_arg(struct tracee *tracee, unsigned int index, uint64_t value)
{
	tracee->changed |= 1u << index;
	return tracee_poke_register(tracee, arg_offsets[index], value);
}

int tracee_put_back(struct tracee *tracee)
{
	int result = 0;

	errno = 0;
	if (tracee->next_cwd &&
	    ptrace(PTRACE_PEEKUSER, tracee->tid, offsetof(struct user_regs_struct, rax), NULL) ==
		    0 &&
	    errno == 0)
		tracee_note_cwd(tracee, tracee->next_cwd);
	free(tracee->next_cwd);
	tracee->next_cwd = NULL;
	for (unsigned int i = 0; result == 0 && i < TRACEE_ARGS; i++)
		if (tracee->changed & 1u << i)
			result = tracee_poke_register(tracee, arg_offsets[i],
						      tracee_get_arg(tracee, i));
	tracee->changed = 0;
	tracee->state = TRACEE_RUNNING;
	tracee_free_slot(tracee);
	return result;
}

int tracee_answer(struct tracee *tracee, int64_t value)
{
	struct user_regs_struct regs = tracee->regs;

	regs.orig_rax = ~UINT64_C(0); /* no call */
	regs.rax = (uint64_t)value;
	tracee->changed = 0;
	tracee->state = TRACEE_RUNNING;
	tracee_free_slot(tracee);
	return ptrace(PTRACE_SETREGS, tracee->tid, NULL, &regs) < 0 ? -errno : 0;
}

int tracee_begin_map(struct tracee *tracee)
{
	struct user_regs_struct regs = tracee->regs;

	regs.orig_rax = SYS_mmap;
	regs.rdi = 0;
	regs.rsi = tracee->wanted_bytes;
	regs.rdx = PROT_READ | PROT_WRITE;
	regs.r10 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	regs.r8 = ~UINT64_C(0);
	regs.r9 = 0;
	tracee->changed = 0;
	tracee->state = TRACEE_MAPPING;
	return ptrace(PTRACE_SETREGS, tracee->tid, NULL, &regs) < 0 ? -errno : 0;
}

int tracee_end_map(struct tracee *tracee)
{
	struct user_regs_struct regs = tracee->regs;
	long address;

	errno = 0;
	address =
		ptrace(PTRACE_PEEKUSER, tracee->tid, offsetof(struct user_regs_struct, rax), NULL);
	if (errno != 0)
		return -errno;
	tracee->state = TRACEE_RUNNING;
	regs.orig_rax = ~UINT64_C(0); /* nothing that a signal could restart */
	if (address < 0 && address > -PAGE_BYTES) {
		regs.rax = (uint64_t)-ENOMEM;
	} else {
		regs.rip -= CALL_INSTRUCTION_BYTES;
		regs.rax = tracee->regs.orig_rax;
		if (tracee->wanted_bytes == (uint64_t)SLOT_BYTES * SLOT_COUNT) {
			tracee->space->scratch = (uint64_t)address;
		} else {
			tracee->area = (uint64_t)address;
			tracee->area_bytes = tracee->wanted_bytes;
		}
	}
	return ptrace(PTRACE_SETREGS, tracee->tid, NULL, &regs) < 0 ? -errno : 0;
}

int tracee_begin_dumpable(struct tracee *tracee)
{
	struct user_regs_struct regs;

	tracee->changes_ids = false;
	if (ptrace(PTRACE_GETREGS, tracee->tid, NULL, &tracee->regs) < 0)
		return -errno;
	if ((int64_t)tracee->regs.rax < 0)
		return 0;
	tracee->regs.orig_rax = ~UINT64_C(0);
	regs = tracee->regs;
	regs.rip -= CALL_INSTRUCTION_BYTES;
	regs.rax = SYS_prctl;
	regs.rdi = PR_SET_DUMPABLE;
	regs.rsi = 1;
	tracee->in_prctl = false;
	tracee->state = TRACEE_OPENING;
	return ptrace(PTRACE_SETREGS, tracee->tid, NULL, &regs) < 0 ? -errno : 0;
}

int tracee_cancel_dumpable(struct tracee *tracee)
{
	tracee->state = TRACEE_RUNNING;
	return ptrace(PTRACE_SETREGS, tracee->tid, NULL, &tracee->regs) < 0 ? -errno : 0;
}

int tracee_step_dumpable(struct tracee *tracee)
{
	if (tracee->in_prctl)
		return tracee_cancel_dumpable(tracee);
	tracee->in_prctl = true;
	return 0;
}

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static int tracee_read_words(const struct tracee *tracee, uint64_t address, char *out, size_t bytes)
{
	while (bytes > 0) {
		size_t skip = address % sizeof(long), take = sizeof(long) - skip;
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, tracee->tid, address - skip, NULL);
		if (errno != 0)
			return -EFAULT;
		take = take < bytes ? take : bytes;
		memcpy(out, (const char *)&word + skip, take);
		out += take;
		address += take;
		bytes -= take;
	}
	return 0;
}

static int tracee_write_words(const struct tracee *tracee, uint64_t address, const char *from,
			      size_t bytes)
{
	while (bytes > 0) {
		size_t skip = address % sizeof(long), take = sizeof(long) - skip;
		long word;

		take = take < bytes ? take : bytes;
		errno = 0;
		word = take == sizeof(long)
			       ? 0
			       : ptrace(PTRACE_PEEKDATA, tracee->tid, address - skip, NULL);
		if (errno != 0)
			return -EFAULT;
		memcpy((char *)&word + skip, from, take);
		if (ptrace(PTRACE_POKEDATA, tracee->tid, address - skip, word) < 0)
			return -EFAULT;
		from += take;
		address += take;
		bytes -= take;
	}
	return 0;
}

int tracee_read(const struct tracee *tracee, uint64_t address, void *out, size_t bytes)
{
	if (tracee->mem_fd < 0)
		return tracee_read_words(tracee, address, out, bytes);
	return pread(tracee->mem_fd, out, bytes, (off_t)address) == (ssize_t)bytes ? 0 : -EFAULT;
}

int tracee_write(const struct tracee *tracee, uint64_t address, const void *bytes, size_t length)
{
	if (tracee->mem_fd < 0)
		return tracee_write_words(tracee, address, bytes, length);
	return pwrite(tracee->mem_fd, bytes, length, (off_t)address) == (ssize_t)length ? 0
											: -EFAULT;
}

/* By pages: the next one need not be there. */
int tracee_read_text(const struct tracee *tracee, uint64_t address, char *out, size_t size)
{
	size_t used = 0;

	while (used < size) {
		size_t chunk = PAGE_BYTES - (address + used) % PAGE_BYTES;

		if (tracee->mem_fd < 0)
			chunk = sizeof(long) - (address + used) % sizeof(long);
		chunk = chunk < size - used ? chunk : size - used;
		if (tracee_read(tracee, address + used, out + used, chunk) < 0)
			return -EFAULT;
		if (memchr(out + used, '\0', chunk))
			return 0;
		used += chunk;
	}
	return -ENAMETOOLONG;
}

int tracee_make_room(struct tracee *tracee, size_t bytes)
{
	struct tracee_space *space = tracee->space;

	if (bytes <= tracee->area_bytes - tracee->area_used)
		return 0;
	tracee->wanted_bytes = (uint64_t)SLOT_BYTES * SLOT_COUNT;
	if (space->scratch == 0)
		return TRACEE_NEEDS_MAP;
	if (bytes > SLOT_BYTES || tracee->slot >= 0 || space->slots == UINT32_MAX) {
		/* A whole mapping for one call: long argument lists, and the 33rd thread that waits in one. It goes with the process. */
		tracee->wanted_bytes =
			(bytes + SLOT_BYTES + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
		return TRACEE_NEEDS_MAP;
	}
	tracee->slot = __builtin_ctz(~space->slots);
	space->slots |= 1u << tracee->slot;
	tracee->area = space->scratch + (uint64_t)tracee->slot * SLOT_BYTES;
	tracee->area_bytes = SLOT_BYTES;
	tracee->area_used = 0;
	return 0;
}

int tracee_place(struct tracee *tracee, const void *bytes, size_t length, uint64_t *address)
{
	size_t whole = (length + 7) & ~(size_t)7;
	int result = tracee_make_room(tracee, whole);

	if (result < 0)
		return result;
	*address = tracee->area + tracee->area_used;
	if (bytes)
		result = tracee_write(tracee, *address, bytes, length);
	if (result == 0)
		tracee->area_used += whole;
	return result;
}
