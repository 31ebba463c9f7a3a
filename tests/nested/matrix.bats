#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Every outer container × every action, against expected.tsv: a cell that changes, for better or worse, fails. The engines are
# Debian's, started here and ended here. NESTED_RESULTS=DIR keeps what every cell said.

load ../lib/profiles.bash
load ../lib/engines.bash
load ../lib/outers.bash

EXPECTED=$BATS_TEST_DIRNAME/expected.tsv

setup_file() {
	profiles_setup
	suid_setup
	outers_make_images
	mkdir -p "$WORK/results"
	docker_start >"$WORK/docker.why" 2>&1 && docker_import matrix "$WORK/matrix" && DOCKER_RUNS=1
	podman_start
	podman_import podman_root matrix "$WORK/matrix"
	podman_import podman_user matrix "$WORK/matrix"
	export WORK FUSE_MODE DOCKER_RUNS
}

teardown_file() {
	[ -z "${NESTED_RESULTS:-}" ] || cp -r "$WORK/results/." "$NESTED_RESULTS"
	engines_stop
	suid_teardown
	profiles_teardown
}

@test "in no container" { check_outers $OUTERS_ALONE; }

@test "in our own containers: root, setuid, user namespace, fakeroot, contain" { check_outers $OUTERS_SELF; }

@test "in a chroot" { check_outers chroot chroot-user; }

@test "in bubblewrap" { check_outers bubblewrap; }

@test "in Docker" {
	# A machine that is itself a container may not let Docker start; anywhere else that is a fault.
	[ -n "${DOCKER_RUNS:-}" ] || { cat "$WORK/docker.why"; [ -e /.dockerenv ] && skip "dockerd does not start in this container"; false; }
	check_outers $OUTERS_DOCKER
}

@test "in Podman, started by root" { check_outers $OUTERS_PODMAN; }

@test "in Podman, started by a user" { check_outers $OUTERS_ROOTLESS; }

@test "every outer has every action in the table of what is expected" {
	run bash -c "cut -f1,2 '$EXPECTED' | sort | uniq -d"
	[ -z "$output" ]
	for outer in $OUTERS_ALONE $OUTERS_SELF $OUTERS_DOCKER $OUTERS_PODMAN $OUTERS_ROOTLESS $OUTERS_OTHER; do
		run awk -F'\t' -v o="$outer" '$1 == o {print $2}' "$EXPECTED"
		echo "$outer: $output"
		[ "${#lines[@]}" = 9 ]
	done
}

@test "README's table is what is expected here" {
	run diff <(sed -n '/^<!-- nested: begin -->$/,/^<!-- nested: end -->$/p' README.md | sed '1d;$d') \
		<("$BATS_TEST_DIRNAME/table.sh")
	echo "$output"
	[ "$status" = 0 ]
}

@test "the table" {
	"$BATS_TEST_DIRNAME/table.sh" | sed 's/^/# /' >&3
}

@test "nothing is left behind, by the engines neither" {
	engines_stop
	sleep 2
	run leftovers
	echo "$output"
	[ -z "$output" ]
}
