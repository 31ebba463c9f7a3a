/* SPDX-License-Identifier: BSD-3-Clause */
/* Responsible for: the directives that the starter has no use for, and which of all this version lacks. The starter does not link it. */
#include "policy/conf_frontend.h"

#include <errno.h>
#include <fcntl.h>

#include "ipc/cleanup_fd.h"
#include "policy/conf_file.h"

#define ROW_BOOL(name, member, default_value) CONF_ROW_BOOL(conf_frontend, name, member),
#define ROW_UINT(name, member, default_value) CONF_ROW(conf_frontend, name, CONF_TYPE_UINT, member, {NULL, 0}),
#define ROW_STRING(name, member, default_value) CONF_ROW(conf_frontend, name, CONF_TYPE_STRING, member, {NULL, 0}),
#define ROW_LIST(name, member, default_value) CONF_ROW(conf_frontend, name, CONF_TYPE_LIST, member, {NULL, 0}),
#define ROW_ENUM(name, member, default_value, ...) CONF_ROW(conf_frontend, name, CONF_TYPE_ENUM, member, __VA_ARGS__),
static const struct conf_row own[] = {CONF_FRONTEND(ROW_BOOL, ROW_UINT, ROW_STRING, ROW_LIST, ROW_ENUM)};

/* The default lists, as lines of the file. */
#define NO_LINE(...)
#define LIST_LINE(name, member, default_value) name " = " default_value "\n"
static const char default_lists[] = CONF_DIRECTIVES(NO_LINE, NO_LINE, NO_LINE, LIST_LINE, NO_LINE);

#define SET(name, member, default_value, ...) conf->member = default_value;
#define SET_EMPTY(name, member, default_value) conf->member.count = 0;

int conf_frontend_parse(const char *bytes, size_t len, struct conf_frontend *conf, struct err *err)
{
	CONF_FRONTEND(SET, SET, SET, SET_EMPTY, SET)
	if (conf_parse(bytes, len, &conf->enforced, err) < 0)
		return -EINVAL;
	return conf_parse_rows(bytes, len, own, sizeof(own) / sizeof(own[0]), &conf->enforced, err);
}

void conf_frontend_init(struct conf_frontend *conf)
{
	(void)conf_frontend_parse(default_lists, sizeof(default_lists) - 1, conf, NULL);
}

int conf_frontend_load(const char *path, struct conf_frontend *conf, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *bytes;
	size_t len;

	if (fd < 0)
		return err_sys(err, errno, "cannot open configuration %s", path);
	if (conf_file_read(fd, path, &bytes, &len, err) < 0)
		return -EINVAL;
	return conf_frontend_parse(bytes, len, conf, err) < 0 ? err_wrap(err, "cannot use %s", path) : 0;
}

int conf_frontend_check(const struct conf_frontend *conf, struct err *err)
{
	/* A directive that only forbids what this version cannot do anyway is obeyed as it is and not listed. */
	const struct {
		bool set;
		const char *name;
	} later[] = {
		{conf->oci_mode, "oci mode"},
		{conf->shared_loop_devices, "shared loop devices"},
		{conf->mount_hostfs, "mount hostfs"},
		{conf->allow_net_users.count > 0, "allow net users"},
		{conf->allow_net_groups.count > 0, "allow net groups"},
		{conf->allow_net_networks.count > 0, "allow net networks"},
		{conf->allow_netns_paths.count > 0, "allow netns paths"},
		{!conf->systemd_cgroups, "systemd cgroups"},
		{conf->always_use_nv, "always use nv"},
		{conf->always_use_rocm, "always use rocm"},
		{conf->use_nvidia_container_cli, "use nvidia-container-cli"},
		{conf->cni_configuration_path != NULL, "cni configuration path"},
		{conf->cni_plugin_path != NULL, "cni plugin path"},
		{conf->cryptsetup_path != NULL, "cryptsetup path"},
		{conf->ldconfig_path != NULL, "ldconfig path"},
		{conf->nvidia_container_cli_path != NULL, "nvidia-container-cli path"},
		{conf->mksquashfs_path != NULL, "mksquashfs path"},
		{conf->unsquashfs_path != NULL, "unsquashfs path"},
		{conf->go_path != NULL, "go path"},
		{conf->mksquashfs_procs != 0, "mksquashfs procs"},
		{conf->mksquashfs_mem != NULL, "mksquashfs mem"},
		{conf->download_buffer_size != 32768, "download buffer size"},
		{conf->sif_fuse, "sif fuse"},
	};

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (later[i].set)
			return err_set(err, ERR_DENIED, EOPNOTSUPP,
				       "directive \"%s\" of singularity.conf is not available in this version: "
				       "leave it at its default",
				       later[i].name);
	return 0;
}
