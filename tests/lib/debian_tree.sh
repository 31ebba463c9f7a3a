#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# debian_tree.sh DIR: DIR becomes a copy of a minimal Debian 12. The original is made by debootstrap once for each build tree (or is the
# directory that DEBIAN_TREE names) and never changed. Fails, with debootstrap's last words, where no mirror can be reached.
set -eu
dir=$1
original=${DEBIAN_TREE:-${BUILD:-build}/debian}
mkdir -p "${BUILD:-build}"
exec 9>"${BUILD:-build}/debian.lock"
flock 9
if [ ! -e "$original/etc/debian_version" ]; then
	log=$(mktemp)
	rm -rf "$original.new"
	debootstrap --variant=minbase bookworm "$original.new" >"$log" 2>&1 9>&- || { tail -n 3 "$log" >&2; rm -rf "$original.new" "$log"; exit 1; }
	rm -f "$original.new"/var/cache/apt/archives/*.deb "$log"
	mv "$original.new" "$original"
fi
mkdir -p "$dir"
cp -a "$original/." "$dir"
