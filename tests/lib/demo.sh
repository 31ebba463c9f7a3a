#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# From a source tree to a nested container, showing each command.
set -eu
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }
singularity=$build/bin/singularity
cd "$work"
echo "A Debian root file system, by debootstrap (about a minute) …"
if ! debootstrap --variant=minbase bookworm debian >debootstrap.log 2>&1; then
	echo "debootstrap failed (no mirror?): the demo goes on with busybox."
	rm -rf debian
	mkdir -p debian/{bin,proc,sys,dev,tmp,etc,root,var/tmp,home}
	cp /bin/busybox debian/bin/ && for name in sh ls cat id echo; do ln -s busybox debian/bin/$name; done
	echo 'NAME=busybox' >debian/etc/os-release
	echo 'root:x:0:0:root:/root:/bin/sh' >debian/etc/passwd
fi
rm -rf debian/var/cache/apt/archives/*.deb
say "$singularity" build debian.sif debian
say "$singularity" exec debian.sif cat /etc/os-release
echo "An image that holds this build, without the setuid starter:"
mkdir -p debian/opt/singularity debian/.singularity.d
tar -C debian/opt/singularity -xzf "$build/singularity-nested.tar.gz"
printf '#!/bin/sh\nexec /opt/singularity/bin/singularity "$@"\n' >debian/.singularity.d/runscript
chmod 0755 debian/.singularity.d/runscript
say "$singularity" build nested.sif debian
say "$singularity" run nested.sif --version
say "$singularity" run nested.sif exec debian.sif id
echo "Done: a container ran in a container."
