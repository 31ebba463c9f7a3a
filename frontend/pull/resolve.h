/* SPDX-License-Identifier: BSD-3-Clause */
/* Between a launch and the imager that fetches its image. */
#ifndef FRONTEND_PULL_RESOLVE_H
#define FRONTEND_PULL_RESOLVE_H

/* Exit status of imager resolve without --into: there is no cache that could hold the image. Nothing was asked for yet. */
#define RESOLVE_NO_CACHE 3

#endif
