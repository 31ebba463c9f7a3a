/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "frontend/cli_options.h"

#define LATER_ROW(name_, alias_, brief_, why_)                                                                         \
	{.name = name_, .alias = alias_, .command = CLI_LATER, .max = INT_MAX, .synopsis = "", .brief = brief_,        \
	 .description = "This command of SingularityCE is not available in this version.", .later = why_}

#define IMAGE_TEXT                                                                                                     \
	"The image is a SIF file, a sandbox directory, a bare squashfs or ext3 file system, or a reference\n"          \
	"like docker://alpine: then it is fetched to the cache first (see pull).\n"                                    \
	"Flags end at the image: all that follows it belongs to the container.\n"                                      \
	"Where namespaces are refused it runs by tracing: experimental, and no isolation."

/* clang-format off */
const struct cli_command_row cli_commands[] = {
	{.name = "build", .command = CLI_BUILD, .on = CLI_ON_BUILD, .min = 2, .max = 2,
	 .synopsis = "[build options...] <IMAGE PATH> <BUILD SPEC>",
	 .brief = "Build an image from another image",
	 .description = "Makes a SIF file, or with --sandbox a directory, from another image: a sandbox\n"
			"directory, a SIF file, a squashfs file, or an OCI or Docker image (docker://, oci:,\n"
			"oci-archive:, docker-archive:, docker-daemon:). The result appears whole or not at all.",
	 .examples = "$ singularity build debian.sif ./debian-root\n"
		     "$ singularity build --sandbox ./work debian.sif\n"
		     "$ singularity build tool.sif oci-archive:tool.tar\n"
		     "$ singularity build --compression zstd:3 fast.sif ./work"},
	{.name = "buildcfg", .command = CLI_BUILDCFG, .min = 0, .max = 1, .hidden = true,
	 .synopsis = "[parameter]", .brief = "Print where this installation lies",
	 .description = "Prints NAME=value lines, or the value of one parameter."},
	{.name = "cache", .command = CLI_GROUP, .synopsis = "<command>",
	 .brief = "Manage the local cache",
	 .description = "The cache keeps layers and images that were fetched, in SINGULARITY_CACHEDIR/cache or\n"
			"~/.singularity/cache."},
	{.name = "cache clean", .command = CLI_FORWARD, .on = CLI_ON_CACHE_CLEAN, .min = 0, .max = 0,
	 .synopsis = "[clean options...]",
	 .brief = "Clean your local cache",
	 .description = "Removes everything, or what the options choose, after a question.",
	 .examples = "$ singularity cache clean --type blob --force\n"
		     "$ singularity cache clean --days 30 --dry-run"},
	{.name = "cache list", .command = CLI_FORWARD, .on = CLI_ON_CACHE_LIST, .min = 0, .max = 0,
	 .synopsis = "[list options...]",
	 .brief = "List your local cache",
	 .description = "Prints how many entries there are and what space they take.",
	 .examples = "$ singularity cache list\n"
		     "$ singularity cache list --verbose --type oci-tmp"},
	{.name = "delete", .command = CLI_FORWARD, .on = CLI_ON_DELETE, .min = 1, .max = 1,
	 .synopsis = "[delete options...] <library reference>",
	 .brief = "Delete an image from a library",
	 .description = "Deletes the image of one architecture that a tag or a sum names, after a question.",
	 .examples = "$ singularity delete --arch amd64 library://me/tools/samtools:1.20"},
	{.name = "doctor", .command = CLI_DOCTOR, .on = CLI_ON_DOCTOR, .min = 0, .max = 0,
	 .synopsis = "[doctor options...]",
	 .brief = "Show what works on this machine, and what would help",
	 .description = "Says where we run, which method a launch uses for each of its steps (*), why it does not\n"
			"use a better one, and what would change that, in the words of the container around us.\n"
			"Everything is tried in processes that leave nothing behind. Exit status 1 if no container\n"
			"can be launched here.",
	 .examples = "$ singularity doctor\n"
		     "$ singularity doctor --json"},
	{.name = "exec", .command = CLI_EXEC, .on = CLI_ON_EXEC, .min = 2, .max = INT_MAX,
	 .synopsis = "[exec options...] <container> <command>",
	 .brief = "Run a command within a container",
	 .description = "Runs a program of the container, found on the container's PATH.\n" IMAGE_TEXT,
	 .examples = "$ singularity exec debian.sif cat /etc/os-release\n"
		     "$ singularity exec --bind /data:/mnt:ro debian.sif ls -l /mnt\n"
		     "$ singularity exec --explain debian.sif true"},
	{.name = "help", .command = CLI_HELP, .min = 0, .max = INT_MAX, .synopsis = "[command]",
	 .brief = "Help about any command", .description = "Prints the help page of a command."},
	{.name = "inspect", .command = CLI_INSPECT, .on = CLI_ON_INSPECT, .min = 1, .max = 1,
	 .synopsis = "[inspect options...] <image path>",
	 .brief = "Show the metadata of an image",
	 .description = "Shows labels, scripts, help text and environment of an image. Without options: the labels.",
	 .examples = "$ singularity inspect debian.sif\n"
		     "$ singularity inspect --json --all debian.sif"},
	{.name = "overlay", .command = CLI_GROUP, .max = INT_MAX, .synopsis = "<command>",
	 .brief = "Manage an EXT3 writable overlay image",
	 .description = "Writable overlays: file systems that keep what a container changes."},
	{.name = "overlay create", .command = CLI_FORWARD, .on = CLI_ON_OVERLAY_CREATE, .min = 1, .max = 1,
	 .synopsis = "[create options...] <image>",
	 .brief = "Create EXT3 writable overlay image",
	 .description = "Makes an ext3 file for --overlay; if the image is a SIF file that is there, a partition of it\n"
			"for --writable. Needs mke2fs.",
	 .examples = "$ singularity overlay create --size 1024 changes.img\n"
		     "$ singularity exec --overlay changes.img debian.sif touch /kept\n"
		     "$ singularity overlay create --sparse debian.sif\n"
		     "$ singularity exec --writable debian.sif touch /kept"},
	{.name = "pull", .command = CLI_FORWARD, .on = CLI_ON_PULL, .min = 1, .max = 2,
	 .synopsis = "[pull options...] [output file] <URI>",
	 .brief = "Pull an image from a URI",
	 .description = "Makes a SIF file out of an image from elsewhere. The file is called NAME_TAG.sif unless it is named.\n"
			"  docker://[registry/]repository[:tag][@digest]\n"
			"  docker-daemon:name:tag, docker-archive:file.tar, oci:directory, oci-archive:file.tar\n"
			"  oras://registry/repository[:tag], http(s)://..., shub://registry/user/name\n"
			"  library://[host/][entity/[collection/]]container[:tag], which the name of an image alone means, too\n"
			"Layers and images stay in the cache; the registry is always asked what a tag stands for now.",
	 .examples = "$ singularity pull docker://alpine\n"
		     "$ singularity pull --arch arm64 alpine.sif docker://alpine:3.18\n"
		     "$ singularity pull oras://registry.example.org/group/tool:1.0"},
	{.name = "push", .command = CLI_FORWARD, .on = CLI_ON_PUSH, .min = 2, .max = 2,
	 .synopsis = "[push options...] <image> <URI>",
	 .brief = "Upload an image to a URI",
	 .description = "Puts a SIF file into a registry, as an artifact: oras://registry/repository[:tag], or into a library:\n"
			"library://[host/]entity/collection/container[:tag,...], which needs a login (see remote login).",
	 .examples = "$ singularity push tool.sif oras://registry.example.org/group/tool:1.0"},
	{.name = "keyserver", .command = CLI_GROUP, .on = CLI_ON_KEYSERVER, .flags = CLI_SHOWS_HELP,
	 .synopsis = "[keyserver options...] <command>", .brief = "Manage keyservers",
	 .description = "Which servers keys are taken from, for each remote. The first is the remote's own."},
	{.name = "keyserver add", .command = CLI_FORWARD, .on = CLI_ON_KEYSERVER_ADD, .min = 1, .max = 2,
	 .synopsis = "[add options...] [remote name] <keyserver URL>",
	 .brief = "Add a keyserver (root user only)",
	 .description = "Adds it to a remote of all users, the default one unless named.",
	 .examples = "$ sudo singularity keyserver add --order 1 https://keys.example.org"},
	{.name = "keyserver list", .command = CLI_FORWARD, .min = 0, .max = 1, .synopsis = "[remote name]",
	 .brief = "List the keyservers of the remotes", .description = "Prints the keyservers of all remotes, or of one.",
	 .examples = "$ singularity keyserver list"},
	LATER_ROW("keyserver login", NULL, "Log in to a keyserver", "keys are not fetched from keyservers so far"),
	LATER_ROW("keyserver logout", NULL, "Log out of a keyserver", "keys are not fetched from keyservers so far"),
	{.name = "keyserver remove", .command = CLI_FORWARD, .min = 1, .max = 2,
	 .synopsis = "[remote name] <keyserver URL>", .brief = "Remove a keyserver (root user only)",
	 .description = "Takes it out of a remote of all users, the default one unless named.",
	 .examples = "$ sudo singularity keyserver remove https://keys.example.org"},
	{.name = "remote", .command = CLI_GROUP, .on = CLI_ON_REMOTE, .flags = CLI_SHOWS_HELP,
	 .synopsis = "[remote options...] <command>", .brief = "Manage remote endpoints",
	 .description = "A remote is a server that names a library, keyservers and other services. The remotes are in\n"
			"remote.yaml in the user's directory, those for all users beside singularity.conf."},
	{.name = "remote add", .command = CLI_FORWARD, .on = CLI_ON_REMOTE_ADD, .min = 2, .max = 2,
	 .synopsis = "[add options...] <remote name> <remote URI>",
	 .brief = "Add a remote", .description = "Adds a remote, makes it the default and logs in to it.",
	 .examples = "$ singularity remote add work library.example.org\n"
		     "$ singularity remote add --tokenfile token work library.example.org"},
	{.name = "remote get-login-password", .command = CLI_FORWARD, .min = 0, .max = 0, .synopsis = "",
	 .brief = "Print the password for the registry behind the library",
	 .description = "Prints it to standard output, for the command that logs in to that registry.",
	 .examples = "$ singularity remote get-login-password | singularity registry login -u me --password-stdin docker://registry.example.org"},
	{.name = "remote list", .command = CLI_FORWARD, .min = 0, .max = 0, .synopsis = "",
	 .brief = "List all remotes", .description = "Prints the remotes: the user's and those for all users.",
	 .examples = "$ singularity remote list"},
	{.name = "remote login", .command = CLI_FORWARD, .on = CLI_ON_REMOTE_LOGIN, .min = 0, .max = 1,
	 .synopsis = "[login options...] [remote name]",
	 .brief = "Log in to a remote",
	 .description = "Asks for a token, has the remote verify it, and keeps it. The default remote unless one is named.",
	 .examples = "$ singularity remote login\n"
		     "$ singularity remote login --tokenfile token work"},
	{.name = "remote logout", .command = CLI_FORWARD, .min = 0, .max = 1, .synopsis = "[remote name]",
	 .brief = "Log out of a remote", .description = "Forgets the token of the default remote, or of the one named.",
	 .examples = "$ singularity remote logout"},
	{.name = "remote remove", .command = CLI_FORWARD, .on = CLI_ON_REMOTE_REMOVE, .min = 1, .max = 1,
	 .synopsis = "[remove options...] <remote name>", .brief = "Remove a remote",
	 .description = "Removes a remote and its token.",
	 .examples = "$ singularity remote remove work"},
	{.name = "remote status", .command = CLI_FORWARD, .min = 0, .max = 1, .synopsis = "[remote name]",
	 .brief = "Show the services of a remote, and whether we are logged in",
	 .description = "Asks each service of the default remote, or of the one named, for its version, and verifies the token.",
	 .examples = "$ singularity remote status"},
	{.name = "remote use", .command = CLI_FORWARD, .on = CLI_ON_REMOTE_USE, .min = 1, .max = 1,
	 .synopsis = "[use options...] <remote name>", .brief = "Make a remote the default",
	 .description = "The library and the keyservers of this remote are used from now on.",
	 .examples = "$ singularity remote use work"},
	{.name = "registry", .command = CLI_GROUP, .on = CLI_ON_REGISTRY, .flags = CLI_SHOWS_HELP, .max = INT_MAX,
	 .synopsis = "[registry options...] <command>", .brief = "Manage authentication to OCI/Docker registries",
	 .description = "Credentials of registries are kept in docker-config.json in the user's directory, or by the\n"
			"credential helpers that it names. What Docker and others keep is not used."},
	{.name = "registry list", .command = CLI_FORWARD, .max = 0, .synopsis = "",
	 .brief = "List all OCI credentials", .description = "Prints the registries that we are logged in to.",
	 .examples = "$ singularity registry list"},
	{.name = "registry login", .command = CLI_FORWARD, .on = CLI_ON_REGISTRY_LOGIN, .min = 1, .max = 1,
	 .synopsis = "[login options...] <registry_uri>",
	 .brief = "Log in to a registry",
	 .description = "Has the registry verify user name and password, and keeps them. The URI is docker:// or oras://\n"
			"and the name of a registry, perhaps with a repository that alone they are for.",
	 .examples = "$ singularity registry login --username me docker://registry.example.org\n"
		     "$ singularity registry login -u me --password-stdin oras://registry.example.org <token"},
	{.name = "registry logout", .command = CLI_FORWARD, .on = CLI_ON_REGISTRY_LOGOUT, .min = 1, .max = 1,
	 .synopsis = "[logout options...] <registry_uri>",
	 .brief = "Log out of a registry", .description = "Forgets user name and password.",
	 .examples = "$ singularity registry logout docker://registry.example.org"},
	{.name = "run", .command = CLI_RUN, .on = CLI_ON_RUN, .min = 1, .max = INT_MAX,
	 .synopsis = "[run options...] <container> [args...]",
	 .brief = "Run the user-defined default command within a container",
	 .description = "Starts the runscript of the image with the arguments given.\n" IMAGE_TEXT,
	 .examples = "$ singularity run tool.sif --version\n"
		     "$ singularity run --app convert tool.sif in.dat"},
	{.name = "run-help", .command = CLI_RUN_HELP, .on = CLI_ON_RUN_HELP, .min = 1, .max = 1,
	 .synopsis = "[run-help options...] <image path>",
	 .brief = "Show the user-defined help for an image",
	 .description = "Prints the help text that the image brings along.",
	 .examples = "$ singularity run-help tool.sif"},
	{.name = "search", .command = CLI_FORWARD, .on = CLI_ON_SEARCH, .min = 1, .max = 1,
	 .synopsis = "[search options...] <search query>",
	 .brief = "Search a library for images",
	 .description = "Lists the images whose names or descriptions hold the query, which has three characters at least.",
	 .examples = "$ singularity search samtools\n"
		     "$ singularity search --arch arm64 --signed samtools"},
	{.name = "shell", .command = CLI_SHELL, .on = CLI_ON_SHELL, .min = 1, .max = INT_MAX,
	 .synopsis = "[shell options...] <container>",
	 .brief = "Run a shell within a container",
	 .description = "Starts the program of --shell, else bash without start-up files, else sh.\n" IMAGE_TEXT,
	 .examples = "$ singularity shell debian.sif\n"
		     "Singularity> exit"},
	{.name = "sif", .alias = "siftool", .command = CLI_GROUP, .flags = CLI_SHOWS_HELP, .max = INT_MAX, .synopsis = "<command>",
	 .brief = "Manipulate SIF images",
	 .description = "Shows and changes the objects that a SIF file holds."},
	{.name = "sif add", .command = CLI_FORWARD, .on = CLI_ON_SIF_ADD, .flags = CLI_INTERSPERSED, .min = 2, .max = 2,
	 .synopsis = "[add options...] <sif_path> <object_path>",
	 .brief = "Add data object",
	 .description = "Adds a file to a SIF image, under the first ID that is free.",
	 .examples = "$ singularity sif add image.sif recipe.def --datatype 1\n"
		     "$ singularity sif add image.sif rootfs.squashfs --datatype 4 --parttype 1 --partfs 1 --partarch 2"},
	{.name = "sif del", .command = CLI_FORWARD, .flags = CLI_INTERSPERSED, .min = 2, .max = 2, .synopsis = "<id> <sif_path>",
	 .brief = "Delete data object",
	 .description = "Deletes a data object from a SIF image. The file does not get smaller.",
	 .examples = "$ singularity sif del 1 image.sif"},
	{.name = "sif dump", .command = CLI_FORWARD, .flags = CLI_INTERSPERSED, .min = 2, .max = 2, .synopsis = "<id> <sif_path>",
	 .brief = "Dump data object",
	 .description = "Writes a data object of a SIF image to standard output.",
	 .examples = "$ singularity sif dump 1 image.sif"},
	{.name = "sif header", .command = CLI_FORWARD, .flags = CLI_INTERSPERSED, .min = 1, .max = 1, .synopsis = "<sif_path>",
	 .brief = "Display global header",
	 .description = "Shows the global header of a SIF image.",
	 .examples = "$ singularity sif header image.sif"},
	{.name = "sif info", .command = CLI_FORWARD, .flags = CLI_INTERSPERSED, .min = 2, .max = 2, .synopsis = "<id> <sif_path>",
	 .brief = "Display data object info",
	 .description = "Shows all that a SIF image says of a data object.",
	 .examples = "$ singularity sif info 1 image.sif"},
	{.name = "sif list", .command = CLI_FORWARD, .flags = CLI_INTERSPERSED, .min = 1, .max = 1, .synopsis = "<sif_path>",
	 .brief = "List data objects",
	 .description = "Lists the data objects of a SIF image.",
	 .examples = "$ singularity sif list image.sif"},
	{.name = "sif new", .command = CLI_FORWARD, .flags = CLI_INTERSPERSED, .min = 1, .max = 1, .synopsis = "<sif_path>",
	 .brief = "Create SIF image",
	 .description = "Makes a SIF image without objects, with room for 48. A file that is there is replaced.",
	 .examples = "$ singularity sif new image.sif"},
	{.name = "sif setprim", .command = CLI_FORWARD, .flags = CLI_INTERSPERSED, .min = 2, .max = 2, .synopsis = "<id> <sif_path>",
	 .brief = "Set primary system partition",
	 .description = "Makes a system partition of a SIF image the one that is run.",
	 .examples = "$ singularity sif setprim 1 image.sif"},
	{.name = "test", .command = CLI_TEST, .on = CLI_ON_TEST, .min = 1, .max = INT_MAX,
	 .synopsis = "[test options...] <image path> [args...]",
	 .brief = "Run the user-defined tests within a container",
	 .description = "Starts the test script of the image; without one, there is nothing to fail.\n" IMAGE_TEXT,
	 .examples = "$ singularity test tool.sif"},
	{.name = "version", .command = CLI_VERSION, .min = 0, .max = 0, .synopsis = "",
	 .brief = "Show the version for Singularity", .description = "Prints the bare version."},

	LATER_ROW("capability", "caps", "Manage Linux capabilities for users and groups", "no capability can be granted so far"),
	LATER_ROW("completion", NULL, "Generate an autocompletion script", "no completion scripts are written so far"),
	LATER_ROW("config", NULL, "Manage various singularity configuration", "edit singularity.conf and /etc/subuid by hand so far"),
	LATER_ROW("data", NULL, "Manage an OCI-SIF data container", "OCI mode is missing so far"),
	LATER_ROW("instance", NULL, "Manage containers running as services", "instances are missing so far"),
	LATER_ROW("key", "keys", "Manage OpenPGP keys", "signing is missing so far"),
	LATER_ROW("oci", NULL, "Manage OCI containers", "OCI mode is missing so far"),
	LATER_ROW("overlay seal", NULL, "Seal a writable overlay of an OCI-SIF into a read-only layer", "OCI mode is missing so far"),
	LATER_ROW("overlay sync", NULL, "Sync an OCI-SIF with the content of its overlay", "OCI mode is missing so far"),
	LATER_ROW("plugin", "plugins", "Manage Singularity plugins", "plugins are programs in Go, which this program in C cannot load"),
	LATER_ROW("sign", NULL, "Add digital signatures to an image", "signing is missing so far"),
	LATER_ROW("verify", NULL, "Verify digital signatures of an image", "signing is missing so far"),
};
/* clang-format on */
const size_t cli_command_count = sizeof(cli_commands) / sizeof(cli_commands[0]);

const struct cli_command_row *cli_find_command(const char *name)
{
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command_row *row = &cli_commands[i];

		if (strcmp(row->name, name) == 0 || (row->alias && strcmp(row->alias, name) == 0))
			return row;
	}
	return NULL;
}

const struct cli_command_row *cli_find_subcommand(const struct cli_command_row *group, const char *name)
{
	size_t len = strlen(group->name);

	for (size_t i = 0; i < cli_command_count; i++) {
		const char *full = cli_commands[i].name;

		if (strncmp(full, group->name, len) == 0 && full[len] == ' ' && strcmp(full + len + 1, name) == 0)
			return &cli_commands[i];
	}
	return NULL;
}
