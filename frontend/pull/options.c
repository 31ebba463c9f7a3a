/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "frontend/image/arch.h"
#include "ipc/cleanup.h"

enum {
	OPT_FORCE = 1,
	OPT_DISABLE_CACHE,
	OPT_NO_HTTPS,
	OPT_DOCKER_LOGIN,
	OPT_ALLOW_UNSIGNED,
	OPT_DIR,
	OPT_NAME,
	OPT_ARCH,
	OPT_PLATFORM,
	OPT_TMPDIR,
	OPT_DOCKER_HOST,
	OPT_USERNAME,
	OPT_PASSWORD,
	OPT_AUTHFILE,
	OPT_LIBRARY,
	OPT_DESCRIPTION,
	OPT_INTO,
	OPT_WITHOUT_EFFECT,
};

/* Which command has which option is known to the tables of the command line. */
static const struct option long_options[] = {
	{"force", no_argument, NULL, OPT_FORCE},
	{"disable-cache", no_argument, NULL, OPT_DISABLE_CACHE},
	{"no-https", no_argument, NULL, OPT_NO_HTTPS},
	{"nohttps", no_argument, NULL, OPT_NO_HTTPS},
	{"docker-login", no_argument, NULL, OPT_DOCKER_LOGIN},
	{"allow-unsigned", no_argument, NULL, OPT_ALLOW_UNSIGNED},
	{"dir", required_argument, NULL, OPT_DIR},
	{"name", required_argument, NULL, OPT_NAME},
	{"arch", required_argument, NULL, OPT_ARCH},
	{"platform", required_argument, NULL, OPT_PLATFORM},
	{"tmpdir", required_argument, NULL, OPT_TMPDIR},
	{"docker-host", required_argument, NULL, OPT_DOCKER_HOST},
	{"docker-username", required_argument, NULL, OPT_USERNAME},
	{"docker-password", required_argument, NULL, OPT_PASSWORD},
	{"authfile", required_argument, NULL, OPT_AUTHFILE},
	{"library", required_argument, NULL, OPT_LIBRARY},
	{"description", required_argument, NULL, OPT_DESCRIPTION},
	{"into", required_argument, NULL, OPT_INTO},
	/* Nothing temporary is made that could be kept, and OCI mode is the other choice. */
	{"no-cleanup", no_argument, NULL, OPT_WITHOUT_EFFECT},
	{"no-oci", no_argument, NULL, OPT_WITHOUT_EFFECT},
	{"allow-unauthenticated", no_argument, NULL, OPT_WITHOUT_EFFECT},
	{NULL, 0, NULL, 0},
};

static bool *find_flag(struct pull_options *options, int option)
{
	switch (option) {
	case OPT_FORCE:
		return &options->force;
	case OPT_DISABLE_CACHE:
		return &options->disable_cache;
	case OPT_NO_HTTPS:
		return &options->no_https;
	case OPT_DOCKER_LOGIN:
		return &options->docker_login;
	case OPT_ALLOW_UNSIGNED:
		return &options->allow_unsigned;
	default:
		return NULL;
	}
}

static const char **find_text(struct pull_options *options, int option)
{
	switch (option) {
	case OPT_DIR:
		return &options->dir;
	case OPT_NAME:
		return &options->name;
	case OPT_ARCH:
		return &options->arch;
	case OPT_PLATFORM:
		return &options->platform;
	case OPT_TMPDIR:
		return &options->tmpdir;
	case OPT_DOCKER_HOST:
		return &options->docker_host;
	case OPT_USERNAME:
		return &options->username;
	case OPT_PASSWORD:
		return &options->password;
	case OPT_AUTHFILE:
		return &options->authfile;
	case OPT_LIBRARY:
		return &options->library;
	case OPT_DESCRIPTION:
		return &options->description;
	case OPT_INTO:
		return &options->into;
	default:
		return NULL;
	}
}

/* ---- platform ---- */

static int set_platform(struct oci_platform *want, const char *os, const char *arch, const char *variant, struct err *err)
{
	want->os = strdup(os);
	want->architecture = strdup(arch);
	want->variant = variant && *variant ? strdup(variant) : NULL;
	return want->os && want->architecture ? 0 : err_sys(err, ENOMEM, "cannot keep the platform");
}

/* "arm32v7" and "arm64v8" are how Docker Hub calls what Go and the index of an image call arm/v7 and arm64/v8. */
static int parse_arch(const char *text, struct oci_platform *want, struct err *err)
{
	static const char *const known[] = {"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le",
					    "mipsle", "ppc64", "ppc64le", "riscv64", "s390x"};
	const char *variant = NULL;
	char arch[16];

	(void)snprintf(arch, sizeof(arch), "%s", text);
	if (strncmp(text, "arm32v", 6) == 0 || strncmp(text, "arm64v", 6) == 0) {
		variant = text + 5;
		(void)snprintf(arch, sizeof(arch), "%s", text[3] == '6' ? "arm64" : "arm");
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(arch, known[i]) == 0)
			return set_platform(want, "linux", arch, variant, err);
	return err_set(err, ERR_SYSTEM, EINVAL, "architecture \"%s\" is not known: amd64, arm64, arm32v7, ppc64le, s390x, ...",
		       text);
}

static int parse_platform(const char *text, struct oci_platform *want, struct err *err)
{
	cleanup_ptr char *copy = strdup(text);
	char *rest = copy, *os = strsep(&rest, "/"), *arch = strsep(&rest, "/");

	if (!copy)
		return err_sys(err, ENOMEM, "cannot keep the platform");
	if (!os || strcmp(os, "linux") != 0 || !arch || !*arch || (rest && (!*rest || strchr(rest, '/'))))
		return err_set(err, ERR_SYSTEM, EINVAL, "platform \"%s\" is not of the form linux/ARCHITECTURE[/VARIANT]", text);
	return set_platform(want, os, arch, rest, err);
}

static int choose_platform(struct pull_options *options, struct err *err)
{
	if (options->arch && options->platform)
		return err_set(err, ERR_SYSTEM, EINVAL, "--arch and --platform exclude each other");
	if (options->platform)
		return parse_platform(options->platform, &options->want, err);
	if (options->arch)
		return parse_arch(options->arch, &options->want, err);
	return set_platform(&options->want, "linux", arch_get_host(), NULL, err);
}

/* ---- credentials ---- */

static int ask(const char *prompt, bool hidden, char **out, struct err *err)
{
	struct termios before, quiet;
	bool changed = hidden && tcgetattr(STDIN_FILENO, &before) == 0;
	size_t size = 0;
	ssize_t len;

	/* On stderr: standard output may be the result, as of a launch. */
	(void)fputs(prompt, stderr);
	if (changed) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	len = getline(out, &size, stdin);
	if (changed) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		(void)fputc('\n', stderr);
	}
	if (len <= 0)
		return err_set(err, ERR_SYSTEM, ENODATA, "cannot read the answer to \"%s\"", prompt);
	(*out)[strcspn(*out, "\r\n")] = '\0';
	return 0;
}

static int ask_credentials(struct pull_options *options, struct err *err)
{
	int rc = ask("Enter Docker Username: ", false, &options->asked_username, err);

	if (rc == 0)
		rc = ask("Enter Docker Password: ", true, &options->asked_password, err);
	options->username = options->asked_username;
	options->password = options->asked_password;
	return rc;
}

static const char *get_variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Without our prefix they are honoured as well. The password never comes by the command line unless the user put it there. */
static void use_variables(struct pull_options *options)
{
	if (!options->password && options->username)
		options->password = get_variable("SINGULARITY_DOCKER_PASSWORD");
	if (!options->username && !options->password) {
		options->username = get_variable("DOCKER_USERNAME");
		options->password = get_variable("DOCKER_PASSWORD");
	}
	if (!options->docker_host)
		options->docker_host = get_variable("DOCKER_HOST");
	if (!options->tmpdir)
		options->tmpdir = get_variable("TMPDIR");
	if (!options->tmpdir)
		options->tmpdir = "/tmp";
}

static int check_credentials(const struct pull_options *options, struct err *err)
{
	if (!options->username == !options->password)
		return 0;
	return err_set(err, ERR_SYSTEM, EINVAL, "a docker username needs a password, and the other way round");
}

int options_parse(int argc, char **argv, struct pull_options *options, int *first, struct err *err)
{
	int option, rc;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		bool *flag = find_flag(options, option);
		const char **text = find_text(options, option);

		if (option == '?' || option == ':')
			return err_set(err, ERR_BUG, EINVAL, "imager does not know the option %s", argv[optind - 1]);
		if (flag)
			*flag = true;
		if (text)
			*text = optarg;
	}
	*first = optind;
	rc = choose_platform(options, err);
	if (rc == 0 && options->docker_login)
		rc = ask_credentials(options, err);
	use_variables(options);
	return rc < 0 ? rc : check_credentials(options, err);
}

void options_fini(struct pull_options *options)
{
	free(options->want.os);
	free(options->want.architecture);
	free(options->want.variant);
	free(options->asked_username);
	if (options->asked_password)
		explicit_bzero(options->asked_password, strlen(options->asked_password));
	free(options->asked_password);
	*options = (struct pull_options){.force = false};
}

struct source_options options_for_source(const struct pull_options *options)
{
	return (struct source_options){
		.platform = options->want,
		.authfile = options->authfile,
		.username = options->username,
		.password = options->password,
		.no_https = options->no_https,
		.docker_host = options->docker_host,
		.tmpdir = options->tmpdir,
	};
}
