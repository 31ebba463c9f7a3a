#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Every directory of examples/ has a page and a script, and the script prints what the page says, for root and for a user.

load ../lib/profiles.bash

setup_file() {
	profiles_setup
	make -s dist-nested BUILD="$BUILD" >/dev/null
	export WORK FUSE_MODE
	NESTED_DIST=$(realpath "$BUILD/nested")
	export NESTED_DIST
}

teardown_file() { profiles_teardown; }

# The first fenced block of a page.
promised() { awk '/^```/ {n++; next} n == 1' "examples/$1/README.md"; }

# The section NAME of the nested definition file, as a script.
section() { awk -v name="%$1" '/^%/ {on = ($1 == name); next} on' examples/nested/Singularity; }

@test "each example has a page and a script" {
	for dir in examples/*/; do
		dir=${dir%/}
		[ -x "$dir/run.sh" ]
		head -n 1 "$dir/README.md" | grep '^# '
		grep -qx "    $dir/run.sh" "$dir/README.md"
		[ -n "$(promised "${dir##*/}")" ]
	done
}

@test "each script prints what its page says, as root and as a user" {
	for dir in examples/*/; do
		name=$(basename "$dir")
		for who in in_time as_user; do
			$who env SINGULARITY="$SINGULARITY" NESTED_DIST="$NESTED_DIST" "$dir/run.sh" >"$WORK/printed" 2>"$WORK/errors" || {
				echo "$who $name failed"
				cat "$WORK/printed" "$WORK/errors"
				false
			}
			cat "$WORK/errors"
			diff <(promised "$name") "$WORK/printed"
		done
	done
}

@test "examples leave nothing behind" {
	sleep 2
	run leftovers
	echo "$output"
	[ -z "$output" ]
	[ -z "$(find /dev/shm -name 'example-*')" ]
}

@test "the steps of the nested definition file make the image it promises" {
	make_sandbox "$WORK/def"
	section files >"$WORK/files"
	while read -r from to; do
		[ -n "$from" ] || continue
		mkdir -p "$WORK/def${to%/*}"
		cp -a "${from/#build/$BUILD}" "$WORK/def$to"
	done <"$WORK/files"
	[ -x "$WORK/def/opt/singularity/bin/singularity" ]
	ln -s busybox "$WORK/def/bin/ln"
	mkdir -p "$WORK/def/usr/local/bin"
	section post >"$WORK/post"
	as_root exec --writable --bind "$WORK" "$WORK/def" sh -e "$WORK/post"
	for point in proc image fuse facts; do [ -e "$WORK/def/.singularity.d/outer/$point" ]; done
	{
		echo '#!/bin/sh'
		section runscript
	} >"$WORK/def/.singularity.d/runscript"
	chmod 0755 "$WORK/def/.singularity.d/runscript"
	as_root --quiet build "$WORK/def.sif" "$WORK/def"
	run as_root run "$WORK/def.sif"
	[ "$output" = "$("$SINGULARITY" version)" ]
	run as_root run "$WORK/def.sif" exec "$WORK/def.sif" singularity --version
	echo "$output"
	[[ ${lines[-1]} == "singularity version "* ]]
	section test >"$WORK/test"
	as_root exec --bind "$WORK" "$WORK/def.sif" sh -e "$WORK/test"
}

@test "the Dockerfile makes an image with that entry point" {
	command -v podman >/dev/null || skip "podman is not installed"
	make_sandbox "$WORK/context/base"
	ln -s busybox "$WORK/context/base/bin/ln"
	printf 'FROM scratch\nCOPY base /\n' >"$WORK/Dockerfile.base"
	storage="--root $WORK/storage --runroot $WORK/storage-run --storage-driver vfs"
	in_time podman $storage build --isolation chroot -q -t base -f "$WORK/Dockerfile.base" "$WORK/context"
	in_time podman $storage build --isolation chroot -q --pull=never --build-arg BASE=localhost/base -t nested \
		-f examples/nested/Dockerfile "$NESTED_DIST"
	run in_time podman $storage image inspect --format '{{.Config.Entrypoint}} {{.Config.Cmd}}' nested
	[ "$output" = "[/opt/singularity/bin/singularity] [version]" ]
	tree=$(in_time podman $storage image mount nested)
	[ "$(ls "$tree/.singularity.d/outer")" = $'facts\nfuse\nimage\nproc' ]
	run as_root exec "$tree" singularity version
	in_time podman $storage image umount nested
	echo "$output"
	[ "$output" = "$("$SINGULARITY" version)" ]
}
