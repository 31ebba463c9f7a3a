/* SPDX-License-Identifier: BSD-3-Clause */
/* The directives of singularity.conf that the frontend alone reads, in rows as those of directives.h. */
#ifndef POLICY_DIRECTIVES_FRONTEND_H
#define POLICY_DIRECTIVES_FRONTEND_H

#include "policy/directives.h"

#define CONF_FRONTEND(BOOL, UINT, STRING, LIST, ENUM)								\
	BOOL("oci mode", oci_mode, false)									\
	BOOL("shared loop devices", shared_loop_devices, false)							\
	BOOL("allow user ns", allow_user_ns, true)								\
	BOOL("mount hostfs", mount_hostfs, false)								\
	BOOL("enable fusemount", enable_fusemount, true)							\
	BOOL("tmp sandbox", tmp_sandbox, true)									\
	BOOL("allow container encrypted", allow_container_encrypted, true)					\
	LIST("allow net users", allow_net_users, "")								\
	LIST("allow net groups", allow_net_groups, "")								\
	LIST("allow net networks", allow_net_networks, "")							\
	LIST("allow netns paths", allow_netns_paths, "")							\
	ENUM("root default capabilities", root_default_capabilities, CONF_ROOTCAPS_FULL,			\
		  {"full", CONF_ROOTCAPS_FULL}, {"file", CONF_ROOTCAPS_FILE}, {"no", CONF_ROOTCAPS_NO})		\
	BOOL("systemd cgroups", systemd_cgroups, true)								\
	BOOL("always use nv", always_use_nv, false)								\
	BOOL("always use rocm", always_use_rocm, false)								\
	BOOL("use nvidia-container-cli", use_nvidia_container_cli, false)					\
	STRING("cni configuration path", cni_configuration_path, NULL)						\
	STRING("cni plugin path", cni_plugin_path, NULL)							\
	STRING("cryptsetup path", cryptsetup_path, NULL)							\
	STRING("ldconfig path", ldconfig_path, NULL)								\
	STRING("nvidia-container-cli path", nvidia_container_cli_path, NULL)					\
	STRING("mksquashfs path", mksquashfs_path, NULL)							\
	STRING("unsquashfs path", unsquashfs_path, NULL)							\
	STRING("go path", go_path, NULL)									\
	UINT("mksquashfs procs", mksquashfs_procs, 0)								\
	STRING("mksquashfs mem", mksquashfs_mem, NULL)								\
	STRING("root search path", root_search_path,								\
		    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")				\
	STRING("user search path", user_search_path,								\
		    "$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")			\
	UINT("download concurrency", download_concurrency, 3)							\
	UINT("download part size", download_part_size, 5242880)							\
	UINT("download buffer size", download_buffer_size, 32768)						\
	BOOL("sif fuse", sif_fuse, false)

#define CONF_DIRECTIVES(BOOL, UINT, STRING, LIST, ENUM)                                                                \
	CONF_ENFORCED(BOOL, UINT, LIST, ENUM)                                                                          \
	CONF_FRONTEND(BOOL, UINT, STRING, LIST, ENUM)

#endif
