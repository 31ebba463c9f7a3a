#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Capabilities, --security, umask, --fakeroot and what it pretends.

load ../lib/profiles.bash

setup_file() {
	launch_setup add_programs
	cat >"$WORK/chmod.json" <<-'END'
		{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}
	END
}
teardown_file() { launch_teardown; }

# A setuid copy of busybox, and what asks the kernel by each of its tables of system calls.
add_programs() {
	cp /bin/busybox "$1/bin/suid-id"
	ln -s suid-id "$1/bin/suid"
	cc -static -O1 -o "$1/bin/syscalls" tests/lib/syscalls.c
}

caps() { # SET: of the last run, which showed /proc/self/status
	local line
	for line in "${lines[@]}"; do
		[[ $line != "Cap$1:"* ]] || { printf '%s\n' "$((16#${line##*$'\t'}))"; return 0; }
	done
	return 1
}

# What is held at all on this machine.
bounding() { echo $((16#$(awk '/^CapBnd/ { print $2 }' /proc/self/status))); }

check_default_caps() {
	run $profile exec "$image" cat /proc/self/status
	expect 0
	case $profile in
	as_root) [ "$(caps Eff)" = "$(bounding)" ] && [ "$(caps Amb)" = "$(bounding)" ] && [[ $output == *NoNewPrivs:$'\t0'* ]] ;;
	as_fakeroot) [ "$(caps Eff)" != 0 ] && [[ $output == *NoNewPrivs:$'\t0'* ]] ;;
	*) [ "$(caps Eff)$(caps Prm)$(caps Inh)$(caps Bnd)$(caps Amb)" = 00000 ] && [[ $output == *NoNewPrivs:$'\t1'* ]] ;;
	esac
}
@test "capabilities: all of root's, all in fakeroot, none of a user's" { each_profile check_default_caps; }

check_drop() {
	run $profile exec --drop-caps all "$image" cat /proc/self/status
	expect 0
	[ "$(caps Eff)$(caps Bnd)$(caps Amb)" = 000 ]
	run $profile exec --drop-caps chown,CAP_NET_RAW "$image" cat /proc/self/status
	expect 0
	[ $(($(caps Eff) & (1 << 0 | 1 << 13))) = 0 ]
	! is_root_inside || [ $(($(caps Eff) & 1 << 1)) != 0 ]
	run $profile exec --drop-caps all --add-caps Cap_Chown "$image" cat /proc/self/status
	expect 0
	is_root_inside || expect 0 "WARNING: " "not authorized to add capability"
	run $profile exec --drop-caps nonsense "$image" cat /proc/self/status
	expect 0 "WARNING:" nonsense
	GIVEN=(SINGULARITY_DROP_CAPS=all)
	run $profile exec "$image" cat /proc/self/status
	[ "$(caps Eff)" = 0 ]
}
@test "drop-caps: one, several, all, in any spelling; unknown ones are warned of" { each_profile check_drop; }

check_no_privs() {
	run $profile exec --no-privs "$image" cat /proc/self/status
	expect 0 $'NoNewPrivs:\t1'
	[ "$(caps Eff)$(caps Bnd)$(caps Amb)" = 000 ]
	run $profile exec --no-privs --add-caps chown "$image" cat /proc/self/status
	expect 0
	! is_root_inside || [ "$(caps Eff)" = 1 ]
}
@test "no-privs: nothing left, and nothing to gain" { each_profile check_no_privs; }

check_keep_privs() {
	run $profile exec --keep-privs "$image" cat /proc/self/status
	case $profile in
	as_root) expect 0; [ "$(caps Eff)" = "$(bounding)" ] ;;
	as_fakeroot) expect 0 ;;
	*) expect 255 "FATAL:   --keep-privs requires root" ;;
	esac
}
@test "keep-privs: for root alone" { each_profile check_keep_privs; }

@test "root default capabilities: no, and file" {
	sed -e 's/^root default capabilities = .*/root default capabilities = no/' etc/singularity.conf >"$WORK/conf"
	GLOBAL=(--config "$WORK/conf")
	run as_root exec "$WORK/box" cat /proc/self/status
	expect 0 $'NoNewPrivs:\t1'
	[ "$(caps Eff)" = 0 ]
	run as_root exec --keep-privs "$WORK/box" cat /proc/self/status
	expect 0 $'NoNewPrivs:\t0'
	[ "$(caps Eff)" = "$(bounding)" ]
	run as_root exec --add-caps chown "$WORK/box" cat /proc/self/status
	[ "$(caps Eff)" = 1 ]
}

@test "setuid: a capability that was granted cannot be given yet, and that is said" {
	conf=$SUID_PREFIX/etc/singularity/capability.json
	cp "$conf" "$WORK/kept"
	printf '{"users":{"%s":["CAP_NET_RAW"]},"groups":{}}\n' "$TEST_USER" >"$conf"
	run as_user_suid exec --add-caps net_raw "$WORK/box" true
	granted=$status output_granted=$output
	run as_user_suid exec --add-caps chown "$WORK/box" cat /proc/self/status
	cp "$WORK/kept" "$conf"
	expect 0 "WARNING: not authorized to add capability: CAP_CHOWN"
	[ "$(caps Eff)" = 0 ]
	[ "$granted" = 255 ]
	[[ $output_granted == *FATAL:*CAP_NET_RAW* ]]
}

check_allow_setuid() {
	chown root "$WORK/box/bin/suid-id"
	chmod 4755 "$WORK/box/bin/suid-id"
	run $profile exec --allow-setuid "$WORK/box" true
	case $profile in
	as_root)
		expect 0
		run $profile exec --allow-setuid --security uid:65534 --no-mount proc "$WORK/box" cat /etc/group
		expect 0
		run $profile exec --allow-setuid "$WORK/box" grep " / " /proc/self/mounts
		expect 0 ! nosuid
		;;
	*) expect 255 "FATAL:   --allow-setuid requires root" ;;
	esac
	run $profile exec "$WORK/box" grep " / " /proc/self/mounts
	expect 0 nosuid
	chown "$TEST_USER" "$WORK/box/bin/suid-id"
	chmod 0755 "$WORK/box/bin/suid-id"
}
@test "allow-setuid: for root alone" { each_profile -i - check_allow_setuid; }

check_ids() {
	run $profile exec --security uid:1234 --security gid:55:66:77 "$image" cat /proc/self/status
	if [ "$profile" != as_root ]; then
		expect 255 FATAL: "--security uid and gid require root"
		return
	fi
	expect 0 $'Uid:\t1234\t1234\t1234\t1234' $'Gid:\t55\t55\t55\t55' $'Groups:\t55 66 77' $'NoNewPrivs:\t1'
	[ "$(caps Eff)$(caps Prm)$(caps Amb)" = 000 ]
	run $profile exec --security uid:1234,gid:55 "$image" id
	expect 0 uid=1234 gid=55
	run $profile exec --security gid:55 --security uid:1234 --add-caps chown "$image" cat /proc/self/status
	expect 0 $'Uid:\t1234'
	local bad
	for bad in uid: uid:x uid:-1 uid:4294967295 uid:1:2 gid: gid:1:x gid:1: uid:99999999999999999999; do
		run $profile exec --security "$bad" "$image" true
		expect 255 FATAL:
	done
}
@test "security: uid and gid for root alone, whole numbers" { each_profile check_ids; }

check_seccomp() {
	run $profile exec --security "seccomp:$WORK/chmod.json" "$image" sh -c 'grep ^Seccomp: /proc/self/status; mkdir /tmp/.sgnew-$$ 2>&1'
	[ "$status" != 0 ] && [[ $output == *Seccomp:$'\t2'*"not permitted"* ]]
	run $profile exec --security seccomp:etc/seccomp-profiles/default.json "$image" true
	expect 0
	run $profile exec --security seccomp:/no/such "$image" true
	expect 255 FATAL: /no/such
	echo '{"defaultAction": "SCMP_ACT_NONSENSE"}' >"$WORK/bad.json"
	run $profile exec --security "seccomp:$WORK/bad.json" "$image" true
	expect 255 FATAL: "$WORK/bad.json"
}
@test "security: seccomp profiles" { each_profile check_seccomp; }

check_lsm() {
	run $profile exec --security nonsense:1 "$image" true
	expect 255 "FATAL:   unknown security option"
	[ -e /sys/fs/selinux/enforce ] || {
		run $profile exec --security selinux:unconfined_t "$image" true
		expect 255 FATAL: "--security selinux: this kernel has not enabled it"
	}
	[ -e /sys/kernel/security/apparmor ] || {
		run $profile exec --security apparmor:unconfined "$image" true
		expect 255 FATAL: "--security apparmor: this kernel has not enabled it"
	}
}
@test "security: an LSM that the kernel lacks, and unknown words, are fatal" { each_profile check_lsm; }

check_umask() {
	umask 027
	run $profile exec "$image" sh -c umask
	local first=$output
	run $profile exec --no-umask "$image" sh -c umask
	umask 022
	[ "$first" = 0027 ]
	expect_output 0022
}
@test "umask: the caller's, or 0022" { each_profile check_umask; }

check_fakeroot() {
	run $profile exec --fakeroot "$image" sh -c 'id -u; id -g; echo $HOME; cat /proc/self/uid_map; cat /proc/self/setgroups'
	expect 0
	[ "${lines[0]}${lines[1]}${lines[2]}" = 00/root ]
	run $profile exec --no-setgroups "$image" true
	expect 0 "WARNING: --no-setgroups has no effect without --fakeroot"
	GIVEN=(SINGULARITY_FAKEROOT=1)
	run $profile exec "$image" id -u
	expect 0; expect_output 0
}
@test "fakeroot: uid 0, its groups, the variable" { each_profile -p "as_root as_user_userns as_user_suid" check_fakeroot; }

check_fakeroot_owner() {
	rm -rf "$WORK/user/own"
	mkdir "$WORK/user/own" && chown "$TEST_USER:" "$WORK/user/own"
	run as_fakeroot exec -B "$WORK/user/own:/mnt/o" "$image" sh -c 'touch /mnt/o/f && busybox chown 5:6 /mnt/o/f && stat -c %u:%g /mnt/o/f'
	expect 0; expect_output 5:6
	[ "$(stat -c %u "$WORK/user/own/f")" = $(($(awk -F: -v user="$TEST_USER" '$1 == user { print $2; exit }' /etc/subuid) + 4)) ]
	rm "$WORK/user/own/f"
}
@test "fakeroot: other owners are subordinate ids outside" { each_profile -p as_fakeroot check_fakeroot_owner; }

@test "fakeroot: supplementary groups are dropped, or kept with --no-setgroups" {
	local groups
	for groups in --no-setgroups ""; do
		run in_time setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --groups 4242 --reset-env "$SINGULARITY" exec --fakeroot $groups "$WORK/box" grep ^Groups: /proc/self/status
		expect 0
		if [ -n "$groups" ]; then
			[[ ${lines[-1]} == *65534* ]] # a group that is not mapped
		else
			[[ ${lines[-1]} != *65534* ]]
		fi
	done
}

# An id without subordinate ones.
as_single() { in_time setpriv --reuid 54321 --regid 54321 --clear-groups --reset-env env HOME=/tmp "$SINGULARITY" "$@"; }

@test "fakeroot with a single id: changes of owner are pretended, by every table of system calls" {
	for image in "$WORK/box" "$WORK/box.sif"; do
		run as_single exec --fakeroot "$image" sh -c 'id -u && cd /tmp && touch .sgs-$$ && busybox chown 5:6 .sgs-$$ && stat -c %u .sgs-$$ && busybox rm .sgs-$$'
		expect 0 "pretended"
		[ "${lines[-1]}" = 0 ]
		run as_single exec --fakeroot "$image" syscalls
		expect 0
		case $(uname -m) in
		x86_64) expect 0 "native: pretended" "x32: pretended" "i386: pretended" "i386 getuid: 0" ;;
		*) expect 0 "native: pretended" ;;
		esac
	done
	# Outside the emulation the same calls fail: the test can tell.
	run as_user_userns exec "$WORK/box" syscalls
	expect 0 "native: refused"
}

# personality(2) and soft limits are set aside for the starter and given back to the payload; a hard limit that is too low is refused.
check_caller_state() {
	GIVEN=(setarch "$(uname -m)" --whole-seconds prlimit --cpu=600: --as=4000000000:)
	run $profile exec "$image" sh -c 'cat /proc/self/personality; ulimit -t; ulimit -v'
	expect 0; expect_output $'02000000\n600\n3906250'
	GIVEN=(prlimit --as=31000000)
	run $profile exec "$WORK/box" true
	expect 255 FATAL: "ulimit -Hv"
	GIVEN=(prlimit --fsize=0)
	run $profile exec "$image" true
	expect 255 FATAL: "ulimit -Hf"
	GIVEN=(prlimit --fsize=0: --cpu=1)
	run $profile exec "$image" sh -c 'ulimit -f; ulimit -t'
	expect 0; expect_output $'0\n1'
}
@test "what the caller's process has: personality, limits" { each_profile check_caller_state; }

@test "doctor in setuid mode: no advice that would change nothing" {
	run as_user_suid doctor
	expect 0 "fuse2fs         rejected   EPERM" "to improve: launch with --userns" ! "--device /dev/fuse"
}
