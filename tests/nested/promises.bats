#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# What the user guide says of containers in containers, by number: N1 to N5 and N8 to N12. N6 and N7 are about OCI mode.

load ../lib/profiles.bash
load ../lib/engines.bash
load ../lib/outers.bash

SIN=/opt/singularity/bin/singularity

setup_file() {
	profiles_setup
	outers_make_images
	docker_start >"$WORK/docker.why" 2>&1 && docker_import matrix "$WORK/matrix" && DOCKER_RUNS=1
	podman_start
	podman_import podman_root matrix "$WORK/matrix"
	podman_import podman_user matrix "$WORK/matrix"
	export WORK FUSE_MODE DOCKER_RUNS
}

teardown_file() {
	engines_stop
	profiles_teardown
}

# A machine that is itself a container may not let Docker start; anywhere else that is a fault.
needs_docker() {
	[ -n "${DOCKER_RUNS:-}" ] && return 0
	cat "$WORK/docker.why"
	[ ! -e /.dockerenv ] || skip "dockerd does not start in this container"
	return 1
}

# Exit status 0, the last line as given, and nothing but warnings and information before it.
expect_run() { # LAST-LINE COMMAND…
	local last=$1
	shift
	run "$@"
	echo "$*: $output"
	[ "$status" = 0 ] && [ "${lines[-1]}" = "$last" ] && [ -z "$(head -n -1 <<<"$output" | grep -vE '^(WARNING|INFO): ')" ]
}

privileged_runs() { docker_run --privileged matrix "$@"; }
podman_root_privileged() { podman_run podman_root --privileged matrix "$@"; }
podman_user_privileged() { podman_run podman_user --privileged matrix "$@"; }

@test "N1: the inner version, in ours, Docker and Podman, with no further option" {
	version=$("$SINGULARITY" --version)
	expect_run "$version" as_root run "$WORK/nested.sif" --version
	expect_run "$version" as_user_userns run "$WORK/nested.sif" --version
	expect_run "$version" podman_run podman_root matrix $SIN --version
	expect_run "$version" podman_run podman_user matrix $SIN --version
	needs_docker
	expect_run "$version" docker_run matrix $SIN --version
}

@test "N2: a plain user runs an image in the nested one" {
	cd /
	expect_run "$(id -u "$TEST_USER")" as_user_userns run "$WORK/nested.sif" run "$WORK/inner.sif" id -u
}

@test "N3: root runs an image in the nested one and is root there" {
	cd /
	expect_run "uid=0(root) gid=0(root)" as_root run "$WORK/nested.sif" run "$WORK/inner.sif" sh -c 'id | cut -d" " -f1,2'
}

@test "N4: with an outer --fakeroot the inner user is root" {
	cd /
	expect_run 0 as_user_userns run --fakeroot "$WORK/nested.sif" run "$WORK/inner.sif" id -u
}

@test "N5: an image built inside lies in the directory outside, as root, with --fakeroot and as a plain user" {
	for profile in as_root as_fakeroot as_user_userns; do
		cd "$WORK/user"
		rm -f out.sif
		run $profile run "$WORK/nested.sif" build out.sif "$WORK/inner"
		echo "$profile: $output"
		[ "$status" = 0 ]
		expect_run hello as_user_userns exec out.sif echo hello
		rm -f "$WORK/user/out.sif"
	done
}

run_and_exec() { # OUTER
	expect_run 0 "$1" $SIN run /images/inner.sif id -u
	expect_run 0 "$1" $SIN exec -u /images/inner.sif id -u
}

@test "N8: run and exec -u in Docker --privileged" {
	needs_docker
	run_and_exec privileged_runs
}

# A directory of the host, the build inside of it, the file on the host.
build_out() { # CLIENT OWNER COMMAND…
	local owner=$1
	shift
	rm -rf "$WORK/my-build"
	mkdir "$WORK/my-build"
	cp -a "$WORK/inner" "$WORK/my-build/tree"
	[ "$owner" = root ] || chown -R "$owner:" "$WORK/my-build"
	run "$@" --privileged -v "$WORK/my-build:/my-build" matrix $SIN build /my-build/output.sif /my-build/tree
	echo "$output"
	[ "$status" = 0 ]
	[ "$(stat -c %U "$WORK/my-build/output.sif")" = "$owner" ]
	expect_run hello as_root exec "$WORK/my-build/output.sif" echo hello
}

@test "N9: a build in Docker --privileged leaves its file on the host" {
	needs_docker
	build_out root docker_run
}

@test "N10: the same in Podman, started by root and by a user" {
	run_and_exec podman_root_privileged
	run_and_exec podman_user_privileged
	build_out root podman_run podman_root
	build_out "$TEST_USER" podman_run podman_user
}

@test "N10, more than promised: the same without --privileged" {
	build_out_plain() { # COMMAND…: build_out passes --privileged first; leave it out
		local words=()
		for word in "$@"; do [ "$word" = --privileged ] || words+=("$word"); done
		podman_run podman_user "${words[@]}"
	}
	build_out "$TEST_USER" build_out_plain
	expect_run 0 podman_run podman_user --device /dev/fuse matrix $SIN run /images/inner.sif id -u
}

@test "N11: the example's Dockerfile builds the nested image with Docker and with Podman" {
	dockerfile=$BATS_TEST_DIRNAME/../../examples/nested/Dockerfile
	context=$BUILD/nested
	version=$("$SINGULARITY" version)
	tar -C "$WORK/inner" -c . | podman_root import -q - base >/dev/null
	run podman_root build --network host --isolation chroot --build-arg BASE=localhost/base -t nested -f "$dockerfile" "$context"
	echo "$output"
	[ "$status" = 0 ]
	expect_run "$version" podman_run podman_root localhost/nested
	needs_docker
	docker_import base "$WORK/inner"
	run docker_client build --network none --build-arg BASE=base -t nested -f "$dockerfile" "$context"
	echo "$output"
	[ "$status" = 0 ]
	expect_run "$version" docker_run nested
}

@test "N12: debug reaches the inner level, and its choices are told" {
	run as_user_userns -d run "$WORK/nested.sif" exec "$WORK/inner.sif" true
	[ "$status" = 0 ]
	[ "$(grep -c '^DEBUG .*mounted /proc$' <<<"$output")" = 2 ]
	run podman_run podman_user matrix $SIN -d exec --pid /images/inner.sif true
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"INFO "*"temporary sandbox"* ]]
	[[ $output == *"WARNING "*"fresh /proc is refused"* ]]
	[[ $output == *"DEBUG "*"mounted /proc"* ]]
}

@test "nothing is left behind, by the engines neither" {
	engines_stop
	sleep 2
	run leftovers
	echo "$output"
	[ -z "$output" ]
}
