/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock of the benchmark: from before fork(2) to after wait(2), as no shell can take it.
 *   timer rounds N   each command N times, in turn; prints "median minimum failures" per command, in microseconds
 *   timer burst N    N of each command at once; prints "all worst failures": until the last one ended, and the longest
 *   timer read N FILE…   N processes read the files between them; prints "microseconds bytes"
 * Commands come from standard input, one a line: user id, a tab, and the arguments with tabs between them.
 */
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 32
#define ARGUMENTS_MAX 64
#define ROUNDS_MAX 1000
#define WARM_UP 3
#define READ_BYTES (128 * 1024)

struct command {
	uid_t user;
	char *argv[ARGUMENTS_MAX + 1];
	uint64_t took_us[ROUNDS_MAX];
	unsigned failed;
};

static struct command commands[COMMANDS_MAX];
static unsigned command_count;

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void read_commands(void)
{
	static char lines[COMMANDS_MAX][8192];

	while (command_count < COMMANDS_MAX && fgets(lines[command_count], sizeof(lines[0]), stdin)) {
		struct command *command = &commands[command_count];
		char *rest = lines[command_count];
		unsigned count = 0;

		rest[strcspn(rest, "\n")] = '\0';
		command->user = (uid_t)strtoul(strsep(&rest, "\t"), NULL, 10);
		while (rest && count < ARGUMENTS_MAX)
			command->argv[count++] = strsep(&rest, "\t");
		command_count += count > 0;
	}
}

static pid_t start(const struct command *command)
{
	char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", NULL};
	pid_t child = fork();
	int null;

	if (child != 0)
		return child;
	null = open("/dev/null", O_RDWR);
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	if (!getenv("TIMER_SHOW"))
		(void)dup2(null, 2);
	(void)close(null);
	if (command->user != 0 && (setgroups(0, NULL) < 0 || setgid(command->user) < 0 || setuid(command->user) < 0))
		_exit(127);
	/* Changing ids made us undumpable, and /proc/self root's: login programs exec once more. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	(void)execve(command->argv[0], command->argv, environment);
	_exit(127);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void run_rounds(unsigned rounds)
{
	for (unsigned round = 0; round < rounds + WARM_UP; round++)
		for (unsigned i = 0; i < command_count; i++) {
			uint64_t began = now_us();
			pid_t child = start(&commands[i]);
			int status = -1;

			(void)waitpid(child, &status, 0);
			commands[i].took_us[round < WARM_UP ? 0 : round - WARM_UP] = now_us() - began;
			commands[i].failed += status != 0;
		}
	for (unsigned i = 0; i < command_count; i++) {
		qsort(commands[i].took_us, rounds, sizeof(uint64_t), compare);
		(void)printf("%lu %lu %u\n", (unsigned long)commands[i].took_us[rounds / 2],
			     (unsigned long)commands[i].took_us[0], commands[i].failed);
	}
}

static void run_burst(const struct command *command, unsigned count)
{
	static uint64_t began_us[ROUNDS_MAX];
	static pid_t pids[ROUNDS_MAX];
	uint64_t began = now_us(), worst = 0;
	unsigned failed = 0;

	for (unsigned i = 0; i < count; i++) {
		began_us[i] = now_us();
		pids[i] = start(command);
	}
	for (unsigned left = count; left > 0;) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0)
			break;
		for (unsigned i = 0; i < count; i++)
			if (pids[i] == pid) {
				uint64_t took = now_us() - began_us[i];

				worst = took > worst ? took : worst;
				failed += status != 0;
				left--;
			}
	}
	(void)printf("%lu %lu %u\n", (unsigned long)(now_us() - began), (unsigned long)worst, failed);
}

static uint64_t read_share(unsigned reader, unsigned readers, char **files, int count)
{
	static char buffer[READ_BYTES];
	uint64_t bytes = 0;
	ssize_t got;

	for (int i = (int)reader; i < count; i += (int)readers) {
		int fd = open(files[i], O_RDONLY | O_CLOEXEC);

		while (fd >= 0 && (got = read(fd, buffer, sizeof(buffer))) > 0)
			bytes += (uint64_t)got;
		(void)close(fd);
	}
	return bytes;
}

static void run_read(unsigned readers, char **files, int count)
{
	uint64_t began = now_us(), bytes = 0, part;
	int ends[2];

	if (pipe(ends) < 0)
		exit(1);
	for (unsigned reader = 0; reader < readers; reader++)
		if (fork() == 0) {
			part = read_share(reader, readers, files, count);
			_exit(write(ends[1], &part, sizeof(part)) != sizeof(part));
		}
	for (unsigned reader = 0; reader < readers; reader++)
		if (read(ends[0], &part, sizeof(part)) == sizeof(part))
			bytes += part;
	(void)printf("%lu %lu\n", (unsigned long)(now_us() - began), (unsigned long)bytes);
}

int main(int argc, char **argv)
{
	unsigned number = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

	if (number == 0 || number > ROUNDS_MAX)
		return 2;
	if (strcmp(argv[1], "read") == 0) {
		run_read(number, argv + 3, argc - 3);
		return 0;
	}
	read_commands();
	if (strcmp(argv[1], "rounds") == 0)
		run_rounds(number);
	else
		for (unsigned i = 0; i < command_count; i++)
			run_burst(&commands[i], number);
	return 0;
}
