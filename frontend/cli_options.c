/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/cli_options.h"

#include <assert.h>
#include <string.h>

#define ACTION(member) offsetof(struct cli_request, action.member)
#define BUILD(member) offsetof(struct cli_request, build.member)
#define INSPECT(member) offsetof(struct cli_request, inspect.member)

#define BOOL_ROW(name_, letter_, on_, env_, field_, help_)                                                             \
	{.name = name_, .letter = letter_, .type = CLI_TYPE_BOOL, .commands = on_, .env = env_, .field = field_, .help = help_}
#define BOOL_LATER(name_, letter_, on_, env_, help_, why_)                                                             \
	{.name = name_, .letter = letter_, .type = CLI_TYPE_BOOL, .commands = on_, .env = env_, .field = CLI_NO_FIELD,  \
	 .help = help_, .later = why_}
#define VALUE_ROW(name_, letter_, type_, on_, env_, field_, value_, help_)                                             \
	{.name = name_, .letter = letter_, .type = type_, .commands = on_, .env = env_, .field = field_,                \
	 .value = value_, .help = help_}
#define VALUE_LATER(name_, letter_, type_, on_, env_, value_, help_, why_)                                             \
	{.name = name_, .letter = letter_, .type = type_, .commands = on_, .env = env_, .field = CLI_NO_FIELD,          \
	 .value = value_, .help = help_, .later = why_}

/* Handed to the imager as it is. */
#define SOURCE_BOOL(name_, on_, env_, flags_, help_, deprecated_)                                                      \
	{.name = name_, .type = CLI_TYPE_BOOL, .commands = on_, .env = env_, .field = CLI_NO_FIELD,                     \
	 .flags = CLI_SOURCE | (flags_), .help = help_, .deprecated = deprecated_}
#define SOURCE_VALUE(name_, on_, env_, flags_, help_)                                                                  \
	{.name = name_, .type = CLI_TYPE_STRING, .commands = on_, .env = env_, .field = CLI_NO_FIELD,                   \
	 .flags = CLI_SOURCE | (flags_), .value = "string", .help = help_}

#define NO_CGROUPS "resource limits by cgroups are missing so far"
#define NO_CNI "networks other than none are missing so far"
#define NO_CRYPT "encrypted images are missing so far"
#define NO_DEFINITION "builds from definition files are missing so far"
#define NO_GPU "GPU support is missing so far"
#define NO_OCI "OCI mode is missing so far"
#define NO_REMOTE_BUILD "builds by a remote service are missing so far"

/*
 * Rows stand in the groups of the manual page. Two rows may share a name when they apply to different commands. In `build`,
 * what only matters while a definition file is built has no environment name: a SINGULARITY_BIND or _NV that is meant for
 * launches must not stop the packing of an image. The same holds for the secrets of encrypted images.
 */
/* clang-format off */
const struct cli_option cli_options[] = {
	/* global */
	BOOL_ROW("debug", 'd', CLI_ON_GLOBAL, "DEBUG", offsetof(struct cli_request, debug), "print debugging information (highest verbosity)"),
	BOOL_ROW("verbose", 'v', CLI_ON_GLOBAL, NULL, CLI_NO_FIELD, "print additional information"),
	BOOL_ROW("quiet", 'q', CLI_ON_GLOBAL, NULL, CLI_NO_FIELD, "suppress normal output"),
	BOOL_ROW("silent", 's', CLI_ON_GLOBAL, NULL, CLI_NO_FIELD, "only print errors"),
	BOOL_ROW("nocolor", 0, CLI_ON_GLOBAL, NULL, offsetof(struct cli_request, no_color), "print without color output"),
	BOOL_ROW("version", 0, CLI_ON_GLOBAL, NULL, CLI_NO_FIELD, "print the version of singularity"),
	{.name = "config", .letter = 'c', .type = CLI_TYPE_STRING, .commands = CLI_ON_GLOBAL, .env = "CONFIG_FILE",
	 .field = offsetof(struct cli_request, config), .value = "string", .initial = SINGULARITY_SYSCONFDIR "/singularity/singularity.conf",
	 .help = "use another configuration file (only root, or where no setuid starter is installed)"},

	/* mounts and file systems */
	{.name = "bind", .letter = 'B', .type = CLI_TYPE_LIST, .commands = CLI_ON_ACTIONS, .env = "BIND BINDPATH",
	 .field = ACTION(bind), .flags = CLI_ENV_APPENDS, .value = "strings",
	 .help = "bind a path of the host: src[:dest[:opts]]; dest is src when not given; opts are ro, rw, image-src=PATH and id=N, separated by commas; a device is of use below /dev only"},
	{.name = "mount", .type = CLI_TYPE_ARRAY, .commands = CLI_ON_ACTIONS, .env = "MOUNT", .field = ACTION(mount),
	 .flags = CLI_ENV_APPENDS, .value = "stringArray", .help = "a mount, as in type=bind,source=/opt,destination=/hostopt[,ro]"},
	VALUE_LATER("data", 0, CLI_TYPE_LIST, CLI_ON_ACTIONS, "DATA", "strings", "bind an OCI-SIF data container: sif:dest", NO_OCI),
	{.name = "home", .letter = 'H', .type = CLI_TYPE_STRING, .commands = CLI_ON_ACTIONS, .env = "HOME", .field = ACTION(home),
	 .value = "string", .initial = "your home", .help = "a home directory: either src or src:dest"},
	BOOL_ROW("no-home", 0, CLI_ON_ACTIONS, "NO_HOME", ACTION(no_home), "do not mount the home directory, unless it is the current directory"),
	VALUE_ROW("no-mount", 0, CLI_TYPE_LIST, CLI_ON_ACTIONS, "NO_MOUNT", ACTION(no_mount), "strings",
		  "leave out mounts that singularity.conf sets up: proc, sys, dev, devpts, home, tmp, hostfs, cwd, bind-paths, or a path"),
	VALUE_ROW("workdir", 'W', CLI_TYPE_STRING, CLI_ON_ACTIONS, "WORKDIR", ACTION(workdir), "string",
		  "directory that holds /tmp, /var/tmp, a contained home and scratch directories"),
	VALUE_ROW("scratch", 'S', CLI_TYPE_LIST, CLI_ON_ACTIONS, "SCRATCH SCRATCHDIR", ACTION(scratch), "strings",
		  "a writable scratch directory at this path (kept below --workdir, else thrown away)"),
	BOOL_ROW("writable", 'w', CLI_ON_ACTIONS, "WRITABLE", ACTION(writable), "open the image for reading and writing"),
	BOOL_ROW("writable-tmpfs", 0, CLI_ON_ACTIONS, "WRITABLE_TMPFS", ACTION(writable_tmpfs), "make the root file system writable with changes that are thrown away"),
	VALUE_ROW("overlay", 'o', CLI_TYPE_LIST, CLI_ON_ACTIONS, "OVERLAY OVERLAYIMAGE", ACTION(overlay), "strings",
		  "an overlay: a directory, an ext3 or a squashfs image, with :ro for reading only"),
	BOOL_ROW("contain", 'c', CLI_ON_ACTIONS, "CONTAIN", ACTION(contain), "minimal /dev and empty other directories (/tmp, home) instead of those of the host"),
	BOOL_ROW("containall", 'C', CLI_ON_ACTIONS, "CONTAINALL", ACTION(containall), "contain file systems, and also PID, IPC and environment"),
	BOOL_ROW("compat", 0, CLI_ON_ACTIONS, "COMPAT", ACTION(compat), "behave more like Docker: --containall, --no-init, --no-umask, --no-eval, --writable-tmpfs"),
	BOOL_ROW("no-compat", 0, CLI_ON_ACTIONS, "NO_COMPAT", ACTION(no_compat), "natural mode for OCI mode; without effect here, with a warning"),
	{.name = "fusemount", .type = CLI_TYPE_ARRAY, .commands = CLI_ON_ACTIONS, .env = "FUSESPEC", .field = CLI_NO_FIELD,
	 .value = "stringArray", .help = "a FUSE file system: type:command... mountpoint", .later = "FUSE mounts by a command are missing so far"},
	{.name = "sif-fuse", .type = CLI_TYPE_BOOL, .commands = CLI_ON_ACTIONS, .env = "SIF_FUSE", .field = ACTION(sif_fuse),
	 .help = "mount images by FUSE even where the kernel may", .deprecated = "the best method is found by itself"},
	BOOL_ROW("tmp-sandbox", 0, CLI_ON_ACTIONS, "TMP_SANDBOX", ACTION(tmp_sandbox), "extract the image to a temporary sandbox before running it"),
	BOOL_ROW("no-tmp-sandbox", 0, CLI_ON_ACTIONS, "NO_TMP_SANDBOX", ACTION(no_tmp_sandbox), "never extract the image to a temporary sandbox"),
	BOOL_ROW("nest", 0, CLI_ON_ACTIONS, "NEST", ACTION(nest), "put singularity itself into the container, so that it can run containers inside"),

	/* identity, namespaces, network */
	BOOL_ROW("fakeroot", 'f', CLI_ON_ACTIONS, "FAKEROOT", ACTION(fakeroot), "run as root of a new user namespace"),
	BOOL_ROW("no-setgroups", 0, CLI_ON_ACTIONS, "NO_SETGROUPS", ACTION(no_setgroups), "keep supplementary groups with --fakeroot"),
	BOOL_ROW("userns", 'u', CLI_ON_ACTIONS, "USERNS UNSHARE_USERNS", ACTION(userns), "run in a new user namespace, using no privilege"),
	BOOL_ROW("pid", 'p', CLI_ON_ACTIONS, "PID UNSHARE_PID", ACTION(pid), "run in a new PID namespace"),
	BOOL_ROW("no-pid", 0, CLI_ON_ACTIONS, "NO_PID", ACTION(no_pid), "no new PID namespace, also where another option implies one"),
	BOOL_ROW("no-init", 0, CLI_ON_ACTIONS, "NOSHIMINIT NO_INIT", ACTION(no_init), "no init process in a new PID namespace"),
	BOOL_ROW("ipc", 'i', CLI_ON_ACTIONS, "IPC UNSHARE_IPC", ACTION(ipc), "run in a new IPC namespace"),
	BOOL_ROW("uts", 0, CLI_ON_ACTIONS, "UTS UNSHARE_UTS", ACTION(uts), "run in a new UTS namespace"),
	VALUE_ROW("hostname", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "HOSTNAME", ACTION(hostname), "string", "set the host name; implies --uts"),
	BOOL_ROW("net", 'n', CLI_ON_ACTIONS, "NET UNSHARE_NET", ACTION(net), "run in a new network namespace with the loopback interface up"),
	VALUE_ROW("network", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "NETWORK", ACTION(network), "string",
		  "the network of --net; only none is available in this version"),
	VALUE_LATER("network-args", 0, CLI_TYPE_LIST, CLI_ON_ACTIONS, "NETWORK_ARGS", "strings", "arguments for network plugins", NO_CNI),
	VALUE_LATER("netns-path", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "NETNS_PATH", "string", "join the network namespace at this path",
		    "joining a network namespace is missing so far"),
	VALUE_ROW("dns", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "DNS", ACTION(dns), "string", "addresses of name servers for resolv.conf, separated by commas"),

	/* privileges and limits */
	VALUE_ROW("add-caps", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "ADD_CAPS", ACTION(add_caps), "string", "capabilities to add, separated by commas"),
	VALUE_ROW("drop-caps", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "DROP_CAPS", ACTION(drop_caps), "string", "capabilities to drop, separated by commas"),
	BOOL_ROW("keep-privs", 0, CLI_ON_ACTIONS, "KEEP_PRIVS", ACTION(keep_privs), "let root keep all capabilities"),
	BOOL_ROW("no-privs", 0, CLI_ON_ACTIONS, "NO_PRIVS", ACTION(no_privs), "drop all capabilities of root"),
	BOOL_ROW("allow-setuid", 0, CLI_ON_ACTIONS, "ALLOW_SETUID", ACTION(allow_setuid), "allow setuid programs in the container (root only)"),
	VALUE_ROW("security", 0, CLI_TYPE_LIST, CLI_ON_ACTIONS, "SECURITY", ACTION(security), "strings",
		  "security features: uid:N, gid:N[:N...], selinux:LABEL, apparmor:PROFILE, seccomp:FILE"),
	VALUE_LATER("apply-cgroups", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "APPLY_CGROUPS", "string", "limits from a TOML file", NO_CGROUPS),
	VALUE_LATER("blkio-weight", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "BLKIO_WEIGHT", "int", "block device weight", NO_CGROUPS),
	VALUE_LATER("blkio-weight-device", 0, CLI_TYPE_LIST, CLI_ON_ACTIONS, "BLKIO_WEIGHT_DEVICE", "strings", "weight of one block device", NO_CGROUPS),
	VALUE_LATER("cpu-shares", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "CPU_SHARES", "int", "CPU shares", NO_CGROUPS),
	VALUE_LATER("cpus", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "CPUS", "string", "number of CPUs", NO_CGROUPS),
	VALUE_LATER("cpuset-cpus", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "CPUSET_CPUS", "string", "CPUs to run on", NO_CGROUPS),
	VALUE_LATER("cpuset-mems", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "CPUSET_MEMS", "string", "memory nodes to use", NO_CGROUPS),
	VALUE_LATER("memory", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "MEMORY", "string", "memory limit in bytes", NO_CGROUPS),
	VALUE_LATER("memory-reservation", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "MEMORY_RESERVATION", "string", "soft memory limit in bytes", NO_CGROUPS),
	VALUE_LATER("memory-swap", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "MEMORY_SWAP", "string", "limit of memory and swap in bytes", NO_CGROUPS),
	BOOL_LATER("oom-kill-disable", 0, CLI_ON_ACTIONS, "OOM_KILL_DISABLE", "do not kill when memory runs out", NO_CGROUPS),
	VALUE_LATER("pids-limit", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "PIDS_LIMIT", "int", "limit of processes", NO_CGROUPS),

	/* environment, process */
	VALUE_ROW("env", 0, CLI_TYPE_MAP, CLI_ON_ACTIONS, NULL, ACTION(env), "stringToString", "set an environment variable in the container: NAME=VALUE"),
	VALUE_ROW("env-file", 0, CLI_TYPE_LIST, CLI_ON_ACTIONS, "ENV_FILE", ACTION(env_file), "strings", "set environment variables from a file"),
	BOOL_ROW("cleanenv", 'e', CLI_ON_ACTIONS, "CLEANENV", ACTION(cleanenv), "start with a clean environment"),
	BOOL_ROW("no-eval", 0, CLI_ON_ACTIONS, "NO_EVAL", ACTION(no_eval), "do not evaluate environment values and arguments as shell words"),
	BOOL_ROW("no-umask", 0, CLI_ON_ACTIONS, "NO_UMASK", ACTION(no_umask), "start with umask 0022 instead of the caller's"),
	VALUE_ROW("cwd", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "CWD TARGET_CWD", ACTION(cwd), "string", "start directory in the container"),
	{.name = "pwd", .type = CLI_TYPE_STRING, .commands = CLI_ON_ACTIONS, .env = "PWD TARGET_PWD", .field = ACTION(cwd),
	 .flags = CLI_HIDDEN, .value = "string", .help = "older name of --cwd"},
	{.name = "shell", .letter = 's', .type = CLI_TYPE_STRING, .commands = CLI_ON_SHELL, .env = "SHELL", .field = ACTION(shell),
	 .value = "string", .help = "path of the shell to start"},
	VALUE_ROW("app", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS, "APP APPNAME", ACTION(app), "string", "run an application inside the container"),
	{.name = "explain", .type = CLI_TYPE_EXPLAIN, .commands = CLI_ON_ACTIONS, .field = ACTION(explain), .value = "text|json",
	 .help = "print what would be done, and start nothing"},

	/* GPU, devices, OCI mode, encryption */
	BOOL_LATER("nv", 0, CLI_ON_ACTIONS, "NV", "NVIDIA support", NO_GPU),
	BOOL_LATER("rocm", 0, CLI_ON_ACTIONS, "ROCM", "ROCm support", NO_GPU),
	BOOL_LATER("nvccli", 0, CLI_ON_ACTIONS, "NVCCLI", "use nvidia-container-cli", NO_GPU),
	{.name = "no-nv", .type = CLI_TYPE_BOOL, .commands = CLI_ON_ACTIONS, .env = "NV_OFF NO_NV", .field = CLI_NO_FIELD,
	 .flags = CLI_HIDDEN, .help = "no NVIDIA support"},
	{.name = "no-rocm", .type = CLI_TYPE_BOOL, .commands = CLI_ON_ACTIONS, .env = "ROCM_OFF NO_ROCM", .field = CLI_NO_FIELD,
	 .flags = CLI_HIDDEN, .help = "no ROCm support"},
	VALUE_LATER("device", 0, CLI_TYPE_LIST, CLI_ON_ACTIONS, NULL, "strings", "CDI devices: vendor/class=name", NO_OCI),
	VALUE_LATER("cdi-dirs", 0, CLI_TYPE_LIST, CLI_ON_ACTIONS, NULL, "strings", "directories of CDI files", NO_OCI),
	{.name = "containlibs", .type = CLI_TYPE_LIST, .commands = CLI_ON_ACTIONS, .env = "CONTAINLIBS", .field = CLI_NO_FIELD,
	 .flags = CLI_HIDDEN, .value = "strings", .help = "more libraries for GPU support", .later = NO_GPU},
	{.name = "proot", .type = CLI_TYPE_STRING, .commands = CLI_ON_ACTIONS, .env = "PROOT", .field = CLI_NO_FIELD,
	 .flags = CLI_HIDDEN, .value = "string", .help = "bind proot for an unprivileged build", .later = NO_DEFINITION},
	BOOL_LATER("oci", 0, CLI_ON_FETCHES, "OCI", "use OCI mode", NO_OCI),
	BOOL_ROW("no-oci", 0, CLI_ON_FETCHES, "NO_OCI", CLI_NO_FIELD, "do not use OCI mode"),
	BOOL_LATER("keep-layers", 0, CLI_ON_FETCHES, "KEEP_LAYERS", "keep the layers of an OCI image", NO_OCI),
	BOOL_LATER("passphrase", 0, CLI_ON_ACTIONS | CLI_ON_BUILD, NULL, "ask for the passphrase of an encrypted image", NO_CRYPT),
	VALUE_LATER("pem-path", 0, CLI_TYPE_STRING, CLI_ON_ACTIONS | CLI_ON_BUILD, NULL, "string", "RSA key of an encrypted image", NO_CRYPT),

	/* where images come from */
	{.name = "disable-cache", .type = CLI_TYPE_BOOL, .commands = CLI_ON_ACTIONS, .env = "DISABLE_CACHE", .field = ACTION(disable_cache),
	 .flags = CLI_SOURCE, .help = "do not use or make a cache"},
	SOURCE_BOOL("disable-cache", CLI_ON_BUILD | CLI_ON_PULL, "DISABLE_CACHE", 0, "do not use or make a cache", NULL),
	{.name = "tmpdir", .type = CLI_TYPE_STRING, .commands = CLI_ON_ACTIONS, .env = "TMPDIR", .field = ACTION(tmpdir),
	 .flags = CLI_HIDDEN | CLI_SOURCE, .value = "string", .initial = "/tmp", .help = "directory for temporary files"},
	SOURCE_BOOL("no-https", CLI_ON_FETCHES, "NOHTTPS NO_HTTPS", 0, "talk plain HTTP to registries", NULL),
	SOURCE_BOOL("nohttps", CLI_ON_ACTIONS | CLI_ON_PULL, NULL, CLI_HIDDEN, "older name of --no-https", "use --no-https instead"),
	SOURCE_BOOL("docker-login", CLI_ON_FETCHES, "DOCKER_LOGIN", 0, "ask for user name and password of a registry", NULL),
	SOURCE_VALUE("docker-username", CLI_ON_FETCHES | CLI_ON_PUSH, "DOCKER_USERNAME", CLI_HIDDEN, "user name for a registry"),
	SOURCE_VALUE("docker-password", CLI_ON_FETCHES | CLI_ON_PUSH, "DOCKER_PASSWORD", CLI_HIDDEN | CLI_SECRET, "password for a registry"),
	SOURCE_VALUE("docker-host", CLI_ON_FETCHES | CLI_ON_PUSH, "DOCKER_HOST", 0, "address of a Docker daemon"),
	SOURCE_VALUE("authfile", CLI_ON_FETCHES | CLI_ON_PUSH, "AUTHFILE", 0, "file with credentials for registries"),

	/* pull, push */
	{.name = "force", .letter = 'F', .type = CLI_TYPE_BOOL, .commands = CLI_ON_PULL, .env = "FORCE", .field = CLI_NO_FIELD,
	 .help = "overwrite an image file that exists"},
	VALUE_ROW("dir", 0, CLI_TYPE_STRING, CLI_ON_PULL, "PULLDIR PULLFOLDER", CLI_NO_FIELD, "string", "directory for the image file"),
	{.name = "name", .type = CLI_TYPE_STRING, .commands = CLI_ON_PULL, .env = "PULL_NAME", .field = CLI_NO_FIELD,
	 .flags = CLI_HIDDEN, .value = "string", .help = "name of the image file"},
	VALUE_ROW("arch", 0, CLI_TYPE_STRING, CLI_ON_PULL, "PULL_ARCH ARCH", CLI_NO_FIELD, "string", "architecture of the image: amd64, arm64, arm32v7, ..."),
	VALUE_ROW("platform", 0, CLI_TYPE_STRING, CLI_ON_PULL, "PLATFORM", CLI_NO_FIELD, "string", "platform of the image: linux/arm64, linux/arm/v7, ..."),
	VALUE_ROW("tmpdir", 0, CLI_TYPE_STRING, CLI_ON_PULL | CLI_ON_PUSH, "TMPDIR", CLI_NO_FIELD, "string", "directory for temporary files"),
	BOOL_ROW("no-cleanup", 0, CLI_ON_PULL, "NO_CLEANUP NOCLEANUP", CLI_NO_FIELD, "accepted for compatibility: no temporary file outlives its use"),
	BOOL_LATER("with-cosign", 0, CLI_ON_PULL | CLI_ON_PUSH, "WITH_COSIGN", "pull or push cosign signatures too", NO_OCI),
	VALUE_ROW("library", 0, CLI_TYPE_STRING, CLI_ON_PULL | CLI_ON_PUSH, "LIBRARY", CLI_NO_FIELD, "string", "address of a container library"),
	{.name = "allow-unsigned", .letter = 'U', .type = CLI_TYPE_BOOL, .commands = CLI_ON_PULL, .env = "ALLOW_UNSIGNED",
	 .field = CLI_NO_FIELD, .help = "accepted for compatibility, without effect", .deprecated = "pull no longer exits with an error code in case of unsigned image"},
	{.name = "allow-unauthenticated", .type = CLI_TYPE_BOOL, .commands = CLI_ON_PULL, .env = "ALLOW_UNAUTHENTICATED", .field = CLI_NO_FIELD,
	 .flags = CLI_HIDDEN, .help = "accepted for compatibility, without effect"},
	BOOL_ROW("allow-unsigned", 'U', CLI_ON_PUSH, "ALLOW_UNSIGNED", CLI_NO_FIELD, "push an image to a library that is not signed"),
	VALUE_ROW("description", 'D', CLI_TYPE_STRING, CLI_ON_PUSH, NULL, CLI_NO_FIELD, "string", "description of the image in a library"),
	VALUE_LATER("layer-format", 0, CLI_TYPE_STRING, CLI_ON_PUSH, "LAYER_FORMAT", "string", "format of the layers of an OCI-SIF: squashfs or tar", NO_OCI),

	/* cache */
	VALUE_ROW("type", 'T', CLI_TYPE_LIST, CLI_ON_CACHE_LIST | CLI_ON_CACHE_CLEAN, NULL, CLI_NO_FIELD, "strings",
		  "kinds of entries: library, oci-tmp, shub, oras, net, oci-sif, blob, all"),
	BOOL_ROW("verbose", 'v', CLI_ON_CACHE_LIST, NULL, CLI_NO_FIELD, "list each entry"),
	VALUE_ROW("days", 'D', CLI_TYPE_STRING, CLI_ON_CACHE_CLEAN, NULL, CLI_NO_FIELD, "int", "only entries older than this many days"),
	BOOL_ROW("dry-run", 'n', CLI_ON_CACHE_CLEAN, NULL, CLI_NO_FIELD, "show what would be removed, and remove nothing"),
	BOOL_ROW("force", 'f', CLI_ON_CACHE_CLEAN, NULL, CLI_NO_FIELD, "do not ask"),

	/* registry */
	VALUE_ROW("config", 'c', CLI_TYPE_STRING, CLI_ON_REGISTRY, NULL, CLI_NO_FIELD, "string", "note logins in this file instead of remote.yaml"),
	VALUE_ROW("username", 'u', CLI_TYPE_STRING, CLI_ON_REGISTRY_LOGIN, "LOGIN_USERNAME", CLI_NO_FIELD, "string", "user name (wanted)"),
	{.name = "password", .letter = 'p', .type = CLI_TYPE_STRING, .commands = CLI_ON_REGISTRY_LOGIN, .env = "LOGIN_PASSWORD",
	 .field = CLI_NO_FIELD, .flags = CLI_SECRET, .value = "string", .help = "password or token; asked for when it is not given"},
	BOOL_ROW("password-stdin", 0, CLI_ON_REGISTRY_LOGIN, NULL, CLI_NO_FIELD, "read the password from standard input"),
	VALUE_ROW("authfile", 0, CLI_TYPE_STRING, CLI_ON_REGISTRY_LOGIN | CLI_ON_REGISTRY_LOGOUT, "AUTHFILE", CLI_NO_FIELD, "string",
		  "file for the credentials instead of docker-config.json"),

	/* build */
	BOOL_ROW("sandbox", 's', CLI_ON_BUILD, "SANDBOX", BUILD(sandbox), "make a directory instead of a file"),
	BOOL_ROW("force", 'F', CLI_ON_BUILD, "FORCE", BUILD(force), "overwrite what is there without asking"),
	VALUE_ROW("compression", 0, CLI_TYPE_STRING, CLI_ON_BUILD, NULL, BUILD(compression), "kind[:level]",
		  "compression of the image: gzip, zstd, lz4, xz or none"),
	VALUE_ROW("tmpdir", 0, CLI_TYPE_STRING, CLI_ON_BUILD, "TMPDIR", BUILD(tmpdir), "string", "directory for temporary files"),
	BOOL_ROW("fix-perms", 0, CLI_ON_BUILD, "FIXPERMS", BUILD(fix_perms), "give the owner access to everything in the image"),
	BOOL_ROW("notest", 'T', CLI_ON_BUILD, "NOTEST", BUILD(notest), "do not run the tests of the image"),
	BOOL_ROW("no-cleanup", 0, CLI_ON_BUILD, "NO_CLEANUP NOCLEANUP", BUILD(no_cleanup), "keep temporary files after a failed build"),
	BOOL_ROW("json", 0, CLI_ON_BUILD, "JSON", CLI_NO_FIELD, "accepted for compatibility, without effect"),
	BOOL_LATER("update", 'u', CLI_ON_BUILD, NULL, "run the sections of a definition on a sandbox that exists", NO_DEFINITION),
	BOOL_LATER("fakeroot", 'f', CLI_ON_BUILD, NULL, "build as root of a new user namespace", NO_DEFINITION),
	BOOL_LATER("no-setgroups", 0, CLI_ON_BUILD, NULL, "keep supplementary groups with --fakeroot", NO_DEFINITION),
	VALUE_LATER("section", 0, CLI_TYPE_LIST, CLI_ON_BUILD, NULL, "strings", "run these sections of the definition only", NO_DEFINITION),
	VALUE_LATER("build-arg", 0, CLI_TYPE_LIST, CLI_ON_BUILD, NULL, "strings", "a value for a template: NAME=VALUE", NO_DEFINITION),
	VALUE_LATER("build-arg-file", 0, CLI_TYPE_STRING, CLI_ON_BUILD, NULL, "string", "file with values for a template", NO_DEFINITION),
	VALUE_LATER("bind", 'B', CLI_TYPE_LIST, CLI_ON_BUILD, NULL, "strings", "a bind for %post and %test", NO_DEFINITION),
	VALUE_LATER("mount", 0, CLI_TYPE_ARRAY, CLI_ON_BUILD, NULL, "stringArray", "a mount for %post and %test", NO_DEFINITION),
	BOOL_LATER("writable-tmpfs", 0, CLI_ON_BUILD, NULL, "a writable root for %test", NO_DEFINITION),
	BOOL_LATER("nv", 0, CLI_ON_BUILD, NULL, "NVIDIA support for %post and %test", NO_DEFINITION),
	BOOL_LATER("nvccli", 0, CLI_ON_BUILD, NULL, "use nvidia-container-cli for %post and %test", NO_DEFINITION),
	BOOL_LATER("rocm", 0, CLI_ON_BUILD, NULL, "ROCm support for %post and %test", NO_DEFINITION),
	BOOL_LATER("encrypt", 'e', CLI_ON_BUILD, NULL, "encrypt the root file system", NO_CRYPT),
	BOOL_LATER("remote", 'r', CLI_ON_BUILD, "REMOTE", "build by a remote service", NO_REMOTE_BUILD),
	BOOL_LATER("detached", 'd', CLI_ON_BUILD, "DETACHED", "submit a remote build and return", NO_REMOTE_BUILD),
	VALUE_LATER("builder", 0, CLI_TYPE_STRING, CLI_ON_BUILD, "BUILDER", "string", "address of a remote build service", NO_REMOTE_BUILD),
	VALUE_LATER("arch", 0, CLI_TYPE_STRING, CLI_ON_BUILD, "BUILD_ARCH", "string", "architecture of a remote build", NO_REMOTE_BUILD),
	VALUE_ROW("library", 0, CLI_TYPE_STRING, CLI_ON_BUILD, "LIBRARY", CLI_NO_FIELD, "string", "address of a container library"),

	/* inspect, run-help */
	BOOL_ROW("labels", 'l', CLI_ON_INSPECT, NULL, INSPECT(labels), "show the labels (what is shown without other options)"),
	BOOL_ROW("deffile", 'd', CLI_ON_INSPECT, NULL, INSPECT(deffile), "show the definition file"),
	BOOL_ROW("runscript", 'r', CLI_ON_INSPECT, NULL, INSPECT(runscript), "show the runscript"),
	BOOL_ROW("startscript", 's', CLI_ON_INSPECT, NULL, INSPECT(startscript), "show the startscript"),
	BOOL_ROW("test", 't', CLI_ON_INSPECT, NULL, INSPECT(test), "show the test script"),
	BOOL_ROW("environment", 'e', CLI_ON_INSPECT, NULL, INSPECT(environment), "show the environment scripts"),
	BOOL_ROW("helpfile", 'H', CLI_ON_INSPECT, NULL, INSPECT(helpfile), "show the help text"),
	BOOL_ROW("list-apps", 0, CLI_ON_INSPECT, NULL, INSPECT(list_apps), "list the applications in the image"),
	BOOL_ROW("json", 'j', CLI_ON_INSPECT, NULL, INSPECT(json), "print JSON"),
	BOOL_ROW("json", 'j', CLI_ON_DOCTOR, NULL, offsetof(struct cli_request, doctor_json), "print JSON"),
	BOOL_ROW("all", 0, CLI_ON_INSPECT, NULL, INSPECT(all), "show everything; implies --json, ignores --app"),
	VALUE_ROW("app", 0, CLI_TYPE_STRING, CLI_ON_INSPECT, NULL, INSPECT(app), "string", "look at one application of the image"),
	VALUE_ROW("app", 0, CLI_TYPE_STRING, CLI_ON_RUN_HELP, NULL, offsetof(struct cli_request, run_help.app), "string", "show the help text of one application"),

	/* sif add */
	VALUE_ROW("datatype", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "int",
	 "the type of the object, needed: 1-Deffile, 2-EnvVar, 3-Labels, 4-Partition, 5-Signature, 6-GenericJSON, 7-Generic, 8-CryptoMessage, 9-SBOM, 10-OCI.RootIndex, 11-OCI.Blob"),
	VALUE_ROW("parttype", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "int",
	 "of a partition, needed: 1-System, 2-PrimSys, 3-Data, 4-Overlay"),
	VALUE_ROW("partfs", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "int",
	 "file system of a partition, needed: 1-Squash, 2-Ext3, 3-ImmuObj, 4-Raw"),
	VALUE_ROW("partarch", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "int",
	 "architecture of a partition, needed: 1-386, 2-amd64, 3-arm, 4-arm64, 5-ppc64, 6-ppc64le, 7-mips, 8-mipsle, 9-mips64, 10-mips64le, 11-s390x, 12-riscv64, 13-loong64"),
	VALUE_ROW("signhash", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "int",
	 "hash of a signature, needed: 1-SHA256, 2-SHA384, 3-SHA512, 4-BLAKE2s_256, 5-BLAKE2b_256"),
	VALUE_ROW("signentity", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "string",
	 "who made a signature, needed: a fingerprint of 40 hexadecimal digits"),
	VALUE_ROW("sbomformat", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "string",
	 "format of an SBOM, needed: cyclonedx-json, cyclonedx-xml, github-json, spdx-json, spdx-rdf, spdx-tag-value, spdx-yaml, syft-json"),
	VALUE_ROW("groupid", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "uint32", "group of the object; without it, none"),
	VALUE_ROW("link", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "uint32",
	 "ID of another object that it belongs to, or 4026531840 and the number of a group"),
	VALUE_ROW("alignment", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "int",
	 "where the data may begin, in bytes; without it, 4096 for a partition and 0 for others"),
	VALUE_ROW("filename", 0, CLI_TYPE_STRING, CLI_ON_SIF_ADD, NULL, CLI_NO_FIELD, "string", "name of the object; without it, none"),

	/* overlay create */
	{.name = "size", .letter = 's', .type = CLI_TYPE_STRING, .commands = CLI_ON_OVERLAY_CREATE, .field = CLI_NO_FIELD, .value = "int",
	 .initial = "64", .help = "size of the file system in MiB, at least 64"},
	BOOL_ROW("sparse", 'S', CLI_ON_OVERLAY_CREATE, "SPARSE", CLI_NO_FIELD, "take space on disk as it is used, not all at once"),
	VALUE_ROW("create-dir", 0, CLI_TYPE_LIST, CLI_ON_OVERLAY_CREATE, NULL, CLI_NO_FIELD, "strings", "a directory to make in the overlay"),
	/* remote, keyserver: --config stands before the sub-command */
	VALUE_ROW("config", 'c', CLI_TYPE_STRING, CLI_ON_REMOTE | CLI_ON_KEYSERVER, NULL, CLI_NO_FIELD, "string",
		  "file with the remotes, instead of remote.yaml in the user's directory"),
	BOOL_ROW("global", 'g', CLI_ON_REMOTE_ADD | CLI_ON_REMOTE_REMOVE | CLI_ON_REMOTE_USE, NULL, CLI_NO_FIELD,
		 "change the remotes of all users (root only)"),
	VALUE_ROW("tokenfile", 0, CLI_TYPE_STRING, CLI_ON_REMOTE_ADD | CLI_ON_REMOTE_LOGIN, NULL, CLI_NO_FIELD, "string",
		  "file whose first line is the token, instead of asking for it"),
	BOOL_ROW("no-login", 0, CLI_ON_REMOTE_ADD, NULL, CLI_NO_FIELD, "do not log in"),
	BOOL_ROW("insecure", 'i', CLI_ON_REMOTE_ADD, NULL, CLI_NO_FIELD, "talk plain HTTP to the remote"),
	BOOL_ROW("no-default", 'n', CLI_ON_REMOTE_ADD, NULL, CLI_NO_FIELD, "do not make the new remote the default"),
	BOOL_ROW("exclusive", 'e', CLI_ON_REMOTE_USE, NULL, CLI_NO_FIELD, "let users have no other remote (root only, implies --global)"),
	VALUE_ROW("username", 'u', CLI_TYPE_STRING, CLI_ON_REMOTE_LOGIN, NULL, CLI_NO_FIELD, "string",
		  "refused: remotes want a token; registries and keyservers have logins of their own"),
	/* The variable is read by the imager: a secret must not get into a list of arguments, which everybody can read. */
	VALUE_ROW("password", 'p', CLI_TYPE_STRING, CLI_ON_REMOTE_LOGIN, NULL, CLI_NO_FIELD, "string",
		  "the token (better in SINGULARITY_LOGIN_PASSWORD, which others cannot see)"),
	BOOL_ROW("password-stdin", 0, CLI_ON_REMOTE_LOGIN, NULL, CLI_NO_FIELD, "take the token from standard input"),
	BOOL_ROW("insecure", 'i', CLI_ON_REMOTE_LOGIN, "LOGIN_INSECURE", CLI_NO_FIELD, "without effect on a remote with https, with a warning"),
	VALUE_ROW("order", 'o', CLI_TYPE_STRING, CLI_ON_KEYSERVER_ADD, NULL, CLI_NO_FIELD, "uint32", "place in the list, 1 is the first"),
	BOOL_ROW("insecure", 'i', CLI_ON_KEYSERVER_ADD, NULL, CLI_NO_FIELD, "allow a keyserver without https"),

	/* search, delete */
	VALUE_ROW("library", 0, CLI_TYPE_STRING, CLI_ON_SEARCH | CLI_ON_DELETE, "LIBRARY", CLI_NO_FIELD, "string",
		  "address of the library, instead of that of the remote in use"),
	VALUE_ROW("arch", 0, CLI_TYPE_STRING, CLI_ON_SEARCH, "SEARCH_ARCH", CLI_NO_FIELD, "string", "architecture to search for, instead of this host's"),
	BOOL_ROW("signed", 0, CLI_ON_SEARCH, "SEARCH_SIGNED", CLI_NO_FIELD, "only signed images"),
	BOOL_ROW("force", 'F', CLI_ON_DELETE, "FORCE", CLI_NO_FIELD, "delete without a question"),
	VALUE_ROW("arch", 'A', CLI_TYPE_STRING, CLI_ON_DELETE, "ARCH", CLI_NO_FIELD, "string", "architecture of the image, instead of this host's"),
	{.name = "timeout", .letter = 'T', .type = CLI_TYPE_STRING, .commands = CLI_ON_DELETE, .env = "TIMEOUT", .field = CLI_NO_FIELD,
	 .flags = CLI_HIDDEN, .value = "int", .initial = "15", .help = "seconds to wait for the library"},
	BOOL_ROW("no-https", 0, CLI_ON_DELETE, "NOHTTPS NO_HTTPS", CLI_NO_FIELD, "talk plain HTTP to the host in the reference"),
};
/* clang-format on */
const size_t cli_option_count = sizeof(cli_options) / sizeof(cli_options[0]);

static_assert(sizeof(cli_options) / sizeof(cli_options[0]) <= CLI_OPTION_MAX, "CLI_OPTION_MAX is too small");

const struct cli_option *cli_find_option(const char *name, size_t len, uint64_t on)
{
	for (size_t i = 0; i < cli_option_count; i++) {
		const struct cli_option *option = &cli_options[i];

		if ((option->commands & on) && strlen(option->name) == len && memcmp(option->name, name, len) == 0)
			return option;
	}
	return NULL;
}

const struct cli_option *cli_find_letter(char letter, uint64_t on)
{
	for (size_t i = 0; i < cli_option_count; i++)
		if (letter && (cli_options[i].commands & on) && cli_options[i].letter == letter)
			return &cli_options[i];
	return NULL;
}
