#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# demo.sh BUILD: from a build tree to a container in a container in a container, showing each command.
set -eu
build=$(realpath "$1")
export BUILD=$build
source=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH=$build/bin:$PATH
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }
cd "$work"
echo
echo "A root file system of Debian 12, by debootstrap (half a minute, and once for a build tree) …"
if ! "$source/tests/lib/debian_tree.sh" debian; then
	echo "debootstrap failed (no mirror?): the demo goes on with busybox."
	rm -rf debian
	"$source/examples/busybox/make_tree.sh" debian
fi
say singularity build debian.sif debian
say singularity exec debian.sif cat /etc/os-release
echo
echo "The same with this Singularity inside, static and without setuid bit (examples/nested):"
say "$source/examples/nested/add_singularity.sh" debian "$build/nested"
say singularity build nested.sif debian
say singularity run nested.sif version
say singularity run nested.sif exec debian.sif id
say singularity run nested.sif run nested.sif exec debian.sif sh -c 'echo "I am in a container in a container in a container."'
echo
echo "Done. $build/bin/singularity is what ran; see README.md for more."
