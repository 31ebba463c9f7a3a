/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/plan.h"
#include "ipc/plan_decode.h"
#include "ipc/plan_encode.h"

static struct plan plan, back;

static int setup(void **state)
{
	struct plan_mount *mount = &plan.mounts[0];

	(void)state;
	plan_init(&plan);
	plan.flow = PLAN_FLOW_SETUID;
	plan.session_bytes = 1 << 20;
	plan.loop_max = 256;
	plan.fs_count = 1;
	plan.fs[0] = (struct plan_fs){.type = PLAN_FS_SQUASHFS, .container = PLAN_CONTAINER_SIF, .method = PLAN_METHOD_KERNEL,
				      .fd = 0, .server_fd = PLAN_NO_FD, .go_fd = PLAN_NO_FD, .offset_bytes = 4096, .size_bytes = 8192};
	*mount = (struct plan_mount){.kind = PLAN_MOUNT_BIND, .origin = PLAN_ORIGIN_USER_BIND, .on_fail = PLAN_FAIL_FATAL,
				     .attrs = PLAN_ATTR_NOSUID | PLAN_ATTR_NODEV, .source_fd = 1, .fs = -1};
	plan.mount_count = 1;
	plan.process.no_new_privs = true;
	plan.process.action_fd = 2;
	plan.process.spec_fd = 3;
	plan.process.pass_count = 1;
	plan.process.pass_fd[0] = 4;
	return plan_add_text(&plan, "/data", &mount->target, NULL);
}

static void a_session_directory_is_for_the_confined_flow(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(plan_add_text(&plan, "/tmp/rootfs-x", &plan.session, &err), 0);
	assert_int_equal(plan_check(&plan, 5, &err), -EPROTO);
	plan.flow = PLAN_FLOW_CONFINED;
	plan.session = 0;
	assert_int_equal(plan_check(&plan, 5, &err), -EPROTO);
}

static int decode(const uint8_t *bytes, size_t len, struct err *err)
{
	memset(&back, 0, sizeof(back));
	return plan_decode(bytes, len, &back, err);
}

static void round_trip_keeps_everything(void **state)
{
	struct err err = ERR_INIT;
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_int_equal(plan_check(&plan, 5, &err), 0);
	assert_int_equal(plan_encode(&plan, &bytes, &len, &err), 0);
	assert_int_equal(decode(bytes, len, &err), 0);
	/* What the setuid starter has no code for is not in the message. */
	memset(&plan.idmap, 0, sizeof(plan.idmap));
	plan.process.no_new_privs = false;
	plan.fuse_overlayfs_fd = 0;
	plan.rungs = 0;
	assert_memory_equal(&plan, &back, sizeof(plan));
	free(bytes);
}

static void round_trip_keeps_what_other_flows_have(void **state)
{
	struct err err = ERR_INIT;
	uint8_t *bytes;
	size_t len;

	(void)state;
	plan.flow = PLAN_FLOW_FAKEROOT;
	plan.idmap.method = PLAN_IDMAP_SELF;
	plan.idmap.uid_count = plan.idmap.gid_count = 2;
	plan.idmap.uid[1] = (struct plan_extent){1, 100000, 65535};
	plan.idmap.gid[1] = (struct plan_extent){2, 200000, 3};
	plan.idmap.newuidmap_fd = 1;
	plan.idmap.keep_groups = true;
	plan.process.set_ids = plan.process.emulate_root = true;
	plan.process.uid = 7;
	plan.process.gid = 8;
	plan.process.group_count = 2;
	plan.process.groups[1] = 9;
	plan.process.caps = UINT64_MAX;
	plan.allow_setuid_files = true;
	plan.rungs = PLAN_RUNG_PIVOT;
	plan.session = plan.mounts[0].target;
	assert_int_equal(plan_encode(&plan, &bytes, &len, &err), 0);
	assert_int_equal(decode(bytes, len, &err), 0);
	assert_memory_equal(&plan, &back, sizeof(plan));
	free(bytes);
	/* A plan of the setuid flow that asks for such things says so, for its starter to refuse it. */
	setup(NULL);
	plan.process.caps = 1;
	assert_int_equal(plan_encode(&plan, &bytes, &len, &err), 0);
	assert_int_equal(decode(bytes, len, &err), 0);
	assert_memory_equal(&plan, &back, sizeof(plan));
	free(bytes);
}

static void decode_rejects_unknown_and_repeated_fields(void **state)
{
	static const uint8_t extra[][4] = {{0x08, 1}, {0xf0, 0x03, 1}, {0xca, 0x01, 0}};
	static const size_t lengths[] = {2, 3, 2};
	struct err err = ERR_INIT;
	uint8_t *bytes, *longer;
	size_t len;

	(void)state;
	assert_int_equal(plan_encode(&plan, &bytes, &len, &err), 0);
	longer = malloc(len + 4);
	memcpy(longer, bytes, len);
	for (size_t i = 0; i < 3; i++) {
		memcpy(longer + len, extra[i], lengths[i]);
		assert_int_equal(decode(longer, len + lengths[i], &err), -EPROTO);
	}
	free(longer);
	free(bytes);
}

static void decode_rejects_every_truncation(void **state)
{
	struct err err = ERR_INIT;
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_int_equal(plan_encode(&plan, &bytes, &len, &err), 0);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(decode(bytes, cut, &err), -EPROTO);
	assert_int_equal(decode(bytes, PLAN_MESSAGE_MAX + 1, &err), -EPROTO);
	free(bytes);
}

static void decode_rejects_numbers_that_do_not_fit(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} wrong[] = {
		{"", 0},						   /* missing */
		{"\x08\x80\x80\x80\x80\x10", 6},			   /* above 32 bits */
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11}, /* above 64 bits */
		{"\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12}, /* too many bytes */
		{"\x0a\x01\x01", 3},					   /* a number written as bytes */
		{"\x0d\x01\x00\x00\x00", 5},				   /* of fixed size */
		{"\x08\x01\x20\x02", 4},				   /* dry_run = 2, and twice */
		{"\x08\x01\x00\x01", 4},				   /* field 0 */
	};
	struct err err = ERR_INIT;
	uint8_t *bytes, *longer;
	size_t len;

	(void)state;
	assert_int_equal(plan_encode(&plan, &bytes, &len, &err), 0);
	longer = malloc(len + 16);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		/* The version is the first field: 08 01. */
		assert_memory_equal(bytes, "\x08\x01", 2);
		memcpy(longer, wrong[i].bytes, wrong[i].length);
		memcpy(longer + wrong[i].length, bytes + 2, len - 2);
		assert_int_equal(decode(longer, len - 2 + wrong[i].length, &err), -EPROTO);
	}
	free(longer);
	free(bytes);
}

#define REFUSED(change)                                                                                                \
	do {                                                                                                           \
		setup(NULL);                                                                                           \
		change;                                                                                                \
		assert_int_equal(plan_check(&plan, 5, NULL), -EPROTO);                                                 \
	} while (0)

static void check_rejects_each_defect(void **state)
{
	(void)state;
	REFUSED(plan.version = 2);
	REFUSED(plan.flow = 0);
	REFUSED(plan.flow = 9);
	REFUSED(plan.mounts[0].kind = 0);
	REFUSED(plan.mounts[0].kind = 77);
	REFUSED(plan.mounts[0].origin = 0);
	REFUSED(plan.mounts[0].attrs = 16);
	REFUSED(plan.mounts[0].mode = 04755);
	REFUSED(plan.mounts[0].target = 0);
	REFUSED(plan.mounts[0].target = 3);
	REFUSED(plan.mounts[0].target = PLAN_TEXT_MAX);
	REFUSED(plan.mounts[0].source = plan.mounts[0].target);
	REFUSED(plan.mounts[0].source_fd = 0);
	REFUSED(plan.mounts[0].source_fd = 5);
	REFUSED(plan.mounts[0].source_fd = -2);
	REFUSED(plan.mounts[0].fs = 0);
	REFUSED(plan.process.pass_count = 0);
	REFUSED(plan.process.set_ids = true);
	REFUSED(plan.fs_count = 0);
	REFUSED(plan.fs[0].size_bytes = UINT64_MAX);
	REFUSED(plan.fs[0].writable = true);
	REFUSED(plan.overlay_count = 1);
	REFUSED(plan.idmap.method = PLAN_IDMAP_SELF);
	REFUSED(memcpy(plan.text + 1, "/a/..", 5));
	REFUSED(memcpy(plan.text + 1, "/a//b", 5));
	REFUSED(plan.text[plan.text_bytes - 1] = 'x');
	REFUSED(plan.text_bytes = 0);
}

#define REFUSED_IN_SETUID(change)                                                                                      \
	do {                                                                                                           \
		setup(NULL);                                                                                           \
		assert_int_equal(plan_check(&plan, 5, NULL), 0);                                                       \
		change;                                                                                                \
		assert_int_equal(plan_check(&plan, 5, NULL), -EPROTO);                                                 \
	} while (0)

/* Everything that the setuid starter has no code for. */
static void setuid_flow_takes_neutral_values_only(void **state)
{
	(void)state;
	setup(NULL);
	assert_int_equal(plan.flow, PLAN_FLOW_SETUID);
	REFUSED_IN_SETUID(plan.idmap.method = PLAN_IDMAP_SELF);
	REFUSED_IN_SETUID(plan.idmap.uid_count = 1);
	REFUSED_IN_SETUID(plan.idmap.gid_count = 1);
	REFUSED_IN_SETUID(plan.idmap.newuidmap_fd = 0);
	REFUSED_IN_SETUID(plan.idmap.newgidmap_fd = 0);
	REFUSED_IN_SETUID(plan.idmap.keep_groups = true);
	REFUSED_IN_SETUID(plan.process.set_ids = true);
	REFUSED_IN_SETUID(plan.process.uid = 1);
	REFUSED_IN_SETUID(plan.process.gid = 1);
	REFUSED_IN_SETUID(plan.process.group_count = 1);
	REFUSED_IN_SETUID(plan.process.caps = 1);
	REFUSED_IN_SETUID(plan.process.no_new_privs = false);
	REFUSED_IN_SETUID(plan.process.emulate_root = true);
	REFUSED_IN_SETUID(plan.allow_setuid_files = true);
	REFUSED_IN_SETUID(plan.fuse_overlayfs_fd = 0);
	REFUSED_IN_SETUID(plan.layers |= PLAN_LAYER_FUSE_OVERLAY);
	REFUSED_IN_SETUID(plan.rungs = PLAN_RUNG_PIVOT);
	REFUSED_IN_SETUID(plan.session = plan.mounts[0].target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(round_trip_keeps_everything, setup),
		cmocka_unit_test_setup(round_trip_keeps_what_other_flows_have, setup),
		cmocka_unit_test_setup(decode_rejects_unknown_and_repeated_fields, setup),
		cmocka_unit_test_setup(decode_rejects_every_truncation, setup),
		cmocka_unit_test_setup(decode_rejects_numbers_that_do_not_fit, setup),
		cmocka_unit_test_setup(check_rejects_each_defect, setup),
		cmocka_unit_test_setup(setuid_flow_takes_neutral_values_only, setup),
		cmocka_unit_test_setup(a_session_directory_is_for_the_confined_flow, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
