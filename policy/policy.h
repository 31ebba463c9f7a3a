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

/* policy_check_plan() - may the setuid starter apply this plan? Any other flow is refused, and everything the setuid flavour must not do
 * (rules R17, R19, R22). Returns 0, or -EPERM with ERR_DENIED naming the directive. */
int policy_check_plan(const struct conf *conf, const struct plan *plan, const struct facts *facts, struct err *err);

/* policy_check_images() - only its rules on kinds, owners and places of images: where user namespaces are open they bind nobody,
 * but the frontend says them in every flow of a caller who is not root. */
int policy_check_images(const struct conf *conf, const struct plan *plan, const struct facts *facts, struct err *err);

#endif
