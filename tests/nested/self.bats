#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# An image that holds our own non-setuid build runs a second image: every outer flow.

load ../lib/profiles.bash
load ../lib/outers.bash

setup_file() {
	profiles_setup
	suid_setup
	outers_make_images
	export WORK FUSE_MODE
}

teardown_file() {
	suid_teardown
	profiles_teardown
}

@test "the inner version is printed" {
	run as_root run "$WORK/nested.sif" --version
	[ "$status" = 0 ]
	[[ $output == "singularity version "* ]]
}

@test "exec of an inner SIF and sandbox in every outer flow" {
	for profile in as_root as_user_userns as_user_suid as_fakeroot; do
		for image in "$WORK/inner.sif" "$WORK/inner"; do
			run $profile run "$WORK/nested.sif" exec "$image" id -u
			echo "$profile $image: $output"
			[ "$status" = 0 ]
			case $profile in
			as_root | as_fakeroot) [ "${lines[-1]}" = 0 ] ;;
			*) [ "${lines[-1]}" = "$(id -u "$TEST_USER")" ] ;;
			esac
		done
	done
}

@test "inner fakeroot under root, fakeroot and plain users" {
	for profile in as_root as_user_userns as_user_suid as_fakeroot; do
		run $profile run "$WORK/nested.sif" exec --fakeroot "$WORK/inner.sif" id -u
		echo "$profile: $output"
		[ "$status" = 0 ]
		[ "${lines[-1]}" = 0 ]
	done
}

@test "working directory and home reach the inner level" {
	cd "$WORK/user"
	run as_user_userns run "$WORK/nested.sif" exec "$WORK/inner.sif" sh -c 'pwd; echo $HOME'
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"$WORK/user"* ]]
	[[ $output == *"/home/$TEST_USER"* ]]
}

@test "nothing is left behind" {
	sleep 2
	run leftovers
	echo "$output"
	[ -z "$output" ]
}
