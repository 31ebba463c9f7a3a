/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/doctor.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/launch/attempt.h"
#include "frontend/launch/launch.h"
#include "frontend/launch/plan_build.h"
#include "frontend/settings/install.h"
#include "ipc/cleanup.h"

static struct conf_frontend conf;
static struct plan plan;
static struct builder builder;
static struct doctor doctor;

/* ---- where we are ------------------------------------------------------------------------------------------------- */

static void doctor_read_namespaces(struct doctor_namespace *out)
{
	/* include/linux/proc_ns.h; the last two are fixed numbers since Linux 6.17, before that they are not known to be first. */
	static const struct {
		const char *name;
		ino_t first;
	} known[DOCTOR_NAMESPACES] = {{"user", 0xEFFFFFFDu}, {"pid", 0xEFFFFFFCu}, {"ipc", 0xEFFFFFFFu}, {"uts", 0xEFFFFFFEu},
				      {"cgroup", 0xEFFFFFFBu}, {"mnt", 0xEFFFFFF8u}, {"net", 0xEFFFFFF9u}};

	for (size_t i = 0; i < DOCTOR_NAMESPACES; i++) {
		char path[32];
		struct stat st;

		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", known[i].name);
		out[i].name = known[i].name;
		out[i].inode = stat(path, &st) == 0 ? st.st_ino : 0;
		out[i].first = out[i].inode == known[i].first;
	}
}

static unsigned long long doctor_read_limit(int resource)
{
	struct rlimit limit;

	return getrlimit((__rlimit_resource_t)resource, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ? ULLONG_MAX
												       : limit.rlim_cur;
}

static void doctor_read_limits(struct doctor *out)
{
	cleanup_file FILE *file = fopen("/proc/sys/user/max_user_namespaces", "re");

	if (!file || fscanf(file, "%ld", &out->max_user_namespaces) != 1)
		out->max_user_namespaces = -1;
	out->max_processes = doctor_read_limit(RLIMIT_NPROC);
	out->max_files = doctor_read_limit(RLIMIT_NOFILE);
	out->more_levels = attempt_depth();
}

/* ---- the ladders -------------------------------------------------------------------------------------------------- */

static void doctor_note(struct doctor_rung *out, enum doctor_state state, int errnum, const struct err *why)
{
	out->state = state;
	out->errnum = errnum;
	(void)snprintf(out->reason, sizeof(out->reason), "%.255s", why->message);
}

/* The launch asks the first question, the kernel the second. */
static void doctor_examine_rung(const struct ladder_rung *rung, struct doctor_rung *out)
{
	struct err why = ERR_INIT;
	int result = rung->reject(&builder, &why);

	if (result < 0) {
		doctor_note(out, DOCTOR_REJECTED, -result, &why);
		return;
	}
	result = rung->probe ? rung->probe(&builder, &why) : 0;
	if (result < 0)
		doctor_note(out, DOCTOR_REJECTED, -result, &why);
	else
		doctor_note(out, result == ATTEMPT_NOT_MADE ? DOCTOR_NOT_TRIED : DOCTOR_OK, 0, &why);
}

/* At the call the first that works is taken; where the plan names one, it is that of the launch, whether it works or not. */
static int doctor_find_used(enum ladder_resource resource, const struct doctor_ladder *out)
{
	const struct ladder *ladder = ladder_get(resource);
	struct err ignored = ERR_INIT;
	size_t chosen;

	if (!ladder->at_call || ladder_is_forced(&builder, resource)) {
		if (ladder_choose(&builder, resource, &chosen, &ignored) < 0 || out->rungs[chosen].state == DOCTOR_REJECTED)
			return -1;
		return (int)chosen;
	}
	for (size_t i = 0; i < ladder->count; i++)
		if (out->rungs[i].state != DOCTOR_REJECTED)
			return (int)i;
	return -1;
}

/* The best rung above the one in use for which there is something to do. */
static const char *doctor_advise(enum ladder_resource resource, struct doctor_ladder *out)
{
	const struct ladder *ladder = ladder_get(resource);
	size_t end = out->used < 0 ? ladder->count : (size_t)out->used;

	for (size_t i = 0; i < end; i++) {
		const struct ladder_rung *rung = &ladder->rungs[i];

		if (plan.flow == PLAN_FLOW_SETUID && rung->package && out->rungs[i].errnum == EPERM)
			return "launch with --userns: the setuid starter does not use it";
		if (rung->package && out->rungs[i].errnum == ENOENT) {
			(void)snprintf(out->package, sizeof(out->package), "install the package %s", rung->package);
			return out->package;
		}
		if (rung->advice[doctor.engine])
			return rung->advice[doctor.engine];
	}
	return NULL;
}

static void doctor_examine_ladder(enum ladder_resource resource, struct doctor_ladder *out)
{
	const struct ladder *ladder = ladder_get(resource);

	for (size_t i = 0; i < ladder->count; i++)
		doctor_examine_rung(&ladder->rungs[i], &out->rungs[i]);
	out->used = doctor_find_used(resource, out);
	out->advice = doctor_advise(resource, out);
}

/* Each ladder for the launch that its title names: --pid for /proc, --fakeroot for the ids. */
static void doctor_set_case(struct cli_request *request, bool fakeroot)
{
	struct err ignored = ERR_INIT;

	request->action.fakeroot = fakeroot;
	plan_init(&plan);
	plan.ns_pid = true;
	if (plan_build_flow(&builder, &plan.flow, &ignored) < 0)
		plan.flow = fakeroot ? PLAN_FLOW_FAKEROOT : PLAN_FLOW_USERNS;
}

static void doctor_examine_ladders(struct cli_request *request)
{
	static const enum ladder_resource needed[] = {LADDER_NAMESPACES, LADDER_IMAGE, LADDER_MOUNT_API, LADDER_PIVOT};
	/* The confined flow makes no mount. */
	size_t count;

	for (size_t i = 0; i < LADDER_COUNT; i++) {
		doctor_set_case(request, i == LADDER_IDS);
		doctor_examine_ladder((enum ladder_resource)i, &doctor.ladders[i]);
	}
	count = plan.flow == PLAN_FLOW_CONFINED ? 2 : sizeof(needed) / sizeof(needed[0]);
	doctor.can_launch = true;
	for (size_t i = 0; i < count; i++)
		doctor.can_launch = doctor.can_launch && doctor.ladders[needed[i]].used >= 0;
}

int doctor_run(const struct cli_request *request, struct err *err)
{
	/* A plain exec: what the user's own defaults (SINGULARITY_CONTAIN, …) add is not the host's doing. */
	static struct cli_request plain = {.command = CLI_EXEC, .message_level = 1};
	int result = launch_load_conf(request, &conf, err);

	if (result == 0)
		result = host_read(&doctor.host, err);
	if (result < 0)
		return result;
	builder = (struct builder){.request = &plain, .conf = &conf, .host = &doctor.host, .view = &plan_view_host,
				   .suid_installed = install_get()->has_suid, .plan = &plan};
	result = ladder_parse_forced(getenv("SINGULARITY_RUNG"), builder.forced, err);
	if (result < 0)
		return result;
	engine_read(&doctor.facts);
	doctor.engine = engine_recognise(&doctor.facts, doctor.engine_reason);
	doctor_read_namespaces(doctor.namespaces);
	doctor_read_limits(&doctor);
	doctor_examine_ladders(&plain);
	if (request->doctor_json)
		doctor_print_json(&doctor, stdout);
	else
		doctor_print_text(&doctor, !request->no_color && isatty(STDOUT_FILENO), stdout);
	if (fflush(stdout) == EOF)
		return err_sys(err, errno, "cannot write to standard output");
	return doctor.can_launch ? 0 : 1;
}
