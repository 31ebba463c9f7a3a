/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void err_fill(struct err *err, enum err_kind kind, int errnum, const char *fmt, va_list args)
{
	err->kind = kind;
	err->errnum = errnum;
	(void)vsnprintf(err->message, sizeof(err->message), fmt, args);
}

int err_set(struct err *err, enum err_kind kind, int errnum, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (err)
		err_fill(err, kind, errnum, fmt, args);
	va_end(args);
	return -errnum;
}

int err_sys(struct err *err, int errnum, const char *fmt, ...)
{
	va_list args;
	size_t used;

	if (!err)
		return -errnum;
	va_start(args, fmt);
	err_fill(err, ERR_SYSTEM, errnum, fmt, args);
	va_end(args);
	used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(errnum));
	return -errnum;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char context[ERR_MESSAGE_MAX];
	va_list args;
	size_t used, kept;

	if (!err)
		return -EIO;
	va_start(args, fmt);
	(void)vsnprintf(context, sizeof(context) - 2, fmt, args);
	va_end(args);
	used = strlen(context);
	context[used++] = ':';
	context[used++] = ' ';
	kept = strnlen(err->message, sizeof(err->message) - 1 - used);
	memmove(err->message + used, err->message, kept);
	memcpy(err->message, context, used);
	err->message[used + kept] = '\0';
	if (err->errnum == 0)
		err->errnum = EIO;
	return -err->errnum;
}
