/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * simulate STEP... -- COMMAND...: what outer containers deny, without an engine. The steps are taken in the order given, then the
 * command runs; its status is ours. Built by the suites with -lseccomp.
 *
 *   fuse             the next root= keeps /dev/fuse
 *   root=DIR         DIR becomes the root of new mount and PID namespaces: fresh /proc, /sys of the host, small /dev. No other
 *                    /proc stays visible, as a second one would undo a mask.
 *   overlay=DIR      the same on an overlay over DIR; overlay2=DIR: on an overlay over an overlay
 *   mask             covers parts of /proc as engines do
 *   chroot=DIR       /proc, /sys and /dev bound into DIR, then chroot(2)
 *   userns           a user namespace with the caller as its root, one id mapped
 *   depth=N          N user namespaces inside each other, ids kept
 *   no-userns        user.max_user_namespaces = 0 in this namespace, as its root may set it
 *   user=UID         setresuid(2), all capabilities go
 *   caps=HEX         no capability outside of the mask
 *   nnp              no_new_privs
 *   seccomp=PROFILE  docker, podman: what their default profiles answer without CAP_SYS_ADMIN
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
	 CLONE_NEWCGROUP)

static bool keep_fuse;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err(125, "%s", path);
	(void)close(fd);
}

static void do_mount(const char *source, const char *target, const char *type, unsigned long flags,
		     const char *options)
{
	if (mount(source, target, type, flags, options) < 0)
		err(125, "mount of %s", target);
}

/* ---- ids ---------------------------------------------------------------------------------------------------------- */

static void enter_userns(unsigned int inside_uid, unsigned int inside_gid)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER) < 0)
		err(125, "user namespace");
	write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", inside_uid, uid);
	write_file("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "%u %u 1", inside_gid, gid);
	write_file("/proc/self/gid_map", map);
}

static void step_userns(const char *value)
{
	(void)value;
	enter_userns(0, 0);
}

static void step_depth(const char *value)
{
	for (int i = atoi(value); i > 0; i--)
		enter_userns(geteuid(), getegid());
}

static void step_no_userns(const char *value)
{
	(void)value;
	write_file("/proc/sys/user/max_user_namespaces", "0");
}

static void step_user(const char *value)
{
	unsigned int id = (unsigned int)strtoul(value, NULL, 10);

	if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		err(125, "user %u", id);
	/* Or /proc/self would be root's until the next execve(2). */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		err(125, "dumpable");
}

static void step_caps(const char *value)
{
	unsigned long long mask = strtoull(value, NULL, 16), held;
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(mask >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			err(125, "bounding set");
	if (syscall(SYS_capget, &header, data) < 0)
		err(125, "capget");
	held = mask & (data[0].permitted | (unsigned long long)data[1].permitted << 32);
	for (int i = 0; i < 2; i++) {
		data[i].permitted = data[i].effective = (unsigned int)(held >> 32 * i);
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data) < 0)
		err(125, "capset");
}

static void step_nnp(const char *value)
{
	(void)value;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err(125, "no_new_privs");
}

/* ---- trees -------------------------------------------------------------------------------------------------------- */

static void make_node(const char *name)
{
	char source[64], target[64];
	int fd;

	(void)snprintf(source, sizeof(source), "/dev/%s", name);
	(void)snprintf(target, sizeof(target), "dev/%s", name);
	fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		err(125, "%s", target);
	(void)close(fd);
	do_mount(source, target, NULL, MS_BIND, NULL);
}

static void make_dev(void)
{
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};

	do_mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		make_node(nodes[i]);
	if (keep_fuse)
		make_node("fuse");
	if (mkdir("dev/shm", 01777) < 0 || mkdir("dev/pts", 0755) < 0)
		err(125, "dev");
	do_mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666");
}

/* The parent waits outside: a new PID namespace holds only children. */
static void fork_inside(void)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		err(125, "fork");
	if (child == 0)
		return;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			err(125, "waitpid");
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void pivot_here(void)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		err(125, "pivot_root");
}

/* Working directory: the mount that becomes the root. */
static void become_root(void)
{
	do_mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	do_mount("/sys", "sys", NULL, MS_BIND | MS_REC, NULL);
	make_dev();
	pivot_here();
}

static void new_mount_namespace(int more)
{
	if (unshare(CLONE_NEWNS | more) < 0)
		err(125, "mount namespace");
	do_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void step_root(const char *value)
{
	new_mount_namespace(CLONE_NEWPID);
	fork_inside();
	do_mount(value, value, NULL, MS_BIND, NULL);
	if (chdir(value) < 0)
		err(125, "%s", value);
	become_root();
}

/* @lower below a tmpfs, at /mnt. */
static void overlay_over(const char *lower)
{
	char options[512];

	do_mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755");
	if (mkdir("/mnt/upper", 0755) < 0 || mkdir("/mnt/work", 0700) < 0 ||
	    mkdir("/mnt/root", 0755) < 0)
		err(125, "/mnt");
	(void)snprintf(options, sizeof(options),
		       "lowerdir=%s,upperdir=/mnt/upper,workdir=/mnt/work,userxattr", lower);
	do_mount("overlay", "/mnt/root", "overlay", 0, options);
	if (chdir("/mnt/root") < 0)
		err(125, "/mnt/root");
}

static void step_overlay(const char *value)
{
	new_mount_namespace(CLONE_NEWPID);
	fork_inside();
	overlay_over(value);
	become_root();
}

static void step_overlay2(const char *value)
{
	new_mount_namespace(CLONE_NEWPID);
	fork_inside();
	overlay_over(value);
	overlay_over(".");
	become_root();
}

static void step_mask(const char *value)
{
	static const char *const files[] = {"/proc/keys", "/proc/timer_list", "/proc/kcore"};
	static const char *const read_only[] = {"/proc/sys", "/proc/irq", "/proc/bus"};

	(void)value;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (access(files[i], F_OK) == 0)
			do_mount("/dev/null", files[i], NULL, MS_BIND, NULL);
	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++) {
		do_mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL);
		do_mount(NULL, read_only[i], NULL,
			 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	}
}

static void step_chroot(const char *value)
{
	static const char *const trees[] = {"/proc", "/sys", "/dev"};

	new_mount_namespace(0);
	if (chdir(value) < 0)
		err(125, "%s", value);
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
		do_mount(trees[i], trees[i] + 1, NULL, MS_BIND | MS_REC, NULL);
	if (chroot(".") < 0)
		err(125, "chroot");
}

static void step_fuse(const char *value)
{
	(void)value;
	keep_fuse = true;
}

/* ---- seccomp ------------------------------------------------------------------------------------------------------ */

/* Calls that Docker's profile and older ones of Podman (newer ones allow the mount interface) give to holders of CAP_SYS_ADMIN alone. */
static const int denied_by_both[] = {
	SCMP_SYS(bpf),
	SCMP_SYS(fanotify_init),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fspick),
	SCMP_SYS(lookup_dcookie),
	SCMP_SYS(move_mount),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(open_tree),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(quotactl),
	SCMP_SYS(setdomainname),
	SCMP_SYS(sethostname),
	SCMP_SYS(syslog),
	SCMP_SYS(kexec_load),
	SCMP_SYS(init_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(acct),
	SCMP_SYS(settimeofday),
};
static const int denied_by_docker[] = {
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
};

static void deny(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0) < 0)
			errx(125, "seccomp rule %zu", i);
}

static void deny_docker(scmp_filter_ctx filter)
{
	deny(filter, denied_by_docker, sizeof(denied_by_docker) / sizeof(denied_by_docker[0]));
	/* clone3(2) hides its flags behind a pointer: libc is told that it does not exist. */
	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) < 0)
		errx(125, "seccomp clone3");
	/* Any of the flags: one rule per bit. */
	for (int bit = 0; bit < 32; bit++) {
		unsigned long flag = CLONE_NAMESPACES & 1UL << bit;

		if (flag && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					     SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)) < 0)
			errx(125, "seccomp clone");
	}
}

static void step_seccomp(const char *value)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (!filter || (strcmp(value, "docker") != 0 && strcmp(value, "podman") != 0))
		errx(125, "seccomp=docker or seccomp=podman");
	/* Engines load the filter as root: it must not set no_new_privs by itself. */
	if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0) < 0)
		errx(125, "seccomp attribute");
	deny(filter, denied_by_both, sizeof(denied_by_both) / sizeof(denied_by_both[0]));
	if (strcmp(value, "docker") == 0)
		deny_docker(filter);
	if (seccomp_load(filter) < 0)
		errx(125, "seccomp filter");
	seccomp_release(filter);
}

/* ------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*take)(const char *value);
} steps[] = {
	{"fuse", step_fuse},         {"root", step_root},   {"overlay", step_overlay},
	{"overlay2", step_overlay2}, {"mask", step_mask},   {"chroot", step_chroot},
	{"userns", step_userns},     {"depth", step_depth}, {"no-userns", step_no_userns},
	{"user", step_user},         {"caps", step_caps},   {"nnp", step_nnp},
	{"seccomp", step_seccomp},
};

static void take_step(const char *text)
{
	size_t length = strcspn(text, "=");

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strlen(steps[i].name) == length && strncmp(text, steps[i].name, length) == 0) {
			steps[i].take(text[length] ? text + length + 1 : "");
			return;
		}
	errx(125, "no such step: %s", text);
}

int main(int argc, char **argv)
{
	(void)argc;
	for (argv++; *argv && strcmp(*argv, "--") != 0; argv++)
		take_step(*argv);
	if (!*argv || !argv[1])
		errx(125, "usage: simulate STEP... -- COMMAND...");
	(void)execvp(argv[1], argv + 1);
	err(125, "%s", argv[1]);
}
