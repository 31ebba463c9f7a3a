/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/doctor.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#define SCHEMA_VERSION 1
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static const char *const states[] = {"ok", "rejected", "not tried"};

static const char *doctor_errno(int errnum)
{
	const char *name = errnum ? strerrorname_np(errnum) : NULL;

	return name ? name : "";
}

/* ---- text --------------------------------------------------------------------------------------------------------- */

static void print_number(FILE *out, const char *label, unsigned long long number)
{
	if (number == ULLONG_MAX)
		(void)fprintf(out, "  %-17s no limit\n", label);
	else
		(void)fprintf(out, "  %-17s %llu\n", label, number);
}

static void print_place(const struct doctor *doctor, FILE *out)
{
	const struct engine_facts *facts = &doctor->facts;

	(void)fprintf(out, "Here\n  %-17s %s (uid %u, gid %u)\n", "user", doctor->host.name, doctor->host.uid, doctor->host.gid);
	(void)fprintf(out, "  %-17s", "namespaces");
	for (size_t i = 0; i < DOCTOR_NAMESPACES; i++)
		if (doctor->namespaces[i].inode)
			(void)fprintf(out, " %s%s", doctor->namespaces[i].name, doctor->namespaces[i].first ? "" : "*");
	(void)fprintf(out, "   (* not the first)\n  %-17s 0x%llx of 0x%llx\n", "capabilities", (unsigned long long)doctor->host.caps,
		      (unsigned long long)facts->bounding);
	(void)fprintf(out, "  %-17s %s\n", "seccomp",
		      facts->seccomp == 2   ? "a filter"
		      : facts->seccomp == 1 ? "strict"
		      : facts->seccomp == 0 ? "none"
					    : "unknown");
	(void)fprintf(out, "  %-17s %s\n  %-17s %s\n", "no_new_privs", doctor->host.no_new_privs ? "yes" : "no", "chroot",
		      facts->chrooted ? "yes" : "no");
	if (doctor->engine == ENGINE_NONE)
		(void)fprintf(out, "  %-17s none recognised\n", "container");
	else
		(void)fprintf(out, "  %-17s %s: %s\n", "container", engine_get_name(doctor->engine), doctor->engine_reason);
}

static void print_limits(const struct doctor *doctor, FILE *out)
{
	(void)fprintf(out, "\nLimits\n");
	if (doctor->max_user_namespaces >= 0)
		(void)fprintf(out, "  %-17s %ld\n", "user namespaces", doctor->max_user_namespaces);
	(void)fprintf(out, "  %-17s %d\n", "levels below", doctor->more_levels);
	print_number(out, "processes", doctor->max_processes);
	print_number(out, "open files", doctor->max_files);
}

static void print_rung(const struct ladder_rung *rung, const struct doctor_rung *found, bool used, bool colour, FILE *out)
{
	const char *start = used && colour ? BOLD : "", *end = used && colour ? PLAIN : "";

	(void)fprintf(out, "  %s%c %-15s%s %-9s  ", start, used ? '*' : ' ', rung->name, end, states[found->state]);
	if (found->state == DOCTOR_OK)
		(void)fprintf(out, "%s%s%s\n", rung->how, used && rung->lost ? "; lost: " : "", used && rung->lost ? rung->lost : "");
	else
		(void)fprintf(out, "%s%s%s\n", doctor_errno(found->errnum), found->errnum ? ": " : "", found->reason);
}

static void print_ladder(const struct ladder *ladder, const struct doctor_ladder *found, bool colour, FILE *out)
{
	(void)fprintf(out, "\n%s: %s\n", ladder->name, ladder->title);
	for (size_t i = 0; i < ladder->count; i++)
		print_rung(&ladder->rungs[i], &found->rungs[i], found->used == (int)i, colour, out);
	if (found->used < 0)
		(void)fprintf(out, "  nothing works\n");
	if (found->advice)
		(void)fprintf(out, "  to improve: %s\n", found->advice);
}

void doctor_print_text(const struct doctor *doctor, bool colour, FILE *out)
{
	print_place(doctor, out);
	print_limits(doctor, out);
	for (size_t i = 0; i < LADDER_COUNT; i++)
		print_ladder(ladder_get((enum ladder_resource)i), &doctor->ladders[i], colour, out);
	(void)fprintf(out, "\n%s\n", doctor->can_launch ? "Containers can be launched here." : "No container can be launched here.");
}

/* ---- JSON --------------------------------------------------------------------------------------------------------- */

static json_t *json_of_optional(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

static json_t *json_of_number(unsigned long long number)
{
	return number == ULLONG_MAX ? json_null() : json_integer((json_int_t)number);
}

/* A set of 64 bits does not fit every reader's numbers. */
static json_t *json_of_set(uint64_t set)
{
	return json_sprintf("0x%llx", (unsigned long long)set);
}

static json_t *json_of_namespaces(const struct doctor *doctor)
{
	json_t *object = json_object();

	for (size_t i = 0; i < DOCTOR_NAMESPACES; i++)
		if (doctor->namespaces[i].inode)
			(void)json_object_set_new(object, doctor->namespaces[i].name,
						  json_pack("{s:I,s:b}", "inode", (json_int_t)doctor->namespaces[i].inode, "first",
							    (int)doctor->namespaces[i].first));
	return object;
}

static json_t *json_of_rungs(const struct ladder *ladder, const struct doctor_ladder *found)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ladder->count; i++)
		(void)json_array_append_new(
			list, json_pack("{s:s,s:s,s:s,s:o,s:o,s:o}", "name", ladder->rungs[i].name, "how", ladder->rungs[i].how,
					"state", states[found->rungs[i].state], "errno",
					json_of_optional(doctor_errno(found->rungs[i].errnum)), "reason",
					json_of_optional(found->rungs[i].reason), "lost", json_of_optional(ladder->rungs[i].lost)));
	return list;
}

static json_t *json_of_ladders(const struct doctor *doctor)
{
	json_t *list = json_array();

	for (size_t i = 0; i < LADDER_COUNT; i++) {
		const struct ladder *ladder = ladder_get((enum ladder_resource)i);
		const struct doctor_ladder *found = &doctor->ladders[i];

		(void)json_array_append_new(
			list, json_pack("{s:s,s:s,s:o,s:o,s:o}", "name", ladder->name, "title", ladder->title, "used",
					found->used < 0 ? json_null() : json_string(ladder->rungs[found->used].name), "rungs",
					json_of_rungs(ladder, found), "advice", json_of_optional(found->advice)));
	}
	return list;
}

static json_t *json_of_container(const struct doctor *doctor)
{
	return json_pack("{s:s,s:o,s:b,s:i}", "kind", engine_get_name(doctor->engine), "reason",
			 json_of_optional(doctor->engine_reason), "chroot", (int)doctor->facts.chrooted, "seccomp",
			 doctor->facts.seccomp);
}

void doctor_print_json(const struct doctor *doctor, FILE *out)
{
	const struct host *host = &doctor->host;
	struct utsname kernel = {.release = ""};
	json_t *object;

	(void)uname(&kernel);
	object = json_pack("{s:i,s:s,s:s,s:{s:s,s:I,s:I},s:o,s:{s:o,s:o},s:b,s:o,s:{s:o,s:i,s:o,s:o},s:o,s:b}", "schema",
			   SCHEMA_VERSION, "version", SINGULARITY_VERSION, "kernel", kernel.release, "user", "name", host->name,
			   "uid", (json_int_t)host->uid, "gid", (json_int_t)host->gid, "namespaces", json_of_namespaces(doctor),
			   "capabilities", "effective", json_of_set(host->caps), "bounding", json_of_set(doctor->facts.bounding),
			   "no_new_privs", (int)host->no_new_privs, "container", json_of_container(doctor), "limits",
			   "user_namespaces",
			   doctor->max_user_namespaces < 0 ? json_null() : json_integer(doctor->max_user_namespaces),
			   "levels_below", doctor->more_levels, "processes", json_of_number(doctor->max_processes), "open_files",
			   json_of_number(doctor->max_files), "ladders", json_of_ladders(doctor), "can_launch",
			   (int)doctor->can_launch);
	(void)json_dumpf(object, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	(void)fputc('\n', out);
	json_decref(object);
}
