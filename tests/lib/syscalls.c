/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes of owner and identity by each table of system calls that the machine has: are they pretended, done or refused? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static long native(long number, long a, long b, long c)
{
	long result = syscall(number, a, b, c);

	return result < 0 ? -errno : result;
}

static void say(const char *table, const long *results, int count)
{
	int good = 0;

	for (int i = 0; i < count; i++)
		good += results[i] == 0;
	printf("%s: %s", table, good == count ? "pretended" : good == 0 ? "refused" : "mixed");
	for (int i = 0; i < count && good > 0 && good < count; i++)
		printf(" %ld", results[i]);
	printf("\n");
}

#ifdef __x86_64__
/* From 64-bit code too, int 0x80 enters by the table of i386; pointers must be below 4 GiB. */
static long i386(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}
#endif

int main(void)
{
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	long results[] = {
		native(SYS_fchown, fd, 5, 6),
		native(SYS_setuid, 5, 0, 0),
		native(SYS_setgroups, 0, 0, 0),
		native(SYS_mknodat, AT_FDCWD, (long)"/sgnode", S_IFCHR | 0600),
	};

	say("native", results, 4);
#ifdef __x86_64__
	long x32[] = {
		native(0x40000000 | SYS_fchown, fd, 5, 6),
		native(0x40000000 | SYS_setuid, 5, 0, 0),
		native(0x40000000 | SYS_setregid, 5, 5, 0),
	};
	long old[] = {
		i386(95, fd, 5, 6),  /* fchown */
		i386(207, fd, 5, 6), /* fchown32 */
		i386(23, 5, 0, 0),   /* setuid */
		i386(213, 5, 0, 0),  /* setuid32 */
		i386(208, 5, 5, 5),  /* setresuid32 */
		i386(206, 0, 0, 0),  /* setgroups32 */
		i386(216, 5, 0, 0),  /* setfsgid32 */
		i386(14, 0, S_IFCHR | 0600, 0),
		i386(297, fd, 0, S_IFBLK | 0600),
	};

	say("x32", x32, 3);
	say("i386", old, 9);
	/* The rest of that table works: the filter ends where it should. */
	printf("i386 getuid: %ld, mknod of a fifo: %ld\n", i386(199, 0, 0, 0), i386(14, 0, S_IFIFO | 0600, 0));
#endif
	return 0;
}
