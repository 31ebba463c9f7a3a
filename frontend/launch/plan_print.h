/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FRONTEND_LAUNCH_PLAN_PRINT_H
#define FRONTEND_LAUNCH_PLAN_PRINT_H

#include <stdio.h>

struct plan;

/* plan_print_text() - the plan for people, and for the golden tests. */
void plan_print_text(const struct plan *plan, FILE *out);

/* plan_print_json() - the same for machines: one object. */
void plan_print_json(const struct plan *plan, FILE *out);

/* plan_print_flow() - the name of @flow, an enum plan_flow of a checked plan. */
const char *plan_print_flow(unsigned int flow);

#endif
