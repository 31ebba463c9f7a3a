/* SPDX-License-Identifier: BSD-3-Clause */
/* What an image says about itself: the definition, labels, inspect-metadata.json, and the base files of /.singularity.d. */
#ifndef FRONTEND_PACK_METADATA_H
#define FRONTEND_PACK_METADATA_H

#include <stdint.h>

#include "frontend/pack/tree.h"

/* metadata_add_base() - add the directories, scripts and links that every image has, where @tree lacks them. */
int metadata_add_base(struct tree *tree, uint32_t time, struct err *err);

/* metadata_add_base_at() - the same for the directory @root_fd (borrowed) on disk. */
int metadata_add_base_at(int root_fd, struct err *err);

/* metadata_set_definition() - make @text /.singularity.d/Singularity; the one before becomes part of the history. */
int metadata_set_definition(struct tree *tree, const char *text, uint32_t time, struct err *err);

/* metadata_put_text() - make @text the file @path of @mode (with type), in place of what is there. Its directory must be there. */
int metadata_put_text(struct tree *tree, const char *path, mode_t mode, const char *text, uint32_t time, struct err *err);

/* metadata_set_labels() - add the labels of this build (of what kind of source, which one, at @time) to labels.json. */
int metadata_set_labels(struct tree *tree, const char *bootstrap, const char *from, uint32_t time, struct err *err);

/* metadata_inspect() - the inspect-metadata.json of @tree; *@out owned. */
int metadata_inspect(struct tree *tree, char **out, struct err *err);

/* metadata_arch() - Go name of the architecture of @tree: from /bin/sh, else the first program, else this host. */
const char *metadata_arch(struct tree *tree);

#endif
