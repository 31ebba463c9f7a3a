/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/confined.h"
#include "frontend/launch/plan_build.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/launch/id_map.h"
#include "frontend/launch/images.h"
#include "frontend/launch/mounts.h"
#include "frontend/launch/seccomp_filter.h"
#include "frontend/settings/install.h"
#include "frontend/settings/program.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"
#include "policy/capability.h"

#define HOSTNAME_LABEL_MAX 63
#define FAIL(err, ...) err_set(err, ERR_SYSTEM, EINVAL, __VA_ARGS__)

static int view_open_path(const char *path, int *out_fd, bool *is_dir)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	*is_dir = S_ISDIR(st.st_mode);
	*out_fd = fd_take(&fd);
	return 0;
}

static char *view_resolve(const char *path)
{
	return realpath(path, NULL);
}

static int view_make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	/* The mode is not for the caller's umask to decide. */
	return chmod(path, mode) < 0 ? -errno : 0;
}

const struct plan_view plan_view_host = {
	.open_path = view_open_path,
	.resolve = view_resolve,
	.make_dir = view_make_dir,
	.open_installed = install_open_program,
	.open_program = program_open,
	.find_subids = host_find_subids,
	.read_map = host_read_map,
	.find_nested = install_find_nested,
};

int plan_build_add_fd_consume(struct builder *builder, int fd, int32_t *out, struct err *err)
{
	if (builder->fd_count == PLAN_MAX_FDS) {
		(void)close(fd);
		return err_set(err, ERR_SYSTEM, E2BIG, "cannot launch: more than %d binds and images", PLAN_MAX_FDS);
	}
	builder->fds[builder->fd_count] = fd;
	*out = (int32_t)builder->fd_count++;
	return 0;
}

int plan_build_open_program(const struct builder *builder, const char *name, int *out_fd)
{
	const struct conf_frontend *conf = builder->conf;

	return builder->view->open_program(name, builder->host->uid == 0 ? conf->root_search_path : conf->user_search_path,
					   out_fd);
}

int plan_build_flow(const struct builder *builder, enum plan_flow *out, struct err *err)
{
	uint32_t value;
	int result = ladder_choose_value(builder, LADDER_NAMESPACES, &value, err);

	if (result < 0)
		return result;
	*out = (enum plan_flow)value;
	if (*out == PLAN_FLOW_USERNS && builder->request->action.fakeroot)
		*out = PLAN_FLOW_FAKEROOT;
	return 0;
}

static void build_self_map(struct plan_idmap *map, const struct host *host, bool as_root)
{
	map->method = PLAN_IDMAP_SELF;
	map->uid_count = map->gid_count = 1;
	map->uid[0] = (struct plan_extent){as_root ? 0 : host->uid, host->uid, 1};
	map->gid[0] = (struct plan_extent){as_root ? 0 : host->gid, host->gid, 1};
}

/* The ids of this user namespace. Without CAP_SETFCAP the kernel refuses a map that has the outer id 0. */
static int build_direct_map(const struct builder *builder, struct plan_idmap *map, struct err *err)
{
	struct plan_extent held[PLAN_MAX_EXTENTS];
	bool may_map_zero = host_has_cap(builder->host, CAP_SETFCAP);
	uint32_t count;

	if (builder->view->read_map("uid_map", held, &count, err) < 0)
		return -EINVAL;
	id_map_make_direct(held, count, builder->host->uid, may_map_zero, map->uid, &map->uid_count);
	if (builder->view->read_map("gid_map", held, &count, err) < 0)
		return -EINVAL;
	id_map_make_direct(held, count, builder->host->gid, may_map_zero, map->gid, &map->gid_count);
	map->method = PLAN_IDMAP_DIRECT;
	return 0;
}

static int build_open_id_tool(struct builder *builder, const char *name, int32_t *out, struct err *err)
{
	int fd;

	if (plan_build_open_program(builder, name, &fd) < 0)
		return err_set(err, ERR_SYSTEM, ENOENT, "cannot open %s", name);
	return plan_build_add_fd_consume(builder, fd, out, err);
}

static int build_tool_map(struct builder *builder, struct err *err)
{
	struct plan_idmap *map = &builder->plan->idmap;
	int result = builder->view->find_subids(builder->host, "/etc/subuid", &map->uid[1], err);

	if (result == 0)
		result = builder->view->find_subids(builder->host, "/etc/subgid", &map->gid[1], err);
	if (result < 0)
		return result;
	map->method = PLAN_IDMAP_TOOL;
	map->uid_count = map->gid_count = 2;
	map->uid[0] = (struct plan_extent){0, builder->host->uid, 1};
	map->gid[0] = (struct plan_extent){0, builder->host->gid, 1};
	result = build_open_id_tool(builder, "newuidmap", &map->newuidmap_fd, err);
	return result < 0 ? result : build_open_id_tool(builder, "newgidmap", &map->newgidmap_fd, err);
}

static void build_emulate_root(struct plan *plan)
{
	plan->process.emulate_root = true;
	plan->process.no_new_privs = true;
}

/* Root with one id to its name: whoever asks for more gets a pretence. */
static void build_emulate_if_single(struct plan *plan, const struct plan_idmap *map)
{
	if (map->uid_count != 1 || map->uid[0].count != 1)
		return;
	log_info("Only one id is mapped here: changes of owner are pretended");
	build_emulate_root(plan);
}

/* No map of ours: --fakeroot has the ids that the caller has, and pretends where those, or his rights, do not do. */
static int build_given_ids(struct builder *builder, struct err *err)
{
	struct plan_idmap held = {0};

	if (!builder->request->action.fakeroot || builder->plan->flow == PLAN_FLOW_ROOT)
		return 0;
	if (builder->host->uid != 0 || !host_has_cap(builder->host, CAP_CHOWN)) {
		build_emulate_root(builder->plan);
		return 0;
	}
	if (builder->view->read_map("uid_map", held.uid, &held.uid_count, err) < 0)
		return -EINVAL;
	build_emulate_if_single(builder->plan, &held);
	return 0;
}

static int build_direct(struct builder *builder, struct err *err)
{
	int result = build_direct_map(builder, &builder->plan->idmap, err);

	if (result == 0)
		build_emulate_if_single(builder->plan, &builder->plan->idmap);
	return result;
}

static void build_emulated_map(struct builder *builder)
{
	log_info("No subordinate ids (/etc/subuid, /etc/subgid, newuidmap): one id is mapped, and changes of owner are "
		 "pretended");
	build_self_map(&builder->plan->idmap, builder->host, true);
	build_emulate_root(builder->plan);
}

static int build_ids(struct builder *builder, struct err *err)
{
	bool fakeroot = builder->plan->flow == PLAN_FLOW_FAKEROOT;
	uint32_t method;
	int result = ladder_choose_value(builder, LADDER_IDS, &method, err);

	if (result < 0)
		return result;
	builder->plan->idmap.keep_groups = fakeroot && builder->request->action.no_setgroups;
	switch (method) {
	case PLAN_IDMAP_DIRECT:
		return build_direct(builder, err);
	case PLAN_IDMAP_TOOL:
		return build_tool_map(builder, err);
	case LADDER_IDS_EMULATED:
		build_emulated_map(builder);
		return 0;
	case PLAN_IDMAP_SELF:
		build_self_map(&builder->plan->idmap, builder->host, fakeroot);
		return 0;
	default: /* PLAN_IDMAP_NONE */
		return build_given_ids(builder, err);
	}
}

static bool build_allows(bool wanted, bool allowed, const char *name)
{
	if (wanted && !allowed)
		log_warning("Not virtualizing %s namespace by configuration", name);
	return wanted && allowed;
}

/* Labels of RFC 1123, joined by dots; no longer than the kernel takes. */
static bool build_is_hostname(const char *name)
{
	if (strlen(name) > HOST_NAME_MAX)
		return false;
	for (size_t length; *name != '\0'; name += length + 1) {
		length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
		if (length == 0 || length > HOSTNAME_LABEL_MAX || name[0] == '-' || name[length - 1] == '-')
			return false;
		if (name[length] == '\0')
			return true;
		if (name[length] != '.')
			return false;
	}
	return false;
}

static int build_network(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	bool none = action->network && strcmp(action->network, "none") == 0;

	builder->plan->ns_net = action->net || action->network;
	if (!builder->plan->ns_net || none)
		return 0;
	if (builder->plan->flow == PLAN_FLOW_FAKEROOT) {
		log_warning("Network none is used with --fakeroot");
		return 0;
	}
	return FAIL(err, "network %s is not available in this version: use --net --network none",
		    action->network ? action->network : "bridge");
}

static int build_namespaces(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	const struct conf_frontend *conf = builder->conf;
	struct plan *plan = builder->plan;
	bool all = action->containall || action->compat;

	if (action->hostname && !build_is_hostname(action->hostname))
		return FAIL(err, "%s is not a valid host name", action->hostname);
	plan->ns_pid = build_allows((action->pid || all) && !action->no_pid, conf->allow_pid_ns, "PID");
	plan->ns_ipc = build_allows(action->ipc || all, conf->allow_ipc_ns, "IPC");
	plan->ns_uts = build_allows(action->uts || action->hostname, conf->allow_uts_ns, "UTS");
	plan->init = plan->ns_pid && !action->no_init && !action->compat ? PLAN_INIT_SHIM : PLAN_INIT_NONE;
	if (build_network(builder, err) < 0)
		return -EINVAL;
	if (action->hostname && !plan->ns_uts)
		log_warning("hostname not set: allow uts ns = no");
	return action->hostname && plan->ns_uts ? plan_add_text(plan, action->hostname, &plan->hostname, err) : 0;
}

static bool build_is_root_flow(const struct builder *builder)
{
	return builder->plan->flow == PLAN_FLOW_ROOT || builder->plan->flow == PLAN_FLOW_NESTED_ROOT;
}

/* Root of whatever user namespace the payload will run in. */
static bool build_is_root_inside(const struct builder *builder)
{
	return build_is_root_flow(builder) || builder->plan->flow == PLAN_FLOW_FAKEROOT ||
	       ((builder->plan->flow == PLAN_FLOW_USERNS || builder->plan->flow == PLAN_FLOW_CONFINED) && builder->host->uid == 0);
}

static uint64_t build_root_caps(const struct builder *builder)
{
	const struct cli_action *action = &builder->request->action;

	if (action->keep_privs || builder->plan->flow == PLAN_FLOW_FAKEROOT)
		return CAPABILITY_ALL;
	switch ((enum conf_rootcaps)builder->conf->root_default_capabilities) {
	case CONF_ROOTCAPS_FILE:
		return builder->granted_caps;
	case CONF_ROOTCAPS_NO:
		return 0;
	case CONF_ROOTCAPS_FULL:
		break;
	}
	return CAPABILITY_ALL;
}

/* A user keeps none: a grant is honoured by nothing yet, and must not be mistaken for one that is. */
static int build_user_caps(const struct builder *builder, uint64_t add, struct err *err)
{
	uint64_t granted = builder->plan->flow == PLAN_FLOW_SETUID ? add & builder->granted_caps : 0;
	char names[CAPABILITY_LIST_MAX];

	if (granted && capability_format_list(granted, names, sizeof(names)))
		return err_set(err, ERR_SYSTEM, EOPNOTSUPP,
			       "cannot add %s: the grants of capability.json to users are not available in this version; "
			       "--fakeroot has capabilities over a user namespace of its own",
			       names);
	if (add && capability_format_list(add, names, sizeof(names)))
		log_warning("not authorized to add capability: %s", names);
	return 0;
}

static int build_caps(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	struct plan_process *process = &builder->plan->process;
	bool root = build_is_root_inside(builder);
	uint64_t add = 0, drop = 0;

	if (action->keep_privs && !root)
		return err_set(err, ERR_SYSTEM, EPERM, "--keep-privs requires root");
	if (action->allow_setuid && !build_is_root_flow(builder))
		return err_set(err, ERR_SYSTEM, EPERM, "--allow-setuid requires root");
	if ((action->add_caps && capability_parse_list(action->add_caps, &add, err) < 0) ||
	    (action->drop_caps && capability_parse_list(action->drop_caps, &drop, err) < 0))
		return -EINVAL;
	builder->plan->allow_setuid_files = action->allow_setuid;
	if (!root) {
		process->no_new_privs = true;
		return build_user_caps(builder, add, err);
	}
	process->caps = action->no_privs ? 0 : build_root_caps(builder);
	process->caps = (process->caps | add) & ~drop;
	if (action->no_privs || (!action->keep_privs && builder->plan->flow != PLAN_FLOW_FAKEROOT &&
				 builder->conf->root_default_capabilities == CONF_ROOTCAPS_NO))
		process->no_new_privs = true;
	/* The filter that makes the payload stop for its supervisor needs it. */
	process->no_new_privs |= builder->plan->flow == PLAN_FLOW_CONFINED;
	return 0;
}

/* uid:N and gid:N[:N…]: decimal, whole, in range. */
static int build_parse_ids(const char *text, uint32_t *ids, uint32_t max, uint32_t *count, struct err *err)
{
	*count = 0;
	while (*text) {
		size_t n = strspn(text, "0123456789");
		unsigned long long value = n && n <= 10 ? strtoull(text, NULL, 10) : UINT64_MAX;

		if (value > 4294967293u || (text[n] != '\0' && (text[n] != ':' || !text[n + 1])) || *count == max)
			return FAIL(err, "\"%s\" is not a list of ids", text);
		ids[(*count)++] = (uint32_t)value;
		text += n;
		if (*text == ':' && *++text == '\0')
			return FAIL(err, "an id is missing");
	}
	return *count ? 0 : FAIL(err, "an id is missing");
}

static int build_lsm(struct builder *builder, enum plan_lsm lsm, const char *label, const char *probe, struct err *err)
{
	struct plan_process *process = &builder->plan->process;
	int fd, result;
	bool is_dir;

	if (process->lsm != PLAN_LSM_NONE)
		return FAIL(err, "selinux and apparmor exclude each other");
	result = builder->view->open_path(probe, &fd, &is_dir);
	if (result == 0)
		(void)close(fd);
	else
		return err_set(err, ERR_SYSTEM, ENOTSUP, "--security %s: this kernel has not enabled it",
			       lsm == PLAN_LSM_SELINUX ? "selinux" : "apparmor");
	process->lsm = lsm;
	return plan_add_text(builder->plan, label, &process->label, err);
}

static int build_security_one(struct builder *builder, const char *text, struct err *err)
{
	struct plan_process *process = &builder->plan->process;
	uint32_t count;

	if (strncmp(text, "selinux:", 8) == 0)
		return build_lsm(builder, PLAN_LSM_SELINUX, text + 8, "/sys/fs/selinux/enforce", err);
	if (strncmp(text, "apparmor:", 9) == 0)
		return build_lsm(builder, PLAN_LSM_APPARMOR, text + 9, "/sys/kernel/security/apparmor", err);
	if (strncmp(text, "seccomp:", 8) == 0)
		return seccomp_filter_add(builder, text + 8, err);
	if (strncmp(text, "uid:", 4) != 0 && strncmp(text, "gid:", 4) != 0)
		return FAIL(err, "unknown security option \"%s\"", text);
	if (!build_is_root_flow(builder))
		return err_set(err, ERR_SYSTEM, EPERM, "--security uid and gid require root");
	if (!process->set_ids) {
		process->set_ids = true;
		process->caps = 0;
		process->no_new_privs = true;
	}
	if (text[0] == 'u')
		return build_parse_ids(text + 4, &process->uid, 1, &count, err);
	if (build_parse_ids(text + 4, process->groups, PLAN_MAX_GROUPS, &process->group_count, err) < 0)
		return -EINVAL;
	process->gid = process->groups[0];
	return 0;
}

static int build_security(struct builder *builder, struct err *err)
{
	const struct strlist *list = &builder->request->action.security;
	int result = 0;

	for (size_t i = 0; result == 0 && i < list->count; i++)
		result = build_security_one(builder, list->items[i], err);
	return result;
}

static void build_session(struct builder *builder)
{
	const struct conf_frontend *conf = builder->conf;
	struct plan *plan = builder->plan;

	plan->propagation_private = !conf->mount_slave;
	plan->session_ramfs = conf->memory_fs_type == CONF_MEMFS_RAMFS;
	plan->session_bytes = build_is_root_flow(builder) ? 0 : (uint64_t)conf->sessiondir_max_size << 20;
	plan->loop_max = conf->max_loop_devices;
	plan->message_level = log_encode_level(builder->request->message_level, log_get_colour());
	plan->dry_run = builder->request->action.explain != CLI_EXPLAIN_NO;
}

/* What the starter may try at the call: everything, but for the ladders where one rung is forced. */
static int build_rungs(struct builder *builder, struct err *err)
{
	static const enum ladder_resource at_call[] = {LADDER_MOUNT_API, LADDER_PIVOT, LADDER_PROC, LADDER_SYS, LADDER_DEVPTS};
	struct plan *plan = builder->plan;
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof(at_call) / sizeof(at_call[0]); i++) {
		const struct ladder *ladder = ladder_get(at_call[i]);
		uint32_t group = 0, wanted;

		if (!ladder_is_forced(builder, at_call[i]))
			continue;
		for (size_t k = 0; k < ladder->count; k++)
			group |= ladder->rungs[k].value;
		result = ladder_choose_value(builder, at_call[i], &wanted, err);
		/* devpts=none: the mount itself is left out. */
		if (result == 0 && wanted)
			plan->rungs = (plan->rungs & ~group) | wanted;
	}
	return result;
}

/* An underlay has neither the changes nor the overlays that were asked for. */
static int build_no_layer(const struct builder *builder, struct err *err)
{
	const struct ladder *ladder = ladder_get(LADDER_LAYER);
	struct err first = ERR_INIT, second = ERR_INIT;

	(void)ladder->rungs[0].reject(builder, &first);
	(void)ladder->rungs[1].reject(builder, &second);
	if (ladder_is_forced(builder, LADDER_LAYER))
		return err_set(err, ERR_SYSTEM, EINVAL, "the layer that SINGULARITY_RUNG forces has neither changes nor overlays");
	return err_set(err, first.kind, first.errnum, "no layer for changes or overlays: %s, and for fuse-overlayfs: %s",
		       first.message, second.message);
}

/* fuse-overlayfs is kept ready only where an underlay is no way out: it costs a process. */
static int build_layers(struct builder *builder, struct err *err)
{
	struct plan *plan = builder->plan;
	bool required = plan->writable_tmpfs || plan->overlay_count > 0;
	int fd, result = ladder_allowed(builder, LADDER_LAYER, &plan->layers, err);

	if (result < 0)
		return result;
	if (!required && !ladder_is_forced(builder, LADDER_LAYER))
		plan->layers &= ~(uint32_t)PLAN_LAYER_FUSE_OVERLAY;
	if (required && !(plan->layers & (PLAN_LAYER_OVERLAY | PLAN_LAYER_FUSE_OVERLAY)))
		return build_no_layer(builder, err);
	if (!(plan->layers & PLAN_LAYER_FUSE_OVERLAY))
		return 0;
	if (plan_build_open_program(builder, "fuse-overlayfs", &fd) < 0)
		return err_set(err, ERR_SYSTEM, ENOENT, "cannot open fuse-overlayfs");
	return plan_build_add_fd_consume(builder, fd, &plan->fuse_overlayfs_fd, err);
}

int plan_build(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	struct plan *plan = builder->plan;
	int result;

	plan_init(plan);
	if (action->no_setgroups && !action->fakeroot)
		log_warning("--no-setgroups has no effect without --fakeroot");
	if (action->compat && action->no_compat)
		return FAIL(err, "--compat and --no-compat exclude each other");
	if (action->no_compat)
		log_warning("--no-compat is for OCI mode: it changes nothing here");
	builder->contained = action->contain || action->containall || action->compat;
	result = plan_build_flow(builder, &plan->flow, err);
	build_session(builder);
	if (result == 0 && plan->flow == PLAN_FLOW_CONFINED) {
		confined_explain(builder->host);
		result = plan_add_text(plan, builder->session, &plan->session, err);
	}
	if (result == 0)
		result = build_ids(builder, err);
	if (result == 0)
		result = build_namespaces(builder, err);
	if (result == 0)
		result = build_caps(builder, err);
	if (result == 0)
		result = images_add_all(builder, err);
	if (result == 0)
		result = build_rungs(builder, err);
	if (result == 0)
		result = build_layers(builder, err);
	if (result == 0)
		result = mounts_add_all(builder, err);
	if (result == 0)
		result = build_security(builder, err);
	return result;
}
