#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# What the payload is and holds in each flow, who can get into the starter on the way, and what an image may not bring along.

load hostile.bash

setup_file() {
	hostile_setup
	mkdir "$WORK/box/nodes"
	mknod -m 0666 "$WORK/box/nodes/zero" c 1 5
	mknod -m 0666 "$WORK/box/nodes/null" c 1 3
	mknod -m 0666 "$WORK/box/nodes/disk" b 7 0
	cp "$BUILD/tests/hostile/nodes" "$WORK/box/bin/nodes"
	printf '#!/proc/self/exe\n' >"$WORK/box/bin/self"
	chmod 0755 "$WORK/box/bin/self"
	as_root build "$WORK/box.sif" "$WORK/box" 2>/dev/null
}
teardown_file() { hostile_teardown; }

# The report without what differs from host to host: ids by name, sets of capabilities by what is held or known, what lies below /sys
# and /etc.
normal_report() {
	local held all own
	held=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
	all=$(printf %016x $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
	own=$(sed -n 's/^Seccomp:[[:space:]]*//p' /proc/self/status)
	sed -e "s/\\b$(id -u "$TEST_USER")\\b/USER/g; s/\\b$(id -g "$TEST_USER")\\b/GROUP/g; s/$TEST_USER/NAME/g" \
		-e "s/\\b$held\\b/HELD/g; s/\\b$all\\b/ALL/g; s/^seccomp $own\$/seccomp CALLER/" \
		-e '/^mount \/sys\//d; /^mount \/etc\/\(hosts\|localtime\|resolv.conf\) /d; /^mount \/proc\//d' \
		-e '/^mount \/\.singularity\.d\//d; /^mount \/dev\/\(tty\|console\|fuse\) /d' \
		-e 's/^\(fd [0-9]* \).*/\1open/; s/,relatime\|,noatime\|,nodiratime//' | sort
}

# With the three standard descriptors alone.
without_descriptors() {
	for fd in /proc/"$BASHPID"/fd/*; do
		[ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"
	done
	"$@"
}

compare_report() { # PROFILE IMAGE
	local name=$1-$2 golden=$BATS_TEST_DIRNAME/golden/$1-${2//./_} found
	found=$(without_descriptors $1 exec --containall --no-home --pwd / "$WORK/$2" /bin/payload report </dev/null 2>"$WORK/errors" | normal_report)
	[ -z "${UPDATE_GOLDEN:-}" ] || echo "$found" >"$golden"
	diff -u "$golden" - <<<"$found" || { cat "$WORK/errors"; echo "in $name"; return 1; }
}

@test "identity: setuid" { compare_report as_user_suid box && compare_report as_user_suid box.sif; }
@test "identity: user namespace" { compare_report as_user_userns box && compare_report as_user_userns box.sif; }
@test "identity: fakeroot" { compare_report as_fakeroot box && compare_report as_fakeroot box.sif; }
@test "identity: root" { compare_report as_root box && compare_report as_root box.sif; }

@test "the user cannot get into the starter while it launches" {
	run as_user "$BUILD/tests/hostile/attacker" "$SUID_PREFIX/bin/singularity" exec "$WORK/box.sif" /bin/true
	echo "$output" | tail -5
	[ "$status" = 0 ] && [[ $output == *" 0 breaches"* ]]
}

@test "nor into the monitor and the init of a PID namespace" {
	run as_user "$BUILD/tests/hostile/attacker" "$SUID_PREFIX/bin/singularity" exec --pid "$WORK/box" /bin/sleep 0.02
	echo "$output" | tail -5
	[ "$status" = 0 ] && [[ $output == *" 0 breaches"* ]]
}

# A directory in a user namespace is left out: its nodes are on the host under the caller's rights already.
@test "device nodes of an image cannot be opened, not by the container's root either" {
	for launch in "as_user_suid exec $WORK/box" "as_user_suid exec $WORK/box.sif" "as_user_suid exec --writable-tmpfs $WORK/box" \
		"as_user_userns exec $WORK/box.sif" "as_fakeroot exec $WORK/box.sif" "as_fakeroot exec --writable-tmpfs $WORK/box.sif"; do
		run $launch /bin/nodes /nodes
		[ "$status" = 0 ] && [[ $output == *"none opened"* ]] || { echo "$launch: $output"; return 1; }
	done
}

@test "nobody's program can be opened for writing" {
	for profile in as_user_suid as_user_userns as_fakeroot; do
		run $profile exec "$WORK/box.sif" sh -c 'for p in /proc/[0-9]*/exe /proc/self/exe; do (exec 5>>$p) 2>/dev/null && echo "OPENED $p"; done; :'
		[ "$status" = 0 ] && [[ $output != *OPENED* ]] || { echo "$profile: $output"; return 1; }
	done
}

@test "an entry point #!/proc/self/exe starts nothing of ours" {
	for profile in as_user_suid as_user_userns as_root; do
		run $profile exec "$WORK/box" /bin/self
		[ "$status" != 0 ] && [[ $output != *PAYLOAD* ]]
	done
}

@test "no working directory leads out of the container" {
	for profile in as_user_suid as_user_userns as_root; do
		for n in $(seq 0 12); do
			run $profile exec --pwd "/proc/self/fd/$n" "$WORK/box" /bin/sh -c '/bin/payload report | grep ^cwd; ls ../../../.. | head -3'
			[[ $output != *unreachable* && $output != *"$WORK"* && $output != *lost+found* ]] || { echo "$profile $n: $output"; return 1; }
			[ "$status" != 0 ] || [[ $output == *"cwd /"* ]]
		done
	done
}

@test "a deleted working directory is no way out" {
	mkdir -p "$WORK/user/gone" && chown "$TEST_USER:" "$WORK/user/gone"
	for profile in as_user_suid as_user_userns; do
		run bash -c 'cd "$1/user/gone" && rmdir "$1/user/gone" && shift && "$@"; mkdir -p "'"$WORK/user/gone"'"; chown '"$TEST_USER"': "'"$WORK/user/gone"'"' \
			- "$WORK" setpriv --reuid "$TEST_USER" --regid "$TEST_USER" --init-groups --reset-env \
			"$([ $profile = as_user_suid ] && echo "$SUID_PREFIX/bin/singularity" || echo "$SINGULARITY")" exec "$WORK/box" /bin/sh -c 'pwd; ls -d /.inside'
		[[ $output != *unreachable* ]]
		[[ $output == *FATAL* || $output == */.inside* ]] || { echo "$output"; return 1; }
	done
}

@test "sources that are no files are refused by name" {
	for source in /proc/self/ns/mnt /proc/self/ns/user /proc/1/root /proc/self/fd /proc /sys; do
		run as_user_suid exec -B "$source:/mnt" "$WORK/box" /bin/true
		[ "$status" = 255 ] && [[ $output == *FATAL* ]] || { echo "$source: $output"; return 1; }
	done
}

@test "ids that are no numbers are errors, never names or other ids" {
	for id in 4294967296 4294967295 -1 0x0 ' 1' '1 ' 1: 1:99999999999 1e3 99999999999999999999 ''; do
		run as_root exec --security "uid:$id" "$WORK/box" id -u
		[ "$status" = 255 ] && [[ $output == *FATAL* ]] || { echo "uid '$id': $output"; return 1; }
		run as_root exec --security "gid:$id" "$WORK/box" id -g
		[ "$status" = 255 ] && [[ $output == *FATAL* ]] || { echo "gid '$id': $output"; return 1; }
	done
}

@test "nothing is left behind" { nothing_left; }
