/* SPDX-License-Identifier: BSD-3-Clause */
/* Architectures by their Go names: which one is here, and whether programs of another one can run. */
#ifndef FRONTEND_IMAGE_ARCH_H
#define FRONTEND_IMAGE_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCH_ELF_BYTES 20 /* an ELF header up to the machine field */

/* arch_from_machine() - the Go name for a machine name of uname(2); "unknown" for one that SIF has no code for. */
const char *arch_from_machine(const char *machine);

/* arch_get_host() - the same for this host. */
const char *arch_get_host(void);

/* arch_make_elf() - the first bytes of an executable for @arch. False if @arch is not known. */
bool arch_make_elf(const char *arch, uint8_t out[ARCH_ELF_BYTES]);

/* arch_handler_matches() - does the binfmt_misc entry @text (as its file reads) run files that begin with @elf in every mount
 * namespace: is it enabled, and are its flags with F, so that the interpreter is already open? */
bool arch_handler_matches(const char *text, const uint8_t *elf, size_t size);

/* arch_can_run() - programs for @arch run on @host by themselves. Unknown names: yes, the kernel will tell. */
bool arch_can_run(const char *arch, const char *host);

#endif
