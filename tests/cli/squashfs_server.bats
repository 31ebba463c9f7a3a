#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# The FUSE server, mounted as the starter does it. LIBEXEC_BIN holds the program under test.

setup_file() {
	[ "$(id -u)" = 0 ] || skip "needs root to mount"
	export TOP="$BATS_TEST_DIRNAME/../.."
	export SERVER="${LIBEXEC_BIN:-$TOP/build/libexec/singularity/bin}/squashfs-server"
	export MOUNTER="$BATS_FILE_TMPDIR/fuse_mount"
	export SOURCE="$BATS_FILE_TMPDIR/source"
	cc -std=gnu11 -D_GNU_SOURCE -O2 -o "$MOUNTER" "$TOP/tests/lib/fuse_mount.c"
	mkdir -p "$SOURCE/many" "$SOURCE/deep/er"
	for i in $(seq 1500); do echo "content $i" >"$SOURCE/many/a_rather_long_file_name_number_$i"; done
	head -c 3000000 /dev/urandom >"$SOURCE/noise"
	yes "line of text" | head -c 5000001 >"$SOURCE/text"
	truncate -s 3M "$SOURCE/sparse"
	printf end >>"$SOURCE/sparse"
	: >"$SOURCE/empty"
	ln "$SOURCE/text" "$SOURCE/deep/hard"
	ln -s ../text "$SOURCE/deep/soft"
	ln -s "$(head -c 3000 /dev/zero | tr '\0' x)" "$SOURCE/deep/long"
	mkfifo "$SOURCE/deep/pipe"
	mknod "$SOURCE/deep/node" c 1 3
	mknod "$SOURCE/deep/wide" b 259 70000
	chown 1234:5678 "$SOURCE/empty"
	chmod 4751 "$SOURCE/noise"
	touch -d @1000000000 "$SOURCE/deep/er"
	setfattr -n user.one -v 1 "$SOURCE/text"
	setfattr -n trusted.two -v second "$SOURCE/text"
	setfattr -n security.three -v third "$SOURCE/text"
	setfattr -n user.large -v "$(head -c 1000 /dev/zero | tr '\0' v)" "$SOURCE/deep"
	setcap cap_net_raw+ep "$SOURCE/noise"
	make_image gzip -comp gzip
}

make_image() { # NAME OPTION…
	local image="$BATS_FILE_TMPDIR/$1.sqfs"
	shift
	[ -e "$image" ] || mksquashfs "$SOURCE" "$image" -quiet -no-progress -processors 1 "$@" >/dev/null
}

setup() {
	MOUNT="$BATS_TEST_TMPDIR/mount"
	IMAGE="$BATS_FILE_TMPDIR/gzip.sqfs"
	mkdir -p "$MOUNT"
}

teardown() {
	! mountpoint -q "$MOUNT" || umount -l "$MOUNT"
}

serve() { # IMAGE [OFFSET SIZE [OPTION…]]
	local image=$1
	shift
	read -r SERVER_PID _ < <("$MOUNTER" "$SERVER" "$image" "$MOUNT" "$@")
	[ -n "$SERVER_PID" ]
}

# Names, types, modes, owners, sizes, link counts, times and devices; a directory's size is the file system's own affair.
describe() {
	(cd "$1" && find . -mindepth 1 -type d -printf '%p %y %m %U %G %n %T@\n' -o -mindepth 1 -printf '%p %y %m %U %G %n %T@ %s %l\n' | sed 's/\.0\+\( \|$\)/\1/' | sort
		stat -c '%n %t %T' deep/node deep/wide)
}

same_tree() {
	diff -r --no-dereference --exclude=pipe --exclude=node --exclude=wide "$SOURCE" "$MOUNT"
	diff <(describe "$SOURCE" | sed 's/\.[0-9]\+//') <(describe "$MOUNT" | sed 's/\.[0-9]\+//')
	diff <(attributes "$SOURCE") <(attributes "$MOUNT")
}

attributes() {
	(cd "$1" && find . -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex | cut -c 1-4096)
}

gone() { # the server's pid, within two seconds; a zombie waits for its reaper and does not count
	for _ in $(seq 40); do
		[[ "$(ps -o stat= -p "$1")" =~ ^(Z.*)?$ ]] && return 0
		sleep 0.05
	done
	return 1
}

@test "gzip: the tree is the source" {
	serve "$IMAGE"
	same_tree
}

@test "zstd: the tree is the source" {
	make_image zstd -comp zstd
	serve "$BATS_FILE_TMPDIR/zstd.sqfs"
	same_tree
}

@test "lz4: the tree is the source" {
	make_image lz4 -comp lz4
	serve "$BATS_FILE_TMPDIR/lz4.sqfs"
	same_tree
}

@test "xz: the tree is the source" {
	make_image xz -comp xz
	serve "$BATS_FILE_TMPDIR/xz.sqfs"
	same_tree
}

@test "lzo: the tree is the source" {
	make_image lzo -comp lzo
	serve "$BATS_FILE_TMPDIR/lzo.sqfs"
	same_tree
}

@test "uncompressed: the tree is the source" {
	make_image none -noI -noD -noF -noX
	serve "$BATS_FILE_TMPDIR/none.sqfs"
	same_tree
}

@test "blocks of 4 KiB and of 1 MiB: the tree is the source" {
	make_image small -comp gzip -b 4K
	serve "$BATS_FILE_TMPDIR/small.sqfs"
	same_tree
	umount "$MOUNT"
	make_image large -comp gzip -b 1M -always-use-fragments
	serve "$BATS_FILE_TMPDIR/large.sqfs"
	same_tree
}

@test "a partition at an offset, without an export table and without attributes" {
	make_image plain -comp gzip -no-exports -no-xattrs
	head -c 12345 /dev/urandom >"$BATS_TEST_TMPDIR/joined"
	cat "$BATS_FILE_TMPDIR/plain.sqfs" >>"$BATS_TEST_TMPDIR/joined"
	serve "$BATS_TEST_TMPDIR/joined" 12345 "$(stat -c %s "$BATS_FILE_TMPDIR/plain.sqfs")"
	diff -r --no-dereference --exclude=pipe --exclude=node --exclude=wide "$SOURCE" "$MOUNT"
	[ -z "$(getfattr -R -h -d -m - "$MOUNT")" ]
}

@test "many readers at once see the same bytes" {
	serve "$IMAGE" 0 "$(stat -c %s "$IMAGE")" --threads 4
	expected=$(cd "$SOURCE" && find . -type f -print0 | sort -z | xargs -0 cat | sha256sum)
	for i in 1 2 3 4 5 6 7 8; do
		(cd "$MOUNT" && find . -type f -print0 | sort -z | xargs -0 cat | sha256sum >"$BATS_TEST_TMPDIR/sum.$i") &
	done
	wait
	for i in 1 2 3 4 5 6 7 8; do [ "$(cat "$BATS_TEST_TMPDIR/sum.$i")" = "$expected" ]; done
}

@test "reads at odd places" {
	serve "$IMAGE"
	for place in 0 1 131071 131072 262143 4999999 5000000; do
		cmp <(dd if="$SOURCE/text" bs=1 skip=$place count=4000 2>/dev/null) \
			<(dd if="$MOUNT/text" iflag=direct,skip_bytes,count_bytes bs=64k skip=$place count=4000 2>/dev/null)
	done
}

@test "names that are not there, and directories with an index" {
	serve "$IMAGE"
	for i in 1 2 77 1499 1500; do
		[ "$(cat "$MOUNT/many/a_rather_long_file_name_number_$i")" = "content $i" ]
	done
	for name in a a_rather_long_file_name_number_15000 zzz A 0; do [ ! -e "$MOUNT/many/$name" ]; done
	[ "$(find "$MOUNT/many" -type f | wc -l)" = 1500 ]
	[ "$(stat -c %i "$MOUNT/deep/er/..")" = "$(stat -c %i "$MOUNT/deep")" ]
}

@test "one owner for all files when asked" {
	serve "$IMAGE" 0 "$(stat -c %s "$IMAGE")" --uid 4242 --gid 4343
	[ "$(find "$MOUNT" -printf '%U:%G\n' | sort -u)" = 4242:4343 ]
}

@test "nothing can be written" {
	serve "$IMAGE"
	run touch "$MOUNT/new"
	[ "$status" -ne 0 ]
	run sh -c "echo x >>$MOUNT/text"
	[ "$status" -ne 0 ]
}

@test "the server holds nothing it does not need, and ends with its mount" {
	serve "$IMAGE"
	cat "$MOUNT/empty"
	run cat "/proc/$SERVER_PID/status"
	[[ "$output" == *"CapEff:	0000000000000000"* ]]
	[[ "$output" == *"CapPrm:	0000000000000000"* ]]
	[[ "$output" == *"NoNewPrivs:	1"* ]]
	[[ "$output" == *"Seccomp:	2"* ]]
	[ "$(readlink "/proc/$SERVER_PID/cwd")" = / ]
	[ "$(ls "/proc/$SERVER_PID/fd" | tr '\n' ' ')" = "0 1 2 3 4 " ]
	for fd in 0 1 2; do [ "$(readlink "/proc/$SERVER_PID/fd/$fd")" = /dev/null ]; done
	[ "$(ps -o sid= -p "$SERVER_PID" | tr -d ' ')" = "$SERVER_PID" ]
	[ "$(awk '/VmRSS/ {print $2}' "/proc/$SERVER_PID/status")" -le 4096 ]
	kill -HUP "$SERVER_PID"
	kill -INT "$SERVER_PID"
	[ -e "$MOUNT/text" ]
	umount "$MOUNT"
	gone "$SERVER_PID"
}

@test "a server whose mounter is gone before the mount ends in silence" {
	run timeout 10 "$SERVER" --image-fd 7 --fuse-fd 8 --go-fd 9 --offset 0 --size "$(stat -c %s "$IMAGE")" \
		7<"$IMAGE" 8<>/dev/fuse 9</dev/null
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "reading does not make the kernel ask for attributes again" {
	"$MOUNTER" "$SERVER" "$IMAGE" "$MOUNT" >"$BATS_TEST_TMPDIR/server"
	read -r pid _ <"$BATS_TEST_TMPDIR/server"
	stat "$MOUNT/text" >/dev/null && cat "$MOUNT/text" >/dev/null
	before=$(awk '/^syscr/ {print $2}' "/proc/$pid/io")
	stat "$MOUNT/text" >/dev/null
	[ "$(awk '/^syscr/ {print $2}' "/proc/$pid/io")" = "$before" ]
}

@test "damaged images: a clear message and status 255" {
	head -c 20000 /dev/zero >"$BATS_TEST_TMPDIR/zeros"
	run "$MOUNTER" "$SERVER" "$BATS_TEST_TMPDIR/zeros" -
	[ "$status" -eq 255 ]
	[[ "$output" == "FATAL:   cannot read the image: it is no squashfs file system" ]]
	run "$MOUNTER" "$SERVER" "$IMAGE" - 0 4096
	[ "$status" -eq 255 ]
	[[ "$output" == "FATAL:   cannot read the image: "* ]]
	run "$MOUNTER" "$SERVER" "$IMAGE" - 0 100000 --threads many
	[ "$status" -eq 255 ]
	[[ "$output" == *"--threads needs a number"* ]]
}

@test "bytes turned over in the image give errors, not a crash" {
	size=$(stat -c %s "$IMAGE")
	for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
		cp "$IMAGE" "$BATS_TEST_TMPDIR/bad"
		for n in 1 2 3 4 5 6 7 8; do
			# The tables lie at the end: most of the damage goes there.
			place=$((size - 1 - (seed * 7919 + n * 104729 + seed * n * 31) % 40000))
			printf "\\x$(printf %02x $(((seed * 37 + n * 91) % 256)))" |
				dd of="$BATS_TEST_TMPDIR/bad" bs=1 seek=$place conv=notrunc 2>/dev/null
		done
		pair=$("$MOUNTER" "$SERVER" "$BATS_TEST_TMPDIR/bad" "$MOUNT" 2>/dev/null) || continue
		find "$MOUNT" -type f -exec cat {} + >/dev/null 2>&1 || true
		getfattr -R -h -d -m - "$MOUNT" >/dev/null 2>&1 || true
		[[ "$(ps -o stat= -p "${pair%% *}")" =~ ^[SR] ]]
		umount "$MOUNT"
		gone "${pair%% *}"
	done
}
