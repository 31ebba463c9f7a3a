/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/launch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/action/spec.h"
#include "frontend/launch/env.h"
#include "frontend/launch/host.h"
#include "frontend/launch/ladder.h"
#include "frontend/launch/images.h"
#include "frontend/launch/name_service.h"
#include "frontend/launch/plan_build.h"
#include "frontend/launch/plan_print.h"
#include "frontend/launch/remote_image.h"
#include "frontend/launch/tmp_sandbox.h"
#include "frontend/settings/configuration.h"
#include "frontend/settings/install.h"
#include "frontend/strlist.h"
#include "ipc/channel.h"
#include "ipc/channel_send.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"
#include "ipc/plan_encode.h"
#include "policy/capability.h"
#include "policy/conf_frontend.h"
#include "policy/facts.h"
#include "policy/policy.h"

static struct conf_frontend conf;
static struct plan plan;
static struct builder builder;
static struct facts facts;

int launch_load_conf(const struct cli_request *request, struct conf_frontend *out, struct err *err)
{
	if (configuration_load(request->config, out, err) < 0)
		return -EINVAL;
	return conf_frontend_check(out, err);
}

static int launch_open_image(const struct cli_request *request, struct image *image, struct err *err)
{
	const struct cli_action *action = &request->action;
	cleanup_ptr char *fetched = NULL;
	int r = remote_image_is_reference(action->image) ? remote_image_fetch(request, &fetched, err) : 0;

	/* What lies in the cache is not for writing. */
	if (r == 0)
		r = image_open(fetched ? fetched : action->image, action->writable && !fetched, image, err);
	if (r < 0)
		return r;
	if (strcmp(image->path, "/") == 0)
		return err_set(err, ERR_IMAGE, EINVAL, "/ cannot be used as an image");
	return image_check_arch(image, err);
}

/* Descriptors that the caller left open on purpose (MPI launchers do), but no directory: that would be a way out. */
static int launch_pass_descriptors(struct action_spec *spec, const bool *inherited, int count, struct err *err)
{
	for (int fd = 3; fd < count; fd++) {
		struct plan_process *process = &plan.process;
		struct stat st;
		int copy;

		if (!inherited[fd] || fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
			continue;
		if (process->pass_count == PLAN_MAX_PASS || builder.fd_count > PLAN_MAX_FDS - 8) {
			log_warning("Too many inherited descriptors: %d and later are closed", fd);
			return 0;
		}
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (copy < 0)
			return err_sys(err, errno, "cannot duplicate descriptor %d", fd);
		if (plan_build_add_fd_consume(&builder, copy, &process->pass_fd[process->pass_count], err) < 0)
			return -E2BIG;
		process->pass_count++;
		spec->pass_number[spec->pass_count++] = fd;
	}
	return 0;
}

#define INHERITED_MAX 1024

static void launch_note_descriptor(bool inherited[INHERITED_MAX], int fd)
{
	int flags = fcntl(fd, F_GETFD);

	inherited[fd] = flags >= 0 && !(flags & FD_CLOEXEC);
}

/* Before we open anything of our own; the directory we list them with closes on exec and does not count. */
static void launch_note_descriptors(bool inherited[INHERITED_MAX])
{
	DIR *open_files = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!open_files) {
		for (int fd = 3; fd < INHERITED_MAX; fd++)
			launch_note_descriptor(inherited, fd);
		return;
	}
	while ((entry = readdir(open_files))) {
		unsigned long fd = strtoul(entry->d_name, NULL, 10);

		if (fd >= 3 && fd < INHERITED_MAX)
			launch_note_descriptor(inherited, (int)fd);
	}
	(void)closedir(open_files);
}

static void launch_note_process(struct action_spec *spec, bool no_umask)
{
	struct rlimit stack;
	mode_t mask = umask(0);

	(void)umask(mask);
	spec->umask = no_umask ? 0022 : mask;
	if (getrlimit(RLIMIT_STACK, &stack) == 0) {
		spec->has_stack = true;
		spec->stack_soft = stack.rlim_cur;
	}
	spec->blocked_signals = builder.host->blocked_signals;
	spec->ignored_signals = builder.host->ignored_signals;
}

/* @path: the image that the user named, also where an unpacked one stands in for it. */
static int launch_fill_spec(const struct cli_request *request, const char *path, struct action_spec *spec,
			    struct err *err)
{
	const struct cli_action *action = &request->action;
	const char *slash = strrchr(path, '/');
	struct env_inputs inputs = {path, slash ? slash + 1 : path, builder.home};

	spec->command = request->command;
	for (size_t i = 0; i < action->args.count; i++)
		strlist_add(&spec->args, action->args.items[i]);
	spec->home = strdup(builder.home);
	spec->passwd = ptr_take(builder.passwd);
	spec->group = ptr_take(builder.group);
	spec->cwd_required = action->cwd != NULL;
	if (action->cwd)
		spec->cwd = strdup(action->cwd);
	else
		spec->cwd = builder.contained ? strdup(builder.home)
			    : builder.host->cwd ? strdup(builder.host->cwd)
						: NULL;
	spec->message_level = plan.message_level;
	spec->read_ahead = plan.fs[0].method == PLAN_METHOD_FUSE;
	launch_note_process(spec, action->no_umask || action->compat);
	spec->nest = action->nest;
	return env_fill_spec(request, environ, &inputs, spec, err);
}

static int launch_add_action(struct action_spec *spec, struct err *err)
{
	cleanup_ptr char *bytes = NULL;
	size_t length;
	int fd, result = spec_encode(spec, &bytes, &length, err);

	if (result == 0)
		result = channel_new_sealed("action", bytes, length, &fd, err);
	if (result == 0)
		result = plan_build_add_fd_consume(&builder, fd, &plan.process.spec_fd, err);
	if (result == 0)
		result = install_open_program("action", &fd, err);
	if (result == 0)
		result = plan_build_add_fd_consume(&builder, fd, &plan.process.action_fd, err);
	return result;
}

/* The same checks the setuid starter makes, for a message that may say more. */
static int launch_judge(struct err *err)
{
	int result = plan_check(&plan, builder.fd_count, err);

	if (result == 0)
		result = facts_read(&plan, &conf.enforced, builder.fds, builder.fd_count, &facts, err);
	if (result == 0 && plan.flow == PLAN_FLOW_SETUID)
		result = policy_check_plan(&conf.enforced, &plan, &facts, err);
	else if (result == 0 && facts.uid != 0)
		result = policy_check_images(&conf.enforced, &plan, &facts, err);
	return result;
}

/* The record waits in the socket while this process becomes the starter: same pid, nothing in between. */
static int launch_hand_over(struct err *err)
{
	const char *name = plan.flow == PLAN_FLOW_SETUID ? "starter-suid" : "starter";
	char argv0[] = "starter", *argv[] = {argv0, NULL}, *envp[] = {NULL};
	cleanup_ptr char *path = NULL;
	cleanup_ptr uint8_t *bytes = NULL;
	int message_fd, channel_fd, result;
	size_t length;

	result = images_start_servers(&builder, err);
	if (result == 0)
		result = plan_encode(&plan, &bytes, &length, err);
	if (result == 0)
		result = channel_new_sealed("launch", bytes, length, &message_fd, err);
	if (result == 0)
		result = channel_send_plan(message_fd, builder.fds, builder.fd_count, &channel_fd, err);
	if (result < 0)
		return result;
	if (asprintf(&path, "%s/%s", install_get()->libexec_bin, name) < 0)
		return err_sys(err, ENOMEM, "cannot name the starter");
	if (channel_fd != CHANNEL_FD && dup2(channel_fd, CHANNEL_FD) < 0)
		return err_sys(err, errno, "cannot place the channel");
	(void)fflush(NULL);
	(void)execve(path, argv, envp);
	return err_sys(err, errno, "cannot start %s", path);
}

/* Must the image be unpacked, because it was asked for or because nothing can mount it? */
static int launch_wants_sandbox(const struct cli_action *action, const struct image *image, bool *out, struct err *err)
{
	const struct image_partition *root = image->kind == IMAGE_SIF || image->kind == IMAGE_SQUASHFS ? image_get_root(image)
												       : NULL;
	uint32_t method;
	int result;

	*out = false;
	if (action->tmp_sandbox && action->no_tmp_sandbox)
		return err_set(err, ERR_SYSTEM, EINVAL, "--tmp-sandbox and --no-tmp-sandbox exclude each other");
	if (action->tmp_sandbox && !conf.tmp_sandbox)
		return err_set(err, ERR_DENIED, EPERM, "--tmp-sandbox is not allowed (tmp sandbox = no)");
	if (!root || root->fs != IMAGE_FS_SQUASHFS || action->writable)
		return 0;
	*out = action->tmp_sandbox;
	if (*out)
		return 0;
	result = plan_build_flow(&builder, &plan.flow, err);
	if (result < 0)
		return result;
	/* Where no rung is left the planner says so, with advice. */
	*out = ladder_choose_value(&builder, LADDER_IMAGE, &method, err) == 0 && method == LADDER_IMAGE_EXTRACT;
	*err = (struct err)ERR_INIT;
	return 0;
}

static void launch_warn_overlays(const struct image *image)
{
	for (size_t i = 0; i < image->partition_count; i++)
		if (image->partitions[i].role == IMAGE_ROLE_OVERLAY) {
			log_warning("The overlay inside %s is left out: the image is unpacked, not mounted", image->path);
			return;
		}
}

/* From here on @image is the unpacked tree, or itself where only the directory is wanted, and this process the child of one that
 * waits to remove it. */
static int launch_use_sandbox(const struct cli_action *action, struct image *image, bool unpack, struct err *err)
{
	struct tmp_sandbox sandbox;
	struct image unpacked = IMAGE_INIT;
	int result;

	if (unpack)
		launch_warn_overlays(image);
	result = tmp_sandbox_make(unpack ? image : NULL, action->tmpdir, &sandbox, err);
	if (result < 0)
		return result;
	result = tmp_sandbox_fork(&sandbox, err);
	if (result < 0) {
		tmp_sandbox_remove(&sandbox);
		return result;
	}
	builder.session = sandbox.dir; /* as long as this process lives */
	if (!unpack)
		return 0;
	result = image_open(sandbox.root, true, &unpacked, err);
	if (result < 0)
		return result;
	image_close(image);
	*image = unpacked;
	builder.image_temporary = true;
	return 0;
}

/* What the confined flow makes needs a place, whatever the image is. */
static int launch_is_confined(bool *out, struct err *err)
{
	enum plan_flow flow;
	int result = plan_build_flow(&builder, &flow, err);

	*out = result == 0 && flow == PLAN_FLOW_CONFINED;
	return result;
}

static void launch_name_groups(const struct host *host, struct strlist *names)
{
	for (uint32_t i = 0; i <= host->group_count; i++) {
		const struct group *group = name_service_find_group(i ? host->groups[i - 1] : host->gid);

		if (group)
			strlist_add(names, group->gr_name);
	}
}

/* Of root with `root default capabilities = file`, of others when they ask for some. */
static int launch_read_grants(const struct cli_action *action, const struct host *host, struct err *err)
{
	struct strlist groups = {0, NULL};
	struct capability_subject subject = {.user = host->name};
	cleanup_ptr char *path = NULL;
	int result;

	if (host->uid == 0 ? conf.root_default_capabilities != CONF_ROOTCAPS_FILE : !action->add_caps)
		return 0;
	if (asprintf(&path, "%s/capability.json", install_get()->confdir) < 0)
		return err_sys(err, ENOMEM, "cannot name the file of capabilities");
	if (host->uid != 0)
		launch_name_groups(host, &groups);
	subject.groups = (const char *const *)groups.items;
	subject.group_count = groups.count;
	result = capability_load_grants(path, &subject, &builder.granted_caps, err);
	strlist_fini(&groups);
	if (result != -ENOENT || host->uid == 0)
		return result;
	*err = (struct err)ERR_INIT;
	return 0;
}

static int launch_plan(const struct cli_request *request, struct host *host, struct image *image,
		       const bool *inherited, struct err *err)
{
	static struct action_spec spec;
	cleanup_ptr char *named = strdup(image->path);
	bool unpack, confined = false;
	int result;

	builder = (struct builder){.request = request,
				   .conf = &conf,
				   .host = host,
				   .image = image,
				   .view = &plan_view_host,
				   .suid_installed = install_get()->has_suid,
				   .plan = &plan};
	result = ladder_parse_forced(getenv("SINGULARITY_RUNG"), builder.forced, err);
	if (result == 0)
		result = launch_wants_sandbox(&request->action, image, &unpack, err);
	if (result == 0)
		result = launch_is_confined(&confined, err);
	if (result == 0 && (unpack || confined))
		result = launch_use_sandbox(&request->action, image, unpack, err);
	if (result == 0)
		result = launch_read_grants(&request->action, host, err);
	if (result == 0)
		result = plan_build(&builder, err);
	if (result == 0)
		result = launch_fill_spec(request, named, &spec, err);
	if (result == 0)
		result = launch_pass_descriptors(&spec, inherited, INHERITED_MAX, err);
	if (result == 0)
		result = launch_add_action(&spec, err);
	return result < 0 ? result : launch_judge(err);
}

/* The starter's dry run adds lines for people: machines get one object on standard output, and the lines elsewhere. */
static int launch_explain(enum cli_explain explain, struct err *err)
{
	if (explain == CLI_EXPLAIN_TEXT)
		plan_print_text(&plan, stdout);
	if (explain != CLI_EXPLAIN_JSON)
		return 0;
	plan_print_json(&plan, stdout);
	if (fflush(stdout) != 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return err_sys(err, errno, "cannot print the plan");
	return 0;
}

int launch_run(const struct cli_request *request, struct err *err)
{
	static bool inherited[INHERITED_MAX];
	struct image image = IMAGE_INIT;
	struct host host;
	int result;

	launch_note_descriptors(inherited);
	result = launch_load_conf(request, &conf, err);
	if (result == 0)
		result = host_read(&host, err);
	if (result == 0)
		result = launch_open_image(request, &image, err);
	if (result == 0)
		result = launch_plan(request, &host, &image, inherited, err);
	if (result < 0)
		return result;
	result = launch_explain(request->action.explain, err);
	return result < 0 ? result : launch_hand_over(err);
}
