/* SPDX-License-Identifier: BSD-3-Clause */
/* What the supervisor leaves for path-loader: the last two strings of the environment. */
#ifndef STARTER_CONFINED_LOADER_H
#define STARTER_CONFINED_LOADER_H

#define LOADER_WORDS 2 /* the program, its ELF interpreter; paths of the container */

#endif
