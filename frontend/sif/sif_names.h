/* SPDX-License-Identifier: BSD-3-Clause */
/* What the numbers of a SIF are called, as SingularityCE prints and reads them. */
#ifndef FRONTEND_SIF_SIF_NAMES_H
#define FRONTEND_SIF_SIF_NAMES_H

#include <stdint.h>

/* sif_names_get_…() - the name of a number, "Unknown" ("unknown" for an SBOM) for one nobody gave out. */
const char *sif_names_get_type(uint32_t type);
const char *sif_names_get_fs(uint32_t fs);
const char *sif_names_get_part(uint32_t part);
const char *sif_names_get_hash(uint32_t hash);
const char *sif_names_get_format(uint32_t format);
const char *sif_names_get_message(uint32_t message);
const char *sif_names_get_sbom(uint32_t sbom);

/* sif_names_find_sbom() - the number of the SBOM format called @name; 0 if there is none. */
uint32_t sif_names_find_sbom(const char *name);

#endif
