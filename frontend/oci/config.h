/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration of an OCI image, and the scripts of a native image that do what it says. */
#ifndef FRONTEND_OCI_CONFIG_H
#define FRONTEND_OCI_CONFIG_H

#include <stddef.h>

#include "frontend/oci/manifest.h"
#include "frontend/pack/tree.h"
#include "frontend/strlist.h"
#include "ipc/err.h"

struct oci_config {
	struct oci_platform platform;
	struct strlist env;        /* "K=V", or "K" for the caller's value */
	struct strlist entrypoint, cmd;
	struct strlist diff_ids;   /* of the layers, lowest first; empty when not said */
	char *labels;              /* owned; JSON object */
	char *inner;               /* owned; JSON of the member "config", "{}" when there is none */
};

#define OCI_CONFIG_INIT {.labels = NULL}

/* oci_config_parse() - read the document @text. *@out is filled on success only. */
int oci_config_parse(const char *text, struct oci_config *out, struct err *err);
void oci_config_fini(struct oci_config *config);

/* oci_config_environment() - the script 10-docker2singularity.sh; owned, NULL without memory. */
char *oci_config_environment(const struct oci_config *config);

/* oci_config_runscript() - the runscript, which frontend/action/run.c knows by its first lines; owned, NULL without memory. */
char *oci_config_runscript(const struct oci_config *config);

/* oci_config_apply() - put scripts and labels into @tree, made at @time. */
int oci_config_apply(const struct oci_config *config, struct tree *tree, uint32_t time, struct err *err);

#endif
