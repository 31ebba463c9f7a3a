/* SPDX-License-Identifier: BSD-3-Clause */
#include "starter/flavour.h"

const bool flavour_is_setuid = false;
