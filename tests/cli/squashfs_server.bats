# SPDX-License-Identifier: BSD-3-Clause
# squashfs-server on connections mounted the way the starter mounts them. Needs root and /dev/fuse.

LIBEXEC_BIN=${LIBEXEC_BIN:-build/libexec/singularity/bin}

setup() {
	[ "$(id -u)" -eq 0 ] && [ -w /dev/fuse ] || skip "needs root and /dev/fuse"
	tree=$BATS_TEST_TMPDIR/tree mnt=$BATS_TEST_TMPDIR/mnt image=$BATS_TEST_TMPDIR/image waiter=
	mkdir -p "$tree/many" "$tree/empty" "$mnt"
	timeout 60 cc -o "$BATS_TEST_TMPDIR/fuse_mount" tests/lib/fuse_mount.c
	seq 1 700000 >"$tree/big"
	truncate -s 3M "$tree/hole"
	seq -f "$tree/many/a-longer-name-%04g" 1 1500 | timeout 60 xargs touch
	printf x >"$tree/small"
	ln "$tree/small" "$tree/hard"
	ln -s ../some/where "$tree/link"
	chown 12:34 "$tree/small"
	mknod "$tree/pipe" p
	find "$tree" -exec touch -h -d @1700000000 {} + # squashfs has whole seconds
}

teardown() {
	if [ -n "$mnt" ] && is_mounted; then timeout 60 umount -l "$mnt"; fi
	if [ -n "$waiter" ]; then wait "$waiter" || true; fi
}

# Not mountpoint(1): it fails on a connection whose server is gone.
is_mounted() { grep -qF " $mnt fuse " /proc/self/mounts; }

pack() { timeout 60 mksquashfs "$tree" "$image" -noappend -quiet -no-progress "$@" >/dev/null; }

# serve OFFSET SIZE [ARGUMENT...]: in the background; its status is the server's.
serve() {
	timeout 60 "$BATS_TEST_TMPDIR/fuse_mount" "$LIBEXEC_BIN/squashfs-server" "$image" "$mnt" "$@" \
		>"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	waiter=$!
	for _ in $(seq 100); do
		if is_mounted; then return 0; fi
		sleep 0.05
	done
	return 1
}

unserve() {
	timeout 60 umount "$mnt"
	wait "$waiter"
	waiter=
}

listing() { (cd "$1" && timeout 60 find . -printf '%P %y %m %n %U %G %l %T@ ' \( -type d -printf '\n' -o -printf '%s\n' \) | sort); }

same() {
	timeout 60 diff -r --no-dereference -x pipe "$tree" "$mnt"
	[ "$(listing "$tree")" = "$(listing "$mnt")" ]
}

check_compressor() {
	pack -comp "$1"
	serve 0 "$(stat -c %s "$image")"
	same
	unserve
}

@test "a gzip image is served whole and the server ends with its mount" { check_compressor gzip; }
@test "a zstd image is served whole" { check_compressor zstd; }
@test "an xz image is served whole" { check_compressor xz; }
@test "an lz4 image is served whole" { check_compressor lz4; }

@test "an image behind an offset is served, with one owner for all files" {
	pack
	size=$(stat -c %s "$image")
	{ head -c 8192 /dev/zero; cat "$image"; } >"$image.shifted"
	mv "$image.shifted" "$image"
	serve 8192 "$size" --uid 77 --gid 88
	timeout 60 diff -r --no-dereference -x pipe "$tree" "$mnt"
	[ "$(timeout 60 find "$mnt" -printf '%U:%G\n' | sort -u)" = 77:88 ]
	unserve
}

@test "readers in parallel all read the right bytes" {
	pack
	serve 0 "$(stat -c %s "$image")"
	sum=$(sha256sum <"$tree/big")
	for i in 1 2 3 4 5 6; do timeout 60 sha256sum <"$mnt/big" >"$BATS_TEST_TMPDIR/sum$i" & pids+=" $!"; done
	wait $pids
	for i in 1 2 3 4 5 6; do [ "$(cat "$BATS_TEST_TMPDIR/sum$i")" = "$sum" ]; done
	unserve
}

@test "extended attributes keep their prefix and value" {
	command -v setfattr >/dev/null || skip "needs setfattr"
	timeout 60 setfattr -n trusted.t -v one "$tree/big" || skip "no trusted attributes here"
	pack
	serve 0 "$(stat -c %s "$image")"
	[ "$(timeout 60 getfattr -d -m - --absolute-names "$mnt/big" | sed -n 2p)" = 'trusted.t="one"' ]
	unserve
}

refuses() {
	serve "$@"
	status=0
	wait "$waiter" || status=$?
	waiter=
	[ "$status" -eq 255 ]
	grep -q 'cannot' "$BATS_TEST_TMPDIR/out"
}

@test "a damaged image ends the server with a message and 255" {
	head -c 65536 /dev/zero >"$image"
	refuses 0 65536
}

@test "tables behind the given size are not read" {
	pack
	refuses 0 4096
}
