/* SPDX-License-Identifier: BSD-3-Clause */
/* One error object for both programs: caller-owned, fixed size, so that failing never allocates. */
#ifndef IPC_ERR_H
#define IPC_ERR_H

#define ERR_MESSAGE_MAX 1024

/* What the user did or met; frontend/main.c maps the kind to the exit status. */
enum err_kind {
	ERR_NONE,
	ERR_USAGE,    /* wrong command line */
	ERR_IMAGE,    /* the image is damaged, foreign or of a kind that cannot be used here */
	ERR_DENIED,   /* refused by a directive of singularity.conf; the message names it */
	ERR_SYSTEM,   /* the kernel or the host refused */
	ERR_PROTOCOL, /* the message between the programs is malformed */
	ERR_BUG,
};

struct err {
	enum err_kind kind;
	int errnum; /* positive errno; 0 with ERR_NONE */
	char message[ERR_MESSAGE_MAX];
};

#define ERR_INIT {ERR_NONE, 0, ""}

/* err_set() - fill @err with @kind, the positive errno @errnum and a formatted message (truncated if too long).
 * Returns -@errnum, so that failing is one statement. @err may be NULL. */
__attribute__((format(printf, 4, 5))) int err_set(struct err *err, enum err_kind kind, int errnum,
						  const char *fmt, ...);

/* err_sys() - as err_set() with ERR_SYSTEM, and ": " + strerror(@errnum) appended. Take errno before any cleanup. */
__attribute__((format(printf, 3, 4))) int err_sys(struct err *err, int errnum, const char *fmt, ...);

/* err_wrap() - put "context: " before the message that @err holds. Returns -err->errnum (-EIO if it held none). */
__attribute__((format(printf, 2, 3))) int err_wrap(struct err *err, const char *fmt, ...);

#endif
