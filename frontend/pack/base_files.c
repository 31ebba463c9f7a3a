/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scripts under actions/ are for runtimes other than ours, and for running an image's root without any: ours has the same
 * steps built in. They must do with a POSIX shell and nothing else.
 */
#include "frontend/pack/base_files.h"

#include <sys/stat.h>

#define DIRECTORY (S_IFDIR | 0755)
#define SCRIPT (S_IFREG | 0755)
#define PLAIN (S_IFREG | 0644)
#define LINK (S_IFLNK | 0777)

#define READ_ENVIRONMENT                                                                                               \
	"#!/bin/sh\n"                                                                                                  \
	"for part in /.singularity.d/env/*.sh; do\n"                                                                   \
	"\tif [ -f \"$part\" ]; then\n"                                                                                \
	"\t\t. \"$part\"\n"                                                                                            \
	"\tfi\n"                                                                                                       \
	"done\n"

#define RUN_APP_OR(script)                                                                                             \
	READ_ENVIRONMENT                                                                                               \
	"target=/.singularity.d/" script "\n"                                                                          \
	"if [ -n \"${SINGULARITY_APPNAME:-}\" ]; then\n"                                                               \
	"\ttarget=\"/scif/apps/$SINGULARITY_APPNAME/scif/" script "\"\n"                                               \
	"fi\n"                                                                                                         \
	"if [ ! -x \"$target\" ]; then\n"                                                                              \
	"\techo \"No " script " in this container\" >&2\n"                                                             \
	"\texit 1\n"                                                                                                   \
	"fi\n"                                                                                                         \
	"exec \"$target\" \"$@\"\n"

static const char shell_action[] = READ_ENVIRONMENT
	"for program in \"${SINGULARITY_SHELL:-}\" /bin/bash /bin/sh; do\n"
	"\tif [ -n \"$program\" ] && [ -x \"$program\" ]; then\n"
	"\t\tcase \"$program\" in\n"
	"\t\t*/bash) exec \"$program\" --norc \"$@\" ;;\n"
	"\t\t*) exec \"$program\" \"$@\" ;;\n"
	"\t\tesac\n"
	"\tfi\n"
	"done\n"
	"echo 'No shell in this container' >&2\n"
	"exit 1\n";

static const char apps_env[] =
	"#!/bin/sh\n"
	"if [ -n \"${SINGULARITY_APPNAME:-}\" ]; then\n"
	"\tif [ ! -d \"/scif/apps/$SINGULARITY_APPNAME\" ]; then\n"
	"\t\techo \"There is no app $SINGULARITY_APPNAME in this container\" >&2\n"
	"\t\texit 1\n"
	"\tfi\n"
	"\tSCIF_APPNAME=$SINGULARITY_APPNAME\n"
	"\tSCIF_APPROOT=/scif/apps/$SCIF_APPNAME\n"
	"\tSCIF_APPMETA=$SCIF_APPROOT/scif\n"
	"\tSCIF_DATA=/scif/data\n"
	"\tSCIF_APPDATA=$SCIF_DATA/$SCIF_APPNAME\n"
	"\tSCIF_APPINPUT=$SCIF_APPDATA/input\n"
	"\tSCIF_APPOUTPUT=$SCIF_APPDATA/output\n"
	"\texport SCIF_APPNAME SCIF_APPROOT SCIF_APPMETA SCIF_DATA SCIF_APPDATA SCIF_APPINPUT SCIF_APPOUTPUT\n"
	"\tPATH=$SCIF_APPROOT:$PATH\n"
	"\tif [ -d \"$SCIF_APPROOT/bin\" ]; then\n"
	"\t\tPATH=$SCIF_APPROOT/bin:$PATH\n"
	"\tfi\n"
	"\texport PATH\n"
	"\tif [ -d \"$SCIF_APPROOT/lib\" ]; then\n"
	"\t\tLD_LIBRARY_PATH=$SCIF_APPROOT/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n"
	"\t\texport LD_LIBRARY_PATH\n"
	"\tfi\n"
	"\tfor part in \"$SCIF_APPMETA\"/env/*.sh; do\n"
	"\t\tif [ -f \"$part\" ]; then\n"
	"\t\t\t. \"$part\"\n"
	"\t\tfi\n"
	"\tdone\n"
	"fi\n";

static const char base_env[] =
	"#!/bin/sh\n"
	"LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/.singularity.d/libs\n"
	"PS1='Singularity> '\n"
	"export LD_LIBRARY_PATH PS1\n";

static const char path_env[] =
	"#!/bin/sh\n"
	"if [ -n \"${SING_USER_DEFINED_PREPEND_PATH:-}\" ]; then\n"
	"\tPATH=$SING_USER_DEFINED_PREPEND_PATH:$PATH\n"
	"fi\n"
	"if [ -n \"${SING_USER_DEFINED_APPEND_PATH:-}\" ]; then\n"
	"\tPATH=$PATH:$SING_USER_DEFINED_APPEND_PATH\n"
	"fi\n"
	"if [ -n \"${SING_USER_DEFINED_PATH:-}\" ]; then\n"
	"\tPATH=$SING_USER_DEFINED_PATH\n"
	"fi\n"
	"unset SING_USER_DEFINED_PREPEND_PATH SING_USER_DEFINED_APPEND_PATH SING_USER_DEFINED_PATH\n"
	"export PATH\n";

const struct base_file base_files[] = {
	{"dev", DIRECTORY, NULL},
	{"proc", DIRECTORY, NULL},
	{"root", S_IFDIR | 0700, NULL},
	{"var", DIRECTORY, NULL},
	{"var/tmp", S_IFDIR | 01777, NULL},
	{"tmp", S_IFDIR | 01777, NULL},
	{"etc", DIRECTORY, NULL},
	{"sys", DIRECTORY, NULL},
	{"home", DIRECTORY, NULL},
	{"etc/hosts", PLAIN, ""},
	{"etc/resolv.conf", PLAIN, ""},
	{".singularity.d", DIRECTORY, NULL},
	{".singularity.d/actions", DIRECTORY, NULL},
	{".singularity.d/actions/exec", SCRIPT, READ_ENVIRONMENT "exec \"$@\"\n"},
	{".singularity.d/actions/run", SCRIPT, RUN_APP_OR("runscript")},
	{".singularity.d/actions/shell", SCRIPT, shell_action},
	{".singularity.d/actions/start", SCRIPT, RUN_APP_OR("startscript")},
	{".singularity.d/actions/test", SCRIPT, RUN_APP_OR("test")},
	{".singularity.d/env", DIRECTORY, NULL},
	{".singularity.d/env/01-base.sh", SCRIPT, "#!/bin/sh\n"},
	{".singularity.d/env/90-environment.sh", SCRIPT, "#!/bin/sh\n"},
	{".singularity.d/env/94-appsbase.sh", SCRIPT, "#!/bin/sh\n"},
	{".singularity.d/env/95-apps.sh", SCRIPT, apps_env},
	{".singularity.d/env/99-base.sh", SCRIPT, base_env},
	{".singularity.d/env/99-runtimevars.sh", SCRIPT, path_env},
	{".singularity.d/labels.json", PLAIN, "{}\n"},
	{".singularity.d/libs", DIRECTORY, NULL},
	{".singularity.d/runscript", SCRIPT, "#!/bin/sh\necho 'No runscript is defined for this container' >&2\n"},
	{".singularity.d/startscript", SCRIPT, "#!/bin/sh\n"},
	{"singularity", LINK, ".singularity.d/runscript"},
	{".run", LINK, ".singularity.d/actions/run"},
	{".exec", LINK, ".singularity.d/actions/exec"},
	{".test", LINK, ".singularity.d/actions/test"},
	{".shell", LINK, ".singularity.d/actions/shell"},
	{"environment", LINK, ".singularity.d/env/90-environment.sh"},
};
const size_t base_file_count = sizeof(base_files) / sizeof(base_files[0]);
