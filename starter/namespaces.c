/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: every namespace but the user's. Must not: mount. Runs after the file servers are started.
 */
#include "starter/namespaces.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/cleanup_fd.h"
#include "ipc/log.h"
#include "starter/init.h"
#include "starter/privs.h"
#include "starter/stage.h"

/* privileged: unshare(2) CAP_SYS_ADMIN */
static int namespaces_unshare(const struct plan *plan, struct err *err)
{
	int flags = CLONE_NEWNS | (plan->ns_ipc ? CLONE_NEWIPC : 0) | (plan->ns_uts ? CLONE_NEWUTS : 0) |
		    (plan->ns_net ? CLONE_NEWNET : 0) | (plan->ns_pid ? CLONE_NEWPID : 0);
	int result;

	privs_raise(PRIVS_MOUNT);
	result = unshare(flags) < 0 ? -errno : 0;
	privs_lower();
	if (result == -ENOSPC)
		return err_set(err, ERR_SYSTEM, ENOSPC,
			       "cannot create namespaces: nested too deep (32 levels for process ids, 33 for users), or a "
			       "user.max_*_namespaces limit is reached here or further out");
	return result < 0 ? err_sys(err, -result, "cannot create namespaces") : 0;
}

/* privileged: ioctl(2) CAP_NET_ADMIN: SIOCSIFFLAGS of "lo" in the network namespace just made, whose owner is the initial user
 * namespace; the kernel has no other way to bring an interface up */
static int namespaces_raise_loopback(struct err *err)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};
	int result;

	if (fd < 0)
		return err_sys(err, errno, "cannot open a socket");
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	privs_raise(PRIVS_LO_UP);
	result = ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
	privs_lower();
	return result < 0 ? err_sys(err, -result, "cannot bring up the loopback interface") : 0;
}

/* privileged: sethostname(2) CAP_SYS_ADMIN */
static int namespaces_set_hostname(const struct plan *plan)
{
	const char *name = plan_get_text(plan, plan->hostname);
	int result;

	if (!name)
		return 0;
	privs_raise(PRIVS_MOUNT);
	result = sethostname(name, strlen(name)) < 0 ? -errno : 0;
	privs_lower();
	return result;
}

int namespaces_enter(struct stage *stage, struct err *err)
{
	int result = namespaces_unshare(stage->plan, err);

	if (result == 0 && stage->plan->ns_net)
		result = namespaces_raise_loopback(err);
	if (result < 0)
		return result;
	result = namespaces_set_hostname(stage->plan);
	if (result == -EPERM) /* Podman's default seccomp profile; /etc/hostname still says the name */
		log_warning("Cannot set the host name: refused by the outer container");
	else if (result < 0)
		return err_sys(err, -result, "cannot set the host name");
	return stage->plan->ns_pid ? init_fork(err) : 0;
}
