/* SPDX-License-Identifier: BSD-3-Clause */
/* One row per directive of singularity.conf: its name, the member of struct conf, its default. A default of a list is one text,
 * split at commas. */
#ifndef POLICY_DIRECTIVES_H
#define POLICY_DIRECTIVES_H

#define CONF_DIRECTIVES                                                                                                \
	CONF_BOOL("allow setuid", allow_setuid, true)                                                                  \
	CONF_BOOL("oci mode", oci_mode, false)                                                                         \
	CONF_UINT("max loop devices", max_loop_devices, 256)                                                           \
	CONF_BOOL("shared loop devices", shared_loop_devices, false)                                                   \
	CONF_BOOL("allow ipc ns", allow_ipc_ns, true)                                                                  \
	CONF_BOOL("allow pid ns", allow_pid_ns, true)                                                                  \
	CONF_BOOL("allow uts ns", allow_uts_ns, true)                                                                  \
	CONF_BOOL("allow user ns", allow_user_ns, true)                                                                \
	CONF_BOOL("config passwd", config_passwd, true)                                                                \
	CONF_BOOL("config group", config_group, true)                                                                  \
	CONF_BOOL("config resolv_conf", config_resolv_conf, true)                                                      \
	CONF_BOOL("mount proc", mount_proc, true)                                                                      \
	CONF_BOOL("mount sys", mount_sys, true)                                                                        \
	CONF_BOOL("mount home", mount_home, true)                                                                      \
	CONF_BOOL("mount tmp", mount_tmp, true)                                                                        \
	CONF_ENUM("mount dev", mount_dev, CONF_DEV_YES, {"no", CONF_DEV_NO}, {"yes", CONF_DEV_YES},                    \
		  {"minimal", CONF_DEV_MINIMAL})                                                                       \
	CONF_BOOL("mount devpts", mount_devpts, true)                                                                  \
	CONF_BOOL("mount hostfs", mount_hostfs, false)                                                                 \
	CONF_BOOL("mount slave", mount_slave, true)                                                                    \
	CONF_LIST("bind path", bind_path, "/etc/localtime,/etc/hosts")                                                 \
	CONF_BOOL("user bind control", user_bind_control, true)                                                        \
	CONF_BOOL("enable fusemount", enable_fusemount, true)                                                          \
	CONF_ENUM("enable overlay", enable_overlay, CONF_OVERLAY_TRY, {"no", CONF_OVERLAY_NO},                         \
		  {"yes", CONF_OVERLAY_YES}, {"try", CONF_OVERLAY_TRY})                                                \
	CONF_BOOL("enable underlay", enable_underlay, true)                                                            \
	CONF_BOOL("tmp sandbox", tmp_sandbox, true)                                                                    \
	CONF_UINT("sessiondir max size", sessiondir_max_size, 64)                                                      \
	CONF_ENUM("memory fs type", memory_fs_type, CONF_MEMFS_TMPFS, {"tmpfs", CONF_MEMFS_TMPFS},                     \
		  {"ramfs", CONF_MEMFS_RAMFS})                                                                         \
	CONF_LIST("limit container owners", limit_container_owners, "")                                                \
	CONF_LIST("limit container groups", limit_container_groups, "")                                                \
	CONF_LIST("limit container paths", limit_container_paths, "")                                                  \
	CONF_BOOL("allow container sif", allow_container_sif, true)                                                    \
	CONF_BOOL("allow container encrypted", allow_container_encrypted, true)                                        \
	CONF_BOOL("allow container squashfs", allow_container_squashfs, true)                                          \
	CONF_BOOL("allow container extfs", allow_container_extfs, true)                                                \
	CONF_BOOL("allow container dir", allow_container_dir, true)                                                    \
	CONF_BOOL("allow kernel squashfs", allow_kernel_squashfs, true)                                                \
	CONF_BOOL("allow kernel extfs", allow_kernel_extfs, false)                                                     \
	CONF_LIST("allow net users", allow_net_users, "")                                                              \
	CONF_LIST("allow net groups", allow_net_groups, "")                                                            \
	CONF_LIST("allow net networks", allow_net_networks, "")                                                        \
	CONF_LIST("allow netns paths", allow_netns_paths, "")                                                          \
	CONF_ENUM("root default capabilities", root_default_capabilities, CONF_ROOTCAPS_FULL,                          \
		  {"full", CONF_ROOTCAPS_FULL}, {"file", CONF_ROOTCAPS_FILE}, {"no", CONF_ROOTCAPS_NO})                \
	CONF_BOOL("systemd cgroups", systemd_cgroups, true)                                                            \
	CONF_BOOL("always use nv", always_use_nv, false)                                                               \
	CONF_BOOL("always use rocm", always_use_rocm, false)                                                           \
	CONF_BOOL("use nvidia-container-cli", use_nvidia_container_cli, false)                                         \
	CONF_STRING("cni configuration path", cni_configuration_path, NULL)                                            \
	CONF_STRING("cni plugin path", cni_plugin_path, NULL)                                                          \
	CONF_STRING("cryptsetup path", cryptsetup_path, NULL)                                                          \
	CONF_STRING("ldconfig path", ldconfig_path, NULL)                                                              \
	CONF_STRING("nvidia-container-cli path", nvidia_container_cli_path, NULL)                                      \
	CONF_STRING("mksquashfs path", mksquashfs_path, NULL)                                                          \
	CONF_STRING("unsquashfs path", unsquashfs_path, NULL)                                                          \
	CONF_STRING("go path", go_path, NULL)                                                                          \
	CONF_UINT("mksquashfs procs", mksquashfs_procs, 0)                                                             \
	CONF_STRING("mksquashfs mem", mksquashfs_mem, NULL)                                                            \
	CONF_STRING("root search path", root_search_path,                                                              \
		    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")                                    \
	CONF_STRING("user search path", user_search_path,                                                              \
		    "$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")                              \
	CONF_UINT("download concurrency", download_concurrency, 3)                                                     \
	CONF_UINT("download part size", download_part_size, 5242880)                                                   \
	CONF_UINT("download buffer size", download_buffer_size, 32768)                                                 \
	CONF_BOOL("sif fuse", sif_fuse, false)

#endif
