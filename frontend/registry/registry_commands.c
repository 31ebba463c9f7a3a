/* SPDX-License-Identifier: BSD-3-Clause */
/* imager registry login, logout, list: credentials are kept in docker-config.json, and that there are some in remote.yaml. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/imager.h"
#include "frontend/registry/docker_config.h"
#include "frontend/registry/reference.h"
#include "frontend/registry/registry.h"
#include "frontend/settings/remote.h"
#include "frontend/ui/prompt.h"
#include "frontend/ui/table.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define EXIT_FATAL 255

struct arguments {
	const char *config; /* remote.yaml; NULL: the user's */
	const char *username, *password, *authfile;
	bool password_stdin;
	const char *uri; /* as given; NULL: none */
	char *name;      /* owned; registry[/repository] */
};

enum { OPT_CONFIG = 1, OPT_USERNAME, OPT_PASSWORD, OPT_PASSWORD_STDIN, OPT_AUTHFILE };

static const struct option long_options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"username", required_argument, NULL, OPT_USERNAME},
	{"password", required_argument, NULL, OPT_PASSWORD},
	{"password-stdin", no_argument, NULL, OPT_PASSWORD_STDIN},
	{"authfile", required_argument, NULL, OPT_AUTHFILE},
	{NULL, 0, NULL, 0},
};

static int read_uri(struct arguments *arguments, struct err *err)
{
	const char *uri = arguments->uri;

	if (strncmp(uri, "docker://", 9) != 0 && strncmp(uri, "oras://", 7) != 0)
		return err_set(err, ERR_USAGE, EINVAL, "cannot use \"%s\": docker:// or oras:// and the name of a registry is wanted", uri);
	return reference_parse_registry(uri, &arguments->name, err);
}

static int parse_arguments(int argc, char **argv, struct arguments *out, struct err *err)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (option) {
		case OPT_CONFIG:
			out->config = optarg;
			break;
		case OPT_USERNAME:
			out->username = optarg;
			break;
		case OPT_PASSWORD:
			out->password = optarg;
			break;
		case OPT_PASSWORD_STDIN:
			out->password_stdin = true;
			break;
		case OPT_AUTHFILE:
			out->authfile = optarg;
			break;
		default:
			return err_set(err, ERR_USAGE, EINVAL, "imager registry does not know the option %s", argv[optind - 1]);
		}
	}
	if (optind == argc)
		return 0;
	out->uri = argv[optind];
	return read_uri(out, err);
}

static int finish(struct arguments *arguments, int rc, struct err *err)
{
	if (rc == 0 && fflush(stdout) == EOF)
		rc = err_sys(err, errno, "cannot write to standard output");
	free(arguments->name);
	if (rc < 0)
		log_fatal("%s", err->message);
	return rc < 0 ? EXIT_FATAL : EXIT_SUCCESS;
}

/* ---- login ---- */

static int get_password(const struct arguments *arguments, char **out, struct err *err)
{
	const char *variable = getenv("SINGULARITY_LOGIN_PASSWORD");
	int rc = 0;

	if (arguments->password_stdin && arguments->password)
		return err_set(err, ERR_USAGE, EINVAL, "--password and --password-stdin exclude each other");
	if (arguments->password_stdin)
		rc = prompt_read_secret(out, err);
	else if (arguments->password)
		*out = strdup(arguments->password);
	else if (variable && *variable)
		*out = strdup(variable);
	else
		rc = prompt_secret("Password / Token: ", out, err);
	if (rc == -ENOTTY)
		return err_set(err, ERR_SYSTEM, ENOTTY, "cannot ask for the password, standard input is not a terminal: use --password-stdin");
	if (rc == 0 && !*out)
		return err_sys(err, ENOMEM, "cannot log in");
	if (rc == 0 && !**out) {
		free(*out);
		*out = NULL;
		return err_set(err, ERR_USAGE, EINVAL, "the password is empty");
	}
	return rc;
}

static int keep(const struct arguments *arguments, const char *password, bool insecure, struct err *err)
{
	cleanup_ptr char *path = NULL, *uri = NULL;
	int rc = docker_config_store(arguments->authfile, arguments->name, arguments->username, password, err);

	if (rc == 0)
		rc = docker_config_get_path(arguments->authfile, &path, err);
	if (rc < 0)
		return rc;
	if (!arguments->authfile) {
		if (asprintf(&uri, "%.*s%s", (int)(strstr(arguments->uri, "://") + 3 - arguments->uri), arguments->uri,
			     arguments->name) < 0) {
			uri = NULL;
			return err_sys(err, ENOMEM, "cannot log in");
		}
		rc = remote_note_login(arguments->config, uri, NULL, insecure, err);
	}
	if (rc == 0)
		log_info("Token stored in %s", path);
	return rc;
}

static int login(const struct arguments *arguments, struct err *err)
{
	struct registry_options options = {.username = arguments->username};
	char *password = NULL;
	bool insecure = false;
	int rc;

	if (!arguments->username || !*arguments->username)
		return err_set(err, ERR_USAGE, EINVAL, "cannot log in to %s: a user name is wanted (--username)", arguments->name);
	rc = get_password(arguments, &password, err);
	if (rc < 0)
		return rc;
	options.password = password;
	rc = registry_check_login(arguments->name, &options, &insecure, err);
	if (rc == 0)
		rc = keep(arguments, password, insecure, err);
	prompt_free_secret(password);
	return rc;
}

int registry_login_main(int argc, char **argv)
{
	struct arguments arguments = {.config = NULL};
	struct err err = ERR_INIT;
	int rc = parse_arguments(argc, argv, &arguments, &err);

	if (rc == 0)
		rc = login(&arguments, &err);
	return finish(&arguments, rc, &err);
}

/* ---- logout ---- */

/* Of both schemes: they share the credentials. */
static int forget_note(const struct arguments *arguments, bool *noted, struct err *err)
{
	static const char *const schemes[] = {"docker", "oras"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		cleanup_ptr char *uri = NULL;
		bool found = false;
		int rc;

		if (asprintf(&uri, "%s://%s", schemes[i], arguments->name) < 0) {
			uri = NULL;
			return err_sys(err, ENOMEM, "cannot log out");
		}
		rc = remote_note_logout(arguments->config, uri, &found, err);
		if (rc < 0)
			return rc;
		*noted |= found;
	}
	return 0;
}

int registry_logout_main(int argc, char **argv)
{
	struct arguments arguments = {.config = NULL};
	struct err err = ERR_INIT;
	bool noted = false;
	int rc = parse_arguments(argc, argv, &arguments, &err);

	if (rc == 0 && !arguments.authfile)
		rc = forget_note(&arguments, &noted, &err);
	if (rc == 0) {
		rc = docker_config_erase(arguments.authfile, arguments.name, &err);
		/* The credentials may have gone by other ways. */
		if (rc == -ENOENT && noted)
			rc = 0;
	}
	if (rc == 0)
		log_info("Logout succeeded");
	return finish(&arguments, rc, &err);
}

/* ---- list ---- */

static bool is_registry(const char *uri)
{
	return strncmp(uri, "docker://", 9) == 0 || strncmp(uri, "oras://", 7) == 0;
}

static int list(const struct arguments *arguments, struct err *err)
{
	struct remote_config config = REMOTE_CONFIG_INIT;
	cleanup_ptr char *path = NULL;
	const char **cells;
	size_t rows = 1;
	int rc = 0;

	if (arguments->config)
		path = strdup(arguments->config);
	else
		rc = remote_user_path(&path, err);
	if (rc == 0 && !path)
		rc = err_sys(err, ENOMEM, "cannot list the registries");
	if (rc == 0)
		rc = remote_load(path, false, &config, err);
	if (rc < 0)
		return rc;
	cells = calloc(config.credential_count + 1, 2 * sizeof(*cells));
	if (!cells) {
		remote_config_fini(&config);
		return err_sys(err, ENOMEM, "cannot list the registries");
	}
	cells[0] = "URI";
	cells[1] = "SECURE?";
	for (size_t i = 0; i < config.credential_count; i++) {
		if (!is_registry(config.credentials[i].uri))
			continue;
		cells[2 * rows] = config.credentials[i].uri;
		cells[2 * rows + 1] = config.credentials[i].insecure ? "✗!" : "✓";
		rows++;
	}
	table_print(cells, rows, 2);
	free(cells);
	remote_config_fini(&config);
	return 0;
}

int registry_list_main(int argc, char **argv)
{
	struct arguments arguments = {.config = NULL};
	struct err err = ERR_INIT;
	int rc = parse_arguments(argc, argv, &arguments, &err);

	if (rc == 0)
		rc = list(&arguments, &err);
	return finish(&arguments, rc, &err);
}
