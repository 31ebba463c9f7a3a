/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/imager.h"
#include "ipc/log.h"

int seccomp_compile_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	log_fatal("--security seccomp is not available in this version: profiles cannot be compiled yet");
	return 255;
}
