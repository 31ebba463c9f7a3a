/* SPDX-License-Identifier: BSD-3-Clause */
/* imager remote add, remove, use, list, login, logout, status, get-login-password. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "frontend/imager.h"
#include "frontend/library/endpoint.h"
#include "frontend/library/remote_options.h"
#include "frontend/settings/remote.h"
#include "frontend/ui/prompt.h"
#include "frontend/ui/table.h"
#include "ipc/cleanup.h"
#include "ipc/log.h"

#define TOKENFILE_BYTES_MAX 65536
#define COLUMNS 6
#define VERSION_MAX 64

/* ---- which file ---- */

/* The file to change, and what is in it: the user's, with @merged the administrator's remotes too, or the administrator's. */
static int open_config(const struct remote_options *options, bool merged, char **path, struct remote_config *out, struct err *err)
{
	int rc;

	*path = NULL;
	if (options->global && geteuid() != 0)
		return err_set(err, ERR_DENIED, EPERM, "Unable to modify global endpoint configuration file: not root user");
	if (options->global) {
		rc = remote_system_path(path, err);
		return rc < 0 ? rc : remote_load(*path, true, out, err);
	}
	if (options->config) {
		*path = strdup(options->config);
		rc = *path ? 0 : err_sys(err, ENOMEM, "cannot keep the remotes");
	} else {
		rc = remote_user_path(path, err);
	}
	if (rc < 0)
		return rc;
	return merged ? remote_load_merged(*path, out, err) : remote_load(*path, false, out, err);
}

/* ---- add, remove, use ---- */

static int login(const struct remote_options *options, const char *name, struct err *err);

static int add_remote(const struct remote_options *options, struct err *err)
{
	const char *name = options->arguments[0], *uri = options->arguments[1];
	struct remote_config config = REMOTE_CONFIG_INIT, all = REMOTE_CONFIG_INIT;
	cleanup_ptr char *path = NULL;
	struct remote *taken;
	struct err ignored = ERR_INIT;
	int rc = open_config(options, false, &path, &config, err);

	if (rc < 0)
		return rc;
	/* A name that the administrator has taken would make the user's file unreadable from then on. */
	if (!options->global && remote_load_merged(path, &all, &ignored) == 0 && remote_find(&all, name, &taken, &ignored) == 0)
		rc = err_set(err, ERR_SYSTEM, EEXIST, "%s is already a remote", name);
	remote_config_fini(&all);
	if (rc == 0)
		rc = remote_add(&config, name, uri, options->insecure, err);
	if (rc == 0 && !options->no_default)
		rc = remote_use(&config, name, false, err);
	if (rc == 0)
		rc = remote_save(path, &config, err);
	remote_config_fini(&config);
	if (rc < 0)
		return rc;
	log_info("Remote \"%s\" added.", name);
	if (options->insecure)
		log_warning("\"%s\" is reached by http: who is on the way can read and change everything, tokens too", name);
	if (options->no_login)
		return 0;
	if (options->global) {
		log_info("Global option detected. Will not automatically log into remote.");
		return 0;
	}
	return login(options, name, err);
}

int remote_add_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : add_remote(&options, &err), &err);
}

static int remove_remote(const struct remote_options *options, struct err *err)
{
	struct remote_config config = REMOTE_CONFIG_INIT;
	cleanup_ptr char *path = NULL;
	int rc = open_config(options, false, &path, &config, err);

	if (rc == 0)
		rc = remote_remove(&config, options->arguments[0], err);
	if (rc == 0)
		rc = remote_save(path, &config, err);
	remote_config_fini(&config);
	if (rc == 0)
		log_info("Remote \"%s\" removed.", options->arguments[0]);
	return rc;
}

int remote_remove_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : remove_remote(&options, &err), &err);
}

static int use_remote(struct remote_options *options, struct err *err)
{
	struct remote_config config = REMOTE_CONFIG_INIT;
	cleanup_ptr char *path = NULL;
	int rc;

	if (options->exclusive && geteuid() != 0)
		return err_set(err, ERR_DENIED, EPERM, "unable to set endpoint as exclusive: not root user");
	options->global |= options->exclusive;
	rc = open_config(options, true, &path, &config, err);
	if (rc == 0)
		rc = remote_use(&config, options->arguments[0], options->exclusive, err);
	if (rc == 0)
		rc = remote_save(path, &config, err);
	remote_config_fini(&config);
	if (rc == 0)
		log_info("Remote \"%s\" now in use.", options->arguments[0]);
	return rc;
}

int remote_use_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : use_remote(&options, &err), &err);
}

/* ---- list ---- */

static int list_remotes(const struct remote_options *options, struct err *err)
{
	static const char *const heads[COLUMNS] = {"NAME", "URI", "DEFAULT?", "GLOBAL?", "EXCLUSIVE?", "SECURE?"};
	struct remote_config config = REMOTE_CONFIG_INIT;
	cleanup_ptr const char **cells = NULL;
	int rc = remote_load_merged(options->config, &config, err);

	if (rc < 0)
		return rc;
	cells = calloc((config.count + 1) * COLUMNS, sizeof(*cells));
	if (!cells) {
		remote_config_fini(&config);
		return err_sys(err, ENOMEM, "cannot list the remotes");
	}
	memcpy(cells, heads, sizeof(heads));
	for (size_t i = 0; i < config.count; i++) {
		const struct remote *remote = &config.remotes[i];
		const char **line = &cells[(i + 1) * COLUMNS];

		line[0] = remote->name;
		line[1] = remote->uri;
		line[2] = config.active && strcmp(config.active, remote->name) == 0 ? "✓" : "";
		line[3] = remote->is_system ? "✓" : "";
		line[4] = remote->is_exclusive ? "✓" : "";
		line[5] = remote->is_insecure ? "✗!" : "✓";
	}
	(void)putchar('\n');
	table_print(cells, config.count + 1, COLUMNS);
	remote_config_fini(&config);
	return 0;
}

int remote_list_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : list_remotes(&options, &err), &err);
}

/* ---- login, logout ---- */

static int read_tokenfile(const char *path, char **out, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, TOKENFILE_BYTES_MAX + 1);
	size_t filled = 0;

	if (!text)
		return err_sys(err, ENOMEM, "cannot read %s", path);
	while (fd >= 0 && filled < TOKENFILE_BYTES_MAX) {
		ssize_t got = read(fd, text + filled, TOKENFILE_BYTES_MAX - filled);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			filled = got < 0 ? SIZE_MAX : filled;
			break;
		}
		filled += (size_t)got;
	}
	if (fd < 0 || filled == SIZE_MAX) {
		int errnum = errno;

		prompt_free_secret(text);
		return err_sys(err, errnum, "while reading tokenfile: %s", path);
	}
	/* A file may hold more than the token: the first line is it. */
	text[strcspn(text, "\r\n")] = '\0';
	*out = text;
	return 0;
}

/* *@out owned; NULL when the user gave none. */
static int get_token(const struct remote_options *options, const struct endpoint *endpoint, char **out, struct err *err)
{
	bool again = true;
	int rc;

	*out = NULL;
	if (options->username)
		return err_set(err, ERR_SYSTEM, EINVAL,
			       "a remote is logged in to with a token, not with a user name: for a registry use \"singularity registry "
			       "login\", for a keyserver \"singularity keyserver login\"");
	if (options->tokenfile)
		return read_tokenfile(options->tokenfile, out, err);
	if (options->password_stdin)
		return prompt_read_secret(out, err);
	if (options->password) {
		*out = strdup(options->password);
		return *out ? 0 : err_sys(err, ENOMEM, "cannot keep the token");
	}
	if (endpoint->remote->token) {
		rc = prompt_yes_no("An access token is already set for this remote. Replace it? [y/N] ", false, &again, err);
		if (rc < 0 || !again)
			return rc;
	}
	printf("Generate an access token at %s/auth/tokens, and paste it here.\n", endpoint->url);
	printf("Token entered will be hidden for security.\n");
	return prompt_secret("Access Token: ", out, err);
}

static int check_token(struct endpoint *endpoint, const char *token, struct err *err)
{
	int rc = remote_check_token(token, err);

	if (rc == 0)
		rc = endpoint_verify_token(endpoint, token, err);
	if (rc < 0)
		return err_wrap(err, "while verifying token");
	log_info("Access Token Verified!");
	return 0;
}

/* Only the token is kept: discovery may have taken long, and the file may have changed meanwhile. */
static int store_token(const struct remote_options *options, const char *name, const char *token, char **path, struct err *err)
{
	struct remote_config config = REMOTE_CONFIG_INIT;
	struct remote *remote;
	int rc = open_config(options, true, path, &config, err);

	if (rc == 0)
		rc = remote_find(&config, name, &remote, err);
	if (rc == 0)
		rc = remote_set_token(remote, token, err);
	if (rc == 0)
		rc = remote_save(*path, &config, err);
	remote_config_fini(&config);
	return rc;
}

static int login(const struct remote_options *options, const char *name, struct err *err)
{
	struct remote_options user = *options;
	struct endpoint endpoint = ENDPOINT_INIT;
	cleanup_ptr char *path = NULL;
	char *token = NULL;
	int rc;

	user.global = false;
	if (name && strstr(name, "://"))
		return err_set(err, ERR_SYSTEM, EINVAL,
			       "%s is not a remote: for a registry use \"singularity registry login\", for a keyserver \"singularity "
			       "keyserver login\"",
			       name);
	rc = endpoint_open(options->config, name, &endpoint, err);
	if (rc < 0)
		return rc;
	if (options->insecure && !endpoint.remote->is_insecure)
		log_warning("%s is a remote with https: --insecure changes nothing", endpoint.remote->name);
	rc = get_token(options, &endpoint, &token, err);
	if (rc == 0 && token && (*token || options->tokenfile || options->password_stdin || options->password)) {
		rc = check_token(&endpoint, token, err);
		if (rc == 0)
			rc = store_token(&user, endpoint.remote->name, token, &path, err);
		if (rc == 0)
			log_info("Token stored in %s", path);
	}
	prompt_free_secret(token);
	endpoint_close(&endpoint);
	return rc;
}

int remote_login_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	if (rc == 0 && !options.password && !options.password_stdin && !options.tokenfile) {
		/* Not by the command line: it can be read by everybody. */
		const char *secret = getenv("SINGULARITY_LOGIN_PASSWORD");

		options.password = secret && *secret ? secret : NULL;
	}
	return remote_options_finish(rc < 0 ? rc : login(&options, options.count > 0 ? options.arguments[0] : NULL, &err), &err);
}

static int logout(const struct remote_options *options, struct err *err)
{
	const char *name = options->count > 0 ? options->arguments[0] : NULL;
	cleanup_ptr char *path = NULL;
	int rc;

	if (name && strstr(name, "://"))
		return err_set(err, ERR_SYSTEM, EINVAL,
			       "%s is not a remote: for a registry use \"singularity registry logout\", for a keyserver \"singularity "
			       "keyserver logout\"",
			       name);
	rc = store_token(options, name, NULL, &path, err);
	if (rc == 0)
		log_info("Logout succeeded");
	return rc;
}

int remote_logout_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : logout(&options, &err), &err);
}

/* ---- status, get-login-password ---- */

/* The JSON that @url answers with; *@out owned. */
static int get_json(const struct endpoint *endpoint, const char *base, const char *path, const char *token, json_t **out,
		    struct err *err)
{
	cleanup_ptr char *url = NULL, *authorization = NULL;
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.once = true};
	int rc;

	if (asprintf(&url, "%s%s", base, path) < 0)
		url = NULL;
	if (asprintf(&authorization, "Bearer %s", token ? token : "") < 0)
		authorization = NULL;
	if (!url || !authorization)
		return err_sys(err, ENOMEM, "cannot ask %s", base);
	request.url = url;
	request.authorization = token ? authorization : NULL;
	rc = http_perform(endpoint->http, &request, &response, err);
	if (rc == 0 && response.status != 200)
		rc = http_fail(&response, err, base);
	if (rc == 0) {
		*out = json_loadb(response.body ? response.body : "", response.body_size, 0, NULL);
		if (!*out)
			rc = err_set(err, ERR_SYSTEM, EPROTO, "%s does not answer with JSON", base);
	}
	http_response_fini(&response);
	return rc;
}

static void ask_version(const struct endpoint *endpoint, const char *uri, const char **status, char version[VERSION_MAX])
{
	struct err err = ERR_INIT;
	json_t *root = NULL;
	const char *text;

	version[0] = '\0';
	if (get_json(endpoint, uri, "/version", NULL, &root, &err) < 0) {
		log_debug("%s", err.message);
		*status = "N/A";
		return;
	}
	*status = "OK";
	text = json_string_value(json_object_get(json_object_get(root, "data"), "version"));
	(void)snprintf(version, VERSION_MAX, "%s", text ? text : "");
	json_decref(root);
}

/* "keyserver" is shown as "Keyserver". */
static char *title(const char *name)
{
	char *out = strdup(name);

	if (out && *out >= 'a' && *out <= 'z')
		*out = (char)(*out - 'a' + 'A');
	return out;
}

static int print_services(const struct endpoint *endpoint, struct err *err)
{
	const size_t columns = 4, count = endpoint->services.count;
	cleanup_ptr const char **cells = calloc((count + 1) * columns, sizeof(*cells));
	cleanup_ptr char(*versions)[VERSION_MAX] = calloc(count + 1, sizeof(*versions));
	cleanup_ptr char **names = calloc(count + 1, sizeof(*names));
	bool complete = cells && versions && names;

	if (complete) {
		cells[0] = "SERVICE";
		cells[1] = "STATUS";
		cells[2] = "VERSION";
		cells[3] = "URI";
	}
	for (size_t i = 0; complete && i < count; i++) {
		const struct endpoint_service *service = &endpoint->services.items[i];
		const char **line = &cells[(i + 1) * columns];

		names[i] = title(service->name);
		complete = names[i] != NULL;
		ask_version(endpoint, service->uri, &line[1], versions[i]);
		line[0] = names[i];
		line[2] = versions[i];
		line[3] = service->uri;
	}
	if (complete)
		table_print(cells, count + 1, columns);
	for (size_t i = 0; names && i < count; i++)
		free(names[i]);
	return complete ? 0 : err_sys(err, ENOMEM, "cannot list the services");
}

static int get_user(struct endpoint *endpoint, json_t **out, struct err *err)
{
	const char *library;
	int rc = endpoint_get_uri(endpoint, "library", &library, err);

	if (rc < 0)
		return rc;
	rc = get_json(endpoint, library, "/v1/rbac/users/current", endpoint->remote->token, out, err);
	return rc == -EACCES ? err_set(err, ERR_SYSTEM, EACCES,
				       "must be logged in to retrieve user data: log in with \"singularity remote login\"") :
			       rc;
}

static void print_identity(struct endpoint *endpoint)
{
	struct err err = ERR_INIT;
	const char *name, *email;
	json_t *user = NULL;

	if (!endpoint->remote->token || get_user(endpoint, &user, &err) < 0)
		return;
	name = json_string_value(json_object_get(user, "username"));
	email = json_string_value(json_object_get(user, "email"));
	if (name && *name)
		printf("\nLogged in as: %s <%s>\n\n", name, email ? email : "");
	json_decref(user);
}

static int print_token(struct endpoint *endpoint, struct err *err)
{
	int rc;

	if (!endpoint->remote->token) {
		printf("\nNo authentication token set (logged out).\n");
		return 0;
	}
	rc = endpoint_verify_token(endpoint, endpoint->remote->token, err);
	printf(rc == 0 ? "\nValid authentication token set (logged in).\n" :
			 "\nAuthentication token is invalid (please login again).\n");
	return rc;
}

static int show_status(const struct remote_options *options, struct err *err)
{
	const char *name = options->count > 0 ? options->arguments[0] : NULL;
	struct endpoint endpoint = ENDPOINT_INIT;
	int rc;

	if (name)
		log_info("Checking status of remote: %s", name);
	else
		log_info("Checking status of default remote.");
	rc = endpoint_open(options->config, name, &endpoint, err);
	if (rc < 0)
		return rc;
	rc = endpoint_discover(&endpoint, err);
	if (rc == 0)
		rc = print_services(&endpoint, err);
	if (rc == 0) {
		print_identity(&endpoint);
		rc = print_token(&endpoint, err);
	}
	endpoint_close(&endpoint);
	return rc;
}

int remote_status_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : show_status(&options, &err), &err);
}

/* The password for the registry behind the library: asked for on purpose, to be piped into a login. */
static int print_login_password(const struct remote_options *options, struct err *err)
{
	struct endpoint endpoint = ENDPOINT_INIT;
	const char *secret;
	json_t *user = NULL;
	int rc = endpoint_open(options->config, NULL, &endpoint, err);

	if (rc < 0)
		return rc;
	if (!endpoint.remote->token)
		rc = err_set(err, ERR_SYSTEM, EACCES, "must be logged in to retrieve user data: log in with \"singularity remote login\"");
	else
		rc = get_user(&endpoint, &user, err);
	if (rc == 0) {
		secret = json_string_value(json_object_get(json_object_get(user, "oidc_user_meta"), "secret"));
		if (secret && *secret)
			printf("%s\n", secret);
		else
			rc = err_set(err, ERR_SYSTEM, ENODATA, "no token was received from service");
		json_decref(user);
	}
	endpoint_close(&endpoint);
	return rc;
}

int remote_get_login_password_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : print_login_password(&options, &err), &err);
}
