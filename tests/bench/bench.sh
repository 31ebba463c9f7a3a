#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# bench.sh BUILD: what a launch costs, each figure beside its budget, as ratios of one run with all commands in turn. A figure
# never fails it. Everything needs root; ROUNDS= more rounds, ROOTFS= another real tree than /var/tmp/debian-minbase.
set -eu
cd "$(dirname "$0")/../.."
. tests/bench/table.bash
tree=$1 # as make(1) was told: its dependency files name their targets so
build=$(realpath "$tree")
rounds=${ROUNDS:-40}
rootfs=${ROOTFS:-/var/tmp/debian-minbase}
user=65534 # nobody: an account, but no home
suid_prefix=${SUID_PREFIX:-/opt/singularity-bench}
singularity=$build/bin/singularity
singularity_suid=$suid_prefix/bin/singularity

[ "$(id -u)" = 0 ] || {
	echo "bench: root is needed: the kernel's squashfs, the setuid starter and the user it measures as" >&2
	exit 1
}
work=$(mktemp -d /tmp/sgbench.XXXXXX)
chmod 0755 "$work"
fuse_mode=$(stat -c %a /dev/fuse 2>/dev/null || true)
# shellcheck disable=SC2329
cleanup() {
	! mountpoint -q "$work/mnt" || umount -l "$work/mnt"
	rm -rf "$work" "$suid_prefix"
	[ -z "$fuse_mode" ] || chmod "$fuse_mode" /dev/fuse
}
trap cleanup EXIT
[ -z "$fuse_mode" ] || chmod 0666 /dev/fuse
cores=$(nproc)

# ---- what is measured ------------------------------------------------------------------------------------------------
build_tools() {
	local tool
	for tool in floor timer; do
		cc -O2 -Wall -D_GNU_SOURCE -o "$work/$tool" "tests/bench/$tool.c"
	done
	cc -O2 -Wall -D_GNU_SOURCE -o "$work/fuse_mount" tests/lib/fuse_mount.c
	make -s -j2 BUILD="$tree/suid-bench" PREFIX="$suid_prefix" WITH_SUID=1 install >/dev/null
}

# busybox and our own programs: the least tree that can nest.
make_box() {
	local library name
	mkdir -p "$1"/{bin,proc,sys,dev,tmp,var/tmp,etc,root,home,mnt,opt/singularity}
	cp /bin/busybox "$1/bin/"
	for name in true sh sleep; do ln -s busybox "$1/bin/$name"; done
	touch "$1"/etc/{passwd,group,hosts,localtime,resolv.conf}
	make -s BUILD="$tree" dist-nested >/dev/null
	tar -C "$1/opt/singularity" -xzf "$build/singularity-nested.tar.gz"
	ldd "$singularity" | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "$1$(dirname "$library")"
		cp -L "$library" "$1$library"
	done
}

partition_offset() { grep -abo -m1 hsqs "$1" | head -1 | cut -d: -f1; }

# ---- start-up --------------------------------------------------------------------------------------------------------
names=() lines=() medians=() minima=() budgets=()
# add NAME BUDGET USER ARGUMENT…; BUDGET: "factor base-name" or ""
add() {
	local IFS=$'\t'
	names+=("$1") budgets+=("$2")
	lines+=("${*:3}")
}

# The binds that a launch makes with the shipped configuration.
bubblewrap_binds() {
	local path
	printf '%s\n' --ro-bind "$1" / --dev-bind /dev /dev --bind /proc /proc --ro-bind /sys /sys --bind /tmp /tmp --bind /var/tmp /var/tmp
	for path in /etc/hosts /etc/localtime /etc/resolv.conf /etc/passwd /etc/group; do
		[ ! -f "$1$path" ] || [ -L "$1$path" ] || [ ! -e "$path" ] || printf '%s\n' --ro-bind "$path" "$path"
	done
}

# add_tree LABEL DIRECTORY SIF
add_tree() {
	local binds
	mapfile -t binds < <(bubblewrap_binds "$2")
	add "$1 floor: directory" "" $user "$work/floor" "$2" /bin/true
	add "$1 floor: kernel squashfs" "" 0 "$work/floor" "$3" "$(partition_offset "$3")" /bin/true
	add "$1 bubblewrap, same binds" "" $user /usr/bin/bwrap "${binds[@]}" /bin/true
	add "$1 directory, user" "1.3 $1 bubblewrap, same binds" $user "$singularity" exec "$2" /bin/true
	add "$1 directory, root" "" 0 "$singularity" exec "$2" /bin/true
	add "$1 directory, setuid" "" $user "$singularity_suid" exec "$2" /bin/true
	add "$1 SIF by kernel, root" "2 $1 floor: kernel squashfs" 0 "$singularity" exec "$3" /bin/true
	add "$1 SIF by kernel, setuid" "2 $1 floor: kernel squashfs" $user "$singularity_suid" exec "$3" /bin/true
	add "$1 SIF by FUSE, user" "2.5 $1 bubblewrap, same binds" $user "$singularity" exec "$3" /bin/true
}

add_nested() {
	local inner=("$work/box/opt/singularity/bin/singularity" exec "$work/box") deeper=()
	local level
	for level in 1 2 3 4; do
		[ $level = 3 ] || add "nested, level $level" "" $user "$singularity" exec "$work/box" "${deeper[@]}" /bin/true
		deeper+=("${inner[@]}")
	done
}

index_of() {
	local i
	for i in "${!names[@]}"; do [ "${names[$i]}" != "$1" ] || { echo "$i"; return; }; done
}

measure_startup() {
	local i=0 median minimum failures
	while read -r median minimum failures; do
		medians[i]=$median minima[i]=$minimum
		[ "$failures" = 0 ] || echo "bench: ${names[$i]}: $failures starts failed; its figures mean nothing" >&2
		i=$((i + 1))
	done < <(printf '%s\n' "${lines[@]}" | "$work/timer" rounds "$rounds")
}

print_startup() {
	local i factor base
	heading "start-up, $rounds rounds" "median ms" "min ms" "ratio of medians" budget
	for i in "${!names[@]}"; do
		[[ ${names[$i]} != nested* ]] || continue
		read -r factor base <<<"${budgets[$i]}"
		if [ -n "$factor" ]; then
			row "${names[$i]}" "$(ms "${medians[$i]}")" "$(ms "${minima[$i]}")" \
				"$(divide "${medians[$i]}" "${medians[$(index_of "$base")]}")" "${base#* }" "$factor"
		else
			row "${names[$i]}" "$(ms "${medians[$i]}")" "$(ms "${minima[$i]}")"
		fi
	done
}

# What one more level costs, against the first. A tenth is the noise of such a difference.
print_nested() {
	local level first i cost
	heading "nesting, directory, user" "median ms" "per level" "ratio" budget
	first=${medians[$(index_of "nested, level 1")]}
	row "level 1" "$(ms "$first")" "$(ms "$first")"
	for level in 2 4; do
		i=$(index_of "nested, level $level")
		cost=$(((medians[i] - first) / (level - 1)))
		row "level $level" "$(ms "${medians[$i]}")" "$(ms $cost)" "$(divide $cost "$first")" "level 1" 1.1
	done
}

# ---- system calls, processes, memory ---------------------------------------------------------------------------------
# strace stops a file server while it reads the memory of the server's client, and both wait for ever: without decoding (-c) it
# reads none, and the time limit is there for the rest.
print_calls() {
	local i fields as
	heading "one launch" "calls" "tasks" "programs executed" ""
	for i in "${!names[@]}"; do
		[[ ${names[$i]} == box* ]] || continue
		IFS=$'\t' read -ra fields <<<"${lines[$i]}"
		as=()
		[ "${fields[0]}" = 0 ] || as=(-u nobody)
		timeout -s KILL 20 strace -f -c -o "$work/calls" "${as[@]}" "${fields[@]:1}" >/dev/null 2>&1 || true
		[ -s "$work/calls" ] || { row "${names[$i]}" - - && continue; }
		# shellcheck disable=SC2046,SC2183
		printf '%-34s %10s %10s   %s\n' "${names[$i]}" $(awk '$NF == "total" {calls = NF > 5 ? $4 : $(NF - 1)}
			$NF ~ /^(clone|clone3|fork|vfork)$/ {made += NF > 5 ? $4 - $5 : $4} $NF ~ /^execve(at)?$/ {ran += $4}
			END {print calls, made + 1, ran}' "$work/calls")
	done
}

pss() { awk '/^Pss:/ {print $2}' "/proc/$1/smaps_rollup" 2>/dev/null || echo 0; }

# print_memory NAME USER ARGUMENT…: a container that sleeps; every process of ours and the payload
print_memory() {
	local name=$1 as=() payload pid exe others=0 servers=0 kib=0
	[ "$2" = 0 ] || as=(setpriv --reuid "$2" --regid "$2" --clear-groups)
	shift 2
	"${as[@]}" "$@" /bin/sleep 60 </dev/null >/dev/null 2>&1 &
	payload=$!
	sleep 1
	for pid in /proc/[0-9]*; do
		pid=${pid#/proc/}
		exe=$(readlink "/proc/$pid/exe" 2>/dev/null) || continue
		case $exe in
		"$build"/*/squashfs-server)
			[[ $(readlink "/proc/$pid/fd/3") != "$work"/* ]] || servers=$((servers + 1)) kib=$((kib + $(pss "$pid")))
			;;
		"$build"/* | "$suid_prefix"/*) others=$((others + 1)) ;;
		esac
	done
	printf '%-34s %10s %10s   %-28s %s\n' "$name" "$others + $servers" "$kib" "payload itself: $(pss $payload) KiB" \
		"no process, 4096 KiB: $([ $others = 0 ] && [ $kib -le 4096 ] && echo within || echo OVER)"
	kill $payload 2>/dev/null || true
	wait $payload 2>/dev/null || true
}

print_resident() {
	heading "running container" "ours + FUSE" "KiB of them" "" budget
	print_memory "directory, user" $user "$singularity" exec "$work/box"
	print_memory "SIF by kernel, setuid" $user "$singularity_suid" exec "$work/box.sif"
	print_memory "SIF by FUSE, user" $user "$singularity" exec "$work/box.sif"
}

# ---- many at once ----------------------------------------------------------------------------------------------------
print_burst() {
	local name i all worst failures
	heading "128 at once" "all ms" "worst ms" "per launch, of one alone/core" budget
	for name in "box directory, user" "box SIF by kernel, root" "box SIF by FUSE, user"; do
		i=$(index_of "$name")
		read -r all worst failures < <(printf '%s\n' "${lines[$i]}" | "$work/timer" burst 128)
		row "$name" "$(ms "$all")" "$(ms "$worst")" \
			"$(divide "$all" "$((128 * medians[i] / cores))")" "one alone" 2
		[ "$worst" -lt 2000000 ] || echo "    the worst took longer than 2 s: OVER"
		[ "$failures" = 0 ] || echo "    $failures of 128 failed: OVER"
	done
}

# ---- reading through the file server -----------------------------------------------------------------------------------
# Libraries of this machine in files of 16 MiB: compressible as programs are.
make_data() {
	local i
	mkdir -p "$1/bin"
	find /usr/lib /usr/bin -type f -size +64k -print0 2>/dev/null | xargs -0 cat 2>/dev/null | head -c 128M |
		split -b 16M -d - "$1/data" || true
	cp /bin/busybox "$1/bin/"
}

mount_ours() { timeout 20 "$work/fuse_mount" "$build/libexec/singularity/bin/squashfs-server" "$1" "$work/mnt" "$2" "$3" >/dev/null; }
mount_theirs() { timeout 20 squashfuse_ll -o ro,offset="$2" "$1" "$work/mnt" >/dev/null 2>&1; }

# read_once SERVER READERS: microseconds for all of the data, on a fresh mount
read_once() {
	"mount_$1" "$work/data.sif" "$data_offset" "$data_size"
	"$work/timer" read "$2" "$work"/mnt/data* | cut -d' ' -f1
	umount "$work/mnt"
}

# walk_once SERVER: microseconds for tar(1) over the whole tree
walk_once() {
	local start
	"mount_$1" "$work/real.sif" "$real_offset" "$real_size"
	start=$(date +%s%N)
	tar -C "$work/mnt" -cf - . 2>/dev/null | cat >/dev/null
	echo $((($(date +%s%N) - start) / 1000))
	umount "$work/mnt"
}

print_reads() {
	local readers try mib ours theirs one=
	command -v squashfuse_ll >/dev/null || { echo "reads: squashfuse_ll is missing (apt-get install squashfuse)"; return; }
	make_data "$work/data"
	"$singularity" --quiet build "$work/data.sif" "$work/data"
	mib=$(($(cat "$work"/data/data* | wc -c) >> 20))
	data_offset=$(partition_offset "$work/data.sif") data_size=$(($(stat -c %s "$work/data.sif") - data_offset))
	mkdir -p "$work/mnt"
	for try in 1 2 3; do
		for readers in 1 2 4; do
			read_once ours $readers >>"$work/ours.$readers"
			read_once theirs $readers >>"$work/theirs.$readers"
		done
		[ ! -e "$work/real.sif" ] || {
			walk_once ours >>"$work/ours.tar"
			walk_once theirs >>"$work/theirs.tar"
		}
	done
	heading "reading $mib MiB, $try tries" "MiB/s" "squashfuse" "time ratio" "budget"
	for readers in 1 2 4; do
		ours=$(middle "$work/ours.$readers") theirs=$(middle "$work/theirs.$readers")
		one=${one:-$ours}
		row "$readers reader(s)" "$((mib * 1000000 / ours))" "$((mib * 1000000 / theirs))" \
			"$(divide "$ours" "$theirs")" "squashfuse_ll" 0.667
	done
	# One reader and the server keep two processors busy; more readers gain only where there are more.
	row "4 readers against 1" "" "" "$(divide "$(middle "$work/ours.4")" "$one")" "one reader" "$([ "$cores" -gt 3 ] && echo 0.6 || echo 1.1)"
	[ ! -e "$work/ours.tar" ] || row "tar of the real tree (ms)" "$(ms "$(middle "$work/ours.tar")")" "$(ms "$(middle "$work/theirs.tar")")" \
		"$(divide "$(middle "$work/ours.tar")" "$(middle "$work/theirs.tar")")" "squashfuse_ll" 1
}

# ----------------------------------------------------------------------------------------------------------------------
build_tools
make_box "$work/box"
"$singularity" --quiet build "$work/box.sif" "$work/box"
add_tree box "$work/box" "$work/box.sif"
if [ -x "$rootfs/bin/true" ]; then
	"$singularity" --quiet build "$work/real.sif" "$rootfs"
	real_offset=$(partition_offset "$work/real.sif") real_size=$(($(stat -c %s "$work/real.sif") - real_offset))
	add_tree real "$rootfs" "$work/real.sif"
else
	echo "bench: no tree at $rootfs (debootstrap --variant=minbase makes one, ROOTFS= names another): busybox alone"
fi
add_nested
cd /tmp
measure_startup
print_startup
print_nested
print_burst
print_calls
print_resident
print_reads
