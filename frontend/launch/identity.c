/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/launch/identity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/cli_csv.h"
#include "frontend/launch/account.h"
#include "frontend/launch/mount_list.h"
#include "ipc/cleanup.h"

#define FAIL(err, ...) err_set(err, ERR_SYSTEM, EINVAL, __VA_ARGS__)

/* The file alone: its lines are in the action spec. */
static int identity_add_account(struct builder *builder, enum plan_mount_kind kind, const char *target, struct err *err)
{
	struct plan_mount *mount;
	int result = mount_list_new(builder, kind, PLAN_ORIGIN_FILE, PLAN_FAIL_WARN, target, &mount, err);

	if (result < 0)
		return result;
	mount->mode = 0644;
	mount->target_is_file = true;
	return 0;
}

static int identity_add_accounts(struct builder *builder, struct err *err)
{
	bool as_root = builder->host->uid == 0 || builder->plan->flow == PLAN_FLOW_FAKEROOT ||
		       builder->plan->process.emulate_root;
	int result = 0;

	if (as_root) /* every image knows root */
		return 0;
	builder->passwd = account_make_passwd(builder->host, builder->home);
	builder->group = account_make_group(builder->host);
	if (!builder->passwd || !builder->group)
		return err_sys(err, ENOMEM, "cannot write account files");
	if (builder->conf->config_passwd)
		result = identity_add_account(builder, PLAN_MOUNT_PASSWD, "/etc/passwd", err);
	if (result == 0 && builder->conf->config_group)
		result = identity_add_account(builder, PLAN_MOUNT_GROUP, "/etc/group", err);
	return result;
}

/* --dns: every entry is an address. */
static int identity_add_dns(struct builder *builder, struct err *err)
{
	struct strlist servers = {0, NULL};
	cleanup_ptr char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int result = out ? cli_csv_split(builder->request->action.dns, &servers, err) : -ENOMEM;

	for (size_t i = 0; result == 0 && i < servers.count; i++) {
		unsigned char address[sizeof(struct in6_addr)];

		if (inet_pton(AF_INET, servers.items[i], address) != 1 &&
		    inet_pton(AF_INET6, servers.items[i], address) != 1)
			result = FAIL(err, "DNS nameserver %s is not an IP address",
				      servers.items[i]);
		else
			(void)fprintf(out, "nameserver %s\n", servers.items[i]);
	}
	cli_csv_free(&servers, 0);
	if (out && fclose(out) != 0)
		result = -ENOMEM;
	return result < 0 ? result : mount_list_add_file(builder, "/etc/resolv.conf", text, err);
}

int identity_add_files(struct builder *builder, struct err *err)
{
	const struct cli_action *action = &builder->request->action;
	cleanup_ptr char *hostname = NULL, *resolv = builder->view->resolve("/etc/resolv.conf");
	int result = identity_add_accounts(builder, err);

	if (result == 0 && action->dns)
		result = identity_add_dns(builder, err);
	else if (result == 0 && builder->conf->config_resolv_conf && resolv &&
		 !mount_list_is_off(builder, "/etc/resolv.conf") &&
		 !mount_list_is_off(builder, "bind-paths"))
		result = mount_list_add_bind(builder, PLAN_ORIGIN_RESOLV, PLAN_FAIL_SILENT, resolv,
					     "/etc/resolv.conf", MOUNT_LIST_ATTRS, err);
	if (result == 0 && builder->contained && builder->plan->ns_net)
		result = mount_list_add_file(builder, "/etc/hosts",
					     "127.0.0.1 localhost\n::1 localhost\n", err);
	if (result < 0 || !action->hostname || !builder->plan->ns_uts)
		return result;
	if (asprintf(&hostname, "%s\n", action->hostname) < 0)
		return err_sys(err, ENOMEM, "host name");
	return mount_list_add_file(builder, "/etc/hostname", hostname, err);
}
