/* SPDX-License-Identifier: BSD-3-Clause */
/* What a SIF file is called in a registry. */
#ifndef FRONTEND_PULL_ORAS_H
#define FRONTEND_PULL_ORAS_H

#define ORAS_TYPE_LAYER "application/vnd.sylabs.sif.layer.v1.sif"
#define ORAS_TYPE_LAYER_OLD "appliciation/vnd.sylabs.sif.layer.tar" /* misspelled by the first releases */
#define ORAS_TYPE_CONFIG "application/vnd.sylabs.sif.config.v1+json"
#define ORAS_CONFIG "{}"

#endif
