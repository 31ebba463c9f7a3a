/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls DIR: make every kind of call that names a file, in a container without mounts; DIR is a writable directory of the host that is
 * at the same place in the container. Says what went wrong, or that all is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

static int bad;

static void want(int good, const char *what)
{
	if (good)
		return;
	printf("%s: %s\n", what, strerror(errno));
	bad = 1;
}

#define IS(expression) want((expression), #expression)
#define FAILS(expression, errnum)                                                                  \
	want((errno = 0, (expression) < 0) && errno == (errnum), #expression " is " #errnum)

/* Registers that a call must not change are checked by making it in assembler. */
static int registers_stay(const char *path)
{
	unsigned long rdi = (unsigned long)path, rsi = 0, rdx = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result), "+D"(rdi), "+S"(rsi), "+d"(rdx)
			 : "0"(SYS_open)
			 : "rcx", "r11", "memory");
	if (result >= 0)
		(void)close((int)result);
	return result >= 0 && rdi == (unsigned long)path && rsi == 0 && rdx == 0;
}

static void check_looks(void)
{
	struct open_how how = {.flags = O_RDONLY},
			in_root = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
	struct stat st;
	struct statx stx;
	struct statfs fs;
	char text[4096], name[32];
	int fd = open("/etc", O_RDONLY | O_DIRECTORY), notify = inotify_init1(0);

	IS(fd >= 0);
	IS(openat(fd, "passwd", O_RDONLY) >= 0);
	IS(openat(fd, "../etc/passwd", O_RDONLY) >= 0);
	IS(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof(how)) >= 0);
	IS(syscall(SYS_openat2, fd, "/passwd", &in_root, sizeof(in_root)) >= 0);
	IS(registers_stay("/etc/passwd"));
	IS(stat("/etc/passwd", &st) == 0 && S_ISREG(st.st_mode));
	IS(fstatat(fd, "passwd", &st, 0) == 0 && fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
	   S_ISDIR(st.st_mode));
	IS(syscall(SYS_stat, "/etc/passwd", &st) == 0 &&
	   syscall(SYS_lstat, "/etc/passwd", &st) == 0);
	IS(statx(AT_FDCWD, "/etc/passwd", 0, STATX_SIZE, &stx) == 0 && stx.stx_size > 0);
	IS(access("/etc/passwd", R_OK) == 0 && faccessat(fd, "passwd", R_OK, AT_EACCESS) == 0);
	FAILS(access("/etc/passwd", W_OK), EROFS);
	FAILS(access("/nothing", F_OK), ENOENT);
	FAILS(open("/etc/passwd/", O_RDONLY), ENOTDIR);
	FAILS(open("", O_RDONLY), ENOENT);
	FAILS(open((const char *)8, O_RDONLY), EFAULT);
	IS(statfs("/etc", &fs) == 0);
	IS(getxattr("/etc", "user.none", text, sizeof(text)) < 0 &&
	   (errno == ENODATA || errno == ENOTSUP));
	IS(listxattr("/etc", text, sizeof(text)) >= 0 || errno == ENOTSUP);
	IS(inotify_add_watch(notify, "/etc", IN_OPEN) >= 0);
	IS(chdir("/etc") == 0 && getcwd(text, sizeof(text)) && strcmp(text, "/etc") == 0);
	IS(stat("passwd", &st) == 0 && open("./passwd", O_RDONLY) >= 0);
	IS(fchdir(fd) == 0 && chdir("..") == 0 && getcwd(text, sizeof(text)) &&
	   strcmp(text, "/") == 0);
	FAILS(syscall(SYS_getcwd, text, 1), ERANGE);
	IS(readlink("/proc/self/cwd", text, sizeof(text)) == 1 && text[0] == '/');
	IS(readlink("/proc/self/root", text, sizeof(text)) == 1 && text[0] == '/');
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	IS(readlink(name, text, sizeof(text)) == 4 && memcmp(text, "/etc", 4) == 0);
	IS(stat("/proc/self/ns/user", &st) == 0 && open("/proc/thread-self/status", O_RDONLY) >= 0);
	IS(chroot("/") == 0 || errno == EPERM);
	FAILS(chroot("/etc"), EPERM);
}

static void check_changes(const char *dir)
{
	struct utimbuf old = {1, 1};
	struct timeval times[2] = {{1, 0}, {1, 0}};
	struct stat st;
	char text[64];
	int fd;

	IS(chdir(dir) == 0);
	IS(mkdir("d", 0755) == 0 && mkdirat(AT_FDCWD, "d/e", 0755) == 0);
	IS((fd = creat("d/f", 0644)) >= 0 && write(fd, "12345", 5) == 5 && close(fd) == 0);
	IS(truncate("d/f", 3) == 0 && stat("d/f", &st) == 0 && st.st_size == 3);
	IS(chmod("d/f", 0600) == 0 && fchmodat(AT_FDCWD, "d/f", 0640, 0) == 0 &&
	   stat("d/f", &st) == 0 && (st.st_mode & 0777) == 0640);
	IS(chown("d/f", getuid(), getgid()) == 0 && lchown("d/f", getuid(), getgid()) == 0);
	IS(utime("d/f", &old) == 0 && utimes("d/f", times) == 0 &&
	   utimensat(AT_FDCWD, "d/f", NULL, 0) == 0);
	IS(link("d/f", "d/g") == 0 && linkat(AT_FDCWD, "d/f", AT_FDCWD, "d/h", 0) == 0);
	IS(rename("d/g", "d/i") == 0 &&
	   renameat2(AT_FDCWD, "d/h", AT_FDCWD, "d/j", RENAME_NOREPLACE) == 0);
	IS(symlink("/etc/passwd", "d/l") == 0 && readlink("d/l", text, sizeof(text)) == 11 &&
	   memcmp(text, "/etc/passwd", 11) == 0);
	IS((fd = open("d/l", O_RDONLY)) >= 0 && close(fd) == 0);
	FAILS(open("d/l", O_RDONLY | O_NOFOLLOW), ELOOP);
	IS(symlink("nothing", "d/dangling") == 0 &&
	   (fd = open("d/dangling", O_WRONLY | O_CREAT, 0600)) >= 0 && close(fd) == 0);
	IS(access("d/nothing", F_OK) == 0);
	FAILS(open("d/dangling", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	IS(mkfifo("d/p", 0600) == 0 && mknod("d/q", S_IFREG | 0600, 0) == 0);
	FAILS(mkdir("/made", 0755), EROFS);
	FAILS(mkdir("/etc", 0755), EEXIST);
	FAILS(unlink("/bin/calls"), EROFS);
	FAILS(unlink("/etc/nothing"), EROFS);
	FAILS(chmod("/etc/nothing", 0), ENOENT);
	FAILS(rename("d/f", "/etc/f"), EROFS);
	FAILS(open("/etc/f", O_WRONLY | O_CREAT, 0600), EROFS);
	FAILS(open("/nothing/f", O_WRONLY | O_CREAT, 0600), ENOENT);
	FAILS(rmdir("/proc"), EBUSY);
}

static void check_sockets(const char *dir)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[8];

	IS(chdir(dir) == 0);
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "d/s");
	IS(bind(server, (struct sockaddr *)&name, sizeof(name)) == 0);
	IS(sendto(client, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)) == 1);
	IS(connect(client, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	   write(client, "y", 1) == 1);
	IS(read(server, text, 1) == 1 && text[0] == 'x' && read(server, text, 1) == 1 &&
	   text[0] == 'y');
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "/etc/s");
	FAILS(bind(client, (struct sockaddr *)&name, sizeof(name)), EROFS);
}

static void *open_often(void *arg)
{
	long *failures = arg;

	for (int i = 0; i < 500; i++) {
		int fd = open(i % 2 ? "/etc/passwd" : "/tmp/../etc/passwd", O_RDONLY);

		*failures += fd < 0;
		(void)close(fd);
	}
	return NULL;
}

/* More threads than there is room for at once; a fifo keeps two of them in their call. */
static void check_threads(void)
{
	pthread_t threads[40];
	long failures[40] = {0};

	for (int i = 0; i < 40; i++)
		IS(pthread_create(&threads[i], NULL, open_often, &failures[i]) == 0);
	for (int i = 0; i < 40; i++) {
		(void)pthread_join(threads[i], NULL);
		IS(failures[i] == 0);
	}
}

static int wait_for(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void *exec_thread(void *arg)
{
	char *argv[] = {arg, (char[]){"--count"}, NULL};

	(void)execv("/bin/calls", argv);
	return NULL;
}

static void check_exec(void)
{
	enum {
		MANY = 6000
	};
	static char *argv[MANY + 2], *envp[] = {NULL};
	static char name[] = "calls", count[] = "--count", word[] = "word";
	pthread_t thread;
	pid_t child;
	int fd;

	argv[0] = name;
	argv[1] = count;
	IS(posix_spawn(&child, "/bin/calls", NULL, NULL, argv, envp) == 0 && wait_for(child) == 2);
	for (int i = 2; i <= MANY; i++)
		argv[i] = word;
	child = fork();
	if (child == 0) {
		(void)execve("/bin/calls", argv, environ);
		_exit(99);
	}
	IS(wait_for(child) == (MANY + 1) % 100);
	argv[2] = NULL;
	child = vfork();
	if (child == 0) {
		(void)execve("/nothing", argv, environ);
		(void)execve("/bin/../bin/calls", argv, environ);
		_exit(99);
	}
	IS(wait_for(child) == 2);
	fd = open("/bin/calls", O_RDONLY | O_CLOEXEC);
	child = fork();
	if (child == 0) {
		(void)fexecve(fd, argv, environ);
		_exit(99);
	}
	IS(wait_for(child) == 2);
	child = fork();
	if (child == 0) {
		(void)pthread_create(&thread, NULL, exec_thread, name);
		(void)pthread_join(thread, NULL);
		_exit(99);
	}
	IS(wait_for(child) == 2);
	FAILS(execve("/etc/passwd", argv, environ), EACCES);
	FAILS(execve("/etc", argv, environ), EACCES);
}

/* Root that becomes somebody else, and his children: the supervisor may not look into those by itself. */
static void check_users(void)
{
	static char name[] = "calls", count[] = "--count", *argv[] = {name, count, NULL};
	char text[4096];
	pid_t child = fork(), grandchild;

	if (child == 0) {
		IS(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
		   getuid() == 65534);
		grandchild = fork();
		if (grandchild == 0) {
			IS(chdir("/etc") == 0 && getcwd(text, sizeof(text)) &&
			   strcmp(text, "/etc") == 0);
			IS(access("passwd", R_OK) == 0);
			if (!bad)
				(void)execve("/bin/calls", argv, environ);
			_exit(99);
		}
		_exit(wait_for(grandchild));
	}
	IS(wait_for(child) == 2);
}

/* Signals while the arguments are ours: the call is restarted or not, but with the path that was given. */
static void on_alarm(int number)
{
	(void)number;
}

static void check_signals(void)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};

	IS(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
	for (int i = 0; i < 2000; i++) {
		int fd = open("/etc/passwd", O_RDONLY);

		if (fd < 0)
			want(0, "open among signals");
		(void)close(fd);
	}
	IS(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

int main(int argc, char **argv)
{
	char dir[4096];

	if (argc >= 2 && strcmp(argv[1], "--count") == 0)
		return argc % 100;
	if (argc != 2)
		return 1;
	setvbuf(stdout, NULL, _IONBF, 0);
	(void)snprintf(dir, sizeof(dir), "%s/calls.%d", argv[1], (int)getpid());
	IS(mkdir(dir, 0755) == 0);
	check_looks();
	check_changes(dir);
	check_sockets(dir);
	check_threads();
	check_exec();
	check_signals();
	if (getuid() == 0)
		check_users();
	if (!bad)
		puts("all calls are right");
	return bad;
}
