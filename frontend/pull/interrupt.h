/* SPDX-License-Identifier: BSD-3-Clause */
/* The end by Ctrl-C or kill(1): the terminal is put in order, nothing half-done stays, and one line says what does. */
#ifndef FRONTEND_PULL_INTERRUPT_H
#define FRONTEND_PULL_INTERRUPT_H

/* interrupt_prepare() - from now on SIGINT, SIGTERM and SIGHUP are taken by a thread, which cleans up and ends the process by the same
 * signal. @cache_path (borrowed for good; NULL: no cache) is named in the message. Before any other thread is started. */
void interrupt_prepare(const char *cache_path);

/* interrupt_note_layer() - one more layer is complete and stays in the cache. */
void interrupt_note_layer(void);

#endif
