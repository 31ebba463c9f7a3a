/* SPDX-License-Identifier: BSD-3-Clause */
/* One row per directive of singularity.conf that the setuid starter enforces: its name, the member of struct conf, its default. A
 * default of a list is one text, split at commas. CONF_ENFORCED() applies to each row the macro that it is given for its type. The
 * others are in directives_frontend.h. */
#ifndef POLICY_DIRECTIVES_H
#define POLICY_DIRECTIVES_H

#define CONF_ENFORCED(BOOL, UINT, LIST, ENUM)									\
	BOOL("allow setuid", allow_setuid, true)								\
	UINT("max loop devices", max_loop_devices, 256)								\
	BOOL("allow ipc ns", allow_ipc_ns, true)								\
	BOOL("allow pid ns", allow_pid_ns, true)								\
	BOOL("allow uts ns", allow_uts_ns, true)								\
	BOOL("config passwd", config_passwd, true)								\
	BOOL("config group", config_group, true)								\
	BOOL("config resolv_conf", config_resolv_conf, true)							\
	BOOL("mount proc", mount_proc, true)									\
	BOOL("mount sys", mount_sys, true)									\
	BOOL("mount home", mount_home, true)									\
	BOOL("mount tmp", mount_tmp, true)									\
	ENUM("mount dev", mount_dev, CONF_DEV_YES, {"no", CONF_DEV_NO}, {"yes", CONF_DEV_YES},			\
		  {"minimal", CONF_DEV_MINIMAL})								\
	BOOL("mount devpts", mount_devpts, true)								\
	BOOL("mount slave", mount_slave, true)									\
	LIST("bind path", bind_path, "/etc/localtime,/etc/hosts")						\
	BOOL("user bind control", user_bind_control, true)							\
	ENUM("enable overlay", enable_overlay, CONF_OVERLAY_TRY, {"no", CONF_OVERLAY_NO},			\
		  {"yes", CONF_OVERLAY_YES}, {"try", CONF_OVERLAY_TRY})						\
	BOOL("enable underlay", enable_underlay, true)								\
	UINT("sessiondir max size", sessiondir_max_size, 64)							\
	ENUM("memory fs type", memory_fs_type, CONF_MEMFS_TMPFS, {"tmpfs", CONF_MEMFS_TMPFS},			\
		  {"ramfs", CONF_MEMFS_RAMFS})									\
	LIST("limit container owners", limit_container_owners, "")						\
	LIST("limit container groups", limit_container_groups, "")						\
	LIST("limit container paths", limit_container_paths, "")						\
	BOOL("allow container sif", allow_container_sif, true)							\
	BOOL("allow container squashfs", allow_container_squashfs, true)					\
	BOOL("allow container extfs", allow_container_extfs, true)						\
	BOOL("allow container dir", allow_container_dir, true)							\
	BOOL("allow kernel squashfs", allow_kernel_squashfs, true)						\
	BOOL("allow kernel extfs", allow_kernel_extfs, false)

#endif
