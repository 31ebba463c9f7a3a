#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# convert.sh BUILD: what it costs to make a SIF of an OCI image, against the tools that others put together for it, in turn: wall and
# processor time, peak memory, peak temporary bytes. A figure never fails it. Needs root; CONVERT_ROUNDS= rounds (3), OCI_ROOTFS=
# another tree than /var/tmp/debian-bench, which is made by debootstrap when it is missing.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/table.bash
build=$(realpath "$1")
singularity=$build/bin/singularity
rounds=${CONVERT_ROUNDS:-3}
rootfs=${OCI_ROOTFS:-/var/tmp/debian-bench}

for tool in skopeo umoci mksquashfs tar2sqfs debootstrap; do
	command -v $tool >/dev/null || { echo "convert: $tool is missing (make deps)"; exit 0; }
done
[ "$(id -u)" = 0 ] || { echo "convert: root is needed: umoci keeps owners, and temporary bytes are counted on a file system of their own"; exit 1; }
[ -d "$rootfs/usr" ] || debootstrap --variant=minbase --include=python3,gcc,git bookworm "$rootfs" >/dev/null || {
	echo "convert: no tree at $rootfs, and debootstrap cannot make one"
	exit 0
}

work=$(mktemp -d /var/tmp/sgconvert.XXXXXX)
# shellcheck disable=SC2329
cleanup() {
	[ -z "${sampler:-}" ] || kill "$sampler" 2>/dev/null || :
	! mountpoint -q "$work/tmp" || umount "$work/tmp"
	rm -rf "$work"
}
trap cleanup EXIT

# Everything temporary goes to a file system of its own, where files without a name count as well.
mkdir "$work/tmp"
truncate -s 8G "$work/tmp.img"
mkfs.ext4 -q -O ^has_journal "$work/tmp.img"
mount -o loop "$work/tmp.img" "$work/tmp"
export TMPDIR=$work/tmp

# One layer of all of it and a second that changes a little, as images are.
tar -C "$rootfs" --one-file-system -cf "$work/base.tar" --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* .
mkdir -p "$work/upper/etc" "$work/upper/usr/share"
echo changed >"$work/upper/etc/motd"
touch "$work/upper/usr/share/.wh.doc"
tar -C "$work/upper" -cf "$work/upper.tar" .
umoci init --layout "$work/layout"
umoci new --image "$work/layout:image"
umoci raw add-layer --image "$work/layout:image" "$work/base.tar"
umoci raw add-layer --image "$work/layout:image" "$work/upper.tar"
case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
umoci config --image "$work/layout:image" --architecture $arch --config.cmd /bin/sh
skopeo copy -q "oci:$work/layout:image" "oci-archive:$work/image.tar:image"
layer=$(ls -S "$work/layout/blobs/sha256" | head -1)
layer=$work/layout/blobs/sha256/$layer
unpacked=$(stat -c %s "$work/base.tar")

used() { df --output=used -B1 "$work/tmp" | tail -1; }

# measure NAME COMMAND…: a line "wall-us cpu-us KiB temporary-bytes" more in $work/NAME
measure() {
	local name=$1 base
	shift
	rm -rf "$work/tmp/"* "$work/out"*
	sync
	base=$(used)
	(
		peak=0
		while :; do
			now=$(($(used) - base))
			[ $now -le $peak ] || { peak=$now; echo $peak >"$work/peak"; }
			sleep 0.1
		done
	) &
	sampler=$!
	echo 0 >"$work/peak"
	/usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@" >/dev/null 2>"$work/log" || { cat "$work/log"; exit 1; }
	kill $sampler
	wait $sampler 2>/dev/null || :
	sampler=
	awk -v peak="$(cat "$work/peak")" '{printf "%d %d %d %d\n", $1 * 1000000, ($2 + $3) * 1000000, $4, peak}' "$work/time" >>"$work/$name"
}

export work layer
cat >"$work/others.sh" <<'END'
set -eu
skopeo copy -q "oci-archive:$work/image.tar:image" "oci:$work/tmp/layout:image"
umoci unpack --image "$work/tmp/layout:image" "$work/tmp/bundle" >/dev/null
mksquashfs "$work/tmp/bundle/rootfs" "$work/out.sqfs" -noappend -quiet -no-progress
END
printf 'gzip -dc "$layer" >"$work/tmp/layer.tar"; tar2sqfs -q -f "$work/out.sqfs" <"$work/tmp/layer.tar"\n' >"$work/tar2sqfs.sh"
printf 'gzip -dc "$layer" >/dev/null\n' >"$work/gunzip.sh"
for ((round = 0; round < rounds; round++)); do
	measure ours "$singularity" --quiet build "$work/out.sif" "oci-archive:$work/image.tar:image"
	measure gunzip sh "$work/gunzip.sh"
	measure pack "$singularity" --quiet build "$work/out.sif" "$rootfs"
done
# Minutes each: once.
measure others sh "$work/others.sh"
measure tar2sqfs sh "$work/tar2sqfs.sh"

column() { awk -v c="$2" '{print $c}' "$work/$1" >"$work/column"; middle "$work/column"; }
mib() { echo $((($1 + 524288) >> 20)); }

printf '\n%-34s %10s %10s %10s %10s\n' "OCI archive, $(mib "$unpacked") MiB unpacked, $rounds tries" "wall ms" "cpu ms" "peak MiB" "temp MiB"
for name in ours others tar2sqfs gunzip pack; do
	case $name in
	ours) title="singularity build" ;;
	others) title="skopeo + umoci + mksquashfs" ;;
	tar2sqfs) title="gzip -d + tar2sqfs (base layer)" ;;
	gunzip) title="gzip -d alone" ;;
	pack) title="singularity build DIRECTORY" ;;
	esac
	printf '%-34s %10d %10d %10d %10d\n' "$title" $(($(column $name 1) / 1000)) $(($(column $name 2) / 1000)) \
		$(($(column $name 3) / 1024)) "$(mib "$(column $name 4)")"
done
heading "conversion" "ours" "theirs" "ratio" "budget"
ours=$(column ours 1) alone=$(($(column gunzip 1) + $(column pack 1)))
row "wall (ms)" "$((ours / 1000))" "$((alone / 1000))" "$(divide "$ours" "$alone")" "decompress + pack alone" 1.5
row "wall (ms)" "$((ours / 1000))" "$(($(column others 1) / 1000))" "$(divide "$ours" "$(column others 1)")" "skopeo, umoci, mksquashfs" 0.5
row "wall (ms)" "$((ours / 1000))" "$(($(column tar2sqfs 1) / 1000))" "$(divide "$ours" "$(column tar2sqfs 1)")" "gzip, tar2sqfs" 0.5
row "temporary (MiB)" "$(mib "$(column ours 4)")" "$(mib "$unpacked")" "$(divide "$(column ours 4)" "$unpacked")" "the image" 0.05
row "peak memory (MiB)" "$(($(column ours 3) / 1024))" 256 "$(divide "$(column ours 3)" 262144)" "256 MiB" 1
