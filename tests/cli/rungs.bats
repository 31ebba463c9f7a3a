#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Every fallback on one host: SINGULARITY_RUNG forces a rung of a ladder, and the core of a launch must hold on it.

load ../lib/profiles.bash

setup_file() {
	profiles_setup
	make_sandbox "$WORK/box"
	chown -R "$TEST_USER:" "$WORK/box"
	as_root build "$WORK/box.sif" "$WORK/box" 2>/dev/null
	make_ext3 "$WORK/user/box.ext3" "$WORK/box"
	export WORK FUSE_MODE
}

teardown_file() { profiles_teardown; }

# an ext3 image at $1 with the tree $2, all of it the test user's
make_ext3() {
	truncate -s 24M "$1"
	mke2fs -q -t ext3 -d "$2" -E root_owner="$(id -u "$TEST_USER"):$(id -g "$TEST_USER")" "$1"
	chown "$TEST_USER:" "$1"
}

# forced PROFILE RUNGS COMMAND…: the profile with the rungs in its environment
forced() {
	local profile=$1 rungs=$2
	shift 2
	case $profile in
	as_root) in_time env TMPDIR="$WORK/user" SINGULARITY_RUNG="$rungs" "$SINGULARITY" "$@" ;;
	as_user_userns) as_user env TMPDIR="$WORK/user" SINGULARITY_RUNG="$rungs" "$SINGULARITY" "$@" ;;
	as_fakeroot)
		local command=$1
		shift
		as_user env TMPDIR="$WORK/user" SINGULARITY_RUNG="$rungs" "$SINGULARITY" "$command" --fakeroot "$@"
		;;
	esac
}

# The core of a launch: status, ids, binds that hold, mount points that are made, a PID namespace.

expect_core() { # PROFILE RUNGS IMAGE
	local profile=$1 rungs=$2 image=$3
	run forced "$profile" "$rungs" exec "$image" sh -c 'exit 7'
	[ "$status" = 7 ] || { echo "status: $output"; return 1; }
	run forced "$profile" "$rungs" exec -B /etc:/mnt/deep/er:ro "$image" cat /mnt/deep/er/hostname
	[ "$status" = 0 ] && [[ $output == *"$(cat /etc/hostname)"* ]] || { echo "bind: $output"; return 1; }
	run forced "$profile" "$rungs" exec -B "$WORK/user:/mnt/rd:ro" "$image" touch /mnt/rd/file
	[ "$status" != 0 ] && [ ! -e "$WORK/user/file" ] || { echo "a read-only bind was written to"; return 1; }
	run forced "$profile" "$rungs" exec -B "$WORK/user:/mnt/rw" "$image" sh -c 'echo x > /mnt/rw/written'
	[ "$status" = 0 ] && [ "$(cat "$WORK/user/written")" = x ] || { echo "rw bind: $output"; return 1; }
	rm -f "$WORK/user/written"
	run forced "$profile" "$rungs" exec "$image" touch /newfile
	[ "$status" != 0 ] || { echo "the root was written to"; return 1; }
}

expect_pid() { # PROFILE RUNGS IMAGE
	run forced "$1" "$2" exec --pid "$3" sh -c 'kill -0 $$ && echo $$'
	[ "$status" = 0 ] && [ "${lines[-1]}" -le 3 ] || { echo "pid: $output"; return 1; }
}

expect_writable_tmpfs() { # PROFILE RUNGS IMAGE
	run forced "$1" "$2" exec --writable-tmpfs "$3" sh -c 'echo x > /mnt/newfile && rm /mnt/newfile && mkdir /mnt/d && mv /mnt/d /mnt/e && ls /mnt'
	[ "$status" = 0 ] && [[ $output == *e* ]] && [ ! -e "$WORK/box/mnt/e" ] || { echo "writable-tmpfs: $output"; return 1; }
}

each() { # CHECK RUNGS PROFILE…: on the SIF and the sandbox
	local check=$1 rungs=$2 profile image
	shift 2
	for profile in "$@"; do
		for image in "$WORK/box.sif" "$WORK/box"; do
			"$check" "$profile" "$rungs" "$image" || { echo "$profile, $rungs, ${image##*/}"; return 1; }
		done
	done
}

all_profiles="as_root as_user_userns as_fakeroot"

@test "mount-api=legacy" {
	each expect_core mount-api=legacy $all_profiles
	each expect_pid mount-api=legacy $all_profiles
	each expect_writable_tmpfs mount-api=legacy $all_profiles
}

@test "pivot=move" {
	each expect_core pivot=move $all_profiles
	each expect_pid pivot=move $all_profiles
}

@test "layer=underlay: mount points, but no changes" {
	each expect_core layer=underlay $all_profiles
	for profile in $all_profiles; do
		run forced "$profile" layer=underlay exec --writable-tmpfs "$WORK/box.sif" true
		echo "$profile: $output"
		[ "$status" = 255 ]
		[[ $output == *FATAL:*layer* ]]
	done
}

@test "layer=fuse-overlayfs" {
	each expect_core layer=fuse-overlayfs $all_profiles
	each expect_writable_tmpfs layer=fuse-overlayfs $all_profiles
	each expect_pid layer=fuse-overlayfs $all_profiles
}

@test "image=fuse and image=extract" {
	each expect_core image=fuse $all_profiles
	for profile in $all_profiles; do
		expect_core "$profile" image=extract "$WORK/box.sif"
		expect_writable_tmpfs "$profile" image=extract "$WORK/box.sif"
	done
	run ls -d "$WORK"/user/rootfs-*
	[ "$status" != 0 ]
}

@test "proc=bind, sys=bind: the outer ones are there, the PID namespace as well" {
	each expect_core proc=bind,sys=bind $all_profiles
	each expect_pid proc=bind $all_profiles
	for profile in $all_profiles; do
		run forced "$profile" proc=bind exec --pid "$WORK/box" sh -c 'ls -d /proc/1 /sys/kernel'
		[ "$status" = 0 ]
	done
}

@test "proc=fresh shows the container's processes alone" {
	for profile in $all_profiles; do
		run forced "$profile" proc=fresh exec --pid "$WORK/box" ps
		echo "$profile: $output"
		[ "$status" = 0 ] && [ "${#lines[@]}" -le 4 ]
	done
}

@test "devpts: tty, plain, none" {
	for profile in as_root as_fakeroot; do
		run forced "$profile" devpts=tty exec --contain "$WORK/box" stat -c %t /dev/pts/ptmx
		echo "$profile: $output"
		[ "$status" = 0 ]
	done
	for profile in $all_profiles; do
		run forced "$profile" devpts=plain exec --contain "$WORK/box" ls -l /dev/ptmx
		echo "$profile: $output"
		[ "$status" = 0 ] && [[ $output == *"pts/ptmx"* ]]
		run forced "$profile" devpts=none exec --contain "$WORK/box" ls /dev/ptmx
		[ "$status" != 0 ]
	done
	# One id is mapped, and the group tty is not it: the rung's own error.
	run forced as_user_userns devpts=tty exec --contain "$WORK/box" true
	echo "$output"
	[ "$status" = 255 ]
	[[ $output == *FATAL:*"/dev/pts"* ]]
}

@test "ids: newuidmap, emulated, single" {
	run forced as_fakeroot ids=newuidmap exec "$WORK/box" sh -c 'id -u; grep -c . /proc/self/uid_map'
	[ "$status" = 0 ] && [ "$output" = $'0\n2' ]
	for rung in emulated single; do
		run forced as_fakeroot ids=$rung exec "$WORK/box.sif" sh -c 'id -u; grep -c . /proc/self/uid_map'
		echo "$rung: $output"
		[ "$status" = 0 ] && [[ $output == *$'0\n1' ]]
	done
	run forced as_fakeroot ids=emulated exec --writable-tmpfs "$WORK/box.sif" busybox chown 55:55 /mnt
	[ "$status" = 0 ]
	run forced as_fakeroot ids=single exec --writable-tmpfs "$WORK/box.sif" busybox chown 55:55 /mnt
	[ "$status" != 0 ]
	each expect_core ids=emulated as_fakeroot
	each expect_core ids=single as_fakeroot as_user_userns
}

@test "namespaces: a forced flow is taken or says why not" {
	run forced as_user_userns namespaces=userns exec "$WORK/box" id -u
	[ "$status" = 0 ]
	run forced as_root namespaces=userns exec "$WORK/box" cat /proc/self/uid_map
	[ "$status" = 0 ] && [[ $output != *4294967295* ]]
	run forced as_user_userns namespaces=root exec "$WORK/box" true
	[ "$status" = 255 ]
	[[ $output == *"namespaces=root cannot be used: the caller is not root"* ]]
}

@test "everything at its last rung" {
	worst=mount-api=legacy,pivot=move,layer=underlay,proc=bind,sys=bind,devpts=plain
	each expect_core "$worst" $all_profiles
	each expect_pid "$worst" $all_profiles
	for profile in $all_profiles; do
		expect_core "$profile" "$worst,image=extract" "$WORK/box.sif"
		expect_core "$profile" "$worst,image=fuse" "$WORK/box.sif"
	done
	expect_core as_fakeroot "$worst,image=extract,ids=single" "$WORK/box.sif"
}

@test "ext3 images of users: read, written, as overlay" {
	run forced as_user_userns "" exec "$WORK/user/box.ext3" sh -c 'exit 7'
	echo "$output"
	[ "$status" = 7 ]
	run forced as_user_userns "" exec "$WORK/user/box.ext3" touch /mnt/newfile
	[ "$status" != 0 ]
	run forced as_user_userns "" exec --writable "$WORK/user/box.ext3" sh -c 'echo kept > /mnt/newfile'
	echo "$output"
	[ "$status" = 0 ]
	run forced as_user_userns "" exec "$WORK/user/box.ext3" cat /mnt/newfile
	[ "$output" = kept ]
	run forced as_root ext3=fuse2fs exec "$WORK/user/box.ext3" cat /mnt/newfile
	echo "$output"
	[ "$output" = kept ]
	sleep 1; e2fsck -fn "$WORK/user/box.ext3"
}

@test "ext3 overlays of users keep their changes, by fuse-overlayfs" {
	mkdir -p "$WORK/layout/upper" "$WORK/layout/work"
	chown -R "$TEST_USER:" "$WORK/layout"
	make_ext3 "$WORK/user/over.ext3" "$WORK/layout"
	for image in "$WORK/box.sif" "$WORK/box"; do
		run forced as_user_userns "" exec --overlay "$WORK/user/over.ext3" "$image" sh -c 'echo kept > /mnt/over; mkdir -p /mnt/a/b'
		echo "$output"
		[ "$status" = 0 ]
		run forced as_user_userns "" exec --pid --overlay "$WORK/user/over.ext3" "$image" sh -c 'cat /mnt/over; ls -d /mnt/a/b; rm /mnt/over'
		echo "$output"
		[ "$status" = 0 ] && [[ $output == *kept* ]]
		run forced as_user_userns "" exec --overlay "$WORK/user/over.ext3:ro" "$image" ls /mnt
		[ "$status" = 0 ] && [[ $output != *over* ]] && [[ $output == *a* ]]
	done
	sleep 1; e2fsck -fn "$WORK/user/over.ext3"
}

@test "an ext3 image that is written to has one user, and the next waits for the last change" {
	mkdir -p "$WORK/layout/upper" "$WORK/layout/work"
	chown -R "$TEST_USER:" "$WORK/layout"
	make_ext3 "$WORK/user/lock.ext3" "$WORK/layout"
	for i in 1 2 3 4 5; do
		run forced as_user_userns "" exec --overlay "$WORK/user/lock.ext3" "$WORK/box.sif" sh -c "cat /mnt/count; echo $i > /mnt/count"
		echo "$output"
		[ "$status" = 0 ]
		[ $i = 1 ] || [ "$output" = $((i - 1)) ]
	done
	# The payload says that it runs, and runs until it is told.
	wait_for='touch $0/running; while [ ! -e $0/stop ]; do sleep 0.1; done'
	refused() { # PROFILE OPTION
		run forced "$1" "" exec --overlay "$WORK/user/lock.ext3$2" "$WORK/box.sif" true
		echo "$1: $output"
		[ "$status" = 255 ] && [[ $output == *"FATAL:   "*"lock.ext3 is in use: "* ]]
	}
	for profile in as_user_userns as_root; do # by fuse2fs, by a loop device: both hold the lock
		rm -f "$WORK/user/running" "$WORK/user/stop"
		forced $profile "" exec --overlay "$WORK/user/lock.ext3" "$WORK/box.sif" sh -c "$wait_for" "$WORK/user" 3>&- &
		for i in {1..100}; do [ -e "$WORK/user/running" ] && break; sleep 0.1; done
		refused as_user_userns ""
		refused as_user_userns ":ro"
		refused as_root ""
		touch "$WORK/user/stop"
		wait
	done
}

@test "fakeroot of a caller who is not root, but may write the map: as root, the other ids behind" {
	cat >"$WORK/inside" <<-EOF
		exec setpriv --reuid 5 --regid 5 --clear-groups --inh-caps=+setuid,+setgid,+setfcap --ambient-caps=+setuid,+setgid,+setfcap \\
			"$SINGULARITY" exec --fakeroot "$WORK/box" sh -c 'id -u; cat /proc/self/uid_map'
	EOF
	chmod 0755 "$WORK/inside"
	run as_user env SINGULARITY_RUNG=ids=direct unshare --user --map-root-user --map-auto sh "$WORK/inside"
	echo "$output"
	[ "$status" = 0 ]
	[ "${lines[0]}" = 0 ]
	[ "$(tr -s ' ' <<<"${lines[1]}")" = " 0 5 1" ]
	[ "${#lines[@]}" -ge 4 ]
	sed -i 's/,+setfcap//g' "$WORK/inside"
	run as_user env SINGULARITY_RUNG=ids=direct unshare --user --map-root-user --map-auto sh "$WORK/inside"
	echo "without CAP_SETFCAP: $output"
	[ "$status" = 0 ]
	[ "${lines[0]}" = 0 ]
	for line in "${lines[@]:1}"; do [ "$(awk '{print $2}' <<<"$line")" != 0 ]; done
}

@test "fakeroot of root in a user namespace makes no other" {
	run as_user unshare --user --map-root-user --map-auto sh -c 'readlink /proc/self/ns/user; exec "$0" exec --fakeroot "$1" busybox readlink /proc/self/ns/user' "$SINGULARITY" "$WORK/box"
	echo "$output"
	[ "$status" = 0 ]
	[ "${lines[0]}" = "${lines[1]}" ]
}

@test "debug names each rung, and the errno of those rejected" {
	run forced as_user_userns "" --debug exec --pid --contain "$WORK/box.sif" true
	[ "$status" = 0 ]
	[[ $output == *"namespaces: rung root rejected: the caller is not root (EPERM)"* ]]
	[[ $output == *"namespaces: rung userns"* ]]
	[[ $output == *"image: rung kernel rejected"*"(EPERM)"* ]]
	[[ $output == *"image: rung fuse"* ]]
	[[ $output == *"mount-api: rung new"* ]]
	[[ $output == *"devpts: rung tty rejected: "*"(EINVAL)"* ]]
	[[ $output == *"devpts: rung plain"* ]]
	[[ $output == *"pivot: rung pivot"* ]]
}

@test "unknown names are fatal, with the list" {
	run forced as_root image=nfs exec "$WORK/box" true
	[ "$status" = 255 ]
	[[ $output == *'FATAL:   SINGULARITY_RUNG: image has no rung "nfs": there are outer, kernel, fuse, extract'* ]]
	run forced as_root imag=fuse exec "$WORK/box" true
	[ "$status" = 255 ]
	[[ $output == *'there is no ladder "imag": there are namespaces, ids, '* ]]
}

@test "nothing is left behind" {
	sleep 2
	run leftovers
	echo "$output"
	[ -z "$output" ]
}
