/* SPDX-License-Identifier: BSD-3-Clause */
/* --bind and --mount text → struct bind_spec. Pure. */
#ifndef FRONTEND_LAUNCH_BIND_H
#define FRONTEND_LAUNCH_BIND_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/err.h"

struct bind_spec {
	char *source, *destination; /* owned; destination absolute and clean */
	char *image_source;         /* owned; image-src: path inside an image */
	uint32_t image_id;          /* id: SIF descriptor, 0 none */
	bool readonly;
};

/* bind_parse() - "src[:dst[:opt[,opt]…]]" with ro, rw, image-src=PATH, id=N; '\:' is a colon in a path. */
int bind_parse(const char *text, struct bind_spec *out, struct err *err);

/* bind_parse_mount() - "type=bind,source=S,destination=D[,ro][,image-src=P][,id=N]". */
int bind_parse_mount(const char *text, struct bind_spec *out, struct err *err);

/* bind_is_option() - is @text an option that the comma between binds cut off from its bind ("…:image-src=/x,id=2")? */
bool bind_is_option(const char *text);

/* bind_clean_path() - absolute @path without empty, "." and ".." components; climbing ends at the root; owned, NULL if it
 * is relative. */
char *bind_clean_path(const char *path);

void bind_fini(struct bind_spec *spec);

#endif
