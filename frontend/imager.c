/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program for everything that reads or writes archives and file systems. It is executed by `singularity`, never typed
 * by a user, so its command lines are in canonical form: options first, no abbreviations.
 */
#include "frontend/imager.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/libraries.h"
#include "ipc/log.h"

#define EXIT_FATAL 255

struct subcommand {
	const char *name;
	const char *second; /* NULL: one word */
	int (*run)(int argc, char **argv);
};

static const struct subcommand subcommands[] = {
	{"build", NULL, build_main},
	{"cache", "clean", cache_clean_main},
	{"cache", "list", cache_list_main},
	{"delete", NULL, delete_main},
	{"extract-image", NULL, extract_main},
	{"pull", NULL, pull_main},
	{"push", NULL, push_main},
	{"read-files", NULL, read_files_main},
	{"resolve", NULL, resolve_main},
	{"keyserver", "add", keyserver_add_main},
	{"keyserver", "list", keyserver_list_main},
	{"keyserver", "remove", keyserver_remove_main},
	{"remote", "add", remote_add_main},
	{"remote", "get-login-password", remote_get_login_password_main},
	{"remote", "list", remote_list_main},
	{"remote", "login", remote_login_main},
	{"remote", "logout", remote_logout_main},
	{"remote", "remove", remote_remove_main},
	{"remote", "status", remote_status_main},
	{"remote", "use", remote_use_main},
	{"search", NULL, search_main},
	{"registry", "login", registry_login_main},
	{"registry", "logout", registry_logout_main},
	{"registry", "list", registry_list_main},
	{"seccomp-compile", NULL, seccomp_compile_main},
	{"sif", "header", sif_header_main},
	{"sif", "list", sif_list_main},
	{"sif", "info", sif_info_main},
	{"sif", "dump", sif_dump_main},
	{"sif", "new", sif_new_main},
	{"sif", "add", sif_add_main},
	{"sif", "del", sif_del_main},
	{"sif", "setprim", sif_setprim_main},
	{"overlay", "create", overlay_create_main},
};

static void init_log(void)
{
	const char *text = getenv("SINGULARITY_MESSAGELEVEL");
	int level = LOG_LEVEL_INFO;
	bool colour = false;

	if (text && *text) {
		char *end;
		long value = strtol(text, &end, 10);

		if (*end == '\0' && value >= -200 && value <= 200)
			log_decode_level((int)value, &level, &colour);
	}
	log_init(level, colour);
}

int main(int argc, char **argv)
{
	init_log();
	libraries_prepare();
	if (argc < 2) {
		log_fatal("imager is started by singularity, and needs a subcommand");
		return EXIT_FATAL;
	}
	for (size_t i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
		const struct subcommand *row = &subcommands[i];
		int words = row->second ? 2 : 1;

		if (strcmp(argv[1], row->name) == 0 &&
		    (!row->second || (argc > 2 && strcmp(argv[2], row->second) == 0)))
			return row->run(argc - words, argv + words);
	}
	log_fatal("imager has no subcommand %s", argv[1]);
	return EXIT_FATAL;
}
