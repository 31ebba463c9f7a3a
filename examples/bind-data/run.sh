#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# An analysis that may read its input, write its results, and touch nothing else of the machine.
set -eu
. "$(dirname "$0")/../begin.sh"
"$here/../busybox/make_tree.sh" tree
"$singularity" --quiet build tools.sif tree

mkdir input results
seq 1 1000 >input/measurements

# Input read-only, results writable, a clean environment with one variable, the start in /results.
analyse() {
	"$singularity" exec --containall --no-init --bind "$work/input:/input:ro" --bind "$work/results:/results" \
		--env "LIMIT=500" --pwd /results tools.sif sh -c "$1"
}

analyse 'awk -v limit="$LIMIT" "\$1 > limit" /input/measurements | wc -l >count'
echo "on the host: $(cat results/count) measurements above the limit"

analyse 'echo 1 >/input/measurements' 2>/dev/null || echo "the input cannot be changed"
analyse "ls $work" >/dev/null 2>&1 || echo "the rest of the host is not there"
