#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Ranks as an MPI launcher of the host starts them: each in a container of its own, told by the environment who it is, wired to the
# launcher by a descriptor that it inherits, and sharing memory with its neighbours through /dev/shm.
set -eu
. "$(dirname "$0")/../begin.sh"
shared=/dev/shm/example-mpi-$$
trap 'rm -rf "$work" "$shared"' EXIT
"$here/../busybox/make_tree.sh" tree
"$singularity" --quiet build rank.sif tree

cat >rank.sh <<'END'
# Tell the launcher by the descriptor, all others by shared memory, and wait for the last of them (a barrier).
echo "rank $PMI_RANK of $PMI_SIZE is here" >&"$PMI_FD"
: >"$SHARED/$PMI_RANK"
while [ "$(ls "$SHARED" | wc -l)" -lt "$PMI_SIZE" ]; do sleep 0.01; done
END

mkdir "$shared"
mkfifo wire
exec 9<>wire
size=4
for rank in $(seq 0 $((size - 1))); do
	PMI_RANK=$rank PMI_SIZE=$size PMI_FD=9 SHARED=$shared \
		"$singularity" exec --bind "$work" rank.sif sh "$work/rank.sh" &
done
wait
head -n "$size" <wire | sort
echo "all ranks met in shared memory: $(ls "$shared" | wc -l)"
