#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Start-up against the bare calls and bubblewrap, interleaved in one run: medians and ratios. Never fails on a slow figure.
set -eu
build=$(realpath "$1")
here=$(dirname "$0")
work=$(mktemp -d /tmp/sgbench.XXXXXX)
chmod 0755 "$work"
mode=$(stat -c %a /dev/fuse)
trap 'rm -rf "$work"; chmod "$mode" /dev/fuse' EXIT
[ "$(id -u)" = 0 ] && chmod 0666 /dev/fuse
rounds=${ROUNDS:-40}
root=${ROOTFS:-}
if [ -z "$root" ]; then
	root=$work/box
	mkdir -p "$root"/{bin,proc,sys,dev,tmp,var/tmp,etc,root,home,mnt}
	cp /bin/busybox "$root/bin/" && ln -s busybox "$root/bin/true"
	touch "$root"/etc/{passwd,group,hosts,localtime,resolv.conf}
fi
cc -O2 -D_GNU_SOURCE -o "$work/floor" "$here/floor.c"
singularity=$build/bin/singularity
"$singularity" --quiet build "$work/box.sif" "$root"
user=(setpriv --reuid 65533 --regid 65533 --clear-groups --reset-env)
true_path=/bin/true
names=("floor: bare calls" "bubblewrap, same binds" "ours: directory, user" "ours: SIF by FUSE, user" "ours: directory, root" "ours: SIF by kernel, root")
command_0=("${user[@]}" "$work/floor" "$root" $true_path)
command_1=("${user[@]}" bwrap --ro-bind "$root" / --dev-bind /dev /dev --bind /proc /proc --ro-bind /sys /sys --bind /tmp /tmp --bind /var/tmp /var/tmp --ro-bind /etc/hosts /etc/hosts --ro-bind /etc/resolv.conf /etc/resolv.conf $true_path)
command_2=("${user[@]}" "$singularity" exec "$root" $true_path)
command_3=("${user[@]}" "$singularity" exec "$work/box.sif" $true_path)
command_4=("$singularity" exec "$root" $true_path)
command_5=("$singularity" exec "$work/box.sif" $true_path)
cd /tmp
for ((round = 0; round < rounds + 3; round++)); do
	for i in "${!names[@]}"; do
		declare -n command=command_$i
		start=$(date +%s%N)
		"${command[@]}" >/dev/null 2>>"$work/errors" || echo "failed: ${names[$i]}"
		end=$(date +%s%N)
		[ $round -lt 3 ] || echo $(((end - start) / 1000)) >>"$work/times.$i"
	done
done
median() { sort -n "$1" | awk '{a[NR]=$1} END {print a[int((NR + 1) / 2)]}'; }
base=$(median "$work/times.1")
printf '%-28s %10s %10s %14s\n' "start-up ($rounds rounds)" "median ms" "min ms" "x bubblewrap"
for i in "${!names[@]}"; do
	m=$(median "$work/times.$i")
	printf '%-28s %10.2f %10.2f %14.2f\n' "${names[$i]}" "$(bc -l <<<"$m/1000")" "$(bc -l <<<"$(sort -n "$work/times.$i" | head -1)/1000")" "$(bc -l <<<"$m/$base")"
done
echo "budgets: directory, user <= 1.3 x bubblewrap; SIF by FUSE <= 2.5 x"
echo "system calls of one launch (directory, root): $(strace -f -c -o /dev/stdout "$singularity" exec "$root" $true_path 2>/dev/null | awk '/total/ {print $4}')"
