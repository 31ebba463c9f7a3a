/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STARTER_SANITIZE_H
#define STARTER_SANITIZE_H

/* sanitize_entry() - make the inherited state harmless before anything else runs (rules R9 and R10): no environment,
 * descriptors 0 to 2 valid and nothing above the channel open, default signals, no timers, umask 077, cwd "/",
 * resource limits raised to their hard value. Exits with a FATAL line on failure. */
void sanitize_entry(int argc);

/* sanitize_restore() - give the payload the soft limits and the personality(2) that the caller had. */
void sanitize_restore(void);

#endif
