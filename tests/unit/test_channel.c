/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/channel_send.h"

static struct channel_record record;

static int sealed(void)
{
	struct err err = ERR_INIT;
	int fd = -1;

	assert_int_equal(channel_new_sealed("test", "hello", 5, &fd, &err), 0);
	return fd;
}

static void record_arrives_whole(void **state)
{
	int message = sealed(), fds[2] = {0, 1}, end = -1;
	struct err err = ERR_INIT;
	const void *bytes;
	size_t len;

	(void)state;
	assert_int_equal(channel_send_plan(message, fds, 2, &end, &err), 0);
	assert_int_equal(channel_receive(end, getuid(), getpid(), &record, &err), 0);
	assert_int_equal(record.count, 2);
	assert_int_equal(channel_map_sealed(record.message_fd, 5, &bytes, &len, &err), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_true(channel_map_sealed(record.message_fd, 4, &bytes, &len, &err) < 0);
	(void)close(record.message_fd);
	(void)close(record.fds[0]);
	(void)close(record.fds[1]);
	(void)close(message);
	(void)close(end);
}

static void receive_rejects_another_sender(void **state)
{
	int message = sealed(), end = -1;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(channel_send_plan(message, &message, 0, &end, &err), 0);
	assert_true(channel_receive(end, getuid(), getpid() + 1, &record, &err) < 0);
	(void)close(end);
	assert_int_equal(channel_send_plan(message, &message, 0, &end, &err), 0);
	assert_true(channel_receive(end, getuid() + 1, getpid(), &record, &err) < 0);
	(void)close(end);
	(void)close(message);
}

static void receive_rejects_foreign_sockets(void **state)
{
	struct err err = ERR_INIT;
	int pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_true(channel_receive(pair[0], getuid(), getpid(), &record, &err) < 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_true(channel_receive(pair[0], getuid(), getpid(), &record, &err) < 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(send(pair[1], "x", 1, 0), 1);
	assert_true(channel_receive(pair[0], getuid(), getpid(), &record, &err) < 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void map_rejects_an_unsealed_file(void **state)
{
	int fd = memfd_create("open", MFD_ALLOW_SEALING);
	struct err err = ERR_INIT;
	const void *bytes;
	size_t len;

	(void)state;
	assert_true(channel_map_sealed(fd, 10, &bytes, &len, &err) < 0);
	(void)close(fd);
}

static void send_rejects_too_many_descriptors(void **state)
{
	static int many[PLAN_MAX_FDS + 1];
	int message = sealed(), end = -1;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(channel_send_plan(message, many, PLAN_MAX_FDS + 1, &end, &err) < 0);
	assert_int_equal(end, -1);
	assert_int_equal(channel_send_plan(message, many, PLAN_MAX_FDS, &end, &err), 0);
	assert_int_equal(channel_receive(end, getuid(), getpid(), &record, &err), 0);
	assert_int_equal(record.count, PLAN_MAX_FDS);
	for (uint32_t i = 0; i < record.count; i++)
		(void)close(record.fds[i]);
	(void)close(record.message_fd);
	(void)close(end);
	(void)close(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_arrives_whole),
		cmocka_unit_test(receive_rejects_another_sender),
		cmocka_unit_test(receive_rejects_foreign_sockets),
		cmocka_unit_test(map_rejects_an_unsealed_file),
		cmocka_unit_test(send_rejects_too_many_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
