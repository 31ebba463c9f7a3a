/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of `sif header`, `sif list` and `sif info`, as SingularityCE prints it: scripts read it. What comes from the image is
 * printed without control characters. Errors of @to are the caller's to look for. */
#ifndef FRONTEND_SIF_SIF_PRINT_H
#define FRONTEND_SIF_SIF_PRINT_H

#include <stdio.h>

#include "frontend/image/sif.h"

void sif_print_header(const struct sif_header *header, FILE *to);
void sif_print_list(const struct sif *sif, FILE *to);
void sif_print_info(const struct sif_entry *entry, FILE *to);

#endif
