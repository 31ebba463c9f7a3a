#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# --contain, --containall, --compat, --no-mount.

load ../lib/profiles.bash

setup_file() {
	launch_setup
	mkdir -p "$WORK/user/data"
	echo outside >"$WORK/user/data/file"
	chown -R "$TEST_USER:" "$WORK/user"
	touch "/tmp/.sgmark-$TEST_USER"
	export MARK="/tmp/.sgmark-$TEST_USER"
}
teardown_file() {
	rm -f "$MARK"
	launch_teardown
}

outer_pid_ns() { readlink /proc/self/ns/pid; }

check_contain() {
	cd "$WORK/user/data"
	GIVEN=(CALLER=here)
	run $profile exec --contain "$image" sh -c "ls -a /tmp | wc -l; echo \$CALLER; busybox readlink /proc/self/ns/pid; ls $WORK/user/data/file"
	[ "${lines[0]}" = 2 ] && [ "${lines[1]}" = here ] && [ "${lines[2]}" = "$(outer_pid_ns)" ]
	[ "$status" != 0 ]
	run $profile exec -c -B "$WORK/user/data:/mnt/d" -S /mnt/s "$image" sh -c 'cat /mnt/d/file; touch /mnt/s/x'
	expect 0; expect_output outside
}
@test "contain: own tmp and home, the caller's environment and processes, binds honoured" { each_profile check_contain; }

check_dev() {
	run $profile exec --contain "$image" sh -c 'cd /dev; for f in null zero full random urandom tty; do [ -c $f ] || echo no $f; done; for l in fd stdin stdout stderr ptmx; do [ -L $l ] || echo no $l; done; [ -d shm ] && [ -d pts ] && touch shm/x && stat -c %a shm; echo x >null; head -c 1 zero | wc -c; ls | wc -l'
	expect 0 ! "no "
	[ "${lines[0]}" = 1777 ] && [ "${lines[1]}" = 1 ] && [ "${lines[2]}" -le 16 ]
	run $profile exec "$image" sh -c 'ls /dev | wc -l; [ -e /dev/null ]'
	expect 0
	[ "$output" -ge "$(ls /dev | wc -l)" ]
}
@test "dev: small when contained, the host's otherwise" { each_profile check_dev; }

check_dev_binds() {
	run $profile exec --contain -B /dev/loop-control "$image" ls /dev/loop-control
	if [ -e /dev/loop-control ]; then expect 0; else expect 255; fi
	run $profile exec --contain --ipc "$image" grep -c ' /dev/mqueue mqueue ' /proc/self/mounts
	expect 0; expect_output 1
}
@test "dev: a device more by a bind, mqueue with an IPC namespace" { each_profile check_dev_binds; }

check_containall() {
	GIVEN=(CALLER=here TERM=vt100 http_proxy=p)
	run $profile exec --containall "$image" sh -c 'echo $CALLER,$TERM,$http_proxy,$LANG; echo $$; ls -a /tmp ~ | wc -l; cat /proc/1/comm'
	expect 0
	[ "${lines[0]}" = ",vt100,p,C" ] && [ "${lines[1]}" -le 3 ] && [ "${lines[3]}" = sinit ]
	run $profile exec -C "$image" busybox readlink /proc/self/ns/ipc
	[ "$output" != "$(readlink /proc/self/ns/ipc)" ]
	run $profile exec -C --no-pid "$image" busybox readlink /proc/self/ns/pid
	expect_output "$(outer_pid_ns)"
	run $profile exec -C -B "$WORK/user/data:/mnt/d" "$image" cat /mnt/d/file
	expect 0; expect_output outside
}
@test "containall: environment, processes and IPC are its own" { each_profile check_containall; }

check_compat() {
	umask 077
	GIVEN=(CALLER=here 'SINGULARITYENV_TEXT=a$(echo b)')
	run $profile exec --compat "$image" sh -c 'echo $CALLER,$TEXT; echo $$; umask; echo x >/mnt/new && cat /mnt/new; ls -a /tmp | wc -l'
	umask 022
	expect 0
	expect_output $',a$(echo b)\n1\n0022\nx\n2'
	[ ! -e "$WORK/box/mnt/new" ]
	run $profile exec --compat --no-compat "$image" true
	expect 255 FATAL: --compat --no-compat
	run $profile exec --no-compat "$image" echo ran
	expect 0 "WARNING:" --no-compat ran
}
@test "compat: no init, umask 0022, literal values, a writable root; refused with --no-compat" { each_profile check_compat; }

mounted() { # TARGET OPTION…
	local target=$1
	shift
	run $profile exec "$@" "$image" sh -c "busybox cat /proc/self/mounts || echo none"
	[[ $output == *" $target "* ]]
}

check_no_mount() {
	cd "$WORK/user"
	for target in /proc /dev "/tmp" /var/tmp; do
		mounted $target
	done
	run $profile exec --no-mount proc "$image" ls /proc/self
	[ "$status" != 0 ]
	! mounted /sys --no-mount sys || return 1
	! mounted /dev --no-mount dev || return 1
	! mounted /tmp --no-mount tmp || return 1
	! mounted /var/tmp --no-mount tmp || return 1
	! mounted "$WORK/user" --no-mount cwd,tmp || return 1
	! mounted /etc/hosts --no-mount bind-paths || return 1
	! mounted /etc/resolv.conf --no-mount bind-paths || return 1
	! mounted /etc/hosts --no-mount /etc/hosts || return 1
	! mounted /etc/resolv.conf --no-mount /etc/resolv.conf || return 1
	! mounted /dev/pts --contain --no-mount devpts || return 1
	mounted /etc/hosts --no-mount /etc/localtime
	run $profile exec --no-mount tmp,sys --no-mount dev "$image" cat /proc/self/mounts
	expect 0 ! " /tmp " " /sys " " /dev "
	GIVEN=(SINGULARITY_NO_MOUNT=sys,tmp)
	run $profile exec "$image" cat /proc/self/mounts
	expect 0 ! " /tmp " " /sys "
	GIVEN=()
	run $profile exec --no-mount nonsense,hostfs "$image" echo ran
	expect 0 "WARNING: Ignoring unknown mount type 'nonsense'" ran ! hostfs
}
@test "no-mount: every name, lists, the environment, unknown ones" { each_profile check_no_mount; }
