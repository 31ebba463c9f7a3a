#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# run, shell, test, --app: what is started, with what arguments, messages and exit statuses.

load ../lib/profiles.bash

setup_file() {
	launch_setup add_scripts
	make_sandbox "$WORK/plain"
	cp -r "$WORK/plain" "$WORK/bare"
	rm "$WORK/bare/bin/sh"
	cp -r "$WORK/plain" "$WORK/bash"
	rm "$WORK/bash/bin/sh"
	printf '#!/bin/busybox sh\necho "bash $*"\n' >"$WORK/bash/bin/bash"
	chmod 0755 "$WORK/bash/bin/bash"
	ln -s busybox "$WORK/bash/bin/sh"
	chown -R "$TEST_USER:" "$WORK"/{plain,bare,bash}
	as_root build --sandbox "$WORK/built" "$WORK/box.sif" 2>/dev/null
	chown -R "$TEST_USER:" "$WORK/built"
	# Our own build would add the scripts whose absence is tested here.
	for name in plain bare bash; do mksquashfs "$WORK/$name" "$WORK/$name.sqfs" -quiet -no-progress >/dev/null; done
}
teardown_file() { launch_teardown; }

add_scripts() {
	local meta="$1/.singularity.d" app="$1/scif/apps/one"
	mkdir -p "$meta/env" "$app/scif/env" "$app/bin" "$app/lib" "$1/scif/apps/two/scif"
	printf '#!/bin/sh\necho "run: $# $*"\nexit 5\n' >"$meta/runscript"
	printf '#!/bin/sh\necho "test: $*"\n[ "$1" != fail ]\n' >"$meta/test"
	printf '#!/bin/sh\necho "one: $SINGULARITY_APPNAME $SCIF_APPNAME $*"; tool\n' >"$app/scif/runscript"
	printf '#!/bin/sh\necho "one test"\nexit 6\n' >"$app/scif/test"
	printf 'export APP_VALUE=one\n' >"$app/scif/env/90-environment.sh"
	printf '#!/bin/sh\necho "tool of one"\n' >"$app/bin/tool"
	printf 'echo no header "$1"\n' >"$1/bin/headless"
	printf '#!/no/such/interpreter\n' >"$1/bin/lost"
	printf 'not executable\n' >"$1/bin/data"
	printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0\x01\0\0\0' >"$1/bin/foreign"
	head -c 200 /dev/zero >>"$1/bin/foreign"
	chmod 0755 "$meta/runscript" "$meta/test" "$app/scif/runscript" "$app/scif/test" "$app/bin/tool" "$1/bin/headless" "$1/bin/lost" "$1/bin/foreign"
}

check_run() {
	run $profile run "$image"
	expect 5; expect_output "run: 0 "
	run $profile run "$image" a "b c" -x --help
	expect 5; expect_output "run: 4 a b c -x --help"
	run $profile exec "$image" sh -c 'echo $SINGULARITY_COMMAND'
	expect_output exec
}
@test "run: the runscript, its arguments, its status" { each_profile check_run; }

check_no_runscript() {
	run $profile run "$image" -c 'echo shell $1; exit 3' name arg
	expect 3 "INFO:    No runscript found in container, executing /bin/sh" "shell arg"
	run $profile test "$image"
	expect 0; expect_output "INFO:    No test script found in container, exiting"
}
@test "run and test: images without scripts" { each_profile -i "$WORK/plain $WORK/plain.sqfs" check_no_runscript; }

check_bare() {
	run $profile run "$image"
	expect 1 "ERROR:   No runscript and no /bin/sh executable found in container, aborting"
	run $profile shell "$image"
	expect 1 "ERROR:   /bin/sh does not exist in container"
	run $profile exec "$image" echo works
	expect 0; expect_output works
}
@test "run and shell: neither script nor shell" { each_profile -i "$WORK/bare $WORK/bare.sqfs" check_bare; }

check_test() {
	run $profile test "$image"
	expect 0; expect_output "test: "
	run $profile test "$image" fail
	expect 1 "test: fail"
}
@test "test: the test script, its arguments, its status" { each_profile check_test; }

shell_in() { # TEXT OPTION…
	local text=$1
	shift
	printf '%s\n' "$text" | $profile shell "$@" "$image"
}

check_shell() {
	run shell_in 'echo $SHELL; echo $SINGULARITY_COMMAND; exit 4'
	expect 4; expect_output $'/bin/sh\nshell'
	run shell_in 'echo $SHELL' --shell /bin/echo
	expect 0; expect_output ""
	run shell_in 'echo $SHELL' -s /no/such/shell
	expect 0 WARNING: /no/such/shell /bin/sh
	GIVEN=(SINGULARITY_SHELL=/bin/busybox)
	run shell_in ''
	expect 0 BusyBox
	GIVEN=()
	run $profile shell "$image" ignored arguments </dev/null
	expect 0
}
@test "shell: sh, the one of --shell, more arguments ignored" { each_profile check_shell; }

check_bash() {
	run shell_in ''
	expect 0; expect_output "bash --norc"
}
@test "shell: bash without start-up files where the image has it" { each_profile -i "$WORK/bash $WORK/bash.sqfs" check_bash; }

check_app() {
	run $profile run --app one "$image" x y
	expect 0; expect_output $'one: one one x y\ntool of one'
	run $profile test --app one "$image"
	expect 6; expect_output "one test"
	run $profile exec --app one "$image" sh -c 'echo $SINGULARITY_APPNAME $APP_VALUE $SCIF_APPROOT; tool'
	expect 0; expect_output $'one one /scif/apps/one\ntool of one'
	GIVEN=(SINGULARITY_APP=one)
	run $profile run "$image"
	expect 0 "tool of one"
	GIVEN=()
	run $profile run --app two "$image"
	expect 1 "ERROR:   No Singularity runscript for contained app: two"
	run $profile test --app two "$image"
	expect 1 "ERROR:   No tests for contained app: two"
	run $profile run --app ../../bin "$image"
	[ "$status" != 0 ]
	run $profile exec --app absent "$image" true
	expect 1 absent
}
@test "app: its script, tests, environment and programs" { each_profile -i "$WORK/built $WORK/box.sif" check_app; }

check_exec() {
	run $profile exec "$image" sh -c 'exit 0'
	expect 0
	run $profile exec "$image" sh -c 'exit 254'
	expect 254
	run $profile exec "$image" headless arg
	expect 0; expect_output "no header arg"
	run $profile exec "$image" no-such-program
	expect 255 'FATAL:   "no-such-program": executable file not found in $PATH'
	run $profile exec "$image" /no/such/program
	expect 255 "FATAL:   stat /no/such/program: no such file or directory"
	run $profile exec "$image" data
	expect 255 'FATAL:   "data": permission denied'
	run $profile exec "$image" /etc
	expect 255 FATAL: /etc
	run $profile exec "$image" ""
	expect 255 FATAL:
	run $profile exec "$image" lost
	expect 255 FATAL: "interpreter"
	case $(uname -m) in
	x86_64)
		run $profile exec "$image" foreign
		expect 255 "image targets 'arm64', cannot run on 'amd64'"
		;;
	esac
	cd "$WORK/user"
	printf '#!/bin/sh\necho local\n' >"$WORK/user/mine"
	chmod 0755 "$WORK/user/mine"
	run $profile exec "$image" ./mine
	expect 0; expect_output local
	run $profile exec "$image" -- true
	[ "$status" = 255 ]
	run $profile exec -- "$image" ls -d /bin
	expect 0; expect_output /bin
}
@test "exec: found on PATH, scripts without a header, statuses and messages of failures" { each_profile check_exec; }

check_quiet() {
	run $profile exec "$image" true
	expect 0; expect_output ""
}
@test "a launch that has nothing to say says nothing" { each_profile check_quiet; }

@test "run-singularity runs an image by its own name, quietly" {
	PATH="$(dirname "$SINGULARITY"):$PATH"
	chmod +x "$WORK/box.sif"
	run in_time "$WORK/box.sif" a b
	[ "$status" = 5 ]
	[ "$output" = "run: 2 a b" ]
}

@test "stdin, stdout and stderr are the payload's" {
	for profile in as_root as_user_userns as_fakeroot as_user_suid; do
		[ "$(echo through | $profile exec "$WORK/box.sif" cat 2>&1 1>/dev/null)" = "" ]
		[ "$(echo through | $profile exec "$WORK/box.sif" cat 2>/dev/null)" = through ]
		[ "$($profile exec --pid "$WORK/box.sif" sh -c 'echo err >&2' 2>&1 >/dev/null)" = err ]
	done
}
