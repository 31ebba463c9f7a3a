/* SPDX-License-Identifier: BSD-3-Clause */
/* One row per directive of singularity.conf: its name, the member of struct conf, its default. A default of a list is one text,
 * split at commas. CONF_DIRECTIVES() applies to each row the macro that it is given for its type. */
#ifndef POLICY_DIRECTIVES_H
#define POLICY_DIRECTIVES_H

#define CONF_DIRECTIVES(BOOL, UINT, STRING, LIST, ENUM)                                                                \
	BOOL("allow setuid", allow_setuid, true)                                                                       \
	BOOL("oci mode", oci_mode, false)                                                                              \
	UINT("max loop devices", max_loop_devices, 256)                                                                \
	BOOL("shared loop devices", shared_loop_devices, false)                                                        \
	BOOL("allow ipc ns", allow_ipc_ns, true)                                                                       \
	BOOL("allow pid ns", allow_pid_ns, true)                                                                       \
	BOOL("allow uts ns", allow_uts_ns, true)                                                                       \
	BOOL("allow user ns", allow_user_ns, true)                                                                     \
	BOOL("config passwd", config_passwd, true)                                                                     \
	BOOL("config group", config_group, true)                                                                       \
	BOOL("config resolv_conf", config_resolv_conf, true)                                                           \
	BOOL("mount proc", mount_proc, true)                                                                           \
	BOOL("mount sys", mount_sys, true)                                                                             \
	BOOL("mount home", mount_home, true)                                                                           \
	BOOL("mount tmp", mount_tmp, true)                                                                             \
	ENUM("mount dev", mount_dev, CONF_DEV_YES, {"no", CONF_DEV_NO}, {"yes", CONF_DEV_YES},                         \
		  {"minimal", CONF_DEV_MINIMAL})                                                                       \
	BOOL("mount devpts", mount_devpts, true)                                                                       \
	BOOL("mount hostfs", mount_hostfs, false)                                                                      \
	BOOL("mount slave", mount_slave, true)                                                                         \
	LIST("bind path", bind_path, "/etc/localtime,/etc/hosts")                                                      \
	BOOL("user bind control", user_bind_control, true)                                                             \
	BOOL("enable fusemount", enable_fusemount, true)                                                               \
	ENUM("enable overlay", enable_overlay, CONF_OVERLAY_TRY, {"no", CONF_OVERLAY_NO},                              \
		  {"yes", CONF_OVERLAY_YES}, {"try", CONF_OVERLAY_TRY})                                                \
	BOOL("enable underlay", enable_underlay, true)                                                                 \
	BOOL("tmp sandbox", tmp_sandbox, true)                                                                         \
	UINT("sessiondir max size", sessiondir_max_size, 64)                                                           \
	ENUM("memory fs type", memory_fs_type, CONF_MEMFS_TMPFS, {"tmpfs", CONF_MEMFS_TMPFS},                          \
		  {"ramfs", CONF_MEMFS_RAMFS})                                                                         \
	LIST("limit container owners", limit_container_owners, "")                                                     \
	LIST("limit container groups", limit_container_groups, "")                                                     \
	LIST("limit container paths", limit_container_paths, "")                                                       \
	BOOL("allow container sif", allow_container_sif, true)                                                         \
	BOOL("allow container encrypted", allow_container_encrypted, true)                                             \
	BOOL("allow container squashfs", allow_container_squashfs, true)                                               \
	BOOL("allow container extfs", allow_container_extfs, true)                                                     \
	BOOL("allow container dir", allow_container_dir, true)                                                         \
	BOOL("allow kernel squashfs", allow_kernel_squashfs, true)                                                     \
	BOOL("allow kernel extfs", allow_kernel_extfs, false)                                                          \
	LIST("allow net users", allow_net_users, "")                                                                   \
	LIST("allow net groups", allow_net_groups, "")                                                                 \
	LIST("allow net networks", allow_net_networks, "")                                                             \
	LIST("allow netns paths", allow_netns_paths, "")                                                               \
	ENUM("root default capabilities", root_default_capabilities, CONF_ROOTCAPS_FULL,                               \
		  {"full", CONF_ROOTCAPS_FULL}, {"file", CONF_ROOTCAPS_FILE}, {"no", CONF_ROOTCAPS_NO})                \
	BOOL("systemd cgroups", systemd_cgroups, true)                                                                 \
	BOOL("always use nv", always_use_nv, false)                                                                    \
	BOOL("always use rocm", always_use_rocm, false)                                                                \
	BOOL("use nvidia-container-cli", use_nvidia_container_cli, false)                                              \
	STRING("cni configuration path", cni_configuration_path, NULL)                                                 \
	STRING("cni plugin path", cni_plugin_path, NULL)                                                               \
	STRING("cryptsetup path", cryptsetup_path, NULL)                                                               \
	STRING("ldconfig path", ldconfig_path, NULL)                                                                   \
	STRING("nvidia-container-cli path", nvidia_container_cli_path, NULL)                                           \
	STRING("mksquashfs path", mksquashfs_path, NULL)                                                               \
	STRING("unsquashfs path", unsquashfs_path, NULL)                                                               \
	STRING("go path", go_path, NULL)                                                                               \
	UINT("mksquashfs procs", mksquashfs_procs, 0)                                                                  \
	STRING("mksquashfs mem", mksquashfs_mem, NULL)                                                                 \
	STRING("root search path", root_search_path,                                                                   \
		    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")                                    \
	STRING("user search path", user_search_path,                                                                   \
		    "$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")                              \
	UINT("download concurrency", download_concurrency, 3)                                                          \
	UINT("download part size", download_part_size, 5242880)                                                        \
	UINT("download buffer size", download_buffer_size, 32768)                                                      \
	BOOL("sif fuse", sif_fuse, false)

#endif
