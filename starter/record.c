/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: bytes → checked plan. Must not: trust what the parse child left beyond what plan_check() proves. Runs after
 * sanitize and privs_init(), before anything is acted upon.
 */
#include "starter/record.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/cleanup_fd.h"
#include "ipc/plan.h"
#include "ipc/plan_decode.h"
#include "starter/flavour.h"
#include "starter/privs.h"

/* What the parse child writes and the parent reads; nothing in it is a pointer. */
struct record_page {
	int result;
	struct err err;
	struct plan plan;
};

struct record_work {
	const void *bytes;
	size_t length;
	struct record_page *page;
};

/* In the setuid flavour the last thing that a child without any right does: it may only compute and end (rule R4). */
static int record_decode(void *data)
{
	const struct rlimit seconds = {2, 2};
	const struct record_work *work = data;
	struct record_page *page = work->page;

	/* EPERM: the caller's hard limit is lower already. */
	if (flavour_is_setuid && ((setrlimit(RLIMIT_CPU, &seconds) < 0 && errno != EPERM) ||
				  prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) < 0))
		return -EPERM;
	page->result = plan_decode(work->bytes, work->length, &page->plan, &page->err);
	return 0;
}

/* The page is shared with a child until it is gone: copy once, then judge the copy only. */
static int record_take(const struct record_page *page, struct record *record, struct err *err)
{
	const uint32_t text_bytes = page->plan.text_bytes;
	static struct plan plan;

	if (page->result != 0) {
		*err = page->err;
		err->message[sizeof(err->message) - 1] = '\0';
		err->kind = ERR_PROTOCOL;
		return -EPROTO;
	}
	/* The rest of the texts stays zero pages that cost nothing; plan_check() trusts no length. */
	memcpy(&plan, &page->plan,
	       offsetof(struct plan, text) + (text_bytes < PLAN_TEXT_MAX ? text_bytes : PLAN_TEXT_MAX));
	record->plan = &plan;
	return plan_check(&plan, record->fd_count, err);
}

int record_receive(struct record *record, struct err *err)
{
	static struct channel_record channel;
	struct record_page *page;
	const void *bytes;
	size_t length;
	int result = channel_receive(CHANNEL_FD, getuid(), getpid(), &channel, err);

	if (result < 0)
		return result;
	(void)close(CHANNEL_FD);
	result = channel_map_sealed(channel.message_fd, PLAN_MESSAGE_MAX, &bytes, &length, err);
	(void)close(channel.message_fd);
	if (result < 0)
		return result;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return err_sys(err, errno, "cannot reserve memory for the launch request");
	if (privs_run_dropped(record_decode, &(struct record_work){bytes, length, page}) < 0)
		result = err_set(err, ERR_PROTOCOL, EPROTO, "the launch request could not be decoded");
	record->fd_count = channel.count;
	memcpy(record->fds, channel.fds, sizeof(record->fds));
	if (result == 0)
		result = record_take(page, record, err);
	(void)munmap(page, sizeof(*page));
	return result;
}
