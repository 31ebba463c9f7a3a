#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# clean_root.sh TREE COMMAND…: run COMMAND with TREE as the root directory, as a machine of its own would have it: own mounts and
# processes, the host's devices and network. By pivot_root(2): in a plain chroot(2) the kernel refuses user namespaces.
# Everything that was started ends with COMMAND; TREE keeps what was written.
set -eu
if [ "$1" != --inside ]; then
	exec unshare --mount --pid --fork --mount-proc --kill-child -- "$0" --inside "$@"
fi
tree=$(realpath "$2")
shift 2
mount --bind "$tree" "$tree"
mount --rbind /dev "$tree/dev"
mount --rbind /sys "$tree/sys"
mount -t proc proc "$tree/proc"
cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
mkdir -p "$tree/.outside"
cd "$tree"
pivot_root . .outside
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
	/bin/sh -c 'cd / && umount -l /.outside && rmdir /.outside && exec "$@"' sh "$@"
