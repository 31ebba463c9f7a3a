/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/libraries.h"

void libraries_prepare(void)
{
}
