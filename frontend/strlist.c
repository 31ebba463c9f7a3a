/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/strlist.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/log.h"

_Noreturn static void strlist_fail(void)
{
	log_fatal("cannot go on: out of memory");
	_exit(255);
}

static void strlist_add_owned(struct strlist *list, char *text)
{
	char **items = text ? reallocarray(list->items, list->count + 1, sizeof(*items)) : NULL;

	if (!items)
		strlist_fail();
	items[list->count++] = text;
	list->items = items;
}

void strlist_add(struct strlist *list, const char *text)
{
	strlist_add_owned(list, strdup(text));
}

void strlist_addf(struct strlist *list, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	strlist_add_owned(list, text);
}

void strlist_fini(struct strlist *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	list->items = NULL;
	list->count = 0;
}

static bool strlist_is_env(const char *item, const char *name, size_t length)
{
	return strncmp(item, name, length) == 0 && item[length] == '=';
}

const char *strlist_get_env(const struct strlist *env, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < env->count; i++)
		if (strlist_is_env(env->items[i], name, length))
			return env->items[i] + length + 1;
	return NULL;
}

void strlist_unset_env(struct strlist *env, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < env->count; i++)
		if (strlist_is_env(env->items[i], name, length)) {
			free(env->items[i]);
			env->items[i--] = env->items[--env->count];
		}
}

void strlist_set_env(struct strlist *env, const char *name, const char *value)
{
	char *kept = strdup(value); /* @value may live in the item about to go */

	if (!kept)
		strlist_fail();
	strlist_unset_env(env, name);
	strlist_addf(env, "%s=%s", name, kept);
	free(kept);
}

char **strlist_to_argv(const struct strlist *list)
{
	char **argv = calloc(list->count + 1, sizeof(*argv));

	if (!argv)
		strlist_fail();
	for (size_t i = 0; i < list->count; i++)
		argv[i] = list->items[i];
	return argv;
}
