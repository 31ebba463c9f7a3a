#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# make_tree.sh DIR: the smallest root file system that is of use: a static busybox (Debian: apt-get install busybox-static) and
# links for its commands.
set -eu
tree=$1
busybox=$(command -v busybox) || { echo "busybox is not installed (apt-get install busybox-static)" >&2; exit 1; }
mkdir -p "$tree/bin" "$tree/etc" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/tmp" "$tree/root" "$tree/var/tmp"
cp "$busybox" "$tree/bin/busybox"
"$tree/bin/busybox" --list | while read -r command; do
	[ -e "$tree/bin/$command" ] || ln -s busybox "$tree/bin/$command"
done
echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
echo 'root:x:0:' >"$tree/etc/group"
echo 'PRETTY_NAME="Busybox"' >"$tree/etc/os-release"
