/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work in progress, shown on stderr: a bar for each piece on a terminal, redrawn ten times a second; elsewhere a line for each now
 * and then; nothing with --quiet. All functions may be called from any thread, and with a NULL @progress, which shows nothing.
 */
#ifndef FRONTEND_UI_PROGRESS_H
#define FRONTEND_UI_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct progress;

/* progress_new() - an empty set (owned: progress_free()). NULL when memory is out or nothing is to be shown. */
struct progress *progress_new(void);

/* progress_add() - a bar called @label (copied, cut at 24 bytes) for @total_bytes of work; 0: unknown. Returns its number. */
int progress_add(struct progress *progress, const char *label, uint64_t total_bytes);

/* progress_update() - @done_bytes of the bar's work are done. Cheap. */
void progress_update(struct progress *progress, int bar, uint64_t done_bytes);

/* progress_set_total() - the amount became known, or another one. */
void progress_set_total(struct progress *progress, int bar, uint64_t total_bytes);

/* progress_finish() - the bar's work is over; @note (copied, may be NULL) says how. */
void progress_finish(struct progress *progress, int bar, const char *note);

/* progress_free() - take everything off the terminal. */
void progress_free(struct progress *progress);

/* progress_hide_all() - take the bars of every set off the terminal and draw no more: the program is about to end. */
void progress_hide_all(void);

/* progress_format_bar() - one line of a terminal @columns wide for @done of @total bytes (0: unknown) after @elapsed_ms, of which
 * @rate bytes per second were done lately. @note: what to say instead of the bar, NULL: none. Never longer than @columns - 1.
 * Returns the length. */
size_t progress_format_bar(char *out, size_t size, int columns, const char *label, uint64_t done, uint64_t total, double rate,
			   const char *note);

/* progress_format_size() - "12.3 MiB". */
void progress_format_size(char *out, size_t size, uint64_t bytes);

#endif
