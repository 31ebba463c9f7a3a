#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# overlay create: files and partitions that --overlay and --writable then use.

load ../lib/profiles.bash
load ../lib/images.bash

setup_file() { launch_setup; }
teardown_file() { launch_teardown; }

setup() {
	rm -rf "$WORK/user/dir"
	mkdir "$WORK/user/dir"
	chown "$TEST_USER:" "$WORK/user/dir"
	cd "$WORK/user/dir"
}

# What no command may leave: files of its own beside the target, layouts, scratch files.
nothing_left() {
	[ -z "$(find . -name '.*.??????')" ] && [ -z "$(find /tmp -maxdepth 1 -name 'overlay-??????' -user "$TEST_USER")" ]
}

inside() { # FILE PATH-IN-IT
	debugfs -R "stat $2" "$1" 2>/dev/null
}

blocks() { stat -c %b "$1"; }

check_file() {
	rm -f over.img
	run $profile overlay create --create-dir /opt/a/b,srv over.img
	expect 0
	expect_output ""
	[ "$(stat -c '%s %a %U' over.img)" = "$((64 << 20)) 600 $(outer_user)" ]
	[ "$(blocks over.img)" -ge $((64 << 11)) ]
	e2fsck -fn over.img >/dev/null 2>&1
	[[ $(inside over.img upper/opt/a/b) == *"Mode:  0755"*"User: $(printf %5d "$(id -u "$(outer_user)")")"* ]]
	[[ $(inside over.img work) == *"Type: directory"* ]] && [[ $(inside over.img upper/srv) == *"Type: directory"* ]]
	run $profile exec --overlay over.img "$WORK/box.sif" sh -c 'ls -d /opt/a/b && echo kept >/mnt/new'
	expect 0 /opt/a/b
	run $profile exec --overlay over.img "$WORK/box.sif" cat /mnt/new
	expect 0 kept
	nothing_left
}
@test "a file: 64 MiB, 0600, the caller's, and kept changes" { each_profile -p "as_root as_user_userns" -i - check_file; }

@test "a file for --fakeroot" {
	run as_user_userns overlay create -S over.img
	expect 0
	run as_fakeroot exec --fakeroot --overlay over.img "$WORK/box.sif" sh -c 'echo kept >/mnt/new && id -u'
	expect 0 0
	run as_user_userns exec --overlay over.img:ro "$WORK/box.sif" cat /mnt/new
	expect 0 kept
}

@test "sparse: as large, and almost nothing on disk; by SINGULARITY_SPARSE, too" {
	run as_user_userns overlay create --sparse --size 4096 over.img
	expect 0
	[ "$(stat -c %s over.img)" = $((4096 << 20)) ]
	[ "$(blocks over.img)" -lt $((512 << 11)) ]
	GIVEN=(SINGULARITY_SPARSE=1)
	run as_user_userns overlay create -s 128 other.img
	expect 0
	[ "$(stat -c %s other.img)" = $((128 << 20)) ] && [ "$(blocks other.img)" -lt $((64 << 11)) ]
	e2fsck -fn other.img >/dev/null 2>&1
	GIVEN=()
}

check_sif() {
	install -o "$(outer_user)" -m 0755 "$WORK/box.sif" box.sif
	local size sum
	size=$(stat -c %s box.sif)
	sum=$(as_root sif dump 3 box.sif | sha256sum)
	run $profile overlay create box.sif
	expect 0
	expect_output ""
	[ "$(blocks box.sif)" -ge $((64 << 11)) ]
	run $profile sif list box.sif
	[[ ${lines[-1]} == "4    |1       |NONE    |"*"|FS (Ext3/Overlay/$(as_root sif header box.sif | sed -n 's/Primary Arch.*: *//p'))" ]]
	[ "$(as_root sif dump 3 box.sif | sha256sum)" = "$sum" ]
	run $profile exec box.sif sh -c 'echo x >/mnt/x'
	[ "$status" != 0 ]
	run $profile exec --writable box.sif sh -c 'echo kept >/mnt/new'
	expect 0
	run $profile exec box.sif cat /mnt/new
	expect 0 kept
	as_root sif dump 4 box.sif >over.img
	e2fsck -fn over.img >/dev/null 2>&1
	run $profile overlay create box.sif
	expect 255 "INFO:    Existing overlay partition can be deleted with: singularity sif del 4 box.sif" \
		"FATAL:   writable overlay already exists in image"
	run $profile sif del 4 box.sif
	expect 0
	# The same place again: nothing of the deleted one shines through.
	run $profile overlay create --sparse box.sif
	expect 0
	run $profile exec box.sif cat /mnt/new
	[ "$status" != 0 ]
	as_root sif dump 4 box.sif >over.img
	e2fsck -fn over.img >/dev/null 2>&1
	nothing_left
}
@test "in a SIF: a partition that --writable uses, once" { each_profile -p "as_root as_user_userns" -i - check_sif; }

@test "in a SIF, sparse: almost nothing on disk" {
	cp "$WORK/box.sif" box.sif
	local before
	before=$(blocks box.sif)
	run as_root overlay create -S -s 1024 box.sif
	expect 0
	[ "$(stat -c %s box.sif)" -gt $((1024 << 20)) ]
	[ $(($(blocks box.sif) - before)) -lt $((128 << 11)) ]
	run as_root exec --writable box.sif sh -c 'echo kept >/mnt/new; cat /mnt/new'
	expect 0 kept
}

@test "a container that writes keeps others from changing the image" {
	cp "$WORK/box.sif" box.sif
	as_root overlay create -S box.sif
	mkfifo stop
	as_root exec --writable box.sif sh -c 'echo in; read x' <stop >out 3>&- &
	local pid=$!
	exec 5>stop
	for _ in $(seq 100); do [ -s out ] && break; sleep 0.1; done
	run as_root sif del 4 box.sif
	exec 5>&-
	wait "$pid" || true
	expect 255 FATAL: "box.sif is in use"
	run as_root sif del 4 box.sif
	expect 0
}

refused() { # TEXT ARGUMENT…
	local text=$1
	shift
	run as_user_userns overlay create "$@"
	expect 255 "FATAL:   " "$text"
}

@test "what cannot have an overlay is refused, and is as before" {
	cp "$WORK/box.sif" box.sif
	chown "$TEST_USER:" box.sif
	refused "must be equal or greater than 64 MiB" --size 63 box.sif
	refused "--size 'x'" --size x box.sif
	refused "--size '99999999999'" --size 99999999999 box.sif
	refused "cannot make the directory ../up" --create-dir ../up box.sif
	cmp box.sif "$WORK/box.sif"
	refused "non-SIF image" /etc/passwd
	refused "non-SIF image" "$WORK/box"
	mksquashfs "$WORK/box/etc" box.sqfs -quiet -no-progress >/dev/null
	refused "non-SIF image" box.sqfs
	as_user_userns overlay create -S over.img
	refused "is an EXT3 filesystem that can be used as an overlay directly" over.img
	refused "No such file or directory" absent/over.img
	refused "Permission denied" /usr/over.img
	cp "$WORK/box.sif" other.sif
	chown root other.sif
	chmod 0644 other.sif
	refused "for writing: Permission denied" other.sif
	cp box.sif signed.sif
	as_root sif add --datatype 5 --signhash 1 --signentity 433FE984155206BD962725E20E8713472A879943 --link 4026531841 signed.sif /etc/hostname
	chown "$TEST_USER:" signed.sif
	refused "cannot add overlay to a signed image" signed.sif
	cp box.sif oci.sif
	as_root sif add --datatype 10 oci.sif /etc/hostname
	chown "$TEST_USER:" oci.sif
	refused "OCI mode is missing" oci.sif
	cp box.sif crypt.sif
	as_root sif del 3 crypt.sif
	as_root sif add --datatype 4 --parttype 2 --partfs 4 --partarch 2 --groupid 1 crypt.sif /etc/hostname
	printf '\5' | dd of=crypt.sif bs=1 seek=$((4096 + 2 * 585 + 201)) conv=notrunc status=none # fs type of object 3
	chown "$TEST_USER:" crypt.sif
	refused "cannot add overlay to an encrypted image" crypt.sif
	run as_user_userns overlay create
	expect 1 'Error for command "overlay create": accepts 1 arg(s), received 0'
	for name in sync seal; do
		run as_user_userns overlay "$name" oci.sif
		expect 255 "FATAL:   " "OCI mode is missing"
	done
	nothing_left
}

@test "mke2fs is found by the search path, and missed by name" {
	sed 's|^root search path.*|root search path = /nonexistent|' "$BATS_TEST_DIRNAME/../../etc/singularity.conf" >"$WORK/conf"
	GLOBAL=(--config "$WORK/conf")
	run as_root overlay create over.img
	expect 255 "FATAL:   " "mke2fs is not in /nonexistent" e2fsprogs
	GLOBAL=()
	[ ! -e over.img ]
	printf '#!/bin/sh\necho "so it is" >&2\nexit 3\n' >mke2fs
	chmod 0755 mke2fs
	cp "$WORK/box.sif" box.sif
	chown "$TEST_USER:" box.sif
	GIVEN=("PATH=$PWD:/bin:/usr/bin")
	run as_user_userns overlay create over.img
	expect 255 "FATAL:   cannot make the ext3 file system: mke2fs ended with status 3: so it is"
	run as_user_userns overlay create box.sif
	expect 255 "status 3: so it is"
	GIVEN=()
	cmp box.sif "$WORK/box.sif"
	[ ! -e over.img ] && nothing_left
}

@test "ended by a signal: nothing is left, the image is as before" {
	cp "$WORK/box.sif" box.sif
	chown "$TEST_USER:" box.sif
	printf '#!/bin/sh\n: >%s/started\nexec sleep 30\n' "$PWD" >mke2fs
	chmod 0755 mke2fs
	for target in box.sif over.img; do
		rm -f started
		setsid setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env env "PATH=$PWD:/bin:/usr/bin" \
			"$SINGULARITY" overlay create "$target" 3>&- &
		local pid=$!
		for _ in $(seq 100); do [ -e started ] && break; sleep 0.05; done
		kill -TERM -- "-$pid"
		local status=0
		wait "$pid" || status=$?
		[ "$status" = 143 ]
		nothing_left
	done
	cmp box.sif "$WORK/box.sif"
	[ ! -e over.img ]
}

@test "a full disk: nothing is left, the image is as before" {
	mkdir disk
	mount -t tmpfs -o size=24m tmpfs disk || skip "cannot mount a tmpfs"
	cp "$WORK/box.sif" disk/box.sif
	run as_root overlay create disk/over.img
	local first=$status
	run as_root overlay create disk/box.sif
	local same=yes left
	cmp disk/box.sif "$WORK/box.sif" || same=no
	left=$(ls -A disk)
	umount disk
	[ "$first" = 255 ] && [ "$same" = yes ] && [ "$left" = box.sif ]
	expect 255 "FATAL:   " "No space left on device"
}

@test "nothing is left behind by all that" {
	sleep 1
	run leftovers
	expect_output ""
}
