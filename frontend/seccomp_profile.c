/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/seccomp_profile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/utsname.h>

#include <jansson.h>
#include <seccomp.h>

#include "frontend/imager.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"
#include "policy/capability.h"

#define EXIT_FATAL 255
#define ERRNO_MAX 4095u /* the kernel's; a larger one would come out as no error at all */
#define ARCH_NAME_MAX 32
#define COMPARISONS_MAX 6 /* arguments of a system call */
#define BAD(err, ...) err_set(err, ERR_USAGE, EINVAL, __VA_ARGS__)

struct profile {
	scmp_filter_ctx filter; /* owned */
	const struct seccomp_host *host;
	uint32_t default_action;
};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Arrays may be left out or null. */
static int array_of(const json_t *object, const char *key, const json_t **out, struct err *err)
{
	const json_t *value = json_object_get(object, key);

	*out = json_is_array(value) ? value : NULL;
	if (value && !json_is_null(value) && !*out)
		return BAD(err, "\"%s\" is no list", key);
	return 0;
}

static int number_of(const json_t *object, const char *key, uint64_t max, uint64_t fallback, uint64_t *out, struct err *err)
{
	const json_t *value = json_object_get(object, key);
	json_int_t number = json_integer_value(value);

	*out = fallback;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || number < 0 || (uint64_t)number > max)
		return BAD(err, "\"%s\" is no number from 0 to %llu", key, (unsigned long long)max);
	*out = (uint64_t)number;
	return 0;
}

static int parse_action(const char *name, uint32_t errno_value, uint32_t *action, struct err *err)
{
	const struct {
		const char *name;
		uint32_t action;
	} known[] = {
		{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
		{"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(errno_value)},
		{"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
		{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
		{"SCMP_ACT_LOG", SCMP_ACT_LOG},
		{"SCMP_ACT_TRACE", SCMP_ACT_TRACE(errno_value)},
		{"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
	};

	if (name && strcmp(name, "SCMP_ACT_NOTIFY") == 0)
		return BAD(err, "SCMP_ACT_NOTIFY needs a listener, and there is none");
	for (size_t i = 0; name && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name) == 0) {
			*action = known[i].action;
			return 0;
		}
	}
	return BAD(err, "%s is no seccomp action", name ? name : "(nothing)");
}

static int parse_operator(const char *name, enum scmp_compare *op, struct err *err)
{
	static const struct {
		const char *name;
		enum scmp_compare op;
	} known[] = {
		{"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
		{"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT},
		{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
	};

	for (size_t i = 0; name && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i].name) == 0) {
			*op = known[i].op;
			return 0;
		}
	}
	return BAD(err, "%s is no seccomp operator", name ? name : "(nothing)");
}

/* "SCMP_ARCH_X86_64" to the library's number; 0 for a name it does not know. */
static uint32_t find_arch(const char *name)
{
	char lower[ARCH_NAME_MAX];
	size_t length = 0;

	if (!name || strncmp(name, "SCMP_ARCH_", 10) != 0)
		return 0;
	for (name += 10; *name && length + 1 < sizeof(lower); name++)
		lower[length++] = (char)tolower((unsigned char)*name);
	lower[length] = '\0';
	return seccomp_arch_resolve_name(lower);
}

static int add_arch(struct profile *profile, const char *name, struct err *err)
{
	uint32_t arch = find_arch(name);
	int result;

	if (arch == 0)
		return BAD(err, "%s is no seccomp architecture", name ? name : "(nothing)");
	result = seccomp_arch_add(profile->filter, arch);
	/* -EDOM: of the other byte order; such calls cannot come from this machine's programs. */
	if (result < 0 && result != -EEXIST && result != -EDOM)
		return err_sys(err, -result, "cannot add architecture %s", name);
	return 0;
}

static int add_arch_list(struct profile *profile, const json_t *list, struct err *err)
{
	size_t i;
	json_t *name;
	int result;

	json_array_foreach(list, i, name)
	{
		result = add_arch(profile, json_string_value(name), err);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Of the map only the entry of this machine counts: its own architecture is in the filter already. */
static int add_arches(struct profile *profile, const json_t *root, struct err *err)
{
	const json_t *map, *list;
	size_t i;
	json_t *entry;
	int result = array_of(root, "architectures", &list, err);

	if (result == 0)
		result = add_arch_list(profile, list, err);
	if (result == 0)
		result = array_of(root, "archMap", &map, err);
	if (result < 0)
		return result;
	json_array_foreach(map, i, entry)
	{
		if (find_arch(text_of(entry, "architecture")) != seccomp_arch_native())
			continue;
		result = array_of(entry, "subArchitectures", &list, err);
		if (result == 0)
			result = add_arch_list(profile, list, err);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Profiles name machines as Go does. */
static bool arch_is_ours(const char *name)
{
	static const struct {
		const char *name;
		uint32_t arch;
	} known[] = {
		{"amd64", SCMP_ARCH_X86_64},   {"x32", SCMP_ARCH_X32},	     {"x86", SCMP_ARCH_X86},
		{"386", SCMP_ARCH_X86},	       {"arm64", SCMP_ARCH_AARCH64}, {"arm", SCMP_ARCH_ARM},
		{"ppc64le", SCMP_ARCH_PPC64LE}, {"riscv64", SCMP_ARCH_RISCV64}, {"s390x", SCMP_ARCH_S390X},
	};

	for (size_t i = 0; name && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].arch == seccomp_arch_native();
	return false;
}

static int cap_is_held(const struct profile *profile, const char *name, bool *held, struct err *err)
{
	unsigned int number;

	if (!name || !capability_find(name, strlen(name), &number))
		return BAD(err, "%s is no capability", name ? name : "(nothing)");
	*held = (profile->host->caps >> number & 1) != 0;
	return 0;
}

static int kernel_is_new(const struct profile *profile, const char *text, bool *is_new, struct err *err)
{
	unsigned int major, minor;
	char rest;

	if (sscanf(text, "%5u.%5u%c", &major, &minor, &rest) != 2)
		return BAD(err, "\"minKernel\" %s is no version of the form 4.8", text);
	*is_new = profile->host->kernel_major > major ||
		  (profile->host->kernel_major == major && profile->host->kernel_minor >= minor);
	return 0;
}

/* Included: every condition holds. Excluded: one of them does. So count those that hold and those there are. */
static int count_conditions(const struct profile *profile, const json_t *set, unsigned int *held, unsigned int *all,
			    struct err *err)
{
	const json_t *caps, *arches;
	size_t i;
	json_t *name;
	bool found = false;
	int result = array_of(set, "caps", &caps, err);

	*held = *all = 0;
	if (result == 0)
		result = array_of(set, "arches", &arches, err);
	if (result < 0)
		return result;
	json_array_foreach(caps, i, name)
	{
		result = cap_is_held(profile, json_string_value(name), &found, err);
		if (result < 0)
			return result;
		(*all)++;
		*held += found;
	}
	if (json_array_size(arches) > 0) {
		found = false;
		json_array_foreach(arches, i, name) found |= arch_is_ours(json_string_value(name));
		(*all)++;
		*held += found;
	}
	if (text_of(set, "minKernel") && *text_of(set, "minKernel")) {
		result = kernel_is_new(profile, text_of(set, "minKernel"), &found, err);
		(*all)++;
		*held += found;
	}
	return result;
}

static int rule_applies(const struct profile *profile, const json_t *rule, bool *applies, struct err *err)
{
	unsigned int held, all;
	int result = count_conditions(profile, json_object_get(rule, "includes"), &held, &all, err);

	if (result < 0)
		return result;
	*applies = held == all;
	result = count_conditions(profile, json_object_get(rule, "excludes"), &held, &all, err);
	*applies &= held == 0;
	return result;
}

static int parse_comparison(const json_t *value, struct scmp_arg_cmp *out, struct err *err)
{
	uint64_t index, first, second;
	int result = number_of(value, "index", COMPARISONS_MAX - 1, UINT64_MAX, &index, err);

	/* Values above the signed range cannot be written in this JSON library's integers, nor are any in use. */
	if (result == 0)
		result = number_of(value, "value", INT64_MAX, 0, &first, err);
	if (result == 0)
		result = number_of(value, "valueTwo", INT64_MAX, 0, &second, err);
	if (result == 0 && index >= COMPARISONS_MAX)
		result = BAD(err, "a comparison has no \"index\"");
	if (result == 0)
		result = parse_operator(text_of(value, "op"), &out->op, err);
	if (result < 0)
		return result;
	out->arg = (unsigned int)index;
	out->datum_a = first;
	out->datum_b = second;
	return 0;
}

/* One system call. A library filter has one comparison per argument: where a profile has several for the same one, each
 * comparison becomes a rule of its own, as in the runtimes that made the format. */
static int add_call(struct profile *profile, uint32_t action, int number, const struct scmp_arg_cmp *comparisons,
		    unsigned int count)
{
	unsigned int used = 0;
	bool twice = false;

	for (unsigned int i = 0; i < count; i++) {
		twice |= (used >> comparisons[i].arg & 1) != 0;
		used |= 1U << comparisons[i].arg;
	}
	if (!twice)
		return seccomp_rule_add_array(profile->filter, action, number, count, comparisons);
	for (unsigned int i = 0; i < count; i++) {
		int result = seccomp_rule_add_array(profile->filter, action, number, 1, &comparisons[i]);

		if (result < 0)
			return result;
	}
	return 0;
}

static int add_named(struct profile *profile, uint32_t action, const char *name, const struct scmp_arg_cmp *comparisons,
		     unsigned int count, struct err *err)
{
	int number, result;

	if (!name)
		return BAD(err, "a system call has no name");
	number = seccomp_syscall_resolve_name(name);
	if (number == __NR_SCMP_ERROR) {
		log_debug("no system call %s on this machine", name);
		return 0;
	}
	result = add_call(profile, action, number, comparisons, count);
	return result < 0 ? err_sys(err, -result, "cannot add system call %s", name) : 0;
}

static int add_rule(struct profile *profile, const json_t *rule, struct err *err)
{
	struct scmp_arg_cmp comparisons[COMPARISONS_MAX];
	const json_t *names, *args;
	uint64_t errno_value;
	uint32_t action;
	size_t i;
	json_t *item;
	bool applies;
	int result = rule_applies(profile, rule, &applies, err);

	if (result < 0 || !applies)
		return result;
	/* EPERM when left out, whatever the default action's is. */
	result = number_of(rule, "errnoRet", ERRNO_MAX, EPERM, &errno_value, err);
	if (result == 0)
		result = parse_action(text_of(rule, "action"), (uint32_t)errno_value, &action, err);
	if (result == 0)
		result = array_of(rule, "names", &names, err);
	if (result == 0)
		result = array_of(rule, "args", &args, err);
	if (result < 0)
		return result;
	/* The library refuses rules that change nothing. */
	if (action == profile->default_action)
		return 0;
	if (json_array_size(args) > COMPARISONS_MAX)
		return BAD(err, "a rule has more than %d comparisons", COMPARISONS_MAX);
	json_array_foreach(args, i, item)
	{
		result = parse_comparison(item, &comparisons[i], err);
		if (result < 0)
			return result;
	}
	if (text_of(rule, "name"))
		return add_named(profile, action, text_of(rule, "name"), comparisons,
				 (unsigned int)json_array_size(args), err);
	if (json_array_size(names) == 0)
		return BAD(err, "a rule names no system call");
	json_array_foreach(names, i, item)
	{
		result = add_named(profile, action, json_string_value(item), comparisons,
				   (unsigned int)json_array_size(args), err);
		if (result < 0)
			return result;
	}
	return 0;
}

static int read_defaults(struct profile *profile, const json_t *root, struct err *err)
{
	uint64_t errno_value;
	int result = number_of(root, "defaultErrnoRet", ERRNO_MAX, EPERM, &errno_value, err);

	if (result == 0)
		result = parse_action(text_of(root, "defaultAction"), (uint32_t)errno_value, &profile->default_action, err);
	return result;
}

static int build_filter(struct profile *profile, const json_t *root, struct err *err)
{
	const json_t *rules;
	size_t i;
	json_t *rule;
	int result = add_arches(profile, root, err);

	if (result == 0)
		result = array_of(root, "syscalls", &rules, err);
	if (result < 0)
		return result;
	if (json_array_size(json_object_get(root, "flags")) > 0)
		log_warning("Flags of the seccomp profile are not supported and have no effect");
	json_array_foreach(rules, i, rule)
	{
		result = add_rule(profile, rule, err);
		if (result < 0)
			return err_wrap(err, "rule %zu", i + 1);
	}
	return 0;
}

int seccomp_profile_compile(const char *text, size_t size, const struct seccomp_host *host, int out_fd, struct err *err)
{
	struct profile profile = {.host = host};
	json_error_t error;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	int result;

	if (!root)
		return BAD(err, "line %d: %s", error.line, error.text);
	result = json_is_object(root) ? read_defaults(&profile, root, err) : BAD(err, "it is no JSON object");
	if (result == 0) {
		profile.filter = seccomp_init(profile.default_action);
		if (!profile.filter)
			result = err_set(err, ERR_SYSTEM, ENOMEM, "cannot make a seccomp filter");
	}
	if (result == 0) {
		(void)seccomp_attr_set(profile.filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		result = build_filter(&profile, root, err);
	}
	if (result == 0) {
		result = seccomp_export_bpf(profile.filter, out_fd);
		if (result < 0)
			result = err_sys(err, -result, "cannot write the filter");
	}
	if (profile.filter)
		seccomp_release(profile.filter);
	json_decref(root);
	return result;
}

static int read_profile(const char *path, char *buffer, size_t *size, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	*size = 0;
	if (fd < 0)
		return err_sys(err, errno, "cannot open seccomp profile %s", path);
	for (;;) {
		ssize_t got = read(fd, buffer + *size, SECCOMP_PROFILE_BYTES_MAX - *size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "cannot read seccomp profile %s", path);
		if (got == 0)
			return 0;
		*size += (size_t)got;
		if (*size == SECCOMP_PROFILE_BYTES_MAX)
			return BAD(err, "cannot use seccomp profile %s: it is too large", path);
	}
}

static bool parse_u64(const char *text, int base, uint64_t max, uint64_t *out)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, base);
	*out = value;
	return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && value <= max;
}

static int compile_file(const char *path, struct seccomp_host *host, int out_fd, struct err *err)
{
	cleanup_ptr char *buffer = malloc(SECCOMP_PROFILE_BYTES_MAX);
	struct utsname name;
	size_t size;
	int result;

	if (!buffer)
		return err_set(err, ERR_SYSTEM, ENOMEM, "cannot read seccomp profile %s: no memory", path);
	if (uname(&name) < 0 || sscanf(name.release, "%5u.%5u", &host->kernel_major, &host->kernel_minor) != 2)
		return err_set(err, ERR_SYSTEM, EINVAL, "cannot tell the kernel's version");
	result = read_profile(path, buffer, &size, err);
	if (result < 0)
		return result;
	result = seccomp_profile_compile(buffer, size, host, out_fd, err);
	return result < 0 ? err_wrap(err, "cannot use seccomp profile %s", path) : 0;
}

/* imager seccomp-compile [--caps 0xMASK] PROFILE OUT_FD */
int seccomp_compile_main(int argc, char **argv)
{
	struct seccomp_host host = {0, 0, 0};
	struct err err = ERR_INIT;
	uint64_t out_fd;
	int first = 1;

	if (argc > 2 && strcmp(argv[1], "--caps") == 0) {
		if (!parse_u64(argv[2], 16, UINT64_MAX, &host.caps)) {
			log_fatal("seccomp-compile: --caps %s is no mask", argv[2]);
			return EXIT_FATAL;
		}
		first = 3;
	}
	if (argc - first != 2 || !parse_u64(argv[first + 1], 10, INT_MAX, &out_fd)) {
		log_fatal("usage: imager seccomp-compile [--caps 0xMASK] PROFILE OUT_FD");
		return EXIT_FATAL;
	}
	if (compile_file(argv[first], &host, (int)out_fd, &err) < 0) {
		log_fatal("%s", err.message);
		return EXIT_FATAL;
	}
	return 0;
}
