/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/confined.h"

#include <errno.h>
#include <string.h>

#include "ipc/log.h"

#define FILTER_ADVICE "start the outer container with --security-opt seccomp=unconfined"

/* Who refuses, and what would change it. */
static const char *confined_get_cause(const struct host_probe *probe)
{
	if (probe->hints & HOST_HINT_SECCOMP)
		return "a seccomp filter";
	if (probe->hints & HOST_HINT_LIMIT)
		return "user.max_user_namespaces = 0";
	if (probe->hints & HOST_HINT_CHROOT)
		return "the chroot around us";
	return "SINGULARITY_RUNG";
}

static const char *confined_get_advice(const struct host_probe *probe)
{
	if (probe->hints & HOST_HINT_SECCOMP)
		return FILTER_ADVICE;
	if (probe->hints & HOST_HINT_LIMIT)
		return "raise user.max_user_namespaces";
	if (probe->hints & HOST_HINT_CHROOT)
		return "enter it with pivot_root(8) in place of chroot(8)";
	return "unset it";
}

int confined_check_request(const struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	const struct host_probe *probe = &builder->host->namespaces;
	bool all = action->containall || action->compat;
	/* Without an image: `doctor` asks. */
	bool sandbox = builder->image && builder->image->kind == IMAGE_SANDBOX &&
		       !builder->image_temporary;
	const struct {
		bool asked;
		const char *name;
	} refused[] = {
		{action->userns, "--userns"},
		{all, action->compat ? "--compat" : "--containall"},
		{action->pid && !action->no_pid, "--pid"},
		{action->ipc, "--ipc"},
		{action->net || action->network, "--net"},
		{action->uts || action->hostname, action->hostname ? "--hostname" : "--uts"},
		{action->overlay.count > 0, "--overlay"},
		{action->writable_tmpfs && !action->writable && sandbox,
		 "--writable-tmpfs of a sandbox"},
		{action->writable && !sandbox, "--writable of an image file"},
		{action->allow_setuid, "--allow-setuid"},
		{action->no_tmp_sandbox && !sandbox, "--no-tmp-sandbox"},
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refused[i].asked)
			return err_set(err, ERR_SYSTEM, EPERM,
				       "%s cannot be had here: %s refuses namespaces and mounts; "
				       "%s, or leave the option out",
				       refused[i].name, confined_get_cause(probe),
				       confined_get_advice(probe));
	if (action->security.count > 0)
		return err_set(err, ERR_SYSTEM, EPERM,
			       "--security cannot be had here: %s refuses namespaces and mounts",
			       confined_get_cause(probe));
	return 0;
}

void confined_explain(const struct host *host)
{
	log_warning("Experimental, and no isolation at all: %s refuses namespaces and mounts, so "
		    "paths are translated by tracing "
		    "the processes, which is slow where many files are opened; they all end with "
		    "the command. For a container, %s",
		    confined_get_cause(&host->namespaces), confined_get_advice(&host->namespaces));
}
