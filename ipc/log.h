/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to stderr, in the levels and the form SingularityCE uses. Every macro keeps errno. */
#ifndef IPC_LOG_H
#define IPC_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_FATAL = -4,
	LOG_LEVEL_ERROR = -3,
	LOG_LEVEL_WARNING = -2,
	LOG_LEVEL_LOG = -1,
	LOG_LEVEL_INFO = 1,
	LOG_LEVEL_VERBOSE = 2,
	LOG_LEVEL_VERBOSE3 = 4,
	LOG_LEVEL_DEBUG = 5,
};

/* log_init() - show messages up to @level (clamped to -3..5; default 1); colour the labels if @colour. */
void log_init(int level, bool colour);
int log_get_level(void);
bool log_get_colour(void);

/* Text of SINGULARITY_MESSAGELEVEL: the level, 90 added (subtracted from a negative one) when colour is off. */
int log_encode_level(int level, bool colour);
void log_decode_level(int encoded, int *level, bool *colour);

/* log_message() - one line; control characters of the text except tab are escaped, trailing newlines dropped.
 * Never fails, never allocates. @function is shown at debug level only. */
__attribute__((format(printf, 3, 4))) void log_message(enum log_level level, const char *function,
						       const char *fmt, ...);

#define log_fatal(...) log_message(LOG_LEVEL_FATAL, __func__, __VA_ARGS__) /* prints only; the caller exits 255 */
#define log_error(...) log_message(LOG_LEVEL_ERROR, __func__, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __func__, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __func__, __VA_ARGS__)
#define log_verbose(...) log_message(LOG_LEVEL_VERBOSE, __func__, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __func__, __VA_ARGS__)

#endif
