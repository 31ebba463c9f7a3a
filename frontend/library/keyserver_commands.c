/* SPDX-License-Identifier: BSD-3-Clause */
/* imager keyserver list, add, remove: which servers a remote takes keys from. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/imager.h"
#include "frontend/library/endpoint.h"
#include "frontend/library/remote_options.h"
#include "frontend/registry/url.h"
#include "frontend/settings/remote.h"
#include "frontend/ui/table.h"
#include "ipc/cleanup.h"

#define COLUMNS 5

/* The remote's own keyserver, as its services name it, is the first unless the list says where it stands. */
static int add_own(struct endpoint *endpoint, struct remote *remote, struct err *err)
{
	const char *own;
	int rc = endpoint_get_uri(endpoint, "keyserver", &own, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < remote->keyserver_count; i++)
		if (!remote->keyservers[i].external)
			return 0;
	rc = remote_add_keyserver(remote, own, 1, remote->is_insecure, err);
	if (rc == 0)
		remote->keyservers[0].external = false;
	return rc == -EEXIST ? 0 : rc;
}

/* ---- list ---- */

static bool is_logged_in(const struct remote_config *config, const char *uri)
{
	for (size_t i = 0; i < config->credential_count; i++)
		if (strcmp(config->credentials[i].uri, uri) == 0)
			return true;
	return false;
}

static int print_keyservers(const struct remote_config *config, const struct remote *remote, struct err *err)
{
	cleanup_ptr const char **cells = calloc(remote->keyserver_count * COLUMNS + 1, sizeof(*cells));
	cleanup_ptr char(*numbers)[24] = calloc(remote->keyserver_count + 1, sizeof(*numbers));
	size_t rows = 0;

	if (!cells || !numbers)
		return err_sys(err, ENOMEM, "cannot list the keyservers");
	for (size_t i = 0; i < remote->keyserver_count; i++) {
		const struct remote_keyserver *keyserver = &remote->keyservers[i];
		const char **line = &cells[rows * COLUMNS];

		if (keyserver->skip)
			continue;
		(void)snprintf(numbers[rows], sizeof(numbers[rows]), "#%zu", rows + 1);
		line[0] = " ";
		line[1] = numbers[rows++];
		line[2] = keyserver->uri;
		line[3] = keyserver->insecure ? "no TLS" : "TLS";
		line[4] = is_logged_in(config, keyserver->uri) ? "+" : "";
	}
	table_print(cells, rows, COLUMNS);
	return 0;
}

static int list_remote(const struct remote_options *options, const char *name, struct err *err)
{
	struct endpoint endpoint = ENDPOINT_INIT;
	struct err why = ERR_INIT;
	int rc = endpoint_open(options->config, name, &endpoint, err);

	if (rc < 0)
		return rc;
	printf("\n%s %s%s\n", name, endpoint.remote->is_system ? "*" : "",
	       endpoint.config.active && strcmp(endpoint.config.active, name) == 0 ? "^" : "");
	if (add_own(&endpoint, endpoint.remote, &why) < 0)
		printf("(unable to fetch associated keyserver info for this endpoint)\n");
	else
		rc = print_keyservers(&endpoint.config, endpoint.remote, err);
	endpoint_close(&endpoint);
	return rc;
}

static int list_keyservers(const struct remote_options *options, struct err *err)
{
	const char *only = options->count > 0 ? options->arguments[0] : NULL;
	struct remote_config config = REMOTE_CONFIG_INIT;
	struct err why = ERR_INIT;
	struct remote *found;
	int rc = remote_load_merged(options->config, &config, err);

	if (rc == 0 && only && remote_find(&config, only, &found, &why) < 0)
		rc = err_set(err, ERR_SYSTEM, ENOENT, "no remote-endpoint with the name \"%s\" found", only);
	for (size_t i = 0; rc == 0 && i < config.count; i++)
		if (!only || strcmp(only, config.remotes[i].name) == 0)
			rc = list_remote(options, config.remotes[i].name, err);
	remote_config_fini(&config);
	if (rc == 0)
		printf("\n(* = system endpoint, ^ = default endpoint,\n + = user is logged in directly to this keyserver)\n");
	return rc;
}

int keyserver_list_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : list_keyservers(&options, &err), &err);
}

/* ---- add, remove ---- */

/* In the administrator's file, for all users. */
static int change(const struct remote_options *options, bool add, size_t order, struct err *err)
{
	const char *name = options->count > 1 ? options->arguments[0] : NULL;
	const char *uri = options->arguments[options->count - 1];
	struct remote_config config = REMOTE_CONFIG_INIT;
	struct endpoint endpoint = ENDPOINT_INIT;
	cleanup_ptr char *path = NULL;
	struct remote *remote = NULL;
	int rc;

	if (geteuid() != 0)
		return err_set(err, ERR_DENIED, EPERM, "Unable to modify keyserver configuration: not root user");
	if (!url_is_valid(uri) || url_has_user(uri))
		return err_set(err, ERR_SYSTEM, EINVAL, "invalid keyserver URI \"%s\": give https://host[:port]", uri);
	if (add && !url_is_https(uri) && !options->insecure)
		return err_set(err, ERR_SYSTEM, EINVAL, "%s is not https: add --insecure if that is wanted", uri);
	rc = remote_system_path(&path, err);
	if (rc == 0)
		rc = remote_load(path, true, &config, err);
	if (rc == 0)
		rc = remote_find(&config, name, &remote, err);
	if (rc == 0 && !remote->is_system)
		rc = err_set(err, ERR_SYSTEM, EINVAL, "current endpoint is not a system defined endpoint");
	/* The services are those of the same remote. */
	if (rc == 0)
		rc = endpoint_open(NULL, remote->name, &endpoint, err);
	if (rc == 0)
		rc = add_own(&endpoint, remote, err);
	if (rc == 0)
		rc = add ? remote_add_keyserver(remote, uri, order, options->insecure, err) :
			   remote_remove_keyserver(remote, uri, err);
	if (rc == 0)
		rc = remote_save(path, &config, err);
	endpoint_close(&endpoint);
	remote_config_fini(&config);
	return rc;
}

static int add_keyserver(const struct remote_options *options, struct err *err)
{
	unsigned long order = 0;
	char *end;

	if (options->order) {
		errno = 0;
		order = strtoul(options->order, &end, 10);
		if (errno != 0 || *end != '\0' || options->order[0] == '-' || order == 0)
			return err_set(err, ERR_SYSTEM, EINVAL, "order must be > 0");
	}
	return change(options, true, order, err);
}

int keyserver_add_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : add_keyserver(&options, &err), &err);
}

int keyserver_remove_main(int argc, char **argv)
{
	struct remote_options options;
	struct err err = ERR_INIT;
	int rc = remote_options_parse(argc, argv, &options, &err);

	return remote_options_finish(rc < 0 ? rc : change(&options, false, 0, &err), &err);
}
