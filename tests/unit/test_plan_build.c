/* SPDX-License-Identifier: BSD-3-Clause */
/* The builder behind a fixed host: same inputs, same plan, as tests/unit/golden/ has it (UPDATE_GOLDEN=1 writes it anew). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/launch/plan_build.h"
#include "frontend/launch/plan_print.h"
#include "ipc/plan.h"

#define GOLDEN_DIR "tests/unit/golden"

static struct plan plan;
static struct conf_frontend conf;
static struct err err;
static struct builder builder;
static struct cli_request request;
static struct host host;
static struct image image;
static struct image_partition partition;
static char name[] = "ann", home[] = "/home/ann", shell[] = "/bin/bash", gecos[] = "Ann", cwd[] = "/work/ann",
	    image_path[] = "/images/one.sif";
static bool has_subids;
static const char *missing_program;

/* ---- the host that every plan here is made on --------------------------------------------------------------------- */

static int fake_open_path(const char *path, int *out_fd, bool *is_dir)
{
	static const char *const dirs[] = {"/dev", "/proc", "/sys", "/tmp", "/var/tmp", "/home/ann", "/root", "/work/ann",
					   "/data", "/wd/home", "/wd/tmp", "/wd/var_tmp", "/wd/scratch/s"};
	static const char *const files[] = {"/etc/hosts", "/etc/localtime", "/etc/resolv.conf", "/dev/null", "/dev/zero",
					    "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/fuse", "/data/file"};
	bool found = false;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (strcmp(path, dirs[i]) == 0)
			*is_dir = found = true;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(path, files[i]) == 0) {
			*is_dir = false;
			found = true;
		}
	if (!found)
		return -ENOENT;
	*out_fd = open("/dev/null", O_PATH | O_CLOEXEC);
	return *out_fd < 0 ? -errno : 0;
}

static char *fake_resolve(const char *path)
{
	bool is_dir;
	int fd;

	if (strcmp(path, "/wd") == 0)
		return strdup(path);
	if (fake_open_path(path, &fd, &is_dir) < 0) {
		errno = ENOENT;
		return NULL;
	}
	(void)close(fd);
	return strdup(path);
}

static int fake_make_dir(const char *path, mode_t mode)
{
	(void)mode;
	return strncmp(path, "/wd/", 4) == 0 ? 0 : -EACCES;
}

static int fake_open_installed(const char *program, int *out_fd, struct err *error)
{
	(void)program;
	(void)error;
	*out_fd = open("/dev/null", O_PATH | O_CLOEXEC);
	return *out_fd < 0 ? -errno : 0;
}

/* On a file system without nosuid, which /dev may be. */
static int fake_open_program(const char *program, const char *search_path, int *out_fd)
{
	(void)search_path;
	if (missing_program && strcmp(program, missing_program) == 0)
		return -ENOENT;
	*out_fd = open("/", O_PATH | O_CLOEXEC);
	return *out_fd < 0 ? -errno : 0;
}

static int fake_find_subids(const struct host *of, const char *file, struct plan_extent *out, struct err *error)
{
	(void)of;
	(void)file;
	(void)error;
	if (!has_subids)
		return -ENOENT;
	*out = (struct plan_extent){1, 100000, 65536};
	return 0;
}

static char *fake_find_nested(void)
{
	return strdup("/data");
}

static bool single_id;

static int fake_read_map(const char *which, struct plan_extent *extents, uint32_t *count, struct err *error)
{
	(void)which;
	(void)error;
	extents[0] = (struct plan_extent){0, 1001, 1};
	extents[1] = (struct plan_extent){1, 100000, 65536};
	*count = single_id ? 1 : 2;
	return 0;
}

static const struct plan_view fake_view = {fake_open_path,    fake_resolve,     fake_make_dir, fake_open_installed,
					   fake_open_program, fake_find_subids, fake_read_map, fake_find_nested};

static int setup(void **state)
{
	(void)state;
	conf_frontend_init(&conf);
	memset(&err, 0, sizeof(err));
	memset(&request, 0, sizeof(request));
	request.command = CLI_EXEC;
	request.message_level = 1;
	host = (struct host){.uid = 1001, .gid = 1001, .initial_userns = true, .fuse = true, .name = name, .home = home,
			     .shell = shell, .gecos = gecos, .cwd = cwd};
	partition = (struct image_partition){.id = 4, .group = 1, .fs = IMAGE_FS_SQUASHFS, .role = IMAGE_ROLE_ROOT,
					     .offset_bytes = 65536, .size_bytes = 4096000, .arch = "amd64"};
	image = (struct image){.kind = IMAGE_SIF, .path = image_path, .partition_count = 1, .partitions = &partition};
	image.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	builder = (struct builder){.request = &request, .conf = &conf, .host = &host, .image = &image,
				   .view = &fake_view, .plan = &plan};
	has_subids = true;
	missing_program = NULL;
	return image.fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < builder.fd_count; i++)
		(void)close(builder.fds[i]);
	free(builder.home);
	free(builder.passwd);
	free(builder.group);
	return close(image.fd);
}

static void as_root(void)
{
	static char root_name[] = "root", root_home[] = "/root";

	host.uid = host.gid = 0;
	host.name = root_name;
	host.home = root_home;
	host.caps = UINT64_MAX;
	host.loop = true;
}

static char *read_golden(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (file) {
		if (getdelim(&text, &size, '\0', file) < 0) {
			free(text);
			text = NULL;
		}
		(void)fclose(file);
	}
	return text;
}

static void expect_golden(const char *golden)
{
	char path[256], *text = NULL, *wanted;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	if (plan_build(&builder, &err) < 0)
		fail_msg("%s", err.message);
	plan_print_text(&plan, out);
	assert_int_equal(fclose(out), 0);
	(void)snprintf(path, sizeof(path), GOLDEN_DIR "/%s.txt", golden);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		(void)fputs(text, file);
		assert_int_equal(fclose(file), 0);
	}
	wanted = read_golden(path);
	assert_non_null(wanted);
	assert_string_equal(text, wanted);
	free(wanted);
	free(text);
	/* What plan_check() demands beyond the builder's part. */
	assert_int_equal(plan_build_add_fd_consume(&builder, dup(image.fd), &plan.process.action_fd, &err), 0);
	assert_int_equal(plan_build_add_fd_consume(&builder, dup(image.fd), &plan.process.spec_fd, &err), 0);
	if (plan_check(&plan, builder.fd_count, &err) < 0)
		fail_msg("%s", err.message);
}

static void expect_failure(enum err_kind kind, const char *part)
{
	assert_true(plan_build(&builder, &err) < 0);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.message, part))
		fail_msg("\"%s\" is not in: %s", part, err.message);
}

static void give(struct strlist *list, char **items, size_t count)
{
	list->items = items;
	list->count = count;
}

/* ---- golden plans ------------------------------------------------------------------------------------------------- */

static void user_namespace_default(void **state)
{
	(void)state;
	expect_golden("userns");
}

static void setuid_default(void **state)
{
	(void)state;
	builder.suid_installed = true;
	expect_golden("setuid");
	for (uint32_t i = 0; i < plan.mount_count; i++)
		assert_null(plan_get_text(&plan, plan.mounts[i].source));
	assert_null(plan_get_text(&plan, plan.fs[0].path));
}

static void root_default(void **state)
{
	(void)state;
	as_root();
	expect_golden("root");
}

static void nested_root_default(void **state)
{
	(void)state;
	as_root();
	host.initial_userns = false;
	host.loop = false;
	expect_golden("nested-root");
}

static void fakeroot_with_subids(void **state)
{
	(void)state;
	request.action.fakeroot = true;
	expect_golden("fakeroot");
}

static void fakeroot_without_subids(void **state)
{
	(void)state;
	request.action.fakeroot = true;
	has_subids = false;
	expect_golden("fakeroot-single");
}

static void fakeroot_direct_keeps_borders(void **state)
{
	(void)state;
	as_root();
	host.initial_userns = false;
	host.caps = UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_SETFCAP;
	request.action.fakeroot = true;
	expect_golden("fakeroot-direct");
}

/* For tests that build more than one plan with one builder. */
static void build_again(void)
{
	free(builder.home);
	free(builder.passwd);
	free(builder.group);
	builder.home = builder.passwd = builder.group = NULL;
	assert_int_equal(plan_build(&builder, &err), 0);
}

static void fakeroot_of_nested_root_pretends_with_a_single_id(void **state)
{
	(void)state;
	as_root();
	host.initial_userns = false;
	request.action.fakeroot = true;
	for (single_id = false;; single_id = true) {
		build_again();
		assert_int_equal(plan.flow, PLAN_FLOW_NESTED_ROOT);
		assert_int_equal(plan.process.emulate_root, single_id);
		assert_int_equal(plan.process.no_new_privs, single_id);
		if (single_id)
			break;
	}
	single_id = false;
}

static void temporary_sandbox_is_written_without_a_layer(void **state)
{
	(void)state;
	image.writable = true;
	request.action.writable_tmpfs = true;
	build_again();
	assert_true(plan.writable_tmpfs && !plan.root_writable);
	builder.image_temporary = true;
	build_again();
	assert_true(plan.root_writable && !plan.writable_tmpfs);
}

static void containall(void **state)
{
	static char target[] = "/s";
	char *scratch[] = {target};
	static char workdir[] = "/wd";

	(void)state;
	request.action.containall = true;
	request.action.workdir = workdir;
	give(&request.action.scratch, scratch, 1);
	expect_golden("containall");
}

static void compat_with_binds(void **state)
{
	static char first[] = "/data:/mnt:ro", second[] = "/data/file", mount[] = "type=bind,src=/data,dst=/a b,ro",
		    hostname[] = "box";
	char *binds[] = {first, second}, *mounts[] = {mount};

	(void)state;
	request.action.compat = true;
	request.action.hostname = hostname;
	give(&request.action.bind, binds, 2);
	give(&request.action.mount, mounts, 1);
	expect_golden("compat");
}

static void no_mounts(void **state)
{
	static char a[] = "proc", b[] = "sys", c[] = "dev", d[] = "home", e[] = "tmp", f[] = "cwd", g[] = "bind-paths";
	char *names[] = {a, b, c, d, e, f, g};

	(void)state;
	give(&request.action.no_mount, names, 7);
	expect_golden("no-mount");
}

/* ---- rules -------------------------------------------------------------------------------------------------------- */

static enum plan_flow flow_now(void)
{
	enum plan_flow flow;

	assert_int_equal(plan_build_flow(&builder, &flow, &err), 0);
	return flow;
}

static void flows_are_chosen(void **state)
{
	enum plan_flow flow;

	(void)state;
	assert_int_equal(flow_now(), PLAN_FLOW_USERNS);
	builder.suid_installed = true;
	assert_int_equal(flow_now(), PLAN_FLOW_SETUID);
	host.no_new_privs = true;
	assert_int_equal(flow_now(), PLAN_FLOW_USERNS);
	host.no_new_privs = false;
	conf.allow_setuid = false;
	assert_int_equal(flow_now(), PLAN_FLOW_USERNS);
	conf.allow_setuid = true;
	host.initial_userns = false;
	assert_int_equal(flow_now(), PLAN_FLOW_USERNS);
	host.initial_userns = true;
	request.action.userns = true;
	assert_int_equal(flow_now(), PLAN_FLOW_USERNS);
	request.action.userns = false;
	request.action.fakeroot = true;
	assert_int_equal(flow_now(), PLAN_FLOW_FAKEROOT);
	as_root();
	assert_int_equal(flow_now(), PLAN_FLOW_FAKEROOT);
	host.initial_userns = false;
	assert_int_equal(flow_now(), PLAN_FLOW_NESTED_ROOT);
	request.action.fakeroot = false;
	host.caps = 0;
	assert_int_equal(flow_now(), PLAN_FLOW_USERNS);
	conf.allow_user_ns = false;
	assert_true(plan_build_flow(&builder, &flow, &err) < 0);
	assert_int_equal(err.kind, ERR_DENIED);
}

static void refused_namespaces_confine(void **state)
{
	enum plan_flow flow;
	static char session[] = "/tmp/rootfs-x";

	(void)state;
	host.namespaces = (struct host_probe){HOST_HINT_SECCOMP, HOST_STEP_UNSHARE, EPERM};
	assert_int_equal(flow_now(), PLAN_FLOW_CONFINED);
	request.action.fakeroot = true;
	assert_int_equal(flow_now(), PLAN_FLOW_CONFINED);
	image.kind = IMAGE_SANDBOX;
	builder.session = session;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_true(plan.process.no_new_privs && plan.process.emulate_root);
	assert_int_equal(plan.idmap.method, PLAN_IDMAP_NONE);
	assert_string_equal(plan_get_text(&plan, plan.session), session);
	assert_string_equal(builder.home, "/root");
	/* The same for a root without rights. */
	as_root();
	host.caps = 0;
	assert_int_equal(flow_now(), PLAN_FLOW_CONFINED);
	/* What was asked for is not left out. */
	request.action.pid = true;
	assert_true(plan_build_flow(&builder, &flow, &err) == -EPERM && strstr(err.message, "--pid cannot be had here"));
	request.action.no_pid = true;
	assert_int_equal(flow_now(), PLAN_FLOW_CONFINED);
	request.action.writable_tmpfs = true;
	assert_int_equal(plan_build_flow(&builder, &flow, &err), -EPERM);
	builder.image_temporary = true;
	assert_int_equal(flow_now(), PLAN_FLOW_CONFINED);
	request.action.containall = true;
	assert_int_equal(plan_build_flow(&builder, &flow, &err), -EPERM);
}

static void missing_bind_source_is_fatal(void **state)
{
	static char bind[] = "/no/such:/x";
	char *binds[] = {bind};

	(void)state;
	give(&request.action.bind, binds, 1);
	expect_failure(ERR_SYSTEM, "/no/such");
}

static void inherited_bind_without_source_is_skipped(void **state)
{
	static char bind[] = "/no/such:/x";
	char *binds[] = {bind};

	(void)state;
	give(&request.action.bind, binds, 1);
	request.action.bind_inherited = 1;
	assert_int_equal(plan_build(&builder, &err), 0);
	for (uint32_t i = 0; i < plan.mount_count; i++)
		assert_int_not_equal(plan.mounts[i].origin, PLAN_ORIGIN_USER_BIND);
}

static void user_bind_control_drops_binds(void **state)
{
	static char bind[] = "/data:/x";
	char *binds[] = {bind};

	(void)state;
	conf.user_bind_control = false;
	give(&request.action.bind, binds, 1);
	assert_int_equal(plan_build(&builder, &err), 0);
	for (uint32_t i = 0; i < plan.mount_count; i++) {
		assert_int_not_equal(plan.mounts[i].origin, PLAN_ORIGIN_USER_BIND);
		assert_int_not_equal(plan.mounts[i].origin, PLAN_ORIGIN_CWD);
	}
}

static void writable_needs_something_writable(void **state)
{
	(void)state;
	request.action.writable = true;
	expect_failure(ERR_SYSTEM, "no SIF writable overlay partition found");
}

static void without_fuse_there_is_advice(void **state)
{
	(void)state;
	host.fuse = false;
	expect_failure(ERR_SYSTEM, "/dev/fuse");
}

static void root_without_loop_devices_uses_fuse(void **state)
{
	(void)state;
	as_root();
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.fs[0].method, PLAN_METHOD_KERNEL);
	teardown(NULL);
	setup(NULL);
	as_root();
	host.loop = false;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.fs[0].method, PLAN_METHOD_FUSE);
}

static void host_names_are_checked(void **state)
{
	static char bad[] = "a b";

	(void)state;
	request.action.hostname = bad;
	expect_failure(ERR_SYSTEM, "not a valid host name");
}

static void networks_are_refused_for_root_too(void **state)
{
	static char bridge[] = "bridge";

	(void)state;
	as_root();
	request.action.net = true;
	request.action.network = bridge;
	expect_failure(ERR_SYSTEM, "network bridge is not available");
}

static void only_root_keeps_privileges(void **state)
{
	(void)state;
	request.action.keep_privs = true;
	expect_failure(ERR_SYSTEM, "requires root");
}

static void root_capabilities_follow_the_directive(void **state)
{
	(void)state;
	as_root();
	conf.root_default_capabilities = CONF_ROOTCAPS_NO;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.process.caps, 0);
	assert_true(plan.process.no_new_privs);
	teardown(NULL);
	setup(NULL);
	as_root();
	conf.root_default_capabilities = CONF_ROOTCAPS_FILE;
	builder.granted_caps = 5;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.process.caps, 5);
	assert_false(plan.process.no_new_privs);
}

static void security_ids_take_capabilities_away(void **state)
{
	static char uid[] = "uid:1000", gid[] = "gid:1000:2000", bad[] = "uid:10x";
	char *items[] = {uid, gid}, *wrong[] = {bad};

	(void)state;
	as_root();
	give(&request.action.security, items, 2);
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_true(plan.process.set_ids);
	assert_int_equal(plan.process.uid, 1000);
	assert_int_equal(plan.process.gid, 1000);
	assert_int_equal(plan.process.group_count, 2);
	assert_int_equal(plan.process.caps, 0);
	assert_true(plan.process.no_new_privs);
	teardown(NULL);
	setup(NULL);
	as_root();
	give(&request.action.security, wrong, 1);
	expect_failure(ERR_SYSTEM, "10x");
}

/* ---- ladders ------------------------------------------------------------------------------------------------------ */

static void force(const char *text)
{
	assert_int_equal(ladder_parse_forced(text, builder.forced, &err), 0);
}

static void forced_rungs_are_parsed(void **state)
{
	(void)state;
	force("");
	force(NULL);
	force("image=fuse,layer=underlay,,proc=bind");
	assert_int_equal(builder.forced[LADDER_IMAGE], 3);
	assert_int_equal(builder.forced[LADDER_LAYER], 3);
	assert_int_equal(builder.forced[LADDER_PROC], 2);
	assert_int_equal(builder.forced[LADDER_SYS], 0);
	assert_int_equal(ladder_parse_forced("imag=fuse", builder.forced, &err), -EINVAL);
	assert_non_null(strstr(err.message, "there is no ladder \"imag\": there are namespaces, ids, mount-api"));
	assert_int_equal(ladder_parse_forced("image=fusel", builder.forced, &err), -EINVAL);
	assert_non_null(strstr(err.message, "image has no rung \"fusel\": there are outer, kernel, fuse, extract"));
	assert_int_equal(ladder_parse_forced("image", builder.forced, &err), -EINVAL);
	assert_int_equal(ladder_parse_forced("image=", builder.forced, &err), -EINVAL);
	assert_int_equal(ladder_parse_forced("=fuse", builder.forced, &err), -EINVAL);
}

static void every_rung_can_be_named(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < LADDER_COUNT; i++) {
		const struct ladder *ladder = ladder_get(i);

		assert_in_range(ladder->count, 1, LADDER_RUNGS_MAX);
		for (size_t k = 0; k < ladder->count; k++) {
			char text[64];

			(void)snprintf(text, sizeof(text), "%s=%s", ladder->name, ladder->rungs[k].name);
			force(text);
			assert_int_equal(builder.forced[i], k + 1);
			assert_non_null(ladder->rungs[k].how);
			assert_non_null(ladder->rungs[k].reject);
			if (k == 0)
				assert_null(ladder->rungs[k].lost);
		}
	}
}

static void starter_may_try_every_rung(void **state)
{
	(void)state;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.rungs, PLAN_RUNGS_ALL);
	assert_int_equal(plan.layers, PLAN_LAYER_OVERLAY | PLAN_LAYER_UNDERLAY);
}

static void forced_rungs_are_the_only_ones(void **state)
{
	(void)state;
	force("mount-api=legacy,pivot=move,proc=fresh,sys=bind,devpts=plain,layer=underlay");
	request.action.pid = true;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.rungs, PLAN_RUNG_API_LEGACY | PLAN_RUNG_MOVE | PLAN_RUNG_PROC_FRESH | PLAN_RUNG_SYS_BIND |
					     PLAN_RUNG_DEVPTS_PLAIN);
	assert_int_equal(plan.layers, PLAN_LAYER_UNDERLAY);
	for (uint32_t i = 0; i < plan.mount_count; i++)
		if (strcmp(plan_get_text(&plan, plan.mounts[i].target), "/proc") == 0) {
			assert_int_equal(plan.mounts[i].on_fail, PLAN_FAIL_FATAL);
			assert_null(plan_get_text(&plan, plan.mounts[i].source));
		}
}

static void forced_rung_that_cannot_be_says_why(void **state)
{
	(void)state;
	force("image=kernel");
	expect_failure(ERR_SYSTEM, "SINGULARITY_RUNG: image=kernel cannot be used: the kernel mounts image files for root");
	teardown(NULL);
	setup(NULL);
	force("proc=fresh");
	expect_failure(ERR_SYSTEM, "proc=fresh cannot be used: without --pid");
	teardown(NULL);
	setup(NULL);
	force("namespaces=setuid");
	expect_failure(ERR_SYSTEM, "no setuid starter is installed");
	teardown(NULL);
	setup(NULL);
	force("layer=fuse-overlayfs");
	missing_program = "fuse-overlayfs";
	expect_failure(ERR_SYSTEM, "the program fuse-overlayfs is not there");
}

static void setuid_plan_has_all_rungs_or_is_refused(void **state)
{
	(void)state;
	builder.suid_installed = true;
	force("pivot=pivot");
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.flow, PLAN_FLOW_SETUID);
	assert_int_equal(plan_build_add_fd_consume(&builder, dup(image.fd), &plan.process.action_fd, &err), 0);
	assert_int_equal(plan_build_add_fd_consume(&builder, dup(image.fd), &plan.process.spec_fd, &err), 0);
	assert_int_equal(plan_check(&plan, builder.fd_count, &err), -EPROTO);
	assert_non_null(strstr(err.message, "no choice of rungs"));
	plan.rungs = PLAN_RUNGS_ALL;
	assert_int_equal(plan_check(&plan, builder.fd_count, &err), 0);
	plan.rungs = PLAN_RUNGS_ALL | 1024;
	assert_int_equal(plan_check(&plan, builder.fd_count, &err), -EPROTO);
}

static void fakeroot_climbs_the_ids(void **state)
{
	(void)state;
	request.action.fakeroot = true;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.idmap.method, PLAN_IDMAP_TOOL);
	teardown(NULL);
	setup(NULL);
	request.action.fakeroot = true;
	missing_program = "newgidmap";
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.idmap.method, PLAN_IDMAP_SELF);
	assert_true(plan.process.emulate_root);
	teardown(NULL);
	setup(NULL);
	request.action.fakeroot = true;
	host.no_new_privs = true; /* newuidmap would have no power */
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.idmap.method, PLAN_IDMAP_SELF);
	teardown(NULL);
	setup(NULL);
	request.action.fakeroot = true;
	force("ids=single");
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.idmap.method, PLAN_IDMAP_SELF);
	assert_int_equal(plan.idmap.uid[0].inside, 0);
	assert_false(plan.process.emulate_root);
	teardown(NULL);
	setup(NULL);
	request.action.fakeroot = true;
	host.caps = UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_SETFCAP;
	host.uid = 3; /* not root, but with the right to write the map */
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.idmap.method, PLAN_IDMAP_DIRECT);
	assert_int_equal(plan.idmap.uid[0].outside, 3);
}

static void fakeroot_of_root_in_a_user_namespace_makes_no_other(void **state)
{
	(void)state;
	as_root();
	host.initial_userns = false;
	request.action.fakeroot = true;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.flow, PLAN_FLOW_NESTED_ROOT);
	assert_int_equal(plan.idmap.method, PLAN_IDMAP_NONE);
	teardown(NULL);
	setup(NULL);
	as_root();
	host.initial_userns = false;
	host.caps = UINT64_C(1) << CAP_SYS_ADMIN;
	request.action.fakeroot = true;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.flow, PLAN_FLOW_FAKEROOT);
}

static void ext3_of_users_is_served_by_fuse2fs(void **state)
{
	(void)state;
	partition.fs = IMAGE_FS_EXT3;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.fs[0].method, PLAN_METHOD_FUSE);
	assert_int_not_equal(plan.fs[0].server_fd, PLAN_NO_FD);
	teardown(NULL);
	setup(NULL);
	partition.fs = IMAGE_FS_EXT3;
	missing_program = "fuse2fs";
	expect_failure(ERR_SYSTEM, "cannot mount an ext3 image: the program fuse2fs is not there");
}

static void changes_keep_fuse_overlayfs_ready(void **state)
{
	(void)state;
	request.action.writable_tmpfs = true;
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.layers, PLAN_LAYERS_ALL);
	assert_int_not_equal(plan.fuse_overlayfs_fd, PLAN_NO_FD);
	teardown(NULL);
	setup(NULL);
	request.action.writable_tmpfs = true;
	missing_program = "fuse-overlayfs";
	assert_int_equal(plan_build(&builder, &err), 0);
	assert_int_equal(plan.layers, PLAN_LAYER_OVERLAY | PLAN_LAYER_UNDERLAY);
	assert_int_equal(plan.fuse_overlayfs_fd, PLAN_NO_FD);
}

static void json_is_whole(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(plan_build(&builder, &err), 0);
	plan_print_json(&plan, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "\"flow\": \"user namespace\""));
	assert_non_null(strstr(text, "\"/home/ann\""));
	assert_string_equal(text + size - 2, "}\n");
	free(text);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(user_namespace_default),
		CASE(setuid_default),
		CASE(root_default),
		CASE(nested_root_default),
		CASE(fakeroot_with_subids),
		CASE(fakeroot_without_subids),
		CASE(fakeroot_direct_keeps_borders),
		CASE(fakeroot_of_nested_root_pretends_with_a_single_id),
		CASE(temporary_sandbox_is_written_without_a_layer),
		CASE(containall),
		CASE(compat_with_binds),
		CASE(no_mounts),
		CASE(flows_are_chosen),
		CASE(refused_namespaces_confine),
		CASE(missing_bind_source_is_fatal),
		CASE(inherited_bind_without_source_is_skipped),
		CASE(user_bind_control_drops_binds),
		CASE(writable_needs_something_writable),
		CASE(without_fuse_there_is_advice),
		CASE(root_without_loop_devices_uses_fuse),
		CASE(host_names_are_checked),
		CASE(networks_are_refused_for_root_too),
		CASE(only_root_keeps_privileges),
		CASE(root_capabilities_follow_the_directive),
		CASE(security_ids_take_capabilities_away),
		CASE(forced_rungs_are_parsed),
		CASE(every_rung_can_be_named),
		CASE(starter_may_try_every_rung),
		CASE(forced_rungs_are_the_only_ones),
		CASE(forced_rung_that_cannot_be_says_why),
		CASE(setuid_plan_has_all_rungs_or_is_refused),
		CASE(fakeroot_climbs_the_ids),
		CASE(fakeroot_of_root_in_a_user_namespace_makes_no_other),
		CASE(ext3_of_users_is_served_by_fuse2fs),
		CASE(changes_keep_fuse_overlayfs_ready),
		CASE(json_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
