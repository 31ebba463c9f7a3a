/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verdict: what the administrator's singularity.conf lets this caller do. policy_check_* judge a plan on facts that the
 * caller of the function read itself (policy/facts.h); the frontend runs them for a better message, the setuid starter
 * runs them again on its own facts and its own copy of the file.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "ipc/err.h"

struct conf;
struct plan;
struct facts;

/* policy_check_plan() - may this plan be applied? Returns 0, or -EPERM with ERR_DENIED naming the directive.
 * In the setuid flow everything the setuid flavour must not do is refused here as well (rules R17, R19, R22). */
int policy_check_plan(const struct conf *conf, const struct plan *plan, const struct facts *facts, struct err *err);

#endif
