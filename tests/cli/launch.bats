#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Launches under every profile: root, user namespace, fakeroot, setuid.

load ../lib/profiles.bash

setup_file() { launch_setup; }
teardown_file() { launch_teardown; }

expect_id() {
	run $profile exec "$image" id -u
	case $profile in
	as_root | as_fakeroot) [ "$status" = 0 ] && [ "$output" = 0 ] ;;
	*) [ "$status" = 0 ] && [ "$output" = "$(id -u "$TEST_USER")" ] ;;
	esac
}
@test "id is the caller's, or root's with fakeroot" { each_profile expect_id; }

expect_status() {
	run $profile exec "$image" sh -c 'exit 7'
	[ "$status" = 7 ]
}
@test "the payload's exit status comes through" { each_profile expect_status; }

expect_not_found() {
	run $profile exec "$image" no-such-program
	[ "$status" = 255 ] && [[ $output == *'FATAL:   "no-such-program": executable file not found in $PATH'* ]]
}
@test "a missing command is fatal with 255" { each_profile expect_not_found; }

expect_pwd() {
	cd "$WORK/user" || return 1
	run $profile exec "$image" pwd
	[ "$output" = "$WORK/user" ]
}
@test "the working directory is the caller's" { each_profile expect_pwd; }

expect_home() {
	run $profile exec "$image" sh -c 'echo $HOME; ls -d $HOME'
	[ "$status" = 0 ] || return 1
	case $profile in
	as_root | as_fakeroot) [ "${lines[0]}" = /root ] ;;
	*) [ "${lines[0]}" = "/home/$TEST_USER" ] ;;
	esac
}
@test "HOME is set and there" { each_profile expect_home; }

expect_bind() {
	run $profile exec -B /etc:/mnt/deep/er:ro "$image" cat /mnt/deep/er/hostname
	[ "$status" = 0 ] && [ "$output" = "$(cat /etc/hostname)" ]
	run $profile exec -B /tmp:/mnt/rd:ro "$image" touch /mnt/rd/file
	[ "$status" != 0 ]
}
@test "binds: missing mount points are made, ro holds" { each_profile expect_bind; }

expect_no_source() {
	run $profile exec -B /no/such/place "$image" true
	[ "$status" = 255 ] && [[ $output == *FATAL*"/no/such/place"* ]]
}
@test "a bind source that is not there is fatal" { each_profile expect_no_source; }

expect_read_only() {
	run $profile exec "$image" touch /newfile
	[ "$status" != 0 ]
	run $profile exec --writable-tmpfs "$image" sh -c 'echo x > /mnt/newfile && cat /mnt/newfile'
	[ "$status" = 0 ] && [ "$output" = x ] && [ ! -e "$WORK/box/mnt/newfile" ]
}
@test "the root is read-only, or writable and forgotten" { each_profile expect_read_only; }

expect_contained() {
	run $profile exec --containall "$image" sh -c 'ls /tmp | wc -l; ls $HOME | wc -l; echo $$; ls /dev'
	[ "$status" = 0 ] && [ "${lines[0]}" = 0 ] && [ "${lines[1]}" = 0 ] && [[ $output == *null* ]] && [[ $output != *loop* ]]
}
@test "containall: empty home and tmp, small dev" { each_profile expect_contained; }

expect_pid() {
	run $profile exec --pid "$image" ps
	[ "$status" = 0 ] && [[ $output == *"{sinit}"* ]] && [ "${#lines[@]}" -le 4 ] || return 1
	run $profile exec --pid --no-init "$image" sh -c 'echo $$'
	[ "$output" = 1 ] || return 1
	run $profile exec --pid "$image" sh -c 'kill -TERM $$'
	[ "$status" = 143 ]
}
@test "PID namespace: sinit, no-init, 128+N" { each_profile expect_pid; }

@test "environment: user values reach the payload" {
	for image in "$WORK/box" "$WORK/box.sif"; do
		run env SINGULARITYENV_FOO='a$((1+1))' OTHER=host timeout 60 "$SINGULARITY" exec --env BAR=b,BAZ=c "$image" env
		[ "$status" = 0 ]
		[[ $output == *"BAR=b"* && $output == *"BAZ=c"* && $output == *"OTHER=host"* && $output == *"FOO=a2"* ]]
		run env OTHER=host timeout 60 "$SINGULARITY" exec --cleanenv "$image" env
		[[ $output != *OTHER=host* && $output == *"LANG=C"* ]]
	done
}

expect_caps() {
	run $profile exec "$image" cat /proc/self/status
	[ "$status" = 0 ] || return 1
	case $profile in
	as_user_*) [ "$(grep -c '^Cap.*0000000000000000$' <<<"$output")" = 5 ] && [[ $output == *NoNewPrivs:$'\t'1* ]] ;;
	*) [[ $output == *NoNewPrivs:$'\t'0* ]] ;;
	esac
}
@test "capabilities: none for users in all five sets, no_new_privs" { each_profile expect_caps; }

expect_nothing_between() {
	run $profile exec "$image" sh -c 'cat /proc/$PPID/comm'
	# timeout(1) is what calls us here
	[ "$output" = timeout ]
}
@test "nothing stands between the caller and the payload" { each_profile expect_nothing_between; }

@test "inherited descriptors reach the payload under their numbers" {
	for image in "$WORK/box" "$WORK/box.sif"; do
		run bash -c 'exec 9< <(echo through); timeout 60 "$0" exec "$1" sh -c "cat <&9"' "$SINGULARITY" "$image"
		[ "$output" = through ]
	done
}

@test "nothing is left behind, also after SIGKILL" {
	for profile in as_root as_user_userns as_user_suid; do
		for delay in 0.001 0.003 0.006 0.01 0.02 0.05; do
			$profile exec --pid "$WORK/box.sif" sleep 30 &
			sleep "$delay"
			kill -9 $! 2>/dev/null || true
			pkill -9 -P $! 2>/dev/null || true
			wait $! 2>/dev/null || true
		done
	done
	pkill -9 -x starter || true
	pkill -9 -x starter-suid || true
	sleep 2
	run leftovers
	[ -z "$output" ]
}

@test "bad images are named and refused" {
	head -c 40000 "$WORK/box.sif" >"$WORK/cut.sif"
	echo nonsense >"$WORK/nonsense"
	for image in "$WORK/cut.sif" "$WORK/nonsense" "$WORK/absent"; do
		for profile in as_root as_user_suid; do
			run $profile exec "$image" true
			[ "$status" = 255 ]
			[[ $output == *FATAL:* ]]
		done
	done
}

@test "closed stdio and small limits" {
	run bash -c 'timeout 60 "$0" exec "$1" true <&- >&- 2>&-' "$SINGULARITY" "$WORK/box"
	[ "$status" = 0 ]
	run bash -c 'ulimit -n 16; timeout 60 "$0" exec "$1" true' "$SINGULARITY" "$WORK/box"
	[ "$status" = 255 ]
	[[ $output == *FATAL:* ]]
}

@test "setuid: configuration that others can write is refused" {
	conf=$SUID_PREFIX/etc/singularity/singularity.conf
	chmod g+w "$conf"
	run as_user_suid exec "$WORK/box" true
	chmod g-w "$conf"
	[ "$status" = 255 ]
	[[ $output == *"must be owned by root"* ]]
	mv "$conf" "$conf.away"
	run as_user_suid exec "$WORK/box" true
	mv "$conf.away" "$conf"
	[ "$status" = 255 ]
}

@test "setuid: directives bind" {
	conf=$SUID_PREFIX/etc/singularity/singularity.conf
	cp "$conf" "$conf.kept"
	sed -i 's/^allow container dir = yes/allow container dir = no/' "$conf"
	run as_user_suid exec "$WORK/box" true
	cp "$conf.kept" "$conf"
	rm "$conf.kept"
	[ "$status" = 255 ]
	[[ $output == *"allow container dir"* ]]
}

@test "the starter refuses to be started by hand" {
	run timeout 10 "$(dirname "$SINGULARITY")/../libexec/singularity/bin/starter" </dev/null
	[ "$status" = 255 ]
	run as_user "$SUID_PREFIX/libexec/singularity/bin/starter-suid" </dev/null
	[ "$status" = 255 ]
}

@test "explain prints the plan and starts nothing" {
	run as_root exec --explain "$WORK/box" touch "$WORK/started"
	[ "$status" = 0 ]
	[[ $output == *"flow: root"* ]]
	[ ! -e "$WORK/started" ]
}

@test "explain=json prints one JSON object and nothing else on standard output" {
	for profile in as_root as_user_userns; do
		$profile exec --explain=json "$WORK/box.sif" true 2>/dev/null | jq -e '.mounts | length > 5'
	done
}
