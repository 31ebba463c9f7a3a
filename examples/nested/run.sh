#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A container in a container in a container. Needs `make dist-nested`.
set -eu
. "$(dirname "$0")/../begin.sh"
"$here/../busybox/make_tree.sh" tree
"$singularity" --quiet build inner.sif tree
"$here/add_singularity.sh" tree ${NESTED_DIST:+"$NESTED_DIST"}
"$singularity" --quiet build nested.sif tree

"$singularity" run nested.sif | sed 's/.*/the version inside is printed/'
"$singularity" run nested.sif exec "$work/inner.sif" echo "two levels"
"$singularity" run nested.sif run "$work/nested.sif" exec "$work/inner.sif" echo "three levels"

# Images are built inside as well.
"$singularity" run nested.sif --quiet build "$work/again.sif" "$work/inner.sif"
"$singularity" exec again.sif echo "built inside, run outside"
