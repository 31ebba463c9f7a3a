/* SPDX-License-Identifier: BSD-3-Clause */
/* The record itself: its form, its number, its sender. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "tests/hostile/driver.h"

#define MAGIC 0x53494e47u
#define OTHER_UID 65534

struct head {
	uint32_t magic, version, count;
};

static int pair_type = SOCK_SEQPACKET;

static void make_pair(int pair[2], bool credentials)
{
	int on = 1;

	if (socketpair(AF_UNIX, pair_type | SOCK_CLOEXEC, 0, pair) < 0 ||
	    (credentials && setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0))
		give_up("socketpair");
}

/* fds: the message first, then those of the plan. */
static uint32_t all_fds(struct attempt *attempt, int *all)
{
	if (attempt->message_fd < 0)
		attempt->message_fd = make_memory(attempt->bytes, attempt->length, true);
	all[0] = attempt->message_fd;
	memcpy(all + 1, attempt->fds, sizeof(int) * attempt->fd_count);
	return attempt->fd_count + 1;
}

enum record_attack {
	RECORD_MAGIC, RECORD_VERSION_0, RECORD_VERSION_2, RECORD_COUNT_MORE, RECORD_COUNT_LESS, RECORD_COUNT_HUGE, RECORD_SHORT, RECORD_LONG,
	RECORD_EMPTY, RECORD_NO_FDS, RECORD_ONE_FD, RECORD_SURPLUS, RECORD_MOST, RECORD_TWICE, RECORD_THEN_EMPTY, RECORD_OPEN_END,
	RECORD_STALLED, RECORD_END_OF_FILE, RECORD_PASS_PIDFD, RECORD_STREAM, RECORD_DATAGRAM, RECORD_NO_CREDENTIALS, RECORD_ATTACKS
};

static const char *const record_names[RECORD_ATTACKS] = {
	"a wrong magic", "version 0", "version 2", "a count too high", "a count too low", "an impossible count", "a short head", "a long head",
	"an empty record", "no descriptors", "the message alone", "surplus descriptors", "as many descriptors as the kernel takes",
	"two records", "an empty second record", "a sending end that stays open", "no record at all", "end of file at once",
	"a pidfd of the sender beside the record", "a stream socket", "a datagram socket", "no credentials"};

static void bad_record(struct attempt *attempt, intptr_t attack)
{
	struct head head[2] = {{MAGIC, 1, 0}, {0, 0, 0}};
	size_t length = sizeof(head[0]);
	int all[512], pair[2], on = 1;
	uint32_t count;

	base_bare(attempt);
	encode(attempt);
	count = all_fds(attempt, all);
	pair_type = attack == RECORD_STREAM ? SOCK_STREAM : attack == RECORD_DATAGRAM ? SOCK_DGRAM : SOCK_SEQPACKET;
	make_pair(pair, attack != RECORD_NO_CREDENTIALS);
	if (attack == RECORD_SURPLUS || attack == RECORD_MOST)
		while (count < (attack == RECORD_MOST ? 253 : count + 0) || count < attempt->fd_count + 4)
			all[count++] = open("/", O_PATH | O_CLOEXEC);
	if (attack == RECORD_NO_FDS)
		count = 0;
	if (attack == RECORD_ONE_FD)
		count = 1;
	head[0].count = count ? count - 1 : 0;
	head[0].magic ^= attack == RECORD_MAGIC;
	head[0].version = attack == RECORD_VERSION_0 ? 0 : attack == RECORD_VERSION_2 ? 2 : 1;
	head[0].count += attack == RECORD_COUNT_MORE ? 1 : attack == RECORD_COUNT_LESS ? UINT32_MAX : 0;
	if (attack == RECORD_COUNT_HUGE)
		head[0].count = UINT32_MAX;
	if (attack == RECORD_SHORT)
		length = 8;
	if (attack == RECORD_LONG)
		length = 16;
	if (attack == RECORD_EMPTY)
		length = 0;
	if (attack == RECORD_PASS_PIDFD && setsockopt(pair[0], SOL_SOCKET, 76 /* SO_PASSPIDFD */, &on, sizeof(on)) < 0)
		give_up("SO_PASSPIDFD");
	if (attack != RECORD_STALLED && attack != RECORD_END_OF_FILE)
		send_record(pair[1], head, length, all, count);
	if (attack == RECORD_TWICE)
		send_record(pair[1], head, length, all, count);
	if (attack == RECORD_THEN_EMPTY)
		send_record(pair[1], head, 0, NULL, 0);
	if ((attack == RECORD_STALLED || attack == RECORD_OPEN_END) && fork() == 0) {
		(void)close(1);
		(void)close(2);
		(void)sleep(attack == RECORD_STALLED ? 6 : 1); /* the starter waits 5 s for a record */
		_exit(0);
	}
	(void)close(pair[1]);
	exec_starter(pair[0]);
}

/* What stands in for the encoded message. */
enum message_attack {
	MESSAGE_OPEN, MESSAGE_HALF_SEALED, MESSAGE_FILE, MESSAGE_EMPTY, MESSAGE_LARGE, MESSAGE_ZEROS, MESSAGE_ONES, MESSAGE_PIPE,
	MESSAGE_PATH, MESSAGE_DIRECTORY, MESSAGE_CUT, MESSAGE_LONGER, MESSAGE_ATTACKS
};

static const char *const message_names[MESSAGE_ATTACKS] = {
	"unsealed memory", "memory that can still be written", "a file", "nothing", "more than 128 KiB", "zeros", "ones", "a pipe",
	"a path", "a directory", "a cut message", "a message with a tail"};

static int make_message(struct attempt *attempt, enum message_attack attack)
{
	static uint8_t bytes[256 * 1024];
	int fd, pair[2];

	switch (attack) {
	case MESSAGE_OPEN:
		return make_memory(attempt->bytes, attempt->length, false);
	case MESSAGE_HALF_SEALED:
		fd = make_memory(attempt->bytes, attempt->length, false);
		(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
		return fd;
	case MESSAGE_FILE:
		fd = open_work("user/message", O_RDWR | O_CREAT | O_TRUNC);
		return write(fd, attempt->bytes, attempt->length) < 0 ? -1 : fd;
	case MESSAGE_EMPTY:
		return make_memory("", 0, true);
	case MESSAGE_LARGE:
		memcpy(bytes, attempt->bytes, attempt->length);
		return make_memory(bytes, PLAN_MESSAGE_MAX + 1, true);
	case MESSAGE_ZEROS:
		return make_memory(bytes, PLAN_MESSAGE_MAX, true);
	case MESSAGE_ONES:
		return make_memory(memset(bytes, 0xff, PLAN_MESSAGE_MAX), PLAN_MESSAGE_MAX, true);
	case MESSAGE_PIPE:
		return pipe2(pair, O_CLOEXEC) < 0 ? -1 : pair[0];
	case MESSAGE_PATH:
		return open_work("data.sqfs", O_PATH);
	case MESSAGE_DIRECTORY:
		return open_work("user", O_RDONLY);
	case MESSAGE_CUT:
		return make_memory(attempt->bytes, attempt->length / 2, true);
	case MESSAGE_LONGER:
		memcpy(bytes, attempt->bytes, attempt->length);
		return make_memory(bytes, attempt->length + 1, true);
	case MESSAGE_ATTACKS:
		break;
	}
	return -1;
}

static void bad_message(struct attempt *attempt, intptr_t attack)
{
	struct head head = {MAGIC, 1, 0};
	int all[512], pair[2];
	uint32_t count;

	base_bare(attempt);
	encode(attempt);
	attempt->message_fd = make_message(attempt, (enum message_attack)attack);
	if (attempt->message_fd < 0)
		give_up(message_names[attack]);
	count = all_fds(attempt, all);
	head.count = count - 1;
	make_pair(pair, true);
	send_record(pair[1], &head, sizeof(head), all, count);
	(void)close(pair[1]);
	exec_starter(pair[0]);
}

/* Descriptor 3 that is no channel. */
enum channel_attack { CHANNEL_CLOSED, CHANNEL_PIPE, CHANNEL_FILE, CHANNEL_DIRECTORY, CHANNEL_TCP, CHANNEL_LISTENING, CHANNEL_DEVICE, CHANNEL_ATTACKS };

static const char *const channel_names[CHANNEL_ATTACKS] = {"closed", "a pipe", "a file", "a directory", "a TCP connection",
							   "a listening socket", "/dev/zero"};

static int make_channel(enum channel_attack attack)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	int fd, listener, pair[2];

	switch (attack) {
	case CHANNEL_PIPE:
		return pipe(pair) < 0 ? -1 : pair[0];
	case CHANNEL_FILE:
		return open_work("data.sqfs", O_RDONLY);
	case CHANNEL_DIRECTORY:
		return open("/", O_RDONLY);
	case CHANNEL_TCP:
		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0 ||
		    getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
		    connect(fd, (struct sockaddr *)&address, size) < 0)
			give_up("TCP");
		return fd;
	case CHANNEL_LISTENING:
		fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		return listen(fd, 1) < 0 && errno != EINVAL ? -1 : fd;
	case CHANNEL_DEVICE:
		return open("/dev/zero", O_RDWR);
	case CHANNEL_CLOSED:
	case CHANNEL_ATTACKS:
		break;
	}
	return -1;
}

static void bad_channel(struct attempt *attempt, intptr_t attack)
{
	(void)attempt;
	(void)close(CHANNEL_FD);
	exec_starter(make_channel((enum channel_attack)attack));
}

void attack_records(void)
{
	char name[128];

	for (intptr_t i = 0; i < RECORD_ATTACKS; i++) {
		(void)snprintf(name, sizeof(name), "record: %s", record_names[i]);
		run_attempt(name, MUST_REFUSE, NULL, bad_record, i);
	}
	for (intptr_t i = 0; i < MESSAGE_ATTACKS; i++) {
		(void)snprintf(name, sizeof(name), "message: %s", message_names[i]);
		run_attempt(name, MUST_REFUSE, NULL, bad_message, i);
	}
	for (intptr_t i = 0; i < CHANNEL_ATTACKS; i++) {
		(void)snprintf(name, sizeof(name), "descriptor 3: %s", channel_names[i]);
		run_attempt(name, MUST_REFUSE, NULL, bad_channel, i);
	}
}

/* ---- who sends ---------------------------------------------------------------------------------------------------- */

static int root_pair[2];

static void make_root_pair(struct attempt *attempt, intptr_t argument)
{
	(void)attempt;
	(void)argument;
	make_pair(root_pair, true);
}

/* Who made the sockets does not matter; who sent the record does. */
static void send_over_root_pair(struct attempt *attempt, intptr_t argument)
{
	struct head head = {MAGIC, 1, 0};
	int all[512];
	uint32_t count;

	(void)argument;
	base_bare(attempt);
	encode(attempt);
	count = all_fds(attempt, all);
	head.count = count - 1;
	send_record(root_pair[1], &head, sizeof(head), all, count);
	(void)close(root_pair[1]);
	exec_starter(root_pair[0]);
}

/* A record that @uid sends, perhaps from another process, before this process becomes the caller. */
static void send_as_other(struct attempt *attempt, uid_t uid, bool other_process)
{
	struct head head = {MAGIC, 1, 0};
	int all[512], status;
	uint32_t count;
	pid_t child;

	make_root_pair(attempt, 0);
	base_bare(attempt);
	encode(attempt);
	count = all_fds(attempt, all);
	head.count = count - 1;
	child = other_process ? fork() : 0;
	if (child == 0) {
		if (uid != 0 && syscall(SYS_setresuid, uid, uid, 0) < 0)
			give_up("setresuid");
		send_record(root_pair[1], &head, sizeof(head), all, count);
		if (other_process)
			_exit(0);
		if (uid != 0 && syscall(SYS_setresuid, 0, 0, 0) < 0)
			give_up("setresuid");
	} else if (waitpid(child, &status, 0) != child || status != 0) {
		give_up("the other sender");
	}
	(void)close(root_pair[1]);
}

static void send_as_root(struct attempt *attempt, intptr_t argument)
{
	send_as_other(attempt, 0, argument);
}

static void send_as_nobody(struct attempt *attempt, intptr_t argument)
{
	send_as_other(attempt, OTHER_UID, argument);
}

static void send_as_sibling(struct attempt *attempt, intptr_t argument)
{
	(void)argument;
	send_as_other(attempt, scene.uid, true);
}

static void exec_only(struct attempt *attempt, intptr_t argument)
{
	(void)attempt;
	(void)argument;
	exec_starter(root_pair[0]);
}

void attack_senders(void)
{
	run_attempt("sockets of root's, a record of the caller's", MUST_RUN, make_root_pair, send_over_root_pair, 0);
	run_attempt("a record that root sent", MUST_REFUSE, send_as_root, exec_only, false);
	run_attempt("a record that another process of root's sent", MUST_REFUSE, send_as_root, exec_only, true);
	run_attempt("a record that another user sent", MUST_REFUSE, send_as_nobody, exec_only, false);
	run_attempt("a record that another user's process sent", MUST_REFUSE, send_as_nobody, exec_only, true);
	run_attempt("a record that another process of the caller's sent", MUST_REFUSE, send_as_sibling, exec_only, 0);
}
