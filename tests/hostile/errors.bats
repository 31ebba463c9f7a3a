#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Each system call of the starter fails in turn: the launch ends with an error, or runs with every restriction that was asked for.

load hostile.bash

setup_file() {
	hostile_setup
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}' >"$WORK/profile.json"
	as_root build "$WORK/box.sif" "$WORK/box" 2>/dev/null
	export STEPPER=$BUILD/tests/hostile/stepper
}
teardown_file() { hostile_teardown; }

# What must hold whenever the payload runs, line by line of its report.
check_restrictions() { # REPORT UID
	local report=$1 uid=$2
	grep -q "^IDS $uid $uid $uid " <<<"$report" || { echo "ids"; return 1; }
	grep -q '^no_new_privs 1' <<<"$report" || { echo "no_new_privs"; return 1; }
	grep -q '^seccomp 2' <<<"$report" || { echo "seccomp"; return 1; }
	grep -q '^caps 0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000' <<<"$report" || { echo "capabilities"; return 1; }
	grep -q '^restricted /mnt ro nosuid nodev' <<<"$report" || { echo "read-only bind"; return 1; }
	grep -q '^restricted / ro nosuid nodev' <<<"$report" || { echo "read-only root"; return 1; }
	! grep '^mount /[^ ]* \(ext4\|xfs\|btrfs\|overlay\|tmpfs\|squashfs\|fuse\) ' <<<"$report" | grep -v nosuid || { echo "nosuid"; return 1; }
}

fail_at_each() { # NAME STRIDE UID COMMAND…
	local name=$1 stride=$2 uid=$3 total errors="1 12" refused=0 ran=0
	shift 3
	total=$("$STEPPER" fail 1000000 1 "$@" 2>&1 >/dev/null </dev/null 3>&- | sed -n 's/^calls //p')
	[ "${total:-0}" -gt 50 ] || { echo "$name: only ${total:-no} calls"; return 1; }
	[ -z "${HOSTILE_LONG:-}" ] || { stride=1 errors="1 4 9 12 17 22 28 38"; }
	for error in $errors; do # EPERM ENOMEM; EINTR EBADF EEXIST EINVAL ENOSPC ENOSYS
		for ((k = 1 + RANDOM % stride; k <= total; k += stride)); do
			step fail "$k" "$error" "$@"
			case $status in
			124 | 125) echo "$name, call $k, error $error: $status $output"; return 1 ;;
			esac
			if grep -q '^IDS' <<<"$output"; then
				ran=$((ran + 1))
				check_restrictions "$output" "$uid" || { echo "$name, call $k of $total, error $error: $output"; return 1; }
			elif [ "$status" = 0 ]; then
				echo "$name, call $k of $total, error $error: no payload and no error: $output"
				return 1
			else
				refused=$((refused + 1))
			fi
		done
	done
	echo "$name: $total calls, $refused refused, $ran ran"
	[ $refused -gt 0 ]
}
user_command() { echo setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env; }
options() { echo --security "seccomp:$WORK/profile.json" -B "$WORK/user:/mnt:ro"; }

@test "every call of the setuid starter" {
	fail_at_each setuid 101 "$(id -u "$TEST_USER")" $(user_command) "$SUID_PREFIX/bin/singularity" exec $(options) "$WORK/box.sif" /bin/payload report
}
@test "every call of the setuid starter, with a PID namespace" {
	fail_at_each "setuid, pid" 151 "$(id -u "$TEST_USER")" $(user_command) "$SUID_PREFIX/bin/singularity" exec --pid $(options) "$WORK/box" /bin/payload report
}
@test "every call of the plain starter: user namespace" {
	fail_at_each userns 61 "$(id -u "$TEST_USER")" $(user_command) "$SINGULARITY" exec $(options) "$WORK/box.sif" /bin/payload report
}
@test "every call of the plain starter: root without privileges" {
	fail_at_each root 41 0 "$SINGULARITY" exec --no-privs $(options) "$WORK/box.sif" /bin/payload report
}

@test "without the mount API a read-only bind is read-only all the way down" {
	mkdir -p "$WORK/user/top/below"
	mount -t tmpfs tmpfs "$WORK/user/top/below"
	chmod 0777 "$WORK/user/top/below"
	for profile in "" "$(user_command)"; do
		run strace -f -o /dev/null -e inject=fsopen:error=EPERM $profile "$SINGULARITY" exec -B "$WORK/user/top:/mnt:ro" "$WORK/box" \
			/bin/sh -c 'touch /mnt/below/file; touch /mnt/file; echo ran'
		[[ $output == *ran* ]] && [ ! -e "$WORK/user/top/below/file" ] && [ ! -e "$WORK/user/top/file" ] || break
	done
	local found="$output $(ls "$WORK/user/top/below")"
	umount "$WORK/user/top/below"
	echo "$found"
	[[ $found == *ran* && $found != *$'ran '?* ]]
}

@test "nothing is left behind" { nothing_left; }
