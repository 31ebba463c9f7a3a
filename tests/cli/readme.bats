#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# The commands of README's code blocks, in their order, as somebody who reads it would type them. For `make` and debootstrap, which have
# tests of their own, something quicker stands in.

load ../lib/profiles.bash

setup_file() {
	profiles_setup
	make -s dist-nested BUILD="$BUILD" >/dev/null
	mkdir -p "$WORK/source" "$WORK/bin"
	ln -s "$(realpath "$BUILD")" "$WORK/source/build"
	ln -s "$PWD/examples" "$WORK/source/examples"
	printf '#!/bin/sh\nexec %s/examples/busybox/make_tree.sh "$3"\n' "$PWD" >"$WORK/bin/debootstrap"
	printf '#!/bin/sh\nexec /usr/bin/env make -n -C %s "$@"\n' "$PWD" >"$WORK/bin/make"
	sed -i "s:/usr/bin/env make:$(command -v make):" "$WORK/bin/make"
	chmod 0755 "$WORK"/bin/*
	# "other" images that the text takes for granted.
	make_sandbox "$WORK/inner"
	for name in inner other any; do as_root -q build "$WORK/source/$name.sif" "$WORK/inner"; done
	export WORK FUSE_MODE
}

teardown_file() { profiles_teardown; }

# Lines that are indented by four and not inside of a fence.
commands() { awk '/^```/ {fenced = !fenced; next} !fenced && /^    [^ ]/ {print substr($0, 5)}' README.md; }

@test "README opens with the two commands" {
	run head -n 4 README.md
	[ "${lines[1]}" = "    make demo" ]
	[ "${lines[2]}" = "    make check" ]
}

@test "every command of README's blocks works" {
	commands >"$WORK/commands"
	[ "$(wc -l <"$WORK/commands")" -ge 10 ]
	cd "$WORK/source"
	while read -r line <&9; do
		echo "\$ $line"
		PATH="$WORK/bin:$PATH" in_time bash -c "$line" </dev/null
	done 9<"$WORK/commands"
}

@test "every command the table of installations names is a target" {
	grep -o '`make [a-z-]*' README.md | sort -u | while read -r _ target; do
		run make -n "$target"
		echo "$target: $output"
		[ "$status" = 0 ]
	done
}

@test "files and directories that README names are there" {
	grep -oE '`(frontend|starter|ipc|policy|tests|examples|etc)/[A-Za-z0-9_./-]*`' README.md | tr -d '`' | sort -u | while read -r path; do
		echo "$path"
		[ -e "$path" ]
	done
}
