#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Every depth from 1 to what the kernel allows: it works, and each level costs what the first does.

load ../lib/profiles.bash
load ../lib/outers.bash

KERNEL_USER_LEVELS=33 # user namespaces below the first one

setup_file() {
	profiles_setup
	outers_make_images
	export WORK FUSE_MODE
}

teardown_file() { profiles_teardown; }

# level N runs nested.sif, which runs level N-1; the last one runs the inner image with the options of LAST
at_depth() { # PROFILE DEPTH COMMAND…
	local profile=$1 depth=$2 line=()
	shift 2
	for ((i = 1; i < depth; i++)); do line+=(exec "$WORK/nested.sif" /opt/singularity/bin/singularity); done
	# shellcheck disable=SC2086
	$profile "${line[@]}" exec ${LAST:-} "$WORK/inner.sif" "$@"
}

# The least of some attempts, in µs: what else runs on the machine only adds.
microseconds() { # ATTEMPTS COMMAND…
	local attempts=$1 least=0 start took
	shift
	for ((a = 0; a < attempts; a++)); do
		start=$(date +%s%N)
		"$@" >/dev/null 2>&1 || return 1
		took=$((($(date +%s%N) - start) / 1000))
		[ $least != 0 ] && [ $took -ge $least ] || least=$took
	done
	echo $least
}

say() { echo "# $*" >&3; }

# Depths 1 to 32: print the cost of each level, as the mean over four.
check_costs() { # PROFILE
	local profile=$1 base first took before depth level
	base=$(microseconds 10 as_user unshare --user --mount true)
	base=$((base - $(microseconds 10 as_user true)))
	before=$(microseconds 3 as_user true)
	first=$(($(microseconds 6 at_depth "$profile" 1 true) - before))
	say "$profile: first level $first µs, a bare unshare $base µs"
	before=$((before + first))
	for depth in $(seq 2 32); do
		[ $((depth % 4)) = 0 ] || { at_depth "$profile" "$depth" true || return 1; continue; }
		took=$(microseconds 3 at_depth "$profile" "$depth" true) || return 1
		level=$(((took - before) / (depth == 4 ? 3 : 4)))
		say "$profile: level $depth: $level µs, $((level * 100 / first)) % of the first"
		before=$took
	done
	level=$(((took - first) / 31))
	say "$profile: mean of levels 2 to 32: $level µs, $((level * 100 / first)) % of the first, $((level * 10 / base)) tenths of a bare unshare"
	# The same as the first is the aim; a loaded machine gets some room.
	[ "$level" -le $((first * 3)) ]
}

@test "1 to 32 levels as a plain user, each at the cost of the first" { check_costs as_user_userns; }

@test "1 to 32 levels as root, each at the cost of the first" { check_costs as_root; }

@test "the last level that the kernel allows, and one more" {
	run at_depth as_user_userns $KERNEL_USER_LEVELS id -u
	echo "$output"
	[ "$status" = 0 ]
	[ "${lines[-1]}" = "$(id -u "$TEST_USER")" ]
	run at_depth as_user_userns $((KERNEL_USER_LEVELS + 1)) id -u
	echo "$output"
	[ "$status" = 255 ]
	[[ $output == *"FATAL: "*"nested too deep"* ]]
}

@test "levels that need no user namespace do not count: 40 as root, 40 below one fakeroot" {
	for profile in as_root as_fakeroot; do
		run at_depth "$profile" 40 id -u
		echo "$profile: $output"
		[ "$status" = 0 ]
		[ "${lines[-1]}" = 0 ]
	done
}

@test "inner fakeroot at depth 1, 2 and 8" {
	for profile in as_root as_user_userns as_fakeroot; do
		for depth in 1 2 8; do
			LAST=--fakeroot run at_depth "$profile" "$depth" sh -c 'touch /tmp/o.$$ && chown 7 /tmp/o.$$ && rm /tmp/o.$$ && id -u'
			echo "$profile at $depth: $output"
			[ "$status" = 0 ]
			[ "${lines[-1]}" = 0 ]
		done
	done
}

@test "fakeroot in a user namespace of its own at every level: ids in ranges as deep as that" {
	for depth in 1 2 8; do
		line=()
		for ((i = 1; i < depth; i++)); do line+=(-u "$WORK/nested.sif" /opt/singularity/bin/singularity exec --fakeroot); done
		run as_fakeroot exec "${line[@]}" "$WORK/inner.sif" cat /proc/self/uid_map
		echo "$depth: $output"
		[ "$status" = 0 ]
		[ "$(awk '{n += $3} END {print n}' <<<"$output")" -ge 65537 ]
	done
}

@test "a PID namespace at every level, as deep as the kernel allows" {
	line=()
	for ((i = 1; i < 8; i++)); do line+=(--pid "$WORK/nested.sif" /opt/singularity/bin/singularity exec); done
	run as_user_userns exec "${line[@]}" --pid "$WORK/inner.sif" sh -c 'echo $$; exit 7'
	echo "$output"
	[ "$status" = 7 ]
	[ "${lines[-1]}" -lt 9 ]
}

@test "nothing is left behind" {
	sleep 2
	run leftovers
	echo "$output"
	[ -z "$output" ]
}
