/* SPDX-License-Identifier: BSD-3-Clause */
/* execve(2) of a program in the container: its interpreter is there too, where the kernel would not look for it. */
#ifndef STARTER_CONFINED_PROGRAM_H
#define STARTER_CONFINED_PROGRAM_H

struct tracee;

/* program_exec() - @tracee is stopped at execve or execveat; @path_arg is the number of the path argument, argv and envp come after it,
 * @dir_fd and @flags are execveat's. Returns 1: arguments were changed; 0: the call is right as it is; TRACEE_NEEDS_MAP; or a
 * negative errno that the call is to return. See execve(2). */
int program_exec(struct tracee *tracee, int dir_fd, unsigned int path_arg, int flags);

#endif
