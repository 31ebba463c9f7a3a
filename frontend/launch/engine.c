/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/launch/host.h"
#include "ipc/cleanup.h"

/* Inode numbers that the kernel gives its first namespaces (include/linux/proc_ns.h). */
#define INITIAL_USERNS_INODE 0xEFFFFFFDu
#define INITIAL_PIDNS_INODE 0xEFFFFFFCu

/* Bounding sets that engines hand out by default. */
#define CAPS_DOCKER UINT64_C(0xa80425fb)
#define CAPS_PODMAN UINT64_C(0x800405fb)

static bool engine_is_inode(const char *path, ino_t number)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_ino == number;
}

static void engine_read_status(struct engine_facts *facts)
{
	cleanup_file FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	facts->seccomp = -1;
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapBnd: %" SCNx64, &facts->bounding) != 1)
			(void)sscanf(line, "Seccomp: %d", &facts->seccomp);
}

void engine_read(struct engine_facts *facts)
{
	*facts = (struct engine_facts){
		.dockerenv = access("/.dockerenv", F_OK) == 0,
		.containerenv = access("/run/.containerenv", F_OK) == 0,
		.singularity = access("/.singularity.d", F_OK) == 0 && getenv("SINGULARITY_CONTAINER"),
		.initial_userns = engine_is_inode("/proc/self/ns/user", INITIAL_USERNS_INODE),
		.initial_pidns = engine_is_inode("/proc/self/ns/pid", INITIAL_PIDNS_INODE),
		.chrooted = host_read_hints() & HOST_HINT_CHROOT,
	};
	engine_read_status(facts);
}

enum engine_kind engine_recognise(const struct engine_facts *facts, char reason[ENGINE_REASON_MAX])
{
	const struct {
		bool holds;
		enum engine_kind kind;
		const char *text;
	} rules[] = {
		/* The innermost first: a Singularity container in a Docker container shows both. */
		{facts->singularity, ENGINE_SINGULARITY, "/.singularity.d and SINGULARITY_CONTAINER"},
		/* Podman with another configuration than its distribution's has Docker's capabilities. */
		{facts->containerenv, ENGINE_PODMAN, "/run/.containerenv (a hint)"},
		{facts->seccomp == 2 && facts->bounding == CAPS_DOCKER, ENGINE_DOCKER,
		 "a seccomp filter and the capabilities 0xa80425fb, Docker's defaults"},
		{facts->seccomp == 2 && facts->bounding == CAPS_PODMAN, ENGINE_PODMAN,
		 "a seccomp filter and the capabilities 0x800405fb, Podman's defaults"},
		{facts->dockerenv, ENGINE_DOCKER, "/.dockerenv (a hint)"},
		{facts->chrooted, ENGINE_OTHER, "a chroot: / is no mount point"},
		{!facts->initial_pidns, ENGINE_OTHER, "a PID namespace that is not the first"},
		{!facts->initial_userns, ENGINE_OTHER, "a user namespace that is not the first"},
		{facts->seccomp > 0, ENGINE_OTHER, "a seccomp filter"},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].holds) {
			(void)snprintf(reason, ENGINE_REASON_MAX, "%s", rules[i].text);
			return rules[i].kind;
		}
	reason[0] = '\0';
	return ENGINE_NONE;
}

const char *engine_get_name(enum engine_kind kind)
{
	static const char *const names[ENGINE_COUNT] = {"none", "docker", "podman", "singularity", "other"};

	return kind < ENGINE_COUNT ? names[kind] : "none";
}
