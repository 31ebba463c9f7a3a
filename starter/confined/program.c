/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Responsible for: what the kernel does after it has opened a program: "#!" lines and the dynamic loader, both of which it would
 * take from the host. Must not: run anything itself. Runs in the supervisor, at the stop before execve(2). x86-64.
 *
 * A dynamic program is started through path-loader (loader.c), which maps it and its loader as the kernel would have, so that
 * argv[0], the auxiliary vector and any loader's age do not matter. It finds the two names at the end of the environment and
 * takes them off.
 */
#include "starter/confined/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/cleanup.h"
#include "ipc/log.h"
#include "starter/confined/calls.h"
#include "starter/confined/loader.h"
#include "starter/confined/path.h"
#include "starter/confined/proc.h"
#include "starter/confined/tracee.h"

#define SCRIPT_DEPTH_MAX 5
#define SCRIPT_LINE_MAX  256 /* BINPRM_BUF_SIZE of the kernel */
#define HEADERS_MAX      64
#define POINTERS_MAX                                                                               \
	(1024 * 1024) /* of argv and envp each; the kernel's own limit is on their bytes */

enum program_kind {
	PROGRAM_DIRECT,
	PROGRAM_DYNAMIC,
	PROGRAM_SCRIPT,
	PROGRAM_UNKNOWN
};

/* One execve under way. */
struct program {
	char host[PATH_MAX]; /* what is started */
	char name[PATH_MAX]; /* as the container calls it; for the process itself and for scripts */
	char guest[PATH_MAX];  /* its clean path; "" when it lies outside the container */
	char interp[PATH_MAX]; /* dynamic: of the container */
	char words[2 * SCRIPT_DEPTH_MAX]
		  [SCRIPT_LINE_MAX]; /* scripts: what goes before name and arguments, last first */
	unsigned int word_count;
};

/* PT_INTERP of the ELF file at @fd. */
static enum program_kind program_read_elf(int fd, const Elf64_Ehdr *header, char interp[PATH_MAX])
{
	Elf64_Phdr parts[HEADERS_MAX];
	size_t bytes = header->e_phnum * sizeof(parts[0]);

	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64 ||
	    header->e_phentsize != sizeof(parts[0]) || header->e_phnum > HEADERS_MAX ||
	    pread(fd, parts, bytes, (off_t)header->e_phoff) != (ssize_t)bytes)
		return PROGRAM_UNKNOWN;
	for (size_t i = 0; i < header->e_phnum; i++) {
		if (parts[i].p_type != PT_INTERP)
			continue;
		if (parts[i].p_filesz < 2 || parts[i].p_filesz > PATH_MAX ||
		    pread(fd, interp, parts[i].p_filesz, (off_t)parts[i].p_offset) !=
			    (ssize_t)parts[i].p_filesz ||
		    interp[parts[i].p_filesz - 1] != '\0')
			return PROGRAM_UNKNOWN;
		return PROGRAM_DYNAMIC;
	}
	return PROGRAM_DIRECT;
}

/* "#! interpreter [one argument]": blanks around both go, those inside the argument stay. */
static enum program_kind program_read_script(char *line, char *interp, char *argument)
{
	char *at = line + 2, *end = line + strcspn(line, "\n");

	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	at += strspn(at, " \t");
	if (*at == '\0')
		return PROGRAM_UNKNOWN;
	end = at + strcspn(at, " \t");
	memcpy(interp, at, (size_t)(end - at));
	interp[end - at] = '\0';
	end += strspn(end, " \t");
	memcpy(argument, end, strlen(end) + 1);
	return PROGRAM_SCRIPT;
}

static enum program_kind program_classify(const char *host, char interp[PATH_MAX],
					  char argument[SCRIPT_LINE_MAX])
{
	cleanup_fd int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	union {
		Elf64_Ehdr header;
		char line[SCRIPT_LINE_MAX + 1];
	} start;
	ssize_t length = fd < 0 ? -1 : pread(fd, &start, SCRIPT_LINE_MAX, 0);

	if (length < 2)
		return PROGRAM_UNKNOWN;
	start.line[length] = '\0';
	if (start.line[0] == '#' && start.line[1] == '!')
		return program_read_script(start.line, interp, argument);
	if ((size_t)length >= sizeof(start.header) &&
	    memcmp(start.header.e_ident, ELFMAG, SELFMAG) == 0)
		return program_read_elf(fd, &start.header, interp);
	return PROGRAM_UNKNOWN;
}

/* The kernel checks the loader it starts; the program it does not see is checked here. */
static int program_check(const char *host)
{
	struct stat st;

	if (stat(host, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, host, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* A name below /proc (a descriptor, exe) may be gone when the new program asks for it: take what it stands for. */
static void program_name_link(struct tracee *tracee, struct program *program)
{
	char text[PATH_MAX];
	ssize_t length = strncmp(program->host, "/proc/", 6) != 0
				 ? -1
				 : proc_read_link(tracee, calls_get_setup()->table, program->host,
						  false, text, sizeof(text) - 1);

	if (length <= 0 || text[0] != '/')
		return;
	text[length] = '\0';
	memcpy(program->guest, text, (size_t)length + 1);
	memcpy(program->name, text, (size_t)length + 1);
}

static int program_locate(struct tracee *tracee, int dir_fd, const char *path, bool follow,
			  struct program *program, bool *same)
{
	static struct path_result place;
	int result = calls_resolve_path(tracee, dir_fd, path, follow, &place, same);

	if (result < 0)
		return result;
	memcpy(program->host, place.host, strlen(place.host) + 1);
	memcpy(program->guest, place.guest, strlen(place.guest) + 1);
	return program_check(program->host);
}

/* execveat(fd, "", AT_EMPTY_PATH) */
static int program_locate_fd(struct tracee *tracee, int fd, struct program *program)
{
	(void)snprintf(program->host, sizeof(program->host), "/proc/%d/fd/%d", (int)tracee->tid,
		       fd);
	(void)snprintf(program->name, sizeof(program->name), "/dev/fd/%d", fd);
	memcpy(program->guest, program->name, strlen(program->name) + 1);
	program_name_link(tracee, program);
	return program_check(program->host);
}

static int program_find(struct tracee *tracee, int dir_fd, unsigned int path_arg, int flags,
			struct program *program, bool *same)
{
	uint64_t address = tracee_get_arg(tracee, path_arg);
	int result =
		address ? tracee_read_text(tracee, address, program->name, sizeof(program->name))
			: -EFAULT;

	*same = false;
	if (result < 0)
		return result;
	if (program->name[0] == '\0')
		return flags & AT_EMPTY_PATH ? program_locate_fd(tracee, dir_fd, program) : -ENOENT;
	result = program_locate(tracee, dir_fd, program->name, !(flags & AT_SYMLINK_NOFOLLOW),
				program, same);
	if (result < 0)
		return result;
	if (program->name[0] != '/' && dir_fd != AT_FDCWD)
		memcpy(program->name, program->guest, strlen(program->guest) + 1);
	program_name_link(tracee, program);
	return 0;
}

static void program_push(struct program *program, const char *word)
{
	size_t length =
		strnlen(word, SCRIPT_LINE_MAX - 1); /* never longer: it was read from such a line */
	char *to = program->words[program->word_count++];

	memcpy(to, word, length);
	to[length] = '\0';
}

/* Through the "#!" lines to what the kernel would map. Negative errno, or the kind. */
static int program_follow_scripts(struct tracee *tracee, struct program *program, bool *same)
{
	char argument[SCRIPT_LINE_MAX];
	int kind = program_classify(program->host, program->interp, argument);

	for (int depth = 0; kind == PROGRAM_SCRIPT; depth++) {
		int result;

		if (depth == SCRIPT_DEPTH_MAX)
			return -ELOOP;
		if (argument[0])
			program_push(program, argument);
		program_push(program, program->interp);
		result = program_locate(tracee, AT_FDCWD, program->interp, true, program, same);
		if (result < 0)
			return result;
		*same = false;
		kind = program_classify(program->host, program->interp, argument);
	}
	return kind;
}

/* ---- the new arguments -------------------------------------------------------------------------------------------- */

/* A NULL-terminated array of the tracee; *@count without the NULL. */
static int program_read_pointers(const struct tracee *tracee, uint64_t address, uint64_t **out,
				 size_t *count)
{
	size_t room = 0, used = 0;
	uint64_t *list = NULL;

	for (; address && used < POINTERS_MAX; used++) {
		if (used == room) {
			/* Up to the end of a page at a time: the next need not be there. */
			size_t more = (4096 - (address + used * 8) % 4096 + 7) / 8;
			uint64_t *longer = realloc(list, (room + more) * sizeof(*list));

			if (!longer ||
			    tracee_read(tracee, address + used * 8, longer + room, more * 8) < 0) {
				free(longer ? longer : list);
				return longer ? -EFAULT : -ENOMEM;
			}
			list = longer;
			room += more;
		}
		if (list[used] == 0)
			break;
	}
	if (used == POINTERS_MAX) {
		free(list);
		return -E2BIG;
	}
	*out = list;
	*count = used;
	return 0;
}

static int program_place_text(struct tracee *tracee, const char *text, uint64_t *address)
{
	return tracee_place(tracee, text, strlen(text) + 1, address);
}

/* @front_count new words, then the tracee's own from @skip on, then @back_count, then NULL. */
static int program_place_list(struct tracee *tracee, const uint64_t *front, size_t front_count,
			      const uint64_t *own, size_t own_count, const uint64_t *back,
			      size_t back_count, uint64_t *address)
{
	size_t count = front_count + own_count + back_count + 1;
	uint64_t *list = calloc(count, sizeof(*list));
	int result;

	if (!list)
		return -ENOMEM;
	if (front_count)
		memcpy(list, front, front_count * sizeof(*list));
	if (own_count)
		memcpy(list + front_count, own, own_count * sizeof(*list));
	if (back_count)
		memcpy(list + front_count + own_count, back, back_count * sizeof(*list));
	result = tracee_place(tracee, list, count * sizeof(*list), address);
	free(list);
	return result;
}

/* argv of a script: interpreter, its argument, the script's name, then what came after argv[0]. */
static int program_set_argv(struct tracee *tracee, unsigned int arg, const struct program *program,
			    const uint64_t *own, size_t own_count)
{
	uint64_t front[2 * SCRIPT_DEPTH_MAX + 1], address;
	size_t count = 0;
	int result = 0;

	for (unsigned int i = program->word_count; result == 0 && i-- > 0;)
		result = program_place_text(tracee, program->words[i], &front[count++]);
	if (result == 0)
		result = program_place_text(tracee, program->name, &front[count++]);
	if (result == 0)
		result = program_place_list(tracee, front, count, own + (own_count ? 1 : 0),
					    own_count ? own_count - 1 : 0, NULL, 0, &address);
	return result < 0 ? result : tracee_set_arg(tracee, arg, address);
}

static int program_set_env(struct tracee *tracee, unsigned int arg, const char *name,
			   const char *interp, const uint64_t *own, size_t own_count)
{
	uint64_t back[LOADER_WORDS], address;
	int result = program_place_text(tracee, name, &back[0]);

	if (result == 0)
		result = program_place_text(tracee, interp, &back[1]);
	if (result == 0)
		result = program_place_list(tracee, NULL, 0, own, own_count, back, LOADER_WORDS,
					    &address);
	return result < 0 ? result : tracee_set_arg(tracee, arg, address);
}

static int program_set_path(struct tracee *tracee, unsigned int arg, const char *host)
{
	uint64_t address;
	int result = program_place_text(tracee, host, &address);

	return result < 0 ? result : tracee_set_arg(tracee, arg, address);
}

/* What program->name stands for is mapped; a script's interpreter has the name that its line gives. */
static const char *program_get_mapped(const struct program *program)
{
	return program->word_count ? program->words[program->word_count - 1] : program->name;
}

static int program_change(struct tracee *tracee, unsigned int path_arg,
			  const struct program *program, bool dynamic)
{
	uint64_t *argv = NULL, *envp = NULL;
	size_t argc = 0, envc = 0;
	int result =
		program_read_pointers(tracee, tracee_get_arg(tracee, path_arg + 1), &argv, &argc);

	if (result == 0)
		result = program_read_pointers(tracee, tracee_get_arg(tracee, path_arg + 2), &envp,
					       &envc);
	if (result == 0)
		result = tracee_make_room(tracee, 4 * PATH_MAX + sizeof(program->words) +
							  (argc + envc + 32) * sizeof(uint64_t));
	if (result == 0)
		result = program_set_path(tracee, path_arg,
					  dynamic ? calls_get_setup()->loader : program->host);
	if (result == 0 && program->word_count)
		result = program_set_argv(tracee, path_arg + 1, program, argv, argc);
	if (result == 0 && dynamic)
		result = program_set_env(tracee, path_arg + 2, program_get_mapped(program),
					 program->interp, envp, envc);
	free(argv);
	free(envp);
	return result;
}

int program_exec(struct tracee *tracee, int dir_fd, unsigned int path_arg, int flags)
{
	static struct program program, interp;
	bool same, ignored;
	int result, kind;

	program.word_count = 0;
	free(ptr_take(tracee->next_exe));
	result = program_find(tracee, dir_fd, path_arg, flags, &program, &same);
	if (result < 0)
		log_debug("exec of %s in %s: %s", program.name, program.host, strerror(-result));
	if (result < 0)
		return result == -ESTALE ? 0 : result;
	kind = program_follow_scripts(tracee, &program, &same);
	if (kind < 0)
		return kind;
	if (kind != PROGRAM_DYNAMIC && same)
		return 0;
	if (kind == PROGRAM_DYNAMIC) {
		result = program_locate(tracee, AT_FDCWD, program.interp, true, &interp, &ignored);
		tracee->next_exe = strdup(program.guest);
		if (result < 0 || !tracee->next_exe)
			return result < 0 ? result : -ENOMEM;
	}
	result = program_change(tracee, path_arg, &program, kind == PROGRAM_DYNAMIC);
	if (result < 0 && result != TRACEE_NEEDS_MAP)
		log_debug("exec of %s in %s: %s", program.name, program.host, strerror(-result));
	return result < 0 ? result : 1;
}
