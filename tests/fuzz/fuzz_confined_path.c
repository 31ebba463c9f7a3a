/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths and links as a hostile image and its programs could have them: lines of path, then texts of links. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "starter/confined/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every third name is a link; which text it has depends on its own letters only, so loops are found as in a real tree. */
static ssize_t read_link(void *context, const char *host, bool last, char *out, size_t size)
{
	const char *texts = context;
	size_t length = strcspn(texts, "\n"), hash = 0;

	(void)last;
	for (const char *at = host; *at; at++)
		hash = hash * 31 + (unsigned char)*at;
	if (hash % 3 != 0)
		return hash % 7 == 0 ? -ENOTDIR : -EINVAL;
	for (size_t skip = hash / 3 % 8; skip > 0 && texts[length]; skip--) {
		texts += length + 1;
		length = strcspn(texts, "\n");
	}
	length = length < size ? length : size;
	memcpy(out, texts, length);
	return (ssize_t)length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct path_table table;
	static struct path_result result;
	char guest[PATH_MAX], *text = malloc(size + 1);
	struct err err = ERR_INIT;
	struct path_view view = {read_link, text};

	memcpy(text, data, size);
	text[size] = '\0';
	if (path_table_init(&table, "/img", true, &err) < 0 ||
	    path_table_add(&table, "/home", "/home", false, &err) < 0 ||
	    path_table_add(&table, "/deep/er", "/img/in/side", false, &err) < 0)
		abort();
	for (char *path = text, *end; *path; path = end) {
		end = path + strcspn(path, "\n");
		if (*end)
			*end++ = '\0';
		view.context = end;
		if (path_resolve(&table, &view, "/home/a", path, size & 1, &result) < 0)
			continue;
		/* Clean, and nowhere but in the container. */
		if (result.guest[0] != '/' || strstr(result.guest, "/../") ||
		    strstr(result.guest, "/./") || strstr(result.guest, "//") ||
		    (strncmp(result.host, "/img", 4) != 0 && strncmp(result.host, "/home", 5) != 0))
			abort();
		if (path_to_guest(&table, result.host, guest, sizeof(guest)) && guest[0] != '/')
			abort();
	}
	path_table_fini(&table);
	free(text);
	return 0;
}
