/* SPDX-License-Identifier: BSD-3-Clause */
/* Every cap on a count or size that crosses from the frontend to the starter. Checked before anything is reserved. */
#ifndef IPC_LIMITS_H
#define IPC_LIMITS_H

#define PLAN_MESSAGE_MAX (128 * 1024) /* bytes of one encoded LaunchRequest */
#define PLAN_TEXT_MAX (96 * 1024)     /* bytes of all texts of a decoded plan together */
/* Descriptors of one record; the kernel's SCM_MAX_FD is 253. More than a fixed protocol would need, because each bind brings the
 * descriptor of its source: the setuid starter opens nothing that the caller names. Every one must be claimed by the plan. */
#define PLAN_MAX_FDS 250
#define PLAN_MAX_MOUNTS 256
#define PLAN_MAX_FS 20      /* images: root, overlays, image binds */
#define PLAN_MAX_OVERLAYS 16
#define PLAN_MAX_EXTENTS 340 /* lines of one id map; user_namespaces(7) */
#define PLAN_MAX_GROUPS 64
/* Descriptors 4 to 7 of the action program: of passwd and of group the image's own file and the one to write, closed where there is none. */
#define PLAN_ACCOUNT_FDS 4
#define PLAN_MAX_PASS 64     /* inherited descriptors handed through to the payload */
#define PLAN_PATH_MAX 4096
#define PLAN_PATH_COMPONENTS 64
#define PLAN_BULK_MAX (32 * 1024 * 1024) /* bytes of one sealed memfd: generated file or action spec */
#define PLAN_RECORD_DEADLINE_MS 5000

#endif
