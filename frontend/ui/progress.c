/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One thread draws, whoever works. A frame is one write(2): an empty line, the bars, and the cursor back on the empty line. So a
 * message that somebody else writes meanwhile stands there, above the bars, and the next frame begins below it.
 */
#include "frontend/ui/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ipc/log.h"

#define LABEL_MAX 25
#define NOTE_MAX 40
#define STATE_MAX 160
#define LINE_MAX_BYTES 240
#define ROWS_MAX 48
#define FRAME_MS 100
#define PLAIN_EVERY_MS 3000
#define BARS_AFTER_MS 500 /* what is over by then needs no bar */
#define RATE_SPAN_MS 2000
#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT 24

struct bar {
	char label[LABEL_MAX], note[NOTE_MAX];
	uint64_t done, total;
	bool finished;
	int64_t start_ms, said_ms; /* said_ms: of the last plain line */
	/* The rate is that since the older of two marks, which are one to two spans apart. */
	int64_t mark_ms[2];
	uint64_t mark_done[2];
};

struct progress {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool has_thread, ending, terminal, hidden;
	int64_t start_ms;
	int drawn; /* lines of the last frame below the cursor */
	struct bar *bars;
	int count;
	struct progress *next;
};

static pthread_mutex_t sets_lock = PTHREAD_MUTEX_INITIALIZER;
static struct progress *sets;

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- text ---- */

void progress_format_size(char *out, size_t size, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(out, size, "%d B", (int)bytes);
		return;
	}
	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(out, size, "%.1f %s", value, units[unit]);
}

static void format_duration(char *out, size_t size, double seconds)
{
	uint64_t whole = seconds < 360000 ? (uint64_t)seconds : 359999; /* a link that is stuck */

	if (whole >= 3600)
		(void)snprintf(out, size, "%" PRIu64 "h%02" PRIu64 "m", whole / 3600, whole / 60 % 60);
	else if (whole >= 60)
		(void)snprintf(out, size, "%" PRIu64 "m%02" PRIu64 "s", whole / 60, whole % 60);
	else
		(void)snprintf(out, size, "%" PRIu64 "s", whole);
}

/* "45% of 12.3 MiB, 2.1 MiB/s, 4s left" as far as it is known. */
static void format_state(char *out, size_t size, uint64_t done, uint64_t total, double rate, bool brief)
{
	char amount[24], speed[24], left[32];
	int n;

	progress_format_size(amount, sizeof(amount), total ? total : done);
	if (total)
		n = snprintf(out, size, "%3d%% of %s", done >= total ? 100 : (int)((double)done / (double)total * 100), amount);
	else
		n = snprintf(out, size, "%s", amount);
	if (rate < 1 || n < 0 || n > 40 || brief)
		return;
	progress_format_size(speed, sizeof(speed), (uint64_t)rate);
	if (total > done) {
		format_duration(left, sizeof(left), (double)(total - done) / rate);
		(void)snprintf(out + n, size - (size_t)n, ", %s/s, %s left", speed, left);
	} else {
		(void)snprintf(out + n, size - (size_t)n, ", %s/s", speed);
	}
}

size_t progress_format_bar(char *out, size_t size, int columns, const char *label, uint64_t done, uint64_t total, double rate,
			   const char *note)
{
	static const char cells[] = "########################################";
	size_t room = columns > 1 ? (size_t)columns - 1 : 1;
	char state[STATE_MAX];
	int width, filled, n;

	if (room >= size)
		room = size - 1;
	if (note && *note)
		(void)snprintf(state, sizeof(state), "%s", note);
	else
		format_state(state, sizeof(state), done, total, rate, room < 50);
	/* Label, blank, brackets, blank, state; the bar takes what is left, or leaves. */
	width = (int)room - LABEL_MAX - (int)strlen(state) - 4;
	width = width > (int)sizeof(cells) - 1 ? (int)sizeof(cells) - 1 : width;
	if (total && width >= 8 && !(note && *note)) {
		filled = done >= total ? width : (int)((double)done / (double)total * width);
		n = snprintf(out, room + 1, "%-*s [%-*.*s] %s", LABEL_MAX - 1, label, width, filled, cells, state);
	} else if (room >= LABEL_MAX + strlen(state)) {
		n = snprintf(out, room + 1, "%-*s %s", LABEL_MAX - 1, label, state);
	} else {
		n = snprintf(out, room + 1, "%s %s", state, label);
	}
	return n < 0 ? 0 : (size_t)n > room ? room : (size_t)n;
}

/* ---- drawing: with the lock held ---- */

static double bar_rate(struct bar *bar, int64_t now)
{
	int64_t span = now - bar->mark_ms[0];

	if (now - bar->mark_ms[1] > RATE_SPAN_MS) {
		bar->mark_ms[0] = bar->mark_ms[1];
		bar->mark_done[0] = bar->mark_done[1];
		bar->mark_ms[1] = now;
		bar->mark_done[1] = bar->done;
	}
	return span <= 0 || bar->done < bar->mark_done[0] ? 0
							  : (double)(bar->done - bar->mark_done[0]) * 1000 / (double)span;
}

static void put(const char *bytes, size_t size)
{
	if (write(STDERR_FILENO, bytes, size) < 0) {
		/* nowhere to say so */
	}
}

static void hide(struct progress *progress)
{
	if (progress->drawn > 0)
		put("\r\033[J", 4);
	progress->drawn = 0;
}

/* Bars at work first, then as many of the others as the terminal has room for. */
static int choose(const struct progress *progress, int room, int chosen[ROWS_MAX])
{
	int count = 0, active = 0;

	for (int i = 0; i < progress->count; i++)
		active += !progress->bars[i].finished;
	for (int i = 0, spare = room - active; i < progress->count && count < room; i++) {
		if (progress->bars[i].finished && spare-- <= 0)
			continue;
		chosen[count++] = i;
	}
	return count;
}

static void draw_bars(struct progress *progress, int64_t now)
{
	struct winsize window = {.ws_row = 0};
	char frame[ROWS_MAX * (LINE_MAX_BYTES + 8) + 32];
	int chosen[ROWS_MAX], rows, columns, count;
	size_t used = 0;

	if (now - progress->start_ms < BARS_AFTER_MS)
		return;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) < 0)
		window.ws_row = 0;
	rows = window.ws_row ? window.ws_row : ROWS_DEFAULT;
	columns = window.ws_col ? window.ws_col : COLUMNS_DEFAULT;
	rows = rows > ROWS_MAX + 2 ? ROWS_MAX : rows > 3 ? rows - 2 : 1; /* the empty line, and one of what was before */
	count = choose(progress, rows, chosen);
	used += (size_t)snprintf(frame, sizeof(frame), "\r\033[J");
	for (int i = 0; i < count; i++) {
		struct bar *bar = &progress->bars[chosen[i]];
		double rate = bar_rate(bar, now);

		frame[used++] = '\n';
		used += progress_format_bar(frame + used, LINE_MAX_BYTES, columns, bar->label, bar->done, bar->total, rate,
					    bar->finished ? bar->note : NULL);
	}
	if (count)
		used += (size_t)snprintf(frame + used, sizeof(frame) - used, "\r\033[%dA", count);
	put(frame, used);
	progress->drawn = count;
}

static void say_lines(struct progress *progress, int64_t now)
{
	for (int i = 0; i < progress->count; i++) {
		struct bar *bar = &progress->bars[i];
		char state[STATE_MAX];

		if (bar->finished || now - bar->said_ms < PLAIN_EVERY_MS)
			continue;
		format_state(state, sizeof(state), bar->done, bar->total, bar_rate(bar, now), false);
		log_info("%s: %s", bar->label, state + strspn(state, " "));
		bar->said_ms = now;
	}
}

static void *draw_until_end(void *argument)
{
	struct progress *progress = argument;
	struct timespec until;

	(void)pthread_mutex_lock(&progress->lock);
	while (!progress->ending) {
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)FRAME_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		(void)pthread_cond_timedwait(&progress->wake, &progress->lock, &until);
		if (progress->ending || progress->hidden)
			continue;
		if (progress->terminal)
			draw_bars(progress, now_ms());
		else
			say_lines(progress, now_ms());
	}
	(void)pthread_mutex_unlock(&progress->lock);
	return NULL;
}

/* ---- the set ---- */

struct progress *progress_new(void)
{
	struct progress *progress;
	pthread_condattr_t monotonic;

	if (log_get_level() < LOG_LEVEL_INFO)
		return NULL;
	progress = calloc(1, sizeof(*progress));
	if (!progress)
		return NULL;
	(void)pthread_mutex_init(&progress->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&progress->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	progress->terminal = isatty(STDERR_FILENO);
	progress->start_ms = now_ms();
	(void)pthread_mutex_lock(&sets_lock);
	progress->next = sets;
	sets = progress;
	(void)pthread_mutex_unlock(&sets_lock);
	return progress;
}

/* Signals are for the threads that work. */
static void start_thread(struct progress *progress)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	progress->has_thread = pthread_create(&progress->thread, NULL, draw_until_end, progress) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int progress_add(struct progress *progress, const char *label, uint64_t total_bytes)
{
	struct bar *bars;
	int number = -1;

	if (!progress)
		return -1;
	(void)pthread_mutex_lock(&progress->lock);
	bars = realloc(progress->bars, ((size_t)progress->count + 1) * sizeof(*bars));
	if (bars) {
		struct bar *bar = &bars[progress->count];
		int64_t now = now_ms();

		*bar = (struct bar){.total = total_bytes, .start_ms = now, .said_ms = now, .mark_ms = {now, now}};
		(void)snprintf(bar->label, sizeof(bar->label), "%s", label);
		progress->bars = bars;
		number = progress->count++;
	}
	if (!progress->has_thread)
		start_thread(progress);
	(void)pthread_mutex_unlock(&progress->lock);
	return number;
}

static struct bar *lock_bar(struct progress *progress, int number)
{
	if (!progress || number < 0)
		return NULL;
	(void)pthread_mutex_lock(&progress->lock);
	return &progress->bars[number];
}

void progress_update(struct progress *progress, int number, uint64_t done_bytes)
{
	struct bar *bar = lock_bar(progress, number);

	if (!bar)
		return;
	bar->done = done_bytes;
	(void)pthread_mutex_unlock(&progress->lock);
}

void progress_set_total(struct progress *progress, int number, uint64_t total_bytes)
{
	struct bar *bar = lock_bar(progress, number);

	if (!bar)
		return;
	bar->total = total_bytes;
	(void)pthread_mutex_unlock(&progress->lock);
}

void progress_finish(struct progress *progress, int number, const char *note)
{
	struct bar *bar = lock_bar(progress, number);

	if (!bar)
		return;
	bar->finished = true;
	(void)snprintf(bar->note, sizeof(bar->note), "%s", note ? note : "done");
	(void)pthread_mutex_unlock(&progress->lock);
}

static void unlist(const struct progress *progress)
{
	(void)pthread_mutex_lock(&sets_lock);
	for (struct progress **at = &sets; *at; at = &(*at)->next) {
		if (*at != progress)
			continue;
		*at = progress->next;
		break;
	}
	(void)pthread_mutex_unlock(&sets_lock);
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	unlist(progress);
	(void)pthread_mutex_lock(&progress->lock);
	progress->ending = true;
	(void)pthread_cond_signal(&progress->wake);
	(void)pthread_mutex_unlock(&progress->lock);
	if (progress->has_thread)
		(void)pthread_join(progress->thread, NULL);
	hide(progress);
	(void)pthread_cond_destroy(&progress->wake);
	(void)pthread_mutex_destroy(&progress->lock);
	free(progress->bars);
	free(progress);
}

void progress_hide_all(void)
{
	(void)pthread_mutex_lock(&sets_lock);
	for (struct progress *progress = sets; progress; progress = progress->next) {
		(void)pthread_mutex_lock(&progress->lock);
		progress->hidden = true;
		hide(progress);
		(void)pthread_mutex_unlock(&progress->lock);
	}
	(void)pthread_mutex_unlock(&sets_lock);
}
