#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Things that change during a launch: names, images, and whether its processes live. HOSTILE_LONG=1 tries every place and for longer.

load hostile.bash

setup_file() {
	hostile_setup
	mkdir -m 0700 "$WORK/secret" && touch "$WORK/secret/forbidden"
	head -c 3000000 /dev/urandom >"$WORK/box/large"
	as_root build "$WORK/box.sif" "$WORK/box" 2>/dev/null
	install -o "$TEST_USER" "$WORK/box.sif" "$WORK/user/own.sif"
	as_user mkdir "$WORK/user/source" "$WORK/user/tmp"
	as_user ln -s "$WORK/secret" "$WORK/user/link"
	mkdir "$WORK/tmp"
	export STEPPER=$BUILD/tests/hostile/stepper SECONDS_EACH=$([ -n "${HOSTILE_LONG:-}" ] && echo 60 || echo 3)
}
teardown_file() { hostile_teardown; }

flip() { # A B, until unflip
	setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups "$BUILD/tests/hostile/flip" "$@" 3>&- &
	FLIPPER=$!
}
unflip() { kill "$FLIPPER" && ! wait "$FLIPPER" 2>/dev/null; }

@test "the source of a bind is swapped for a link to what the caller may not read" {
	flip "$WORK/user/source" "$WORK/user/link"
	local end=$((SECONDS + SECONDS_EACH)) runs=0
	while [ $SECONDS -lt $end ]; do
		for profile in as_user_suid as_user_userns; do
			run $profile exec -B "$WORK/user/source:/mnt" "$WORK/box" /bin/sh -c 'ls /mnt; touch /mnt/written; echo ran'
			[[ $output != *forbidden* ]]
			[[ $output != *ran* ]] || runs=$((runs + 1))
		done
	done
	unflip
	echo "$runs launches"
	[ $runs -gt 0 ] && [ ! -e "$WORK/secret/written" ]
}

@test "a mount point of the image is swapped for a link to the host" {
	as_user ln -s "$WORK/canary" "$WORK/box/hole"
	flip "$WORK/box/mnt" "$WORK/box/hole"
	local end=$((SECONDS + SECONDS_EACH)) runs=0
	while [ $SECONDS -lt $end ]; do
		for profile in as_user_suid as_user_userns as_fakeroot; do
			run $profile exec -B "$WORK/user:/mnt/made/deep" -B /etc/passwd:/mnt/file "$WORK/box" /bin/true
			[ "$status" != 0 ] || runs=$((runs + 1))
			[ "$status" = 0 ] || [[ $output == *FATAL* ]]
		done
	done
	unflip
	[ $runs -gt 0 ] && [ "$(tree_hash "$WORK/canary")" = "$CANARY" ]
	[ -L "$WORK/box/mnt" ] && mv -T "$WORK/box/hole" "$WORK/box/spare" && rm "$WORK/box/mnt" && mv "$WORK/box/spare" "$WORK/box/mnt"
	rm -f "$WORK/box/hole"
}

@test "the image is swapped for another during the launch: one of the two runs" {
	as_user cp "$WORK/user/own.sif" "$WORK/user/a.sif"
	as_user cp "$WORK/data.sqfs" "$WORK/user/b.sif"
	flip "$WORK/user/a.sif" "$WORK/user/b.sif"
	local end=$((SECONDS + SECONDS_EACH))
	while [ $SECONDS -lt $end ]; do
		for profile in as_user_suid as_user_userns; do
			run $profile exec "$WORK/user/a.sif" /bin/true
			[ "$status" = 0 ] || [[ $output == *FATAL* ]]
		done
	done
	unflip
	nothing_left
}

@test "an image that is cut or overwritten while it is mounted ends reads, not the host" {
	for change in 'truncate -s 4096 IMAGE' 'truncate -s 0 IMAGE' 'head -c 2000000 /dev/urandom | dd of=IMAGE bs=64k seek=1 conv=notrunc status=none' \
		'fallocate -p -o 65536 -l 2000000 IMAGE'; do
		for profile in as_user_suid as_user_userns as_root; do
			as_user cp "$WORK/user/own.sif" "$WORK/user/cut.sif"
			$profile exec "$WORK/user/cut.sif" /bin/sh -c 'sleep 0.3; cat /large | wc -c' >/dev/null 2>&1 3>&- &
			local launch=$!
			sleep 0.15
			eval "${change//IMAGE/$WORK/user/cut.sif}"
			wait $launch || [ $? != 124 ]
		done
	done
	nothing_left
}

# Kill the process that makes the Kth system call of the launch, for each K in steps: the others end by themselves.
kill_at_each() { # NAME STRIDE COMMAND…
	local name=$1 stride=$2 total
	shift 2
	total=$("$STEPPER" count 0 0 "$@" 2>&1 >/dev/null </dev/null 3>&- | sed -n 's/^calls //p')
	[ "${total:-0}" -gt 100 ] || { echo "$name: only ${total:-no} calls"; return 1; }
	[ -z "${HOSTILE_LONG:-}" ] || stride=1
	for ((k = 1 + RANDOM % stride; k <= total; k += stride)); do
		step kill "$k" 0 "$@"
		[ "$status" != 125 ] && [ "$status" != 124 ] || { echo "$name, call $k of $total: a process is left: $output"; ps -e -o pid,ppid,stat,comm,args | tail -20; return 1; }
	done
	nothing_left || { echo "after $name"; return 1; }
}
user_command() { echo setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env env TMPDIR="$WORK/user/tmp"; }

@test "killed at any system call: setuid" {
	kill_at_each "setuid, directory" 31 $(user_command) "$SUID_PREFIX/bin/singularity" exec "$WORK/box" /bin/true
	kill_at_each "setuid, SIF, PID namespace" 31 $(user_command) "$SUID_PREFIX/bin/singularity" exec --pid "$WORK/box.sif" /bin/true
}
@test "killed at any system call: user namespace, with the file server" {
	kill_at_each "userns, SIF" 31 $(user_command) "$SINGULARITY" exec "$WORK/box.sif" /bin/true
	kill_at_each "userns, PID namespace" 41 $(user_command) "$SINGULARITY" exec --pid "$WORK/box.sif" /bin/true
	kill_at_each "fakeroot" 41 $(user_command) "$SINGULARITY" exec --fakeroot "$WORK/box.sif" /bin/true
}
@test "killed at any system call: root" {
	kill_at_each "root, SIF" 31 "$SINGULARITY" exec --pid --writable-tmpfs "$WORK/box.sif" /bin/true
}
@test "killed at any system call: an image unpacked for one run" {
	kill_at_each "temporary sandbox" 67 $(user_command) "$SINGULARITY" exec --tmp-sandbox "$WORK/user/own.sif" /bin/true
	# Where the process that waits to remove it was killed itself, the next launch does. Only a directory of which nothing was made
	# yet may stay: it could be somebody's who is about to begin.
	run $(user_command) "$SINGULARITY" exec --tmp-sandbox "$WORK/user/own.sif" /bin/true
	[ "$status" = 0 ]
	run find "$WORK/user/tmp" -mindepth 1 ! -empty
	[ -z "$output" ] || { echo "unpacked images are left: ${lines[*]:0:5}"; return 1; }
}

@test "a storm of signals leaves nothing" {
	local end=$((SECONDS + SECONDS_EACH))
	while [ $SECONDS -lt $end ]; do
		for profile in as_user_suid as_user_userns; do
			$profile exec --pid "$WORK/box.sif" /bin/sleep 0.05 >/dev/null 2>&1 3>&- &
			for signal in TERM INT HUP USR1 QUIT ALRM PIPE CHLD TSTP CONT; do
				kill -s $signal $! 2>/dev/null || true
				pkill -$signal -P $! 2>/dev/null || true
			done
			wait $! 2>/dev/null || true
		done
	done
	nothing_left
}
