/* SPDX-License-Identifier: BSD-3-Clause */
/* The two flavours differ in one constant; each program links one of flavour_plain.c and flavour_setuid.c. */
#ifndef STARTER_FLAVOUR_H
#define STARTER_FLAVOUR_H

#include <stdbool.h>

extern const bool flavour_is_setuid;

#endif
