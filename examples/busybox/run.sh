#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# An image from a directory, run in each of the ways an image can be run.
set -eu
. "$(dirname "$0")/../begin.sh"

# A directory is an image already. What stands in .singularity.d tells what `run` does and what `run-help` prints.
"$here/make_tree.sh" tree
mkdir tree/.singularity.d
cat >tree/.singularity.d/runscript <<'END'
#!/bin/sh
echo "runscript with $# arguments: $*"
END
chmod 0755 tree/.singularity.d/runscript
echo 'An image with nothing but busybox.' >tree/.singularity.d/runscript.help

# One file, compressed, read-only, executable.
"$singularity" --quiet build busybox.sif tree

"$singularity" exec busybox.sif grep PRETTY_NAME /etc/os-release
"$singularity" run busybox.sif one two
PATH=$(dirname "$singularity"):$PATH ./busybox.sif three
"$singularity" run-help busybox.sif
echo 'echo "a shell that reads $0"' | "$singularity" shell busybox.sif

# And back to a directory.
"$singularity" --quiet build --sandbox copy busybox.sif
cmp tree/bin/busybox copy/bin/busybox && echo "the same bytes came back"
