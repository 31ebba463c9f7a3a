/* SPDX-License-Identifier: BSD-3-Clause */
/* The sending half of log_decode_level(); the starters do not link it. */
#include "ipc/log.h"

int log_encode_level(int level, bool colour)
{
	if (colour)
		return level;
	return level < 0 ? level - 90 : level + 90;
}
