/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: the seccomp filter of a confined container: which calls stop for the supervisor, and the few that have a constant
 * answer. Must not: refuse for safety's sake; this is no boundary. Runs in the child, before exec. x86-64.
 */
#include "starter/confined/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "starter/confined/calls.h"
#include "starter/seccomp.h"

#define CODE_MAX    512
#define NUMBERS_MAX 128
#define X32_BIT     0x40000000u

struct filter {
	unsigned short length;
	struct sock_filter code[CODE_MAX];
};

static void filter_add(struct filter *filter, unsigned int code, unsigned int jump_true,
		       unsigned int jump_false, uint32_t k)
{
	filter->code[filter->length++] = (struct sock_filter){
		(unsigned short)code, (unsigned char)jump_true, (unsigned char)jump_false, k};
}

static void filter_load(struct filter *filter, size_t offset)
{
	filter_add(filter, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void filter_return(struct filter *filter, uint32_t action)
{
	filter_add(filter, BPF_RET | BPF_K, 0, 0, action);
}

/* Call @number: @action; the accumulator holds the number before and after. */
static void filter_rule(struct filter *filter, int number, uint32_t action)
{
	filter_add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)number);
	filter_return(filter, action);
}

/* Other calling conventions have other numbers; programs for them do not run here. */
static void filter_add_head(struct filter *filter)
{
	filter_load(filter, offsetof(struct seccomp_data, arch));
	filter_add(filter, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
	filter_return(filter, SECCOMP_RET_ERRNO | ENOSYS);
	filter_load(filter, offsetof(struct seccomp_data, nr));
	filter_add(filter, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
	filter_return(filter, SECCOMP_RET_ERRNO | ENOSYS);
	/* Its worker would open paths that nobody has translated; everybody has another way. */
	filter_rule(filter, SYS_io_uring_setup, SECCOMP_RET_ERRNO | ENOSYS);
}

/* Without a name the call is a mere write: those are not to be slowed down. */
static void filter_add_sendto(struct filter *filter)
{
	filter_add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 6, SYS_sendto);
	filter_load(filter, offsetof(struct seccomp_data, args[4]));
	filter_add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0);
	filter_load(filter, offsetof(struct seccomp_data, args[4]) + 4);
	filter_add(filter, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0);
	filter_return(filter, SECCOMP_RET_TRACE);
	filter_return(filter, SECCOMP_RET_ALLOW);
}

/* A process that cannot be looked into could not be supervised either. */
static void filter_add_dumpable(struct filter *filter)
{
	filter_add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 6, SYS_prctl);
	filter_load(filter, offsetof(struct seccomp_data, args[0]));
	filter_add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, PR_SET_DUMPABLE);
	filter_load(filter, offsetof(struct seccomp_data, args[1]));
	filter_add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
	filter_return(filter, SECCOMP_RET_ERRNO | 0);
	filter_return(filter, SECCOMP_RET_ALLOW);
}

static void filter_add_root_ids(struct filter *filter)
{
	static const int numbers[] = {SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		filter_rule(filter, numbers[i], SECCOMP_RET_ERRNO | 0);
}

int filter_install(bool fake_root, struct err *err)
{
	static struct filter filter;
	int numbers[NUMBERS_MAX];
	size_t count = calls_get_traced(fake_root, numbers, NUMBERS_MAX);
	int result;

	filter_add_head(&filter);
	filter_add_sendto(&filter);
	filter_add_dumpable(&filter);
	if (fake_root)
		filter_add_root_ids(&filter);
	for (size_t i = 0; i < count; i++)
		filter_rule(&filter, numbers[i], SECCOMP_RET_TRACE);
	filter_return(&filter, SECCOMP_RET_ALLOW);
	result = seccomp_load(filter.code, filter.length);
	return result < 0 ? err_sys(err, -result,
				    "cannot install the filter that paths are translated with")
			  : 0;
}
