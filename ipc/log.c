/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_TEXT_MAX 2048
#define LOG_LINE_MAX 8192 /* a text of control characters only is cut */

static struct {
	int level;
	bool colour;
} log_state = {LOG_LEVEL_INFO, false};

static int log_clamp(int level)
{
	if (level < LOG_LEVEL_ERROR)
		return LOG_LEVEL_ERROR;
	return level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : level;
}

void log_init(int level, bool colour)
{
	log_state.level = log_clamp(level);
	log_state.colour = colour;
}

int log_get_level(void)
{
	return log_state.level;
}

bool log_get_colour(void)
{
	return log_state.colour;
}

void log_decode_level(int encoded, int *level, bool *colour)
{
	*colour = encoded > -45 && encoded < 45;
	if (!*colour)
		encoded = encoded < 0 ? encoded + 90 : encoded - 90;
	*level = log_clamp(encoded);
}

static const struct {
	enum log_level up_to;
	const char *label, *colour;
} labels[] = {
	{LOG_LEVEL_FATAL, "FATAL", "\033[31m"},    {LOG_LEVEL_ERROR, "ERROR", "\033[31m"},
	{LOG_LEVEL_WARNING, "WARNING", "\033[33m"}, {LOG_LEVEL_LOG, "LOG", ""},
	{LOG_LEVEL_INFO, "INFO", "\033[34m"},	   {LOG_LEVEL_VERBOSE3, "VERBOSE", ""},
	{LOG_LEVEL_DEBUG, "DEBUG", ""},
};

static size_t log_prefix(enum log_level level, const char *function, char *line, size_t size)
{
	const char *label, *colour, *reset;
	char text[64];
	size_t row = 0;
	int n;

	while (labels[row].up_to < level && labels[row].up_to < LOG_LEVEL_DEBUG)
		row++;
	label = labels[row].label;
	colour = log_state.colour ? labels[row].colour : "";
	reset = colour[0] ? "\033[0m" : "";

	if (log_state.level < LOG_LEVEL_DEBUG) {
		(void)snprintf(text, sizeof(text), "%s:", label);
		n = snprintf(line, size, "%s%-8s%s ", colour, text, reset);
	} else {
		(void)snprintf(text, sizeof(text), "[U=%u,P=%d]", geteuid(), getpid());
		n = snprintf(line, size, "%s%-8s%s%-19s%s()%*s", colour, label, reset, text,
			     function, (int)(strlen(function) < 28 ? 28 - strlen(function) : 1), "");
	}
	return n < 0 ? 0 : (size_t)n;
}

/* Text from outside must not drive the terminal. */
static size_t log_escape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text && used + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 ? c != 0x7f : c == '\t' || c == '\n')
			out[used++] = (char)c;
		else
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", c);
	}
	return used;
}

void log_message(enum log_level level, const char *function, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX], line[LOG_LINE_MAX];
	int saved = errno, n;
	va_list args;
	size_t used;

	if ((int)level > log_state.level)
		return;
	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n >= 0) {
		for (size_t end = strlen(text); end > 0 && text[end - 1] == '\n'; end--)
			text[end - 1] = '\0';
		used = log_prefix(level, function, line, 256);
		used += log_escape(text, line + used, sizeof(line) - used - 1);
		line[used++] = '\n';
		if (write(STDERR_FILENO, line, used) < 0) {
			/* nowhere to say so */
		}
	}
	errno = saved;
}
