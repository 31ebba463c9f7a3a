/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What libraries may load while the imager runs. Two files implement it, and the Makefile links one: libraries_shared.c, for the
 * host, where its configuration decides; libraries_static.c, for the static program that goes into images. There the configuration
 * is that of the image, and the code which it names (name service modules, providers of OpenSSL) was built for another libc.
 */
#ifndef FRONTEND_LIBRARIES_H
#define FRONTEND_LIBRARIES_H

/* libraries_prepare() - to be called before a library is used. */
void libraries_prepare(void);

#endif
