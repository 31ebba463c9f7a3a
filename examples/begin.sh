# SPDX-License-Identifier: BSD-3-Clause
# Read by each example's run.sh: $singularity is the program (SINGULARITY, or the one on PATH), $here the example's directory, and the
# working directory one that goes away in the end.
singularity=$(realpath "$(command -v "${SINGULARITY:-singularity}")")
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
