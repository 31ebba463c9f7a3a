/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/pull/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "frontend/settings/cache.h"
#include "frontend/ui/progress.h"
#include "ipc/log.h"

static const char *kept_in;
static unsigned int layers;

static void fill_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGHUP);
}

static void *wait_for_signal(void *unused)
{
	unsigned int count;
	sigset_t set;
	int number;

	(void)unused;
	fill_signals(&set);
	if (sigwait(&set, &number) != 0)
		return NULL;
	progress_hide_all();
	cache_abandon_all();
	count = __atomic_load_n(&layers, __ATOMIC_RELAXED);
	if (kept_in && count)
		log_info("Interrupted: %u complete layer(s) stay in the cache %s, and need not be fetched again", count, kept_in);
	else
		log_info("Interrupted: nothing is left behind");
	/* Here and not in the handler's way: a target that is being written removes itself by it. */
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(number);
	_Exit(128 + number);
}

void interrupt_prepare(const char *cache_path)
{
	sigset_t set, before;
	pthread_t thread;

	kept_in = cache_path;
	fill_signals(&set);
	if (pthread_sigmask(SIG_BLOCK, &set, &before) != 0)
		return;
	/* Without the thread they end us at once, and the next call tidies up. */
	if (pthread_create(&thread, NULL, wait_for_signal, NULL) != 0)
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	else
		(void)pthread_detach(thread);
}

void interrupt_note_layer(void)
{
	(void)__atomic_add_fetch(&layers, 1, __ATOMIC_RELAXED);
}
