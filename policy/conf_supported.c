/* SPDX-License-Identifier: BSD-3-Clause */
/* Responsible for: saying which directives this version lacks. Runs in the frontend; the starter does not link it. */
#include <errno.h>

#include "policy/conf.h"

int conf_check_supported(const struct conf *conf, struct err *err)
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
		{conf->download_concurrency != 3, "download concurrency"},
		{conf->download_part_size != 5242880, "download part size"},
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
