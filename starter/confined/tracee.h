/* SPDX-License-Identifier: BSD-3-Clause */
/* One traced thread: its registers at a stop, its memory, and room in its address space for paths of ours. */
#ifndef STARTER_CONFINED_TRACEE_H
#define STARTER_CONFINED_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#define TRACEE_ARGS      6
#define TRACEE_NEEDS_MAP (-4096) /* no errno: a mapping must be made first, tracee_begin_map() */

/* What threads that share an address space share. */
struct tracee_space {
	unsigned int users;
	uint64_t scratch; /* address of our mapping in there; 0: none yet */
	uint32_t slots;   /* a bit for each that is in use */
	char *exe; /* owned; container path of the program where the kernel would name our loader, else NULL */
};

enum tracee_state {
	TRACEE_RUNNING,
	TRACEE_EARLY,   /* stopped before we heard from its parent */
	TRACEE_CALLING, /* in a call with arguments of ours: they are put back when it returns */
	TRACEE_MAPPING, /* in a mmap(2) of ours */
	TRACEE_OPENING, /* before, then in a prctl(2) of ours: see tracee_begin_dumpable() */
};

struct tracee {
	pid_t tid, tgid;            /* tgid 0: not asked yet */
	struct tracee_space *space; /* shared; NULL while TRACEE_EARLY */
	enum tracee_state state;
	int mem_fd;                           /* owned; /proc/TID/mem, or -1: word by word */
	struct user_regs_struct regs;         /* as they were at the call */
	bool changes_ids;                     /* this call may make it another user's */
	bool in_prctl;                        /* TRACEE_OPENING: the prctl(2) has been entered */
	unsigned int changed;                 /* a bit for each argument that is ours */
	int slot;                             /* of the scratch, or -1 */
	uint64_t area, area_bytes, area_used; /* where this call may put things */
	int held_fd;           /* owned; what a path of this call goes through, or -1 */
	uint64_t wanted_bytes; /* of the mapping that this call waits for */
	char *next_exe;        /* owned; exe once the execve(2) under way has succeeded */
	char *cwd,
		*next_cwd; /* owned; host path, where /proc will not tell: see tracee_note_cwd() */
	struct tracee *next;
};

/* tracee_add() - a thread that is not known yet. NULL: no memory. */
struct tracee *tracee_add(pid_t tid, enum tracee_state state);
struct tracee *tracee_find(pid_t tid);

/* tracee_get_tgid() - its process; read from /proc once. */
pid_t tracee_get_tgid(struct tracee *tracee);

void tracee_remove(struct tracee *tracee);

/* tracee_inherit() - @child came from @parent (NULL: the first) by fork, vfork or clone. Returns 0 or -ENOMEM. */
int tracee_inherit(struct tracee *child, const struct tracee *parent);

/* tracee_renew() - an execve(2) has succeeded: new memory, other threads gone. Returns 0 or -ENOMEM. */
int tracee_renew(struct tracee *tracee);

/* tracee_note_cwd() - the working directory is @host (copied). Root without CAP_SYS_PTRACE may not ask for that of a process which has
 * become another user; then the last that was known holds. */
void tracee_note_cwd(struct tracee *tracee, const char *host);

/* tracee_read_call() - the registers at a call. Negative errno: it is gone. */
int tracee_read_call(struct tracee *tracee);
long tracee_get_number(const struct tracee *tracee);
uint64_t tracee_get_arg(const struct tracee *tracee, unsigned int index);

/* tracee_set_arg() - for this call; tracee_put_back() undoes it. */
int tracee_set_arg(struct tracee *tracee, unsigned int index, uint64_t value);
int tracee_put_back(struct tracee *tracee);

/* tracee_answer() - the call is not made; it returns @value. */
int tracee_answer(struct tracee *tracee, int64_t value);

/* tracee_begin_map() - make the call a mmap(2) of wanted_bytes; tracee_end_map() at its return: take the mapping, and have the call made
 * again from the start. */
int tracee_begin_map(struct tracee *tracee);
int tracee_end_map(struct tracee *tracee);

/* tracee_begin_dumpable() - at the return of a call that changed ids: such a process is not dumpable any more, and root without
 * CAP_SYS_PTRACE could neither read its memory nor that of its children. It is made to ask for it back, by a call of ours:
 * tracee_step_dumpable() at its entry and return, tracee_cancel_dumpable() when a signal comes first. */
int tracee_begin_dumpable(struct tracee *tracee);
int tracee_step_dumpable(struct tracee *tracee);
int tracee_cancel_dumpable(struct tracee *tracee);

int tracee_read(const struct tracee *tracee, uint64_t address, void *out, size_t bytes);
int tracee_write(const struct tracee *tracee, uint64_t address, const void *bytes, size_t length);

/* tracee_read_text() - NUL-terminated. Returns 0, -EFAULT or -ENAMETOOLONG. */
int tracee_read_text(const struct tracee *tracee, uint64_t address, char *out, size_t size);

/* tracee_place() - put @length bytes (NULL: only keep the room) where this call may point to, 8-byte aligned. Returns 0,
 * TRACEE_NEEDS_MAP or a negative errno. */
int tracee_place(struct tracee *tracee, const void *bytes, size_t length, uint64_t *address);

/* tracee_make_room() - have room for @bytes in this call. Returns 0 or TRACEE_NEEDS_MAP. */
int tracee_make_room(struct tracee *tracee, size_t bytes);

#endif
