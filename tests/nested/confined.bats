#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Where namespaces and mounts are refused: the filter of an engine without the engine, as a user and as root with Docker's
# capabilities. The real engines are in matrix.bats.

load ../lib/profiles.bash

DOCKER_CAPS=0xa80425fb

setup_file() {
	[ "$(uname -m)" = x86_64 ] || skip "path translation is written for x86-64"
	profiles_setup
	make_sandbox "$WORK/box"
	ln -s /usr/bin/env-there "$WORK/box/absolute"
	mkdir -p "$WORK/box/usr/bin"
	echo 'of the image' >"$WORK/box/usr/bin/env-there"
	chown -R "$TEST_USER:" "$WORK/box"
	"$SINGULARITY" -q build "$WORK/box.sif" "$WORK/box"
	cc -O2 -D_GNU_SOURCE -o "$WORK/refuse" "$BATS_TEST_DIRNAME/../lib/refuse.c"
	cc -O2 -D_GNU_SOURCE -pthread -o "$WORK/box/bin/calls" "$BATS_TEST_DIRNAME/../lib/confined_calls.c" -static
	make_dynamic
	export WORK FUSE_MODE
}

teardown_file() { [ -z "${WORK:-}" ] || profiles_teardown; }

# Programs of this machine with their libraries and loader, in a tree whose /lib64 is a link as distributions have it.
make_dynamic() {
	local program library dir=$WORK/dynamic
	mkdir -p "$dir"/{usr/bin,usr/lib64,proc,tmp,dev,etc,home,root,sys,var/tmp}
	ln -s usr/bin "$dir/bin"
	ln -s usr/lib64 "$dir/lib64"
	ln -s usr/lib64 "$dir/lib"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$dir/etc/passwd"
	for program in bash ls cat readlink perl env find wc sleep; do
		cp "$(readlink -f "$(command -v "$program")")" "$dir/usr/bin/$program"
		for library in $(ldd "$dir/usr/bin/$program" | grep -o '/[^ )]*'); do
			cp -Ln "$library" "$dir/usr/lib64/" || true
		done
	done
	ln -s bash "$dir/usr/bin/sh"
	cc -O2 -D_GNU_SOURCE -pthread -o "$dir/usr/bin/calls" "$BATS_TEST_DIRNAME/../lib/confined_calls.c"
	printf '#!/usr/bin/env -S sh -e\necho "script $0 $1"\n' >"$dir/usr/bin/script"
	printf '#! /bin/script  an argument \n' >"$dir/usr/bin/script2"
	chmod +x "$dir/usr/bin/script" "$dir/usr/bin/script2"
	chown -R "$TEST_USER:" "$dir"
}

refused() { in_time "$WORK/refuse" "$@"; }
confined_user() { (cd "$WORK/user" && refused setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env "$@"); }
confined_root() {
	local held drop
	held=$(sed -n 's/^CapBnd:\t/0x/p' /proc/self/status)
	drop=$(capsh --decode="$(printf %x $((held & ~DOCKER_CAPS)))" | cut -d= -f2)
	(cd "$WORK/user" && refused capsh ${drop:+--drop="$drop"} -- -c 'exec "$@"' sh "$@")
}

both() { # ARGUMENT…: as user and as root
	local who
	for who in confined_user confined_root; do
		run $who "$SINGULARITY" "$@"
		"$check" || { echo "$who: status $status: $output"; return 1; }
	done
}

@test "sandboxes and SIF files run, and one line says what that is not" {
	check() { [ "$status" = 0 ] && [[ $output == *"no isolation at all: a seccomp filter refuses"* ]] && [ "$(grep -c ^WARNING <<<"$output")" = 1 ] && [[ $output == *ran* ]]; }
	check=check
	both exec "$WORK/box" echo ran
	both exec "$WORK/box.sif" echo ran
	both exec "$WORK/dynamic" bash -c 'echo ran'
}

@test "the ordinary launch does not take this way" {
	run as_user "$SINGULARITY" exec "$WORK/box" true
	[ "$status" = 0 ] && [[ $output != *"no isolation"* ]]
}

@test "ids are the caller's, 0 with --fakeroot" {
	run confined_user "$SINGULARITY" -s exec "$WORK/box" id -u
	[ "$output" = "$(id -u "$TEST_USER")" ]
	run confined_user "$SINGULARITY" -s exec --fakeroot "$WORK/box" sh -c 'id -u; echo >/tmp/sgcheck.$$; chown 5:6 /tmp/sgcheck.$$; stat -c %u:%g /tmp/sgcheck.$$; rm /tmp/sgcheck.$$'
	echo "$output"
	[ "$output" = $'0\n0:0' ]
	run confined_root "$SINGULARITY" -s exec --fakeroot "$WORK/box" id -u
	[ "$output" = 0 ]
}

@test "links are the image's, and nothing leads out of its root" {
	run confined_user "$SINGULARITY" -s exec "$WORK/box" cat /absolute /../../../absolute
	[ "$output" = $'of the image\nof the image' ]
	run confined_user "$SINGULARITY" -s exec "$WORK/box" sh -c 'cd /..; pwd; ls /etc; cat /etc/os-release'
	echo "$output"
	[[ $output == /$'\n'* ]] && [[ $output == *"No such file"* ]]
}

@test "home, working directory and binds are the real ones" {
	mkdir -p "$WORK/user/data"
	chown "$TEST_USER:" "$WORK/user/data"
	run confined_user "$SINGULARITY" -s exec -B "$WORK/user/data:/data,$WORK/user/data:/new/place:ro" "$WORK/box" \
		sh -c 'pwd; echo one >/data/file; cat /new/place/file; ls -d /new/place; echo x >/new/place/other; mkdir here'
	echo "$output"
	[[ $output == "$WORK/user"$'\none\n/new/place\n'*"Read-only file system"* ]]
	[ "$(cat "$WORK/user/data/file")" = one ]
	[ -d "$WORK/user/here" ] && [ ! -e "$WORK/user/data/other" ] && [ ! -e "$WORK/box/data" ] && [ ! -e "$WORK/box/new" ]
	rm -rf "$WORK/user/data" "$WORK/user/here"
}

@test "the root refuses writing; --writable-tmpfs changes what is thrown away, --writable the sandbox" {
	run confined_user "$SINGULARITY" -s exec "$WORK/box" sh -c 'echo x >/new; mkdir /newdir; rm /absolute'
	echo "$output"
	[ "$(grep -c 'Read-only file system' <<<"$output")" = 3 ]
	[ -L "$WORK/box/absolute" ]
	run confined_user "$SINGULARITY" -s exec "$WORK/dynamic" bash -c '[ -w /etc ] || [ ! -w /tmp ] || echo right'
	[ "$output" = right ]
	run confined_user "$SINGULARITY" -s exec --writable-tmpfs "$WORK/box.sif" sh -c 'echo x >/new && cat /new'
	[ "$output" = x ]
	run confined_user "$SINGULARITY" -s exec --writable "$WORK/box" sh -c 'echo y >/made'
	[ "$status" = 0 ] && [ "$(cat "$WORK/box/made")" = y ]
	rm "$WORK/box/made"
}

@test "isolation that is asked for is an error, not left out" {
	for option in --pid --net --ipc --uts --containall --compat --userns "--overlay $WORK/user" "--hostname h"; do
		run confined_user "$SINGULARITY" exec $option "$WORK/box" echo ran
		echo "$option: $output"
		[ "$status" = 255 ] && [[ $output == *"FATAL:   ${option%% *} cannot be had here: a seccomp filter refuses"* ]]
	done
}

@test "--contain has its own /dev, /tmp and home" {
	run confined_user "$SINGULARITY" -s exec --contain "$WORK/box" sh -c 'ls /tmp; ls $HOME; echo x >$HOME/f && cat $HOME/f; echo y >/dev/null && ls /dev | grep -c -e null -e sda'
	echo "$output"
	[ "$output" = $'x\n1' ]
}

@test "dynamic programs, scripts, argv[0] and /proc/self/exe" {
	run confined_user "$SINGULARITY" -s exec "$WORK/dynamic" bash -c \
		'readlink /proc/self/exe; (exec -a other sh -c "echo \$0"); script a; script2; cat /proc/$$/comm; perl -e "print qq{\$^X\n}"' 2>&1
	echo "$output"
	[[ $output == $'/usr/bin/readlink\nother\nscript /usr/bin/script a\nscript /bin/script an argument\nbash\n/usr/bin/perl' ]]
}

@test "every kind of call finds its file, in both kinds of programs" {
	for image in "$WORK/box" "$WORK/dynamic"; do
		for who in confined_user confined_root; do
			run $who "$SINGULARITY" -s exec "$image" calls "$WORK/user"
			echo "$image, $who: $output"
			rm -rf "$WORK"/user/calls.*
			[ "$status" = 0 ] && [ "$output" = "all calls are right" ]
		done
	done
}

@test "exit status and signals come through" {
	check() { [ "$status" = 7 ]; }
	check=check
	both -s exec "$WORK/box" sh -c 'exit 7'
	run confined_user "$SINGULARITY" -s exec "$WORK/box" sh -c 'kill -TERM $$'
	[ "$status" = 143 ]
	run confined_user "$SINGULARITY" exec "$WORK/box" no-such-program
	[ "$status" = 255 ] && [[ $output == *"executable file not found in"* ]]
	(cd "$WORK/user" && exec "$WORK/refuse" setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env "$SINGULARITY" -s exec "$WORK/box" \
		sh -c 'trap "echo got >got; exit 5" USR1; echo >ready; while :; do sleep 0.1; done') &
	for _ in $(seq 100); do [ -e "$WORK/user/ready" ] && break; sleep 0.1; done
	kill -USR1 $!
	status=0
	wait $! || status=$?
	[ "$status" = 5 ] && [ "$(cat "$WORK/user/got")" = got ]
	rm "$WORK/user/ready" "$WORK/user/got"
}

state_of() { sed 's/.*) //; s/ .*//' "/proc/$1/stat"; }

@test "a stopped payload stops the launch, and goes on with it" {
	(cd "$WORK/user" && exec "$WORK/refuse" setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env "$SINGULARITY" -s exec "$WORK/box" \
		sh -c 'kill -STOP $$; echo on >on; exit 9') &
	for _ in $(seq 50); do [ "$(state_of $!)" = T ] && break; sleep 0.1; done
	[ "$(state_of $!)" = T ] && [ ! -e "$WORK/user/on" ]
	kill -CONT $!
	status=0
	wait $! || status=$?
	[ "$status" = 9 ] && [ "$(cat "$WORK/user/on")" = on ]
	rm "$WORK/user/on"
}

@test "pipes, background jobs, many processes at once" {
	run confined_user "$SINGULARITY" -s exec "$WORK/dynamic" bash -c \
		'all=$(ls /usr/bin | wc -l); for i in {1..100}; do ls /usr/bin | cat | wc -l & done | while read -r n; do [ "$n" = "$all" ] && echo x; done | wc -l; wait'
	echo "$output"
	[ "$output" = 100 ]
	run confined_user "$SINGULARITY" -s exec "$WORK/box" sh -c 'i=0; while [ $i -lt 300 ]; do (ls /bin | wc -l) & i=$((i+1)); done | busybox sort -u; wait'
	[ "$output" = "$(ls "$WORK/box/bin" | wc -l)" ]
}

@test "killing the launch ends everything; the next launch removes what is left" {
	(cd "$WORK/user" && exec "$WORK/refuse" setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env env TMPDIR="$WORK/user" \
		"$SINGULARITY" -s exec "$WORK/box.sif" sh -c 'sleep 61 & echo >ready; sleep 61') &
	for _ in $(seq 100); do [ -e "$WORK/user/ready" ] && break; sleep 0.1; done
	kill -KILL $!
	wait $! || true
	sleep 0.5
	run pgrep -u "$TEST_USER" -f 'sleep 61'
	echo "$output"
	[ "$status" = 1 ]
	rm "$WORK/user/ready"
	run confined_user env TMPDIR="$WORK/user" "$SINGULARITY" -s exec "$WORK/box.sif" true
	[ "$status" = 0 ] && [ -z "$(ls "$WORK/user")" ]
}

@test "build needs no namespace" {
	check() { [ "$status" = 0 ]; }
	check=check
	both -s build --force /tmp/sgcheck.$$.sif "$WORK/box"
	run confined_user "$SINGULARITY" -s exec /tmp/sgcheck.$$.sif echo built
	rm -f /tmp/sgcheck.$$.sif
	[ "$output" = built ]
}

@test "nothing is left behind" {
	run leftovers
	echo "$output"
	[ -z "$output" ]
	[ -z "$(find /tmp -maxdepth 1 -name 'rootfs-*' -user "$TEST_USER")" ]
}
