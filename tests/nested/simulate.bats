#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# What outer containers deny, one denial at a time and without an engine: every action against simulated.tsv.

load ../lib/profiles.bash
load ../lib/outers.bash

EXPECTED=$BATS_TEST_DIRNAME/simulated.tsv

setup_file() {
	profiles_setup
	outers_make_images
	mkdir -p "$WORK/results"
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O1 -o "$WORK/simulate" "$BATS_TEST_DIRNAME/../lib/simulate.c" -lseccomp
	export WORK FUSE_MODE
}

teardown_file() {
	[ -z "${NESTED_RESULTS:-}" ] || cp -r "$WORK/results/." "$NESTED_RESULTS"
	profiles_teardown
}

@test "the simulators deny what they say" {
	# Each line: steps, then a command that must fail where it succeeds without them.
	run "$WORK/simulate" root="$WORK/matrix" -- unshare --mount true
	[ "$status" = 0 ]
	run "$WORK/simulate" root="$WORK/matrix" seccomp=docker -- unshare --mount true
	[ "$status" != 0 ]
	run "$WORK/simulate" root="$WORK/matrix" seccomp=podman -- unshare --mount true
	[ "$status" = 0 ]
	run "$WORK/simulate" root="$WORK/matrix" caps=a80425fb -- grep CapEff /proc/self/status
	[[ $output == *00000000a80425fb* ]]
	run "$WORK/simulate" root="$WORK/matrix" -- sh -c '[ ! -e /dev/fuse ]'
	[ "$status" = 0 ]
	run "$WORK/simulate" fuse root="$WORK/matrix" -- sh -c '[ -c /dev/fuse ]'
	[ "$status" = 0 ]
	run "$WORK/simulate" root="$WORK/matrix" userns -- unshare --mount --pid --fork mount -t proc proc /proc
	[ "$status" = 0 ]
	run "$WORK/simulate" root="$WORK/matrix" mask userns -- unshare --mount --pid --fork mount -t proc proc /proc
	[ "$status" != 0 ]
	run "$WORK/simulate" chroot="$WORK/matrix" -- unshare --user true
	[ "$status" != 0 ]
	run "$WORK/simulate" depth=33 -- unshare --user true
	[ "$status" != 0 ]
	run "$WORK/simulate" depth=32 -- unshare --user true
	[ "$status" = 0 ]
	run "$WORK/simulate" userns root="$WORK/matrix" no-userns -- unshare --user true
	[ "$status" != 0 ]
	run "$WORK/simulate" overlay2="$WORK/matrix" -- unshare --mount sh -c \
		'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w && mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w o /home'
	[ "$status" != 0 ]
}

@test "Docker's and Podman's defaults: seccomp, capabilities, masked /proc" {
	check_outers sim-docker sim-docker-user sim-podman sim-podman-user sim-podman-fuse
}
@test "no /dev/fuse" { check_outers sim-root-no-fuse sim-user-no-fuse; }
@test "no_new_privs" { check_outers sim-user-nnp; }
@test "one id" { check_outers sim-single-id; }
@test "a masked /proc, in our own and in an outer user namespace" { check_outers sim-masked-same-userns sim-masked-outer-userns; }
@test "root without capabilities" { check_outers sim-no-capability sim-no-setfcap; }
@test "no user namespaces" { check_outers sim-no-userns sim-no-userns-no-capability; }
@test "a chroot" { check_outers sim-chroot sim-chroot-user; }
@test "a root on an overlay, and on two" { check_outers sim-overlay sim-overlay2; }
@test "the deepest user namespaces" { check_outers sim-depth-32 sim-depth-33 sim-depth-33-root; }

@test "nothing is left behind" {
	sleep 2
	run leftovers
	echo "$output"
	[ -z "$output" ]
}
