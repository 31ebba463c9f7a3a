/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an image says about itself: labels, scripts, environment, apps. Taken from the object inspect-metadata.json of a SIF,
 * else from the files of the root file system.
 */
#ifndef FRONTEND_IMAGE_ATTRIBUTES_H
#define FRONTEND_IMAGE_ATTRIBUTES_H

#include <stddef.h>

#include <jansson.h>

#include "ipc/err.h"

/* attributes_load() - the "attributes" object of the image at @path: apps, environment and labels are objects, the others
 * strings; what the image lacks is absent. *@out is a new reference. */
int attributes_load(const char *path, json_t **out, struct err *err);

/* attributes_parse_metadata() - the same from the text of inspect-metadata.json. */
int attributes_parse_metadata(const char *text, size_t size, json_t **out, struct err *err);

/* attributes_parse_records() - the same from what the imager's read-files prints: path, NUL, length, NUL, bytes. */
int attributes_parse_records(const char *bytes, size_t size, json_t **out, struct err *err);

#endif
