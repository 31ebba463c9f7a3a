#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Namespaces, host name, network, name servers.

load ../lib/profiles.bash

setup_file() { launch_setup; }
teardown_file() { launch_teardown; }

inner_ns() { # NAME OPTION…
	local name=$1
	shift
	run $profile exec "$@" "$image" busybox readlink "/proc/self/ns/$name"
	expect 0
	NS=${lines[-1]}
}

# Without an option every namespace but those of mounts and, without privilege, users is the caller's.
check_none() {
	local name
	for name in pid ipc uts net cgroup time; do
		inner_ns $name
		[ "$NS" = "$(readlink /proc/self/ns/$name)" ] || { echo "$profile: $name"; return 1; }
	done
	inner_ns mnt
	[ "$NS" != "$(readlink /proc/self/ns/mnt)" ]
	inner_ns user
	case $profile in
	as_root | as_user_suid) [ "$NS" = "$(readlink /proc/self/ns/user)" ] ;;
	*) [ "$NS" != "$(readlink /proc/self/ns/user)" ] ;;
	esac
}
@test "none but the mount namespace is new by itself" { each_profile check_none; }

check_each() {
	inner_ns ipc --ipc
	[ "$NS" != "$(readlink /proc/self/ns/ipc)" ]
	inner_ns ipc -i
	[ "$NS" != "$(readlink /proc/self/ns/ipc)" ]
	inner_ns uts --uts
	[ "$NS" != "$(readlink /proc/self/ns/uts)" ]
	inner_ns net --net --network none
	[ "$NS" != "$(readlink /proc/self/ns/net)" ]
	inner_ns pid --pid
	[ "$NS" != "$(readlink /proc/self/ns/pid)" ]
	inner_ns pid --pid --no-pid
	[ "$NS" = "$(readlink /proc/self/ns/pid)" ]
	GIVEN=(SINGULARITY_UNSHARE_IPC=1 SINGULARITY_UTS=true)
	inner_ns ipc
	[ "$NS" != "$(readlink /proc/self/ns/ipc)" ]
	inner_ns uts
	[ "$NS" != "$(readlink /proc/self/ns/uts)" ]
	GIVEN=(SINGULARITY_IPC=0)
	inner_ns ipc
	[ "$NS" = "$(readlink /proc/self/ns/ipc)" ]
}
@test "each by its option, and by its variable" { each_profile check_each; }

check_userns() {
	inner_ns user --userns
	[ "$NS" != "$(readlink /proc/self/ns/user)" ]
	run $profile exec -u "$image" sh -c 'id -u; cat /proc/self/uid_map /proc/self/setgroups'
	expect 0
	[[ $output == *deny* ]]
	[ "$profile" != as_user_suid ] || [ "${lines[0]}" = "$(id -u "$TEST_USER")" ]
	[ "$profile" != as_root ] || [ "${lines[0]}" = 0 ]
}
@test "userns: one's own id, no privilege used" { each_profile -p "as_root as_user_userns as_user_suid" check_userns; }

check_pid() {
	run $profile exec --pid "$image" sh -c 'cat /proc/1/comm; echo $PPID; ps | wc -l'
	expect 0
	[ "${lines[0]} ${lines[1]}" = "sinit 1" ] && [ "${lines[2]}" -le 5 ]
	run $profile exec -p --no-init "$image" sh -c 'cat /proc/1/comm; echo $$'
	expect 0; expect_output $'sh\n1'
	run $profile exec --pid "$image" sh -c 'exit 3'
	expect 3
	run $profile exec --pid "$image" sh -c 'kill -USR1 $$'
	expect $((128 + 10))
	# Orphans are reaped by pid 1, and end with it.
	run $profile exec --pid "$image" sh -c '(true &) ; sleep 0.2; busybox ps -o stat | grep -c Z'
	expect_output 0
	run $profile exec --pid "$image" sh -c 'sleep 300 >/dev/null 2>&1 & exit 4'
	expect 4
}
@test "pid: sinit reaps and passes the status on; no-init makes the payload pid 1" { each_profile check_pid; }

# Both never exec, and need little: waiting, sending signals, ending.
check_waiters() {
	local launch sinit monitor state
	$profile exec --pid "$image" sleep 20 3>&- &
	launch=$!
	for ((i = 0; i < 100; i++)); do
		sinit=$(pgrep -x sinit) && [ "$(pgrep -xc sleep)" -ge 1 ] && break
		sleep 0.05
	done
	[ -n "$sinit" ]
	monitor=$(ps -o ppid= -p "$sinit" | tr -d ' ')
	for pid in "$sinit" "$monitor"; do
		state=$(grep -E '^(Seccomp|NoNewPrivs):' "/proc/$pid/status")
		[ "$state" = $'NoNewPrivs:\t1\nSeccomp:\t2' ] || { echo "$profile: $pid: $state"; return 1; }
	done
	kill -TERM "$monitor"
	state=0
	wait "$launch" || state=$?
	[ "$state" = $((128 + 15)) ] || { echo "$profile: status $state"; return 1; }
}
@test "pid: monitor and sinit stay under a filter, and still pass signals and status on" { each_profile -i "$WORK/box" check_waiters; }

check_signal() {
	rm -f "$WORK/user/ready"
	$profile exec "$@" "$image" sh -c "trap 'exit 7' TERM; echo x >$WORK/user/ready; while :; do sleep 0.05; done" &
	local pid=$!
	for _ in $(seq 100); do [ ! -e "$WORK/user/ready" ] || break; sleep 0.05; done
	# Down to the child of timeout(1), which is the launcher, or has become the payload.
	kill -TERM "$(pgrep -n -P "$(pgrep -o -P "$pid" || echo "$pid")" || pgrep -n -P "$pid")"
	wait "$pid" && return 1 || status=$?
	expect 7
}
check_signals() {
	check_signal
	check_signal --pid
}
@test "signals reach the payload, directly and through a PID namespace" {
	each_profile -p "as_user_userns as_user_suid" check_signals
}

check_died() {
	run $profile exec "$image" sh -c 'kill -KILL $$'
	[ "$status" = 137 ]
	run $profile exec --pid "$image" sh -c 'kill -SEGV $$'
	[ "$status" = 139 ]
}
@test "a payload that dies of a signal: 128+N" { each_profile check_died; }

check_hostname() {
	run $profile exec --hostname box-1.example "$image" sh -c 'busybox hostname; cat /etc/hostname'
	expect 0; expect_output $'box-1.example\nbox-1.example'
	[ "$(cat /proc/sys/kernel/hostname)" != box-1.example ]
	GIVEN=(SINGULARITY_HOSTNAME=from-env)
	run $profile exec "$image" busybox hostname
	expect 0; expect_output from-env
	GIVEN=()
	local bad
	for bad in "a b" -a a- a..b .a a. a_b 'a/b' "" "$(printf 'a%.0s' {1..65})" "$(printf 'a%.0s' {1..64})" ä; do
		run $profile exec --hostname "$bad" "$image" true
		expect 255 FATAL: "not a valid host name"
	done
	run $profile exec --hostname "$(printf 'a%.0s' {1..63})" "$image" true
	expect 0
}
@test "hostname: set inside alone; what is none is refused" { each_profile check_hostname; }

check_net() {
	run $profile exec --net --network none "$image" sh -c 'busybox ip -o link | wc -l; busybox ip -o addr show lo | grep -c "127.0.0.1/8"; busybox ping -c 1 -W 1 127.0.0.1 >/dev/null 2>&1 || busybox ip link show up | grep -c lo'
	expect 0
	[ "${lines[0]}" = 1 ] && [ "${lines[1]}" = 1 ]
	run $profile exec --network none "$image" busybox ip -o link
	expect 0
	[ "${#lines[@]}" = 1 ]
	run $profile exec --net --network bridge "$image" true
	expect 255 FATAL: "--network bridge is not available in this version"
	run $profile exec --network one,two "$image" true
	expect 255 FATAL: one,two
	run $profile exec --network-args portmap=8080:80/tcp "$image" true
	expect 255 FATAL: --network-args
	run $profile exec --netns-path /proc/self/ns/net "$image" true
	expect 255 FATAL: --netns-path
	run $profile exec --net "$image" true
	if [ "$profile" = as_fakeroot ]; then
		expect 0 WARNING:
	else
		expect 255 FATAL: "network bridge is not available in this version: use --net --network none"
	fi
}
@test "net: none has a loopback that is up; others name what is missing" { each_profile check_net; }

check_contained_net() {
	run $profile exec --contain --net --network none "$image" cat /etc/hosts
	expect 0 "127.0.0.1" localhost
	[ "${#lines[@]}" -le 4 ]
}
@test "net: contained, with a hosts file of its own" { each_profile check_contained_net; }

check_dns() {
	run $profile exec --dns 192.0.2.1,2001:db8::1 "$image" cat /etc/resolv.conf
	expect 0; expect_output $'nameserver 192.0.2.1\nnameserver 2001:db8::1'
	GIVEN=(SINGULARITY_DNS=192.0.2.7)
	run $profile exec "$image" cat /etc/resolv.conf
	expect 0; expect_output "nameserver 192.0.2.7"
	GIVEN=()
	run $profile exec "$image" cat /etc/resolv.conf
	expect_output "$(cat /etc/resolv.conf)"
	local bad
	for bad in nonsense 192.0.2.256 192.0.2.1,x "192.0.2.1 options" $'192.0.2.1\nsearch evil' ","; do
		run $profile exec --dns "$bad" "$image" true
		expect 255 FATAL: "is not an IP address"
	done
}
@test "dns: addresses only; the host's resolv.conf otherwise" { each_profile check_dns; }

check_allowed() {
	sed -e 's/^allow pid ns = .*/allow pid ns = no/' -e 's/^allow ipc ns = .*/allow ipc ns = no/' -e 's/^allow uts ns = .*/allow uts ns = no/' \
		etc/singularity.conf >"$WORK/conf"
	chmod 0644 "$WORK/conf"
	GLOBAL=(--config "$WORK/conf")
	run $profile exec --pid --ipc --hostname box "$image" sh -c 'busybox hostname; busybox readlink /proc/self/ns/pid'
	expect 0 "Not virtualizing PID namespace by configuration" "Not virtualizing IPC namespace by configuration" \
		"Not virtualizing UTS namespace by configuration" "$(readlink /proc/self/ns/pid)"
	[[ $output != *$'\nbox\n'* ]]
}
@test "namespaces that the configuration forbids are left out with a warning" { each_profile -p "as_root as_user_userns" check_allowed; }

@test "allow user ns = no: refused by name" {
	sed -e 's/^allow user ns = .*/allow user ns = no/' etc/singularity.conf >"$WORK/conf"
	chmod 0644 "$WORK/conf"
	GLOBAL=(--config "$WORK/conf")
	for profile in as_user_userns as_fakeroot; do
		run $profile exec "$WORK/box" true
		expect 255 FATAL: "allow user ns = no"
	done
}
