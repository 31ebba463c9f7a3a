#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Changes that last, on an image that never changes: in an ext3 file for root, in a directory for everybody.
set -eu
. "$(dirname "$0")/../begin.sh"
"$here/../busybox/make_tree.sh" tree
"$singularity" --quiet build base.sif tree

if [ "$(id -u)" = 0 ]; then
	"$singularity" overlay create --sparse changes
else
	mkdir changes
fi

"$singularity" exec --overlay changes base.sif sh -c 'echo "# installed later" >/bin/tool && rm /etc/os-release'
"$singularity" exec --overlay changes base.sif cat /bin/tool
"$singularity" exec --overlay changes base.sif test -e /etc/os-release || echo "with the overlay: one file less"
"$singularity" exec base.sif test -e /etc/os-release && echo "without it: the image as it was"

# Many can read one overlay at a time; only one can write.
"$singularity" exec --overlay changes:ro base.sif cat /bin/tool
"$singularity" exec --overlay changes:ro base.sif sh -c 'echo more >>/bin/tool' 2>/dev/null || echo "read-only: nothing is added"

# What must not last at all.
"$singularity" exec --writable-tmpfs base.sif sh -c 'echo gone in a moment >/bin/tool && cat /bin/tool'
