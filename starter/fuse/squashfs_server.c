/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * squashfs-server --image-fd N --fuse-fd M [--go-fd W] --offset O --size S [--uid U] [--gid G] [--threads T]
 *
 * Responsible for: serving one squashfs partition on a FUSE connection that the starter has mounted, until the mount is
 * gone. Must not: open a file, hold a privilege, or live on without its mount. It starts with one thread; others start
 * when requests go on waiting while all are busy, so that a short launch pays for one.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "starter/fuse/fuse_protocol.h"

#include "starter/fuse/confine.h"
#include "starter/fuse/file_read.h"

#define EXIT_FATAL 255
#define THREADS_MAX 16
#define STACK_BYTES (256 * 1024)
#define PATIENCE 64 /* requests found waiting before there is a second thread: a launch asks for much at once, and is over */

struct arguments {
	int image_fd, fuse_fd;
	int go_fd; /* -1: the connection is mounted already */
	uint64_t offset, size;
	unsigned threads;
};

static struct fuse_connection connection = {.fd = CONFINE_FUSE_FD};

static struct {
	pthread_mutex_t lock;
	unsigned started, waiting, limit, shortages;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

__attribute__((format(printf, 1, 2))) _Noreturn static void die(const char *format, ...)
{
	char text[256] = "FATAL:   ";
	size_t used = strlen(text);
	va_list args;

	/* Not dprintf(3): it looks for the position first, which the filter refuses. */
	va_start(args, format);
	(void)vsnprintf(text + used, sizeof(text) - used - 1, format, args);
	va_end(args);
	used = strlen(text);
	text[used++] = '\n';
	if (write(STDERR_FILENO, text, used) < 0)
		_exit(EXIT_FATAL);
	_exit(EXIT_FATAL);
}

static uint64_t parse_number(const char *option, const char *text, uint64_t max)
{
	char *end;
	unsigned long long value;

	if (!text || *text < '0' || *text > '9')
		die("squashfs-server: %s needs a number", option);
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end != '\0' || errno != 0 || value > max)
		die("squashfs-server: %s %s is out of range", option, text);
	return value;
}

static void parse_option(struct arguments *arguments, const char *option, const char *value)
{
	if (strcmp(option, "--image-fd") == 0)
		arguments->image_fd = (int)parse_number(option, value, INT_MAX);
	else if (strcmp(option, "--fuse-fd") == 0)
		arguments->fuse_fd = (int)parse_number(option, value, INT_MAX);
	else if (strcmp(option, "--go-fd") == 0)
		arguments->go_fd = (int)parse_number(option, value, INT_MAX);
	else if (strcmp(option, "--offset") == 0)
		arguments->offset = parse_number(option, value, INT64_MAX / 2);
	else if (strcmp(option, "--size") == 0)
		arguments->size = parse_number(option, value, INT64_MAX / 2);
	else if (strcmp(option, "--threads") == 0)
		arguments->threads = (unsigned)parse_number(option, value, THREADS_MAX);
	else if (strcmp(option, "--uid") == 0) {
		connection.uid = (uint32_t)parse_number(option, value, UINT32_MAX - 1);
		connection.squash_uid = true;
	} else if (strcmp(option, "--gid") == 0) {
		connection.gid = (uint32_t)parse_number(option, value, UINT32_MAX - 1);
		connection.squash_gid = true;
	} else
		die("squashfs-server: unknown option %s", option);
}

static void parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	for (int i = 1; i < argc; i += 2)
		parse_option(arguments, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
	if (arguments->image_fd < 0 || arguments->fuse_fd < 0 || arguments->size == 0)
		die("squashfs-server: --image-fd, --fuse-fd, --offset and --size are needed");
}

/* Zeroed pages that cost nothing before they are used. */
static void *pages_new(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

static struct fuse_worker *worker_new(const char **message)
{
	struct fuse_worker *worker = pages_new(sizeof(*worker));

	*message = "there is no memory left";
	if (!worker)
		return NULL;
	*message = squash_view_open(&worker->view);
	if (*message) {
		(void)munmap(worker, sizeof(*worker));
		return NULL;
	}
	worker->connection = &connection;
	worker->reply = pages_new(FUSE_REPLY_BYTES);
	worker->scratch = pages_new(worker->view.fs.sb.block_size);
	if (!worker->reply || !worker->scratch) {
		*message = "there is no memory left";
		return NULL;
	}
	return worker;
}

/* Ends the process when the mount is gone: unmounted (ENODEV), or its connection aborted. */
_Noreturn static void connection_end(int error)
{
	if (error == ENODEV || error == ECONNABORTED || error == ENOTCONN)
		_exit(0);
	die("cannot serve the image: %s", strerror(error));
}

static size_t request_read(struct fuse_worker *worker)
{
	for (;;) {
		ssize_t got = read(connection.fd, worker->request, sizeof(worker->request));

		if (got > 0)
			return (size_t)got;
		if (got == 0)
			connection_end(ENODEV);
		/* ENOENT: the request was withdrawn while we read it. */
		if (errno != EINTR && errno != EAGAIN && errno != ENOENT)
			connection_end(errno);
	}
}

static void *worker_run(void *argument);

/* Without another thread the ones we have serve on. */
static void pool_grow(void)
{
	const char *message;
	struct fuse_worker *worker = worker_new(&message);
	pthread_attr_t attr;
	pthread_t thread;
	bool started = false;

	if (!worker)
		return;
	if (pthread_attr_init(&attr) == 0) {
		(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
		(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		started = pthread_create(&thread, &attr, worker_run, worker) == 0;
		(void)pthread_attr_destroy(&attr);
	}
	if (!started) {
		squash_view_close(&worker->view);
		(void)munmap(worker->reply, FUSE_REPLY_BYTES);
		(void)munmap(worker, sizeof(*worker));
	}
}

/* Called with a request in hand: is another one waiting and nobody there to take it? */
static bool pool_is_short(void)
{
	struct pollfd waiting = {.fd = connection.fd, .events = POLLIN, .revents = 0};
	bool is_short;

	(void)pthread_mutex_lock(&pool.lock);
	pool.waiting--;
	is_short = pool.waiting == 0 && pool.started < pool.limit;
	(void)pthread_mutex_unlock(&pool.lock);
	if (!is_short || poll(&waiting, 1, 0) <= 0)
		return false;
	(void)pthread_mutex_lock(&pool.lock);
	is_short = pool.started < pool.limit && pool.shortages++ >= PATIENCE;
	if (is_short)
		pool.started++;
	(void)pthread_mutex_unlock(&pool.lock);
	return is_short;
}

/* The first answer is where standard error ends: the caller's pipe must not stay open for as long as the mount lives. */
static void connection_stands(void)
{
	(void)dup3(0, STDERR_FILENO, 0);
}

static void *worker_run(void *argument)
{
	struct fuse_worker *worker = argument;

	for (;;) {
		bool answered = connection.answered;
		size_t size;
		int result;

		(void)pthread_mutex_lock(&pool.lock);
		pool.waiting++;
		(void)pthread_mutex_unlock(&pool.lock);
		size = request_read(worker);
		if (pool_is_short())
			pool_grow();
		result = fuse_answer(worker, size);
		if (result < 0)
			connection_end(-result);
		if (!answered && connection.answered)
			connection_stands();
	}
	return NULL;
}

/* A connection can be read once it is mounted; whoever mounts it says so with a byte, or gives up and is gone. */
static void connection_await(void)
{
	char byte;
	ssize_t got;

	do
		got = read(CONFINE_GO_FD, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		_exit(0);
	(void)close(CONFINE_GO_FD);
}

static unsigned processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

int main(int argc, char **argv)
{
	struct arguments arguments = {-1, -1, -1, 0, 0, 0};
	struct fuse_worker *worker;
	const char *message;
	int result;

	parse_arguments(argc, argv, &arguments);
	result = confine_descriptors(arguments.image_fd, arguments.fuse_fd, arguments.go_fd);
	if (result < 0)
		die("squashfs-server: cannot use the descriptors given: %s", strerror(-result));
	confine_process();
	pool.limit = arguments.threads > 0 ? arguments.threads : processors() + 1;
	if (pool.limit > THREADS_MAX)
		pool.limit = THREADS_MAX;
	/* One arena: arenas per thread would cost more memory than their lock costs time. */
	(void)mallopt(M_ARENA_MAX, 1);
	result = confine_calls();
	if (result < 0 && result != -EINVAL)
		die("squashfs-server: cannot load the filter for system calls: %s", strerror(-result));
	squash_extent_set(CONFINE_IMAGE_FD, arguments.offset, arguments.size);
	worker = worker_new(&message);
	if (!worker)
		die("cannot read the image: %s", message);
	if (file_cache_init(worker->view.fs.sb.block_size) < 0)
		die("cannot read the image: there is no memory left");
	if (arguments.go_fd >= 0)
		connection_await();
	pool.started = 1;
	(void)worker_run(worker);
}
