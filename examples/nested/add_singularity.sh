#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# add_singularity.sh TREE [DIST]: put what `make dist-nested` made (DIST, build/nested) into the root file system TREE, with a
# runscript: the steps of the definition file and the Dockerfile beside, for a directory.
set -eu
tree=$1
dist=${2:-$(dirname "$0")/../../build/nested}
[ -x "$dist/bin/singularity" ] || { echo "$dist holds no singularity: make dist-nested makes it" >&2; exit 1; }
mkdir -p "$tree/opt/singularity" "$tree/usr/local/bin"
# Mount points for what the container outside hands down to those inside it.
outer=$tree/.singularity.d/outer
mkdir -p "$outer/proc" "$outer/image"
: >"$outer/fuse"
: >"$outer/facts"
cp -R "$dist/." "$tree/opt/singularity/"
ln -sf /opt/singularity/bin/singularity /opt/singularity/bin/run-singularity "$tree/usr/local/bin/"
cat >"$tree/.singularity.d/runscript" <<'END'
#!/bin/sh
[ $# -gt 0 ] || set -- version
exec /opt/singularity/bin/singularity "$@"
END
chmod 0755 "$tree/.singularity.d/runscript"
