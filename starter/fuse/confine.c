/* SPDX-License-Identifier: BSD-3-Clause */
#include "starter/fuse/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define CONFINE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CONFINE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define CONFINE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__)
#define CONFINE_ARCH AUDIT_ARCH_PPC64LE
#else
#error "name the audit architecture of this machine"
#endif

int confine_descriptors(int image_fd, int fuse_fd, int go_fd)
{
	int image = fcntl(image_fd, F_DUPFD, CONFINE_GO_FD + 1);
	int fuse = fcntl(fuse_fd, F_DUPFD, CONFINE_GO_FD + 1);
	int go = go_fd < 0 ? -1 : fcntl(go_fd, F_DUPFD, CONFINE_GO_FD + 1);
	int null;

	if (image < 0 || fuse < 0 || (go_fd >= 0 && go < 0) || dup3(image, CONFINE_IMAGE_FD, O_CLOEXEC) < 0 ||
	    dup3(fuse, CONFINE_FUSE_FD, O_CLOEXEC) < 0 || (go >= 0 && dup3(go, CONFINE_GO_FD, O_CLOEXEC) < 0))
		return -errno;
	if (syscall(SYS_close_range, go < 0 ? CONFINE_GO_FD : CONFINE_GO_FD + 1, ~0U, 0) < 0)
		return -errno;
	/* 0 to 2 are taken, whatever we were started with; 2 stays for messages until the connection stands. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		if (null > 2)
			(void)close(null);
	}
	return 0;
}

void confine_process(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}, {0, 0, 0}};

	(void)setsid();
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	if (chdir("/") < 0)
		_exit(255);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)syscall(SYS_capset, &header, none);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define ALLOW(name)                                                                                                    \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), RETURN(SECCOMP_RET_ALLOW)

/* Newer machines have ppoll alone. */
#ifdef SYS_poll
#define CONFINE_ALLOW_POLL ALLOW(poll),
#else
#define CONFINE_ALLOW_POLL
#endif

int confine_calls(void)
{
	struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CONFINE_ARCH, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		ALLOW(read),
		ALLOW(pread64),
		ALLOW(write),
		ALLOW(writev),
		ALLOW(futex),
		ALLOW(ppoll),
		CONFINE_ALLOW_POLL
		ALLOW(brk),
		ALLOW(munmap),
		ALLOW(mremap),
		ALLOW(madvise),
		ALLOW(clone),
		ALLOW(set_robust_list),
		ALLOW(rseq),
		ALLOW(rt_sigprocmask),
		ALLOW(rt_sigreturn),
		ALLOW(restart_syscall),
		ALLOW(dup3),
		ALLOW(close),
		ALLOW(getrandom),
		ALLOW(gettid),
		ALLOW(getpid),
		ALLOW(tgkill),
		ALLOW(exit),
		ALLOW(exit_group),
		/* Memory yes, code no. */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		/* clone3 among them: the C library falls back to clone on ENOSYS. */
		RETURN(SECCOMP_RET_ERRNO | ENOSYS),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}
